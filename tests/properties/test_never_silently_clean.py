"""What is not there, or cannot be read, never makes a run look cleaner; and it is told once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random

import pytest
from grids import Grid, grid_of, in_memory, with_cells, without_column, without_sheet
from judging_kit import CUTOFF, STUDIES, TODAY, judged, statuses
from tangle import tangled

from cdiscx import flow, registry
from cdiscx.model.finding import Report
from cdiscx.model.spec import Study
from cdiscx.model.table import StudyData
from cdiscx.validate.presence import resolve

SHEETS = [(study, name) for study in STUDIES for name in Study.load(study).sheets]
COLUMNS = [
    (s, name, header) for s in STUDIES for name, sheet in Study.load(s).sheets.items() for header in sheet.columns
]
#: columns without which more would be reported than the column: known, each with the check that speaks
SAMPLED = Random("columns").sample(COLUMNS, 10)


def mandatory(study: str, name: str, header: str) -> bool:
    spec = Study.load(study).sheets[name].columns[header]
    return spec.required if spec.mandatory is None else spec.mandatory


def never_cleaner(before: Report, after: Report) -> None:
    """No check that had something to say passes now, and what was not 0 is not 0 now."""
    was, now = statuses(before), statuses(after)
    passed_now = [i for i, status in now.items() if status == "passed" and was[i] != "passed"]
    assert not passed_now
    assert before.ok() or not after.ok()


def above_notes(report: Report) -> list[str]:
    return [f"{f.check_id} {f.message}" for f in report if f.severity.rank > 0]


@pytest.mark.parametrize(("study", "name"), SHEETS)
def test_without_a_sheet_nothing_passes_that_did_not_and_nobody_is_flooded(
    study: str,
    name: str,
    sound: dict[str, Grid],
    messy: dict[str, Grid],
    sound_report: dict[str, Report],
    messy_report: dict[str, Report],
) -> None:
    after = judged(study, without_sheet(sound[study], name))
    never_cleaner(sound_report[study], after)
    said = above_notes(after)
    if Study.load(study).sheets[name].mandatory:
        assert len(said) == 1, said
        assert f"no sheet {name}" in said[0]
        assert not after.ok()
    else:
        assert not said
    never_cleaner(messy_report[study], judged(study, without_sheet(messy[study], name)))


@pytest.mark.parametrize(("study", "name", "header"), SAMPLED)
def test_without_a_column_nothing_passes_that_did_not_and_a_mandatory_one_is_told_once(
    study: str,
    name: str,
    header: str,
    sound: dict[str, Grid],
    messy: dict[str, Grid],
    sound_report: dict[str, Report],
    messy_report: dict[str, Report],
) -> None:
    after = judged(study, without_column(sound[study], name, header))
    never_cleaner(sound_report[study], after)
    told = [f for f in after if f.check_id == "STR-001"]
    assert len(told) == mandatory(study, name, header), [f.message for f in told]
    if told:
        assert above_notes(after) == [f"STR-001 {told[0].message}"]
        assert told[0].column == header
        assert told[0].sheet == name
    never_cleaner(messy_report[study], judged(study, without_column(messy[study], name, header)))


@pytest.mark.parametrize("study", STUDIES)
def test_no_check_can_pass_without_a_column_that_it_declares(study: str, sound: dict[str, Grid]) -> None:
    """Every column of every sheet against every part of every check, by what the part declares and sees."""
    plan = Study.load(study)
    data = flow.prepare(flow.tidy(plan, [in_memory(sound[study])], today=TODAY), cutoff=CUTOFF, today=TODAY)
    views = registry.views()
    parts = [part for check in registry.checks().values() for part in check.parts]
    free = []
    for sheet in plan.sheets.values():
        for column in sheet.columns.values():
            word = f"{sheet.holds}.{column.is_}"
            lacking: StudyData = replace(data, absent={word: ("site.xlsx",)})
            for part in parts:
                seen = _declared(part, views)
                inputs = resolve(part, lacking, views)
                if word in seen and not (inputs.blocked or inputs.partial):
                    free.append((part.check_id, part.name, word))
    assert not free


def _declared(part: object, views: Mapping[str, registry.View]) -> set[str]:
    """Words of a part with its views opened, written down apart from the code that the test judges."""
    todo = [f"{part.on}.{c}" for c in part.columns] + [part.on, *part.needs, *part.uses]  # type: ignore[attr-defined]
    out: set[str] = set()
    while todo:
        word = todo.pop()
        if word in out:
            continue
        out.add(word)
        table = word.partition(".")[0]
        todo += list(views[table].of) if table in views else []
    return out


def blanked(rows: set[int], word: object) -> object:
    return lambda i, value: word if i in rows else value


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("word", [None, "???", "#N/A"])
def test_unreadable_cells_of_one_subject_hide_nothing_of_the_others(
    study: str, word: object, messy: dict[str, Grid], messy_report: dict[str, Report]
) -> None:
    rng = Random(f"{study} {word}")
    people = sorted({str(row[0]) for row in messy[study]["Demographics"][1:] if row[0] and row[0] != "???"})
    victim = rng.choice(people)
    grid = messy[study]
    for name, rows in messy[study].items():
        header = rng.choice([h for h in rows[0] if h not in ("Subject ID", "Site ID")])
        theirs = {i for i, row in enumerate(rows[1:]) if row[0] == victim}
        grid = with_cells(grid, name, str(header), blanked(theirs, word))  # type: ignore[arg-type]
    after = judged(study, grid)
    kept = {f.fingerprint for f in after}
    # a finding on one subject that rests on another's row (same person twice) may go with that row
    lost = [
        f.message
        for f in messy_report[study]
        if f.subject not in (victim, None) and f.fingerprint not in kept and f.check_id != "STR-005"
    ]
    assert not lost
    assert not after.ok()


@pytest.mark.parametrize("study", STUDIES)
def test_a_required_value_that_is_deleted_is_told_at_its_cell(study: str, sound: dict[str, Grid]) -> None:
    plan = Study.load(study)
    grid, planted = sound[study], []
    for name, sheet in plan.sheets.items():
        rows = sound[study][name]
        fixed = [h for h, c in sheet.columns.items() if c.required and c.is_ != "SUBJID" and c.silent_blank is None]
        at = {h: n for n, h in enumerate(fixed, 1) if n < len(rows)}
        for header, row in at.items():
            grid = with_cells(grid, name, header, blanked({row - 1}, None))  # type: ignore[arg-type]
            planted.append((name, header, row + 1))
    found = {(f.sheet, f.column, f.row) for f in judged(study, grid) if f.check_id == "STR-009"}
    missed = [place for place in planted if place not in found]
    assert not missed


def test_an_upload_that_lacks_a_sheet_does_not_silence_the_others(
    sound: dict[str, Grid], messy: dict[str, Grid]
) -> None:
    other = {
        name: [rows[0], *([f"9{row[0]}", *row[1:]] for row in rows[1:])] for name, rows in sound["palhep-a"].items()
    }
    alone = judged("palhep-a", messy["palhep-a"])
    both = judged("palhep-a", messy["palhep-a"], without_sheet(other, "Dosing"))
    never_cleaner(alone, both)
    kept = {f.fingerprint for f in both}
    lost = [f.message for f in alone if f.subject and f.fingerprint not in kept]
    assert not lost
    added = [f for f in both if f.file == "site-2.xlsx" and f.severity.rank > 0]
    assert [f.check_id for f in added] == ["STR-001"], [f.message for f in added]


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("seed", [11, *(pytest.param(n, marks=pytest.mark.slow) for n in range(12, 42))])
def test_what_is_taken_from_a_random_upload_never_makes_it_look_cleaner(study: str, seed: int) -> None:
    """A sheet, a column, a required value or a readable cell less, in uploads that no other test has seen."""
    rng = Random(f"{study} {seed}")
    grid = grid_of(tangled(study, seed=seed, subjects=6))
    before = judged(study, grid)
    plan = Study.load(study)
    filled = sorted(name for name, rows in grid.items() if len(rows) > 1)
    never_cleaner(before, judged(study, without_sheet(grid, rng.choice(filled))))
    name = rng.choice(filled)
    never_cleaner(before, judged(study, without_column(grid, name, str(rng.choice(grid[name][0])))))
    cells = [
        (name, header, row)
        for name in filled
        for header, column in plan.sheets[name].columns.items()
        if header in grid[name][0] and column.required and column.is_ != "SUBJID"
        for row in range(len(grid[name]) - 1)
    ]
    gone, bent = grid, grid
    for name, header, row in rng.sample(cells, 5):
        gone = with_cells(gone, name, header, blanked({row}, None))  # type: ignore[arg-type]
        bent = with_cells(bent, name, header, blanked({row}, rng.choice(("#REF!", "???", "\ufffd\ufffd"))))  # type: ignore[arg-type]
    for after in (judged(study, gone), judged(study, bent)):
        assert before.ok() or not after.ok()
        statuses(after)
