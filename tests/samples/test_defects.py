"""Planted defects: one at a time, in one subject, where the record says, and found there by the checks."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections import Counter
from copy import deepcopy
from pathlib import Path
from random import Random
from types import ModuleType

import openpyxl
import pytest

from cdiscx.samples import HEADERS, NEOPVTT, PALHEP, SampleUpload, clean, random_style, write_xlsx
from cdiscx.samples.defects import ANY_ROW, DEFECTS, Planted, plant, plant_many, plant_one, planted

STUDIES = (PALHEP, NEOPVTT)
FAMILIES = {"STR": 9, "DAT": 7, "TRM": 4, "VIS": 11, "DOS": 17, "MEA": 29, "END": 18, "SUR": 5, "SAF": 10}
EVERY = [(c, v, s) for c in sorted(DEFECTS) for v, p in enumerate(DEFECTS[c]) for s in p.studies]
# one from each family, both studies
SOME = (
    ("STR-006", 0, PALHEP), ("DAT-006", 0, NEOPVTT), ("TRM-003", 0, PALHEP), ("VIS-001", 1, NEOPVTT), ("DOS-010", 0, PALHEP),
    ("MEA-004", 0, NEOPVTT), ("END-008", 0, NEOPVTT), ("SUR-003", 0, PALHEP), ("SAF-003", 0, NEOPVTT),
)  # fmt: skip


def cohort(study: str, seed: int = 3) -> list[SampleUpload]:
    return clean(study, sites=1, subjects=24, seed=seed)


def rows_by_subject(upload: SampleUpload) -> dict[str, list[tuple[str, str]]]:
    """Subject -> its rows as text, sheet by sheet."""
    out: dict[str, list[tuple[str, str]]] = {}
    for sheet, rows in upload.sheets.items():
        for row in rows:
            out.setdefault(str(row["Subject ID"]), []).append((sheet, repr(row)))
    return out


def changed(before: SampleUpload, after: SampleUpload) -> set[str]:
    """Subjects whose rows differ."""
    was, now = rows_by_subject(before), rows_by_subject(after)
    return {name for name in was | now if Counter(was.get(name, [])) != Counter(now.get(name, []))}


def place(check_id: str, variant: int, study: str) -> tuple[SampleUpload, SampleUpload, Planted] | None:
    """The first of eight cohorts that offers a place: upload before and after, and what was planted."""
    for seed in range(1, 9):
        before = cohort(study, seed)
        after = deepcopy(before)
        done = DEFECTS[check_id][variant](after, Random(f"{check_id} {variant} {seed}"), study)
        if done is not None:
            return before[0], after[0], done
        assert after == before, "a planter that finds no place changes nothing"
    return None


def holds(check_id: str, variant: int, study: str) -> None:
    """What must be true of every planted defect."""
    found = place(check_id, variant, study)
    assert found is not None, f"{check_id} {DEFECTS[check_id][variant].name} finds no place in eight cohorts"
    before, after, done = found
    assert done.check_id == check_id
    assert check_id not in done.also
    assert done.sheet in HEADERS[study]
    assert done.column is None or done.column in HEADERS[study][done.sheet]
    assert set(done.also) <= set(DEFECTS)
    if DEFECTS[check_id][variant].whole is None:
        touched = {name for name in (done.subject, done.partner) if name} | {"None"}
        assert changed(before, after)
        assert changed(before, after) <= touched or done.check_id == "STR-003"
    if done.row is not None and done.row >= 0 and done.subject is not None:
        assert after.sheets[done.sheet][done.row]["Subject ID"] == done.subject


def test_every_check_of_the_catalogue_has_planters():
    assert {f: len({c for c in DEFECTS if c.startswith(f)}) for f in FAMILIES} == FAMILIES
    assert sum(len(planters) for planters in DEFECTS.values()) > 200


def test_the_planters_import_nothing_that_judges_them():
    folder = Path(__file__).parents[2] / "cdiscx" / "samples" / "defects"
    imported = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                imported.add(node.module or "")
            elif isinstance(node, ast.Import):
                imported |= {name.name for name in node.names}
    house = {m for m in imported if m.startswith("cdiscx")}
    assert house
    assert all(m.startswith("cdiscx.samples") for m in house)


@pytest.mark.parametrize(("check_id", "variant", "study"), SOME)
def test_a_planted_defect_touches_one_subject_and_says_where(check_id: str, variant: int, study: str):
    holds(check_id, variant, study)


@pytest.mark.slow
@pytest.mark.parametrize(("check_id", "variant", "study"), [x for x in EVERY if x not in SOME])
def test_every_planted_defect_touches_one_subject_and_says_where(check_id: str, variant: int, study: str):
    holds(check_id, variant, study)


def test_the_same_seed_plants_the_same_defect():
    first, again = plant_one(PALHEP, "DAT-006", 5), plant_one(PALHEP, "DAT-006", 5)
    assert first is not None
    assert first == again
    assert first != plant_one(PALHEP, "DAT-006", 6)


def test_a_defect_of_the_other_study_finds_no_place():
    assert plant_one(NEOPVTT, "VIS-006", 1) is None
    with pytest.raises(KeyError):
        plant_one(PALHEP, "DAT-999", 1)
    with pytest.raises(IndexError):
        plant_one(PALHEP, "DAT-006", 1, variant=99)


@pytest.mark.parametrize("study", STUDIES)
def test_the_demonstration_has_one_defect_a_subject_and_leaves_its_input_alone(study: str):
    uploads = clean(study)
    kept = deepcopy(uploads)
    grown, done = planted(uploads)
    assert uploads == kept
    assert grown == plant(clean(study))
    assert 25 <= len(done) <= 34
    names = [name for d in done for name in (d.subject, d.partner) if name]
    assert len(names) == len(set(names))
    assert len({d.check_id[:3] for d in done}) >= 8
    for record in done:
        if record.row is not None and record.row >= 0 and record.subject:
            upload = next(u for u in grown if u.site == record.site)
            assert upload.sheets[record.sheet][record.row]["Subject ID"] == record.subject


@pytest.mark.parametrize("seed", [1, 4, 7])
def test_the_writer_says_in_which_excel_row_and_column_a_record_stands(tmp_path: Path, seed: int):
    upload = clean(PALHEP, sites=1, subjects=4, seed=seed)[0]
    landing = write_xlsx(upload, tmp_path / "x.xlsx", style=random_style(seed))
    book = openpyxl.load_workbook(tmp_path / "x.xlsx", data_only=True)
    for sheet, rows in upload.sheets.items():
        place = landing[sheet]
        assert len(place.rows) == len(rows)
        for number, row in zip(place.rows, rows, strict=True):
            typed = book[sheet].cell(number, place.columns["Subject ID"]).value
            assert str(typed).zfill(3) == row["Subject ID"]


def benchmark() -> ModuleType:
    """The recall benchmark, which is no part of the package."""
    path = Path(__file__).parents[2] / "benchmarks" / "recall.py"
    spec = importlib.util.spec_from_file_location("recall_benchmark", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_defects_of_one_workbook_are_found_where_they_were_planted(tmp_path: Path):
    recall = benchmark()
    choices = [(c, v) for c, v, s in SOME if s == NEOPVTT]
    uploads, done = plant_many(cohort(NEOPVTT), choices, "3")
    assert len(done) == len(choices)
    report, landing = recall.run(recall.Study.load(NEOPVTT), uploads, random_style(3), tmp_path)
    for _, record in done:
        said = [
            f for f in report if (f.check_id, f.subject, f.sheet) == (record.check_id, record.subject, record.sheet)
        ]
        assert record.row == ANY_ROW or recall.excel_row(record, landing) in {f.row for f in said}, record


def test_the_benchmark_can_tell_a_miss_from_a_hit(tmp_path: Path):
    recall = benchmark()
    uploads, done = plant_many(cohort(PALHEP), [("TRM-003", 0)], "3")
    report, landing = recall.run(recall.Study.load(PALHEP), cohort(PALHEP), random_style(3), tmp_path)
    blind = recall.Tally()
    recall.judge(blind, PALHEP, 3, done, report, landing)
    assert (blind.scores["TRM-003"].planted, blind.scores["TRM-003"].found) == (1, 0)
    report, landing = recall.run(recall.Study.load(PALHEP), uploads, random_style(3), tmp_path)
    seeing = recall.Tally()
    recall.judge(seeing, PALHEP, 3, done, report, landing)
    assert (seeing.scores["TRM-003"].found, seeing.scores["TRM-003"].column, sum(seeing.elsewhere.values())) == (
        1,
        1,
        0,
    )


@pytest.mark.slow
@pytest.mark.parametrize("study", STUDIES)
def test_most_planted_defects_are_found_and_little_else(study: str):
    tally = benchmark().measure(1, "*", (study,))
    planted_ = sum(s.planted for s in tally.scores.values())
    assert planted_ > 150
    assert sum(s.found for s in tally.scores.values()) >= 0.95 * planted_, tally.troubles
    assert sum(s.alarms for s in tally.scores.values()) <= 0.08 * planted_, tally.troubles
    assert not tally.elsewhere
