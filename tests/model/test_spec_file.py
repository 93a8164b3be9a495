"""The loader of study files: every mistake is a SpecError with file, line and a hint; hostile files end in one line."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from cdiscx.model.errors import SpecError
from cdiscx.model.spec import Study

Write = Callable[..., Path]

GOOD = """\
id: mine
studyid: MINE-1
title: A study
sheets:
  Visits:
    holds: visits
    key: [SUBJID]
    columns:
      Subject ID:
        is: SUBJID
        type: id
        required: true
      Visit Date:
        is: VISDAT
        type: date
anchors:
  D1:
    label: first day
    sources: [{of: visits.VISDAT}]
schedule:
  - name: DAY 1
    num: 1
    anchor: D1
    target: 0
    window: 3
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(text: str | bytes, name: str = "mine.yaml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
        return path

    return to_file


def problems(path: Path) -> list[str]:
    with pytest.raises(SpecError) as caught:
        Study.load(str(path))
    return [p.replace(str(path.parent.resolve()) + "/", "") for p in caught.value.problems]


def test_a_small_study_of_ones_own_loads_from_its_path(write: Write) -> None:
    study = Study.load(str(write(GOOD)))
    assert study.studyid == "MINE-1"
    assert study.schedule[0].window == 3


def test_a_file_with_a_byte_order_mark_and_windows_line_ends_loads(write: Write) -> None:
    assert Study.load(str(write(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()))).id == "mine"


def test_an_unknown_key_is_named_with_its_place_and_the_nearest_key(write: Write) -> None:
    found = problems(write(GOOD.replace("        type: date", "        tpye: date")))
    assert found == [
        "mine.yaml:15:9: sheets.Visits.columns.Visit Date.tpye: unknown key, did you mean 'type'?",
    ]


def test_a_key_is_suggested_as_people_write_it_and_not_as_python_does(write: Write) -> None:
    found = problems(write(GOOD.replace("is: VISDAT", "iss: VISDAT")))
    assert "mine.yaml:14:9: sheets.Visits.columns.Visit Date.iss: unknown key, did you mean 'is'?" in found
    assert "mine.yaml:13:7: sheets.Visits.columns.Visit Date.is: this key is missing" in found


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines(write: Write) -> None:
    text = GOOD.replace("title: A study\n", "").replace("type: id", "type: identifier").replace("window: 3", "windw: 3")
    found = problems(write(text + "  - {name: DAY 2, num: two, anchor: D1}\n"))
    assert [p.split(":")[1] for p in found] == ["1", "10", "24", "25"]
    assert found[0].endswith("title: this key is missing")
    assert "'identifier' is not one of 'id', 'date'" in found[1]
    assert found[2].endswith("unknown key, did you mean 'window'?")
    assert "number" in found[3]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("window: 3", "window: three", "valid integer"),
        ("window: 3", "window: 3.5", "valid integer"),
        ("required: true", "required: 'yes'", "valid boolean"),
        ("key: [SUBJID]", "key: SUBJID", "tuple"),
        ("title: A study", "title: [A study]", "valid string"),
        ("sheets:\n", "sheets: none\nrest:\n", "valid dictionary"),
        ("num: 1", "num: true", "valid number"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_and_never_converted(write: Write, old: str, new: str, says: str) -> None:
    assert any(says in p for p in problems(write(GOOD.replace(old, new, 1))))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("key: [SUBJID]", "key: [SUBJIT]", "there is no column 'SUBJIT', did you mean 'SUBJID'?"),
        ("of: visits.VISDAT", "of: visit.VISDAT", "there is no table 'visit', did you mean 'visits'?"),
        ("of: visits.VISDAT", "of: visits.VISDT", "there is no column of visits 'VISDT', did you mean 'VISDAT'?"),
        ("anchor: D1", "anchor: D2", "there is no anchor 'D2', did you mean 'D1'?"),
        ("is: VISDAT", "is: SUBJID", "the house column 'SUBJID' is given 2 times"),
        (
            "type: date",
            "type: date\n        synonyms: [subject id]",
            "the heading 'subject id' already means 'Subject ID'",
        ),
        ("type: date", "type: num\n        min: 5\n        max: 2", "5 is more than `max` (2)"),
        ("type: date", "type: term\n        default: A\n        terms: {B: []}", "there is no term 'A'"),
        ("label: first day", "label: first day\n    otherwise: ENROL", "there is no anchor 'ENROL'"),
        (
            "anchors:",
            "expectations: [{id: E-1, table: visits, type: expect_column_values_to_be_nul, message: A., kwargs: {column: VISDAT}}]\nanchors:",
            "did you mean 'expect_column_values_to_be_null'?",
        ),
        (
            "anchors:",
            "translations: {zh: {first dey: 首日}}\nanchors:",
            "there is no text 'first dey', did you mean 'first day'?",
        ),
        (
            "anchors:",
            "translations: {zh: {first day: '{N} 日'}}\nanchors:",
            "its slots are none, those of the translation are not",
        ),
    ],
)
def test_a_reference_that_leads_nowhere_is_an_error(write: Write, old: str, new: str, says: str) -> None:
    found = problems(write(GOOD.replace(old, new, 1)))
    assert any(says in p for p in found), found
    assert all(p.startswith("mine.yaml:") for p in found)


