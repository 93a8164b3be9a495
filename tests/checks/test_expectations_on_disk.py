"""Expectations judge the same groups of rows whether the tables are in memory or wait on disk, a few groups at a time."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from cdiscx import flow
from cdiscx.model.finding import Finding, Report
from cdiscx.model.spec import Study
from cdiscx.samples import clean, write_csv_folder
from cdiscx.validate import expectations as room


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two files of three sites each: subjects' numbers do not follow the sites; every second site breaks expectations."""
    folder = tmp_path_factory.mktemp("sites")
    places = []
    for number, site in enumerate(clean("palhep-a", sites=2, subjects=66, seed=3)):
        places.append(folder / f"file-{number}")
        write_csv_folder(site, places[-1])
        for path in places[-1].glob("*.csv"):
            rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
            for row in rows:
                third = int(row["Subject ID"]) % 3
                if "Site ID" in row:
                    row["Site ID"] = f"{10 * number + third:03}"
                if third == 1:
                    row |= {c: "" for c in ("Child-Pugh Score", "Route", "Normal High", "Height") if c in row}
            with path.open("w", encoding="utf-8", newline="") as file:
                out = csv.DictWriter(file, rows[0])
                out.writeheader()
                out.writerows(rows)
    return places


def judged(uploads: list[Path], **how: object) -> Report:
    files = flow.read(*uploads, low_memory=bool(how.get("partitions")))
    data = flow.tidy(Study.load("palhep-a"), files, **how)  # type: ignore[arg-type]
    return flow.validate(data, only=["EXP-*"])


def about(report: Report) -> list[Finding]:
    return [f for f in report.findings if f.check_id.startswith("EXP-")]


def test_groups_on_disk_give_the_findings_of_those_in_memory(
    uploads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = judged(uploads)
    assert len({f.message for f in about(whole)}) > 3
    assert any("021" in str(f) or "011" in str(f) for f in about(whole))
    for parts, rows in ((4, 1), (4, 3_000), (2, 1_000_000)):
        monkeypatch.setattr(room, "_AT_ONCE", rows)
        found = judged(uploads, partitions=parts)
        assert about(found) == about(whole)
        assert [(r.check_id, r.status, r.rows) for r in found.checks] == [
            (r.check_id, r.status, r.rows) for r in whole.checks
        ]


def test_of_a_table_on_disk_a_few_groups_are_in_memory_together(
    uploads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_AT_ONCE", 2_000)
    seen: list[set[object]] = []
    together = room._together

    def told(heights: list[dict[object, int]]):  # type: ignore[no-untyped-def]
        for groups in together(heights):
            seen.append(groups)
            assert len(groups) == 1 or sum(w.get(g, 0) for w in heights for g in groups) <= 2_000
            yield groups

    monkeypatch.setattr(room, "_together", told)
    judged(uploads, partitions=3)
    assert any(len(groups) == 1 for groups in seen)
    assert any(len(groups) == 6 for groups in seen)
