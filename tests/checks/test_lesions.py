"""Lesion checks beyond their cases: the odd cell is found wherever it stands, order of rows and empty sheets do not matter."""

from __future__ import annotations

import datetime as dt
import random

import polars as pl
import pytest

from cdiscx import registry
from cdiscx.checks._lesion_sets import segments, sides
from cdiscx.model.finding import Finding
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.tidy.frames import tidy_frames
from cdiscx.validate.engine import Engine
from cdiscx.views import with_views

MINE = tuple(f"MEA-{n:03d}" for n in (1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 13, 19, 20, 24, 26, 27))
COURSE = (61.0, 55.5, 52.0, 48.0, 50.5)
DAY = dt.date(2024, 1, 1)


def judged(study: str, targets: list[dict[str, object]], **tables: list[dict[str, object]]) -> list[Finding]:
    """What the lesion checks say of these rows."""
    frames = {"subjects": [{"SUBJID": "S1", "SITEID": "01"}], "targets": targets, **tables}
    run = RunContext(dt.date(2025, 6, 1), dt.date(2025, 6, 1), True)
    made = {name: pl.DataFrame(rows, infer_schema_length=None) for name, rows in frames.items() if rows}
    data = with_views(tidy_frames(Study.load(study), made, complete=True), run)
    outcome = Engine(data, run, registry.views()).validate([c for c in registry.checks().values() if c.id in MINE])
    assert [r.traceback for r in outcome.runs if r.traceback] == []
    return list(outcome.findings)


def course(lesion: str, values: list[float], **more: object) -> list[dict[str, object]]:
    """Rows of one liver lesion, one a visit 56 days apart."""
    visits = ["SCREENING", *(f"TUMOR ASSESSMENT {n}" for n in range(1, len(values)))]
    return [
        {"SUBJID": "S1", "VISIT": visit, "TRDAT": (DAY + dt.timedelta(days=56 * n)).isoformat(), "LESID": lesion,
         "TUORGAN": "Liver", "TULOC": "Segment VIII", "TUMETHOD": "CT", "SLTHICK": 3.0, "LDIAM": value,
         "TRSTATUS": "MEASURED", **more}
        for n, (visit, value) in enumerate(zip(visits, values, strict=True))
    ]  # fmt: skip


@pytest.mark.parametrize("factor", [0.1, 10.0])
@pytest.mark.parametrize(("length", "at"), [(length, at) for length in (2, 3, 5) for at in range(length)])
def test_one_cell_in_the_wrong_unit_is_the_only_one_blamed(length: int, at: int, factor: float) -> None:
    values = list(COURSE[:length])
    values[at] *= factor
    found = [f for f in judged("palhep-a", course("T1", values)) if f.severity.value != "note"]
    assert [(f.check_id, f.row) for f in found] == [("MEA-005", at + 1)]


def test_the_order_of_rows_changes_nothing() -> None:
    rows = course("T1", list(COURSE)) + course("T2", [30, 3.1, 29, 28, 31], TULOC="Segment II") + course("T3", [25, 20])
    rows += course("T7", [40, 41, 42])[1:]
    plain = {(f.check_id, f.visit, f.column, f.message) for f in judged("palhep-a", rows)}
    assert {c for c, *_ in plain} >= {"MEA-001", "MEA-005", "MEA-008", "MEA-013"}
    shuffled = random.Random(5).sample(rows, k=len(rows))
    mixed = {
        (f.check_id, f.visit, f.column, f.message) for f in judged("palhep-a", shuffled) if f.check_id != "MEA-001"
    }
    assert mixed == {p for p in plain if p[0] != "MEA-001"}


@pytest.mark.parametrize("study", ["palhep-a", "neopvtt-b"])
def test_empty_lesion_sheets_find_nothing(study: str) -> None:
    assert judged(study, []) == []


@pytest.mark.parametrize("study", ["palhep-a", "neopvtt-b"])
def test_rows_that_hold_nothing_but_their_key_crash_no_check(study: str) -> None:
    bare: list[dict[str, object]] = [
        {"SUBJID": "S1", "VISIT": visit, "LESID": lesion}
        for visit in ("SCREENING", "WEEK 3", None)
        for lesion in ("T1", None)
    ]
    assert {f.check_id for f in judged(study, bare, nontargets=bare, newlesions=bare)} <= {"MEA-010"}


def test_sides_and_segments_are_read_from_what_sites_write() -> None:
    said = {
        "Segment VIII": ([8], ["RIGHT"]),
        "S8": ([8], ["RIGHT"]),
        "Segments 5/8": ([5, 8], ["RIGHT"]),
        "seg. II, III": ([2, 3], ["LEFT"]),
        "S4": ([4], ["LEFT", "RIGHT"]),
        "肝右叶S6段": ([6], ["RIGHT"]),
        "VII段": ([7], ["RIGHT"]),
        "left lateral lobe": ([], ["LEFT"]),
        "caudate": ([], []),
        "Segment I": ([1], []),
    }
    frame = pl.DataFrame({"place": list(said)}).select(
        segments(pl.col("place")).alias("n"), sides(pl.col("place"), pl.lit(True)).alias("side")
    )
    assert dict(zip(said, frame.iter_rows(), strict=True)) == said