def test_a_key_given_twice_is_refused(write: Write) -> None:
    assert problems(write(GOOD + "id: other\n")) == ['mine.yaml:26:1: the key "id" is given twice']


def test_a_tab_is_named_as_a_tab(write: Write) -> None:
    assert problems(write("id: mine\nsheets:\n\tVisits: x\n")) == [
        "mine.yaml:3:1: a tab stands where blanks are needed; indent with blanks"
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "mine.yaml:1:1: the file is empty"),
        (b"# only a comment\n", "mine.yaml:1:1: the file is empty"),
        (b"- a\n- b\n", "mine.yaml:1:1: a study file is a mapping of keys to values"),
        (b"just text", "mine.yaml:1:1: a study file is a mapping of keys to values"),
        (b"id: mine\ntitle: caf\xe9\n", "mine.yaml:2:1: is not UTF-8 text; save the file as UTF-8"),
        (b"id: mine\nid2: [1, 2\n", "mine.yaml:3:1: expected ',' or ']', but got '<stream end>'"),
        (b"id: a: b\n", "mine.yaml:1:6: mapping values are not allowed here"),
        (b"id: mine\n---\nid: other\n", "mine.yaml:2:1: but found another document"),
        (b"id: *nowhere\n", "mine.yaml:1:5: found undefined alias 'nowhere'"),
        (b"%YAML 1.1\n---\nid: no\n", "mine.yaml:1:1: leave the %-line out; study files are YAML 1.2"),
        (b"[" * 20_000, "mine.yaml:1:1: nested deeper than 40 levels"),
        (b"PK\x03\x04\x00\x00\x00", "mine.yaml:1:1: is not valid YAML"),
    ],
)
def test_a_file_that_is_no_study_file_ends_in_one_line(write: Write, content: bytes, says: str) -> None:
    found = problems(write(content))
    assert len(found) == 1
    assert found[0].startswith(says)


def test_aliases_that_grow_without_bound_are_stopped(write: Write) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    found = problems(write("\n".join(lines)))
    assert len(found) == 1
    assert "more than 200000 values once its aliases are put in" in found[0]


def test_an_alias_that_holds_itself_is_stopped(write: Write) -> None:
    found = problems(write("id: &me\n  deeper: *me\n"))
    assert found == [
        "mine.yaml:1:1: id: input should be a valid string, found {'deeper': None}",
        "mine.yaml:1:1: studyid: this key is missing",
        "mine.yaml:1:1: title: this key is missing",
    ]


def test_a_file_that_is_far_too_large_is_not_parsed(write: Write) -> None:
    assert "larger than 5 MB" in problems(write(b"#" * 5_000_001))[0]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            "title: !!python/object/apply:os.system [ls]",
            "the tag !!python/object/apply:os.system is not for study files",
        ),
        ("title: !secret x", "the tag !secret is not for study files"),
        ("title: .inf", "'inf' is no text, number"),
        ("title: 2024-01-01 10:00:00", "is no text, number"),
        ("title: 007", "a leading zero is lost; write the number in quotes"),
        ("title: {1: x}", 'a key must be text; write it in quotes: "1"'),
    ],
)
def test_a_value_that_yaml_knows_and_study_files_do_not_is_refused(write: Write, line: str, says: str) -> None:
    found = problems(write(GOOD.replace("title: A study", line)))
    assert any(says in p and p.startswith("mine.yaml:3:") for p in found), found


def test_yes_and_no_stay_text_and_merge_keys_have_a_place(write: Write) -> None:
    text = (
        GOOD.replace("title: A study", "title: no")
        .replace("      Visit Date:\n", "      Visit Date: &date\n")
        .replace("anchors:", "      Other Date:\n        <<: *date\n        is: OTHDAT\n        wrong: 1\nanchors:")
    )
    found = problems(write(text))
    assert found == ["mine.yaml:19:9: sheets.Visits.columns.Other Date.wrong: unknown key"]


def test_a_study_extends_blocks_and_its_own_words_win(write: Write) -> None:
    write("missing_words: ['-']\nparameters: {limit_days: 5, other: 1}\n", "_house/block.yaml")
    path = write("extend: block\nparameters: {limit_days: 7}\n" + GOOD)
    study = Study.load(str(path))
    assert study.missing_words == ("-",)
    assert (study.parameters["limit_days"], study.parameters["other"]) == (7, 1)
    assert study.parameters["no_scan_days"] == 84  # the house's, which stand under every study


def test_a_null_takes_away_what_a_block_gave(write: Write) -> None:
    write(GOOD, "base.yaml")
    study = Study.load(str(write("extend: [base]\nid: two\nschedule: null\nanchors: {D1: null}\n")))
    assert study.schedule == ()
    assert study.anchors == {}


def test_the_place_of_a_mistake_is_the_file_that_made_it(write: Write) -> None:
    write(GOOD.replace("window: 3", "windw: 3"), "base.yaml")
    assert problems(write("extend: [base]\nid: two\n"))[0].startswith("base.yaml:25:5: schedule.0.windw: unknown key")


