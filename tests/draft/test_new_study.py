"""`cdiscx new study`: what a draft of a workbook holds, and that it loads with exactly its own questions open."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from openpyxl import Workbook

from cdiscx import flow
from cdiscx.cli_study import lint, new
from cdiscx.draft import draft_study, lint_study
from cdiscx.draft.content import kind_of, order_of
from cdiscx.model.spec import Study
from cdiscx.samples import write_demo

GERMAN = Path(__file__).parent.parent / "third" / "site-31.xlsx"


@pytest.fixture(scope="module")
def german(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Study]:
    text = draft_study("lumen-21", flow.read(GERMAN))
    file = tmp_path_factory.mktemp("draft") / "lumen-21.yaml"
    file.write_text(text, encoding="utf-8")
    return text, Study.load(str(file))


def test_a_workbook_in_a_language_that_no_synonym_speaks_is_recognised_by_its_content(
    german: tuple[str, Study],
) -> None:
    _, study = german
    held = {sheet.holds: name for name, sheet in study.sheets.items()}
    assert held == {
        "subjects": "Patienten", "visits": "Termine", "dosing": "Prüfmedikation", "targets": "Zielläsionen",
        "nontargets": "Weitere Läsionen", "newlesions": "Neue Läsionen",
    }  # fmt: skip
    assert all("SUBJID" in {c.is_ for c in s.columns.values()} for s in study.sheets.values())
    visits = {header: (c.is_, c.type) for header, c in study.sheets["Termine"].columns.items()}
    assert visits["Termin"] == ("VISIT", "visit")
    assert visits["Datum"] == ("VISDAT", "date")
    assert visits["Erschienen"] == ("VISDONE", "yn")
    assert study.date_order == "DMY"


def test_every_guess_says_on_what_it_rests(german: tuple[str, Study]) -> None:
    text, _ = german
    assert "Bildgebung: {is: TRDAT, type: date}   # guess: 108 of 108 cells are dates" in text
    assert "Zielläsionen:   # guess: lesion ids such as T1" in text
    assert 'Erschienen: {is: VISDONE, type: yn, required: true, terms: {"Y": [ja], "N": [nein]}}' in text


def test_what_nobody_recognises_is_a_proposal_behind_a_hash(german: tuple[str, Study]) -> None:
    text, study = german
    assert "#  Labor:" in text
    assert (
        "# Raucherstatus: {is: RAUCHERS, type: term, terms: {FRÜHER: [früher], AKTUELL: [aktuell], NIE: [nie]}}" in text
    )
    assert "Labor" not in study.sheets


def test_the_schedule_and_the_regimens_are_those_of_the_data(german: tuple[str, Study]) -> None:
    _, study = german
    names = [(v.name, v.target, v.baseline) for v in study.schedule[:3]]
    assert names == [("Basisuntersuchung", None, True), ("Zyklus 1 Tag 1", 0, False), ("Zyklus 1 Tag 15", 14, False)]
    assert {v.name: v.every for v in study.schedule if v.repeat}["Zyklus"] == 21
    kinds = {name: (r.kind, r.amount, r.interval) for name, r in study.regimens.items()}
    assert kinds == {"KEYTRUDA": ("infusion", 200.0, 21), "TABRECTA": ("daily", 400.0, None)}


def test_lint_of_a_draft_lists_each_of_its_questions_once(german: tuple[str, Study], tmp_path: Path) -> None:
    text, _ = german
    file = tmp_path / "lumen-21.yaml"
    file.write_text(text, encoding="utf-8")
    found = lint_study(str(file))
    asked = [line for line in found.open if ": to decide:" in line]
    assert found.status == 1
    assert len(asked) == sum("# DECIDE:" in line for line in text.splitlines()) > 20
    assert len(set(asked)) == len(asked)


def test_a_workbook_of_the_house_is_recognised_sheet_by_sheet_and_column_by_column(tmp_path: Path) -> None:
    write_demo(tmp_path)
    text = draft_study("again", flow.read(tmp_path / "palhep-a" / "clean" / "site-01.xlsx"))
    (tmp_path / "again.yaml").write_text(text, encoding="utf-8")
    draft, known = Study.load(str(tmp_path / "again.yaml")), Study.load("palhep-a")
    assert {s.holds for s in draft.sheets.values()} == {s.holds for s in known.sheets.values()}
    for sheet in draft.sheets.values():
        theirs = known.sheet_of(sheet.holds)
        assert theirs is not None
        own = {c.is_ for c in sheet.columns.values()} - {"EVAL"}
        lost = {c.is_ for c in theirs[1].columns.values() if c.required} - own
        assert not lost, sheet.holds
    assert set(draft.regimens) == set(known.regimens)


def test_the_verb_writes_a_file_and_never_over_one(tmp_path: Path) -> None:
    out = tmp_path / "mine.yaml"
    ran = CliRunner().invoke(new, ["study", "mine", "--from", str(GERMAN), "--out", str(out)])
    assert ran.exit_code == 0, ran.output
    assert "open points" in ran.output
    before = out.read_bytes()
    again = CliRunner().invoke(new, ["study", "mine", "--from", str(GERMAN), "--out", str(out)])
    assert again.exit_code != 0
    assert "is there already" in str(again.exception)
    assert out.read_bytes() == before
    assert CliRunner().invoke(lint, [str(out)]).exit_code == 1


def test_an_upload_of_nothing_known_still_gives_a_draft_that_loads(tmp_path: Path) -> None:
    book = Workbook()
    book.worksheets[0].append(["Colour", "Weight: (kg)", "a # b", "don't"])
    book.worksheets[0].append(["red", "3,5", "x: y", "{z}"])
    book.save(tmp_path / "odd.xlsx")
    (tmp_path / "odd.yaml").write_text(draft_study("odd", flow.read(tmp_path / "odd.xlsx")), encoding="utf-8")
    assert Study.load(str(tmp_path / "odd.yaml")).sheets == {}
    assert "no sheet holds `subjects`" in "\n".join(lint_study(str(tmp_path / "odd.yaml")).open)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["2024-03-05", "05.03.2024", "UN-MAR-2024"], "date"),
        (["03.2024", "11.2023"], "date"),
        (["3,5", "4.1 mm", "<5"], "num"),
        (["007", "012"], "text"),
        (["T1", "NT2", "T1.1"], "lesion"),
        (["ja", "nein", "ja"], "yn"),
        (["mild", "mild", "severe", "mild"], "term"),
        (["", None], "text"),
    ],
)
def test_the_kind_of_a_column_is_told_by_its_cells(cells: list[str | None], kind: str) -> None:
    assert kind_of(cells, "DMY").type == kind


def test_the_order_of_day_and_month_is_told_only_where_nothing_contradicts() -> None:
    assert order_of(["25.03.2024", "01.02.2024"]) == "DMY"
    assert order_of(["03/25/2024"]) == "MDY"
    assert order_of(["25.03.2024", "03.25.2024"]) is None
    assert order_of(["01.02.2024"]) is None
