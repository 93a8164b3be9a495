"""Response checks against the worked examples of the criteria: right words pass, wrong ones are told with their arithmetic."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import polars as pl
import pytest

from cdiscx import registry
from cdiscx.checks._arithmetic import change_said, number_said, percent_said
from cdiscx.model.finding import Finding
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.tidy.frames import schema_of, tidy_frames
from cdiscx.validate.engine import Engine
from cdiscx.views import with_views

VISITS = ("SCREENING", "UNSCHEDULED 1.1", "UNSCHEDULED 1.2", "UNSCHEDULED 1.3")
DATES = ("2024-01-03", "2024-02-21", "2024-04-10", "2024-06-05")
Rows = dict[str, list[dict[str, Any]]]

# id, lesions (N = node) with their values (A absent, TS too small, - not assessed), response at the last scan, rule
TARGETS = [
    ("RX-EX-01", {"T1": (60, 40), "T2": (30, 20)}, "PR", "R11-T-PR-1"),
    ("RX-EX-02", {"T1": (100, 70)}, "PR", "R11-T-PR-1"),
    ("RX-EX-03", {"T1": (100, 70.4)}, "SD", "R11-T-SD-1"),
    ("RX-EX-04", {"T1": (100, 60, 73)}, "PD", "R11-T-PD-1"),
    ("RX-EX-05", {"T1": (50, 20, 24.5)}, "PR", "R11-T-PR-1"),
    ("RX-EX-06", {"T1": (50, 40, 46)}, "SD", "R11-T-SD-1"),
    ("RX-EX-07", {"T1": (50, 25, 30)}, "PD", "R11-T-PD-1"),
    ("RX-EX-08", {"T1": (50, "A"), "N1": (22, 9)}, "CR", "R11-T-CR-1"),
    ("RX-EX-09", {"T1": (50, "A"), "N1": (22, 12)}, "PR", "R11-T-PR-1"),
    ("RX-EX-10", {"T1": (40, 25), "T2": (15, "TS")}, "PR", "R11-T-PR-1"),
    ("RX-EX-11", {"T1": (50, "-"), "T2": (30, 41)}, "NE", "R11-T-NE-1"),
    ("RX-EX-12", {"T1": (50, 45, "-"), "T2": (30, 30, 100)}, "PD", "R11-T-PD-2"),
    ("RX-EX-13", {"T1": (30, "A", 6)}, "PD", "R11-T-PD-3"),
    ("RX-EX-14", {"T1": (30, "A", 6), "T2": (40, 38, 37)}, "PR", "R11-T-PR-1"),
    ("RX-EX-16", {"T1": (50, 30, "-", 45), "T2": (30, 22, 25, 26)}, "PD", "R11-T-PD-1"),
    ("RX-EX-17", {"N1": (20, 4, 9)}, "CR", "R11-T-CR-1"),
    ("RX-EX-18", {"N1": (20, 8, 11)}, "PR", "R11-T-PR-1"),
    ("RX-EX-19", {"N1": (20, 8, 14)}, "PD", "R11-T-PD-1"),
]


def found(study_name: str, tables: Rows, *ids: str) -> list[Finding]:
    """Findings of the named checks over tables in the tidy vocabulary."""
    study = Study.load(study_name)
    frames = {}
    for table, rows in tables.items():
        names = list(dict.fromkeys(c for row in rows for c in row))
        assert set(names) <= set(schema_of(study, table)), names
        texts = [{c: None if row.get(c) is None else str(row[c]) for c in names} for row in rows]
        frames[table] = pl.DataFrame(texts, schema=dict.fromkeys(names, pl.String))
    run = RunContext(dt.date(2025, 6, 1), dt.date(2025, 6, 1), True)
    data = with_views(tidy_frames(study, frames, complete=True), run)
    outcome = Engine(data, run, registry.views()).validate([registry.checks()[i] for i in ids])
    crashed = [r.traceback for r in outcome.runs if r.traceback]
    assert not crashed, crashed[0]
    return list(outcome.findings)


def lesion(name: str, visit: int, value: float | str) -> dict[str, Any]:
    node = name.startswith("N")
    row: dict[str, Any] = {
        "SUBJID": "S1", "VISIT": VISITS[visit], "TRDAT": DATES[visit], "LESID": name.replace("N", "T9"),
        "TUORGAN": "Lymph node" if node else "Liver", "TUMETHOD": "CT",
    }  # fmt: skip
    words = {"A": "ABSENT", "TS": "TOO SMALL", "-": "NOT EVALUABLE"}
    if isinstance(value, str):
        return row | {"TRSTATUS": words[value], "TRREAS": "motion" if value == "-" else None}
    size = {"SAXIS": value, "LDIAM": value + 5} if node else {"LDIAM": value}
    return row | {"TRSTATUS": "MEASURED"} | size


def subject() -> Rows:
    return {
        "subjects": [{"SUBJID": "S1", "SITEID": "01", "RFICDAT": "2024-01-02", "ENRLDAT": "2024-01-08"}],
        "dosing": [{"SUBJID": "S1", "EXTRT": "DURVALUMAB", "EXSTDAT": "2024-01-10", "EXDOSE": "1500"}],
    }


def course(lesions: dict[str, tuple[Any, ...]], response: str) -> Rows:
    last = max(len(v) for v in lesions.values()) - 1
    rows = [lesion(name, n, value) for name, values in lesions.items() for n, value in enumerate(values)]
    answer = {
        "SUBJID": "S1",
        "VISIT": VISITS[last],
        "RSDAT": DATES[last],
        "TRGRESP": response,
        "NEWLIND": "N",
        "OVRLRESP": response,
    }
    return subject() | {"targets": rows, "responses": [answer]}


@pytest.mark.parametrize(("example", "lesions", "response", "rule"), TARGETS, ids=[t[0] for t in TARGETS])
def test_a_worked_example_passes_with_its_response_and_is_told_with_another(
    example: str, lesions: dict[str, tuple[Any, ...]], response: str, rule: str
) -> None:
    assert found("palhep-a", course(lesions, response), "MEA-014", "MEA-015") == []
    wrong = "SD" if response != "SD" else "PR"
    (finding,) = found("palhep-a", course(lesions, wrong), "MEA-014", "MEA-015")
    assert finding.check_id == "MEA-014"
    assert finding.expected == response
    assert f"Rule {rule}." in finding.message


@pytest.mark.parametrize(("example", "lesions", "response", "rule"), TARGETS, ids=[t[0] for t in TARGETS])
def test_a_reader_can_rebuild_the_verdict_from_the_text(
    example: str, lesions: dict[str, tuple[Any, ...]], response: str, rule: str
) -> None:
    wrong = "SD" if response != "SD" else "PR"
    (finding,) = found("palhep-a", course(lesions, wrong), "MEA-014")
    total = re.search(r"\(sum ([\d.]+) mm", finding.message)
    base = re.search(r"baseline ([\d.]+) mm(?: \(([-+\d.]+) %\))?", finding.message)
    nadir = re.search(r"nadir ([\d.]+) mm at [A-Z0-9 .]+ \((?:([-+\d.]+) %, )?([-+\d.]+) mm\)", finding.message)
    assert base is not None
    assert nadir is not None
    part = total or re.search(r"the others measure ([\d.]+) mm", finding.message)
    assert part is not None
    now, first, low = float(part[1]), float(base[1]), float(nadir[1])
    if base[2] is not None:
        assert float(base[2]) == pytest.approx(100 * (now - first) / first, abs=0.006)
    if nadir[2] is not None:
        assert float(nadir[2]) == pytest.approx(100 * (now - low) / low, abs=0.006)
    assert float(nadir[3]) == pytest.approx(now - low)
    grown = low > 0 and now >= 1.2 * low and now - low >= 5
    if rule in ("R11-T-PD-1", "R11-T-PD-2"):
        assert grown
    if rule == "R11-T-PR-1":
        assert not grown
        assert first - now >= 0.3 * first - 1e-9


def test_a_finding_rests_on_the_cells_of_this_visit_the_baseline_and_the_nadir() -> None:
    (finding,) = found("palhep-a", course({"T1": (100, 60, 73)}, "SD"), "MEA-014")
    sizes = {r.value for r in finding.related if r.column == "Diameter"}
    assert sizes == {"100", "60", "73"}


# id, class at baseline, class now, flow, viable diameters (baseline 100), primary, composite
COMPOSITES = [
    ("RX-EX-42", "III", "II", "N", 100, "SD", "PR"),
    ("RX-EX-43", "II", "II", "Y", 100, "SD", "PR"),
    ("RX-EX-44", "II", "II", "N", 60, "PR", "PR"),
    ("RX-EX-45", "II", "III", "N", 60, "PR", "PD"),
    ("RX-EX-46", "II", "III", "Y", 60, "PR", "PD"),
    ("RX-EX-47", "I", "NONE", "Y", 0, "CR", "PR"),
    ("RX-EX-48", "II", None, "N", 130, "PD", "PD"),
    ("RX-EX-49", "II", None, "Y", 60, "PR", "NE"),
    ("RX-EX-50", "II", "II", "N", 100, "SD", "SD"),
    ("RX-EX-51", "IIb", "IIa", "N", 100, "SD", "SD"),
]


def thrombus_course(base: str, now: str | None, flow: str, viable: float, primary: str, composite: str) -> Rows:
    rows = [
        {"SUBJID": "S1", "VISIT": v, "TRDAT": d, "LESID": "T1", "TUORGAN": "Liver", "TUMETHOD": "CT", "ARTPHASE": "Y",
         "TRSTATUS": "MEASURED", "LDIAM": 140, "VDIAM": x}
        for v, d, x in (("SCREENING", DATES[0], 100), ("RESTAGING", DATES[1], viable))
    ]  # fmt: skip
    answer = {
        "SUBJID": "S1", "VISIT": "RESTAGING", "RSDAT": DATES[1], "TRGRESP": primary, "NEWLIND": "N", "OVRLRESP": primary,
        "PVTTCLS": now, "FLOWREST": flow, "COMPRESP": composite,
    }  # fmt: skip
    return {
        "subjects": [
            {"SUBJID": "S1", "SITEID": "01", "RFICDAT": "2024-01-02", "ENRLDAT": "2024-01-08", "PVTTCLS": base}
        ],
        "dosing": [{"SUBJID": "S1", "EXTRT": "CAMRELIZUMAB", "EXSTDAT": "2024-01-10", "EXDOSE": "200"}],
        "targets": rows,
        "responses": [answer],
    }


@pytest.mark.parametrize(
    ("example", "base", "now", "flow", "viable", "primary", "composite"), COMPOSITES, ids=[c[0] for c in COMPOSITES]
)
def test_a_composite_of_the_worked_examples_passes_and_any_other_is_told(
    example: str, base: str, now: str | None, flow: str, viable: float, primary: str, composite: str
) -> None:
    assert found("neopvtt-b", thrombus_course(base, now, flow, viable, primary, composite), "MEA-022") == []
    for other in {"CR", "PR", "SD", "PD", "NE"} - {composite}:
        (finding,) = found("neopvtt-b", thrombus_course(base, now, flow, viable, primary, other), "MEA-022")
        assert finding.expected == composite
        assert f"primary liver tumour {primary} " in finding.message


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-33.333333, "-33.33 %"),
        (-30.0, "-30.00 %"),
        (20.0, "+20.00 %"),
        (0.0, "0.00 %"),
        (-0.004, "0.00 %"),
        (7.006, "+7.01 %"),
    ],
)
def test_a_percentage_is_told_with_its_sign_and_two_decimals(value: float, text: str) -> None:
    frame = pl.DataFrame({"x": [value]})
    assert frame.select(percent_said("x")).item() == text


def test_lengths_are_told_without_trailing_zeros() -> None:
    frame = pl.DataFrame({"x": [46.0, 70.4, 0.0]})
    assert frame.select(number_said("x")).to_series().to_list() == ["46", "70.4", "0"]
    assert frame.select(change_said("x")).to_series().to_list() == ["+46 mm", "+70.4 mm", "0 mm"]