def test_blocks_that_extend_each_other_are_told_as_a_circle(write: Write) -> None:
    write("extend: [two]\n", "one.yaml")
    write("extend: [one]\n", "two.yaml")
    found = problems(write("extend: [one]\n" + GOOD))
    assert found == ["two.yaml:1:1: `extend` goes in a circle: one.yaml > two.yaml > one.yaml"]


def test_a_block_that_does_not_exist_is_named_with_what_the_house_has(write: Write) -> None:
    found = problems(write("extend: [site_workbok]\n" + GOOD.replace("window", "windw")))
    assert "there is no block 'site_workbok', did you mean 'site_workbook'? The house has: " in found[0]
    assert "unknown key, did you mean 'window'?" in found[1]
    assert len(found) == 2


@pytest.mark.parametrize("extend", ["5", "{a: b}", "[[a]]", "[1]"])
def test_extend_takes_names_only(write: Write, extend: str) -> None:
    assert "extend: a list of block names is needed" in problems(write(f"extend: {extend}\n" + GOOD))[0]


def test_blocks_are_found_by_paths_as_windows_writes_them(write: Write) -> None:
    write("missing_words: ['-']\n", "blocks/words.yaml")
    assert Study.load(str(write("extend: ['blocks\\words.yaml']\n" + GOOD))).missing_words == ("-",)


def test_a_parameter_is_written_once_and_meant_everywhere(write: Write) -> None:
    path = write(GOOD.replace("window: 3", "window: $slack_days") + "parameters: {slack_days: 9}\n")
    assert Study.load(str(path)).schedule[0].window == 9


def test_a_reference_to_no_parameter_is_an_error_with_a_suggestion(write: Write) -> None:
    found = problems(write(GOOD.replace("window: 3", "window: $slack_day") + "parameters: {slack_days: 9}\n"))
    assert "mine.yaml:25:5: schedule.0.window: there is no parameter 'slack_day', did you mean '$slack_days'?" in found


def test_a_parameter_of_the_wrong_type_is_told_where_it_is_used(write: Write) -> None:
    found = problems(write(GOOD.replace("window: 3", "window: $slack_days") + "parameters: {slack_days: nine}\n"))
    assert found[0].startswith("mine.yaml:25:5: schedule.0.window:")


def test_a_misspelt_parameter_is_not_a_new_one(write: Write) -> None:
    write("parameters: {scan_spread_days: 14}\n", "_house/numbers.yaml")
    found = problems(write("extend: [numbers]\nparameters: {scan_spred_days: 20}\n" + GOOD))
    assert found == ["mine.yaml:2:14: parameters.scan_spred_days: unknown parameter, did you mean 'scan_spread_days'?"]


def test_a_new_parameter_of_ones_own_is_in_order(write: Write) -> None:
    write("parameters: {scan_spread_days: 14}\n", "_house/numbers.yaml")
    path = write("extend: [numbers]\nparameters: {my_own_limit: 20}\n" + GOOD)
    assert Study.load(str(path)).p("my_own_limit") == 20


@pytest.mark.parametrize("name", ["palhep", "pal-hep-a", "C:\\studies\\mine.yaml", "nowhere/mine.yaml", ""])
def test_a_study_that_does_not_exist_is_answered_with_those_that_do(name: str) -> None:
    with pytest.raises(SpecError, match=r"there is no study .*Bundled studies: neopvtt-b, palhep-a") as caught:
        Study.load(name)
    assert "\n" not in str(caught.value)


def test_a_typo_in_a_study_that_extends_the_house_is_found_in_its_own_file(write: Write) -> None:
    path = write(
        """\
        id: three
        studyid: THREE
        title: A third study
        extend: [site_workbook, liver, parameters]
        sheets:
          Visits:
            columns:
              Visit Date:
                requried: true
        """
    )
    assert problems(path) == [
        "mine.yaml:9:9: sheets.Visits.columns.Visit Date.requried: unknown key, did you mean 'required'?"
    ]


def test_a_third_study_on_the_house_blocks_needs_only_its_name(write: Write) -> None:
    study = Study.load(
        str(write("id: three\nstudyid: THREE\ntitle: A third study\nextend: [site_workbook, liver, parameters]\n"))
    )
    assert study.sheet_name("visits") == "Visits"
    assert study.p("scan_spread_days") == 14


def test_a_key_with_a_line_break_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text('id: mine\n"no\\nsuch\\rkey": 1\n')
    with pytest.raises(SpecError) as caught:
        Study.load(str(path))
    assert all(len(problem.splitlines()) == 1 for problem in caught.value.problems)
    assert any("no such key: unknown key" in problem for problem in caught.value.problems)


def test_a_problem_is_one_line_of_bounded_length_however_long_the_key():
    key = "start\n" + "x" * 50_000 + "end"
    (line,) = SpecError([f"mine.yaml:1:1: {key}: unknown key"]).problems
    assert "\n" not in line
    assert len(line) <= 1000
    assert line.startswith("mine.yaml:1:1: start x")
    assert line.endswith("xend: unknown key")
