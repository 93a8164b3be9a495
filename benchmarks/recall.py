"""Recall and precision of the checks on planted defects: `python benchmarks/recall.py [--rounds 3] [--only 'MEA-*']`.

In: nothing. Out: a table a check and totals; `--details FILE` writes every miss and false alarm. Each workbook is a
cohort of 24 subjects with one defect a subject at most, written in a random legal style, and read through the whole
path (read, tidy, validate). Seeds are fixed: the same rounds give the same figures.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from random import Random

from cdiscx import flow
from cdiscx.model.finding import Finding, Report
from cdiscx.model.spec import Study
from cdiscx.samples import PLAIN, Landing, SampleUpload, Style, clean, random_style, write_xlsx
from cdiscx.samples.defects import ANY_ROW, DEFECTS, HEADER_ROW, Planted, plant_many

# the day of every run: after the samples' cut-off, before the dates that are planted as future ones
TODAY = date(2025, 7, 15)
STUDIES = ("palhep-a", "neopvtt-b")
Choice = tuple[str, int]
Spot = tuple[str, int, str]


@dataclass
class Score:
    """What became of the planted defects of one check."""

    planted: int = 0
    found: int = 0
    sheet: int = 0
    row: int = 0
    column: int = 0
    alarms: int = 0


@dataclass
class Tally:
    """Scores by check and everything that went wrong, in words."""

    scores: dict[str, Score] = field(default_factory=lambda: defaultdict(Score))
    variants: Counter[Spot] = field(default_factory=Counter)
    found: Counter[Spot] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)
    elsewhere: Counter[str] = field(default_factory=Counter)
    workbooks: int = 0


def run(study: Study, uploads: list[SampleUpload], style: Style, folder: Path) -> tuple[Report, dict[str, Landing]]:
    """Write one upload and check it; the landing says in which Excel rows its records stand."""
    path = folder / f"site-{uploads[0].site}.xlsx"
    landing = write_xlsx(uploads[0], path, style=style)
    data = flow.tidy(study, flow.read(path), today=TODAY)
    return flow.validate(data, expectations=False, today=TODAY), landing


def excel_row(planted: Planted, landing: dict[str, Landing]) -> int | None:
    """The Excel row of a planted defect."""
    if planted.row is None or planted.sheet not in landing:
        return None
    place = landing[planted.sheet]
    return place.header if planted.row == HEADER_ROW else place.rows[planted.row]


def match(planted: Planted, finding: Finding, landing: dict[str, Landing]) -> tuple[bool, bool, bool]:
    """Whether a finding of the right check names the right sheet, row and column."""
    sheet = finding.sheet == planted.sheet
    row = planted.row == ANY_ROW or finding.row == excel_row(planted, landing)
    column = planted.column is None or planted.row is None or finding.column == planted.column
    return sheet, sheet and row, sheet and row and column


def told(finding: Finding) -> str:
    """One line about a finding."""
    place = f"{finding.sheet}!{finding.row} {finding.column}"
    return f"{finding.check_id} {finding.severity} [{finding.subject}] {place}: {finding.message}"


def judge(
    tally: Tally, study: str, seed: int, done: list[tuple[Choice, Planted]], report: Report, landing: dict[str, Landing]
) -> None:
    """Compare what was planted in one workbook with what came out."""
    owners: dict[str, tuple[Choice, Planted]] = {}
    for choice, planted in done:
        for name in (planted.subject, planted.partner):
            if name:
                owners[name] = (choice, planted)
    findings = list(report)
    for (check_id, variant), planted in done:
        score, spot = tally.scores[check_id], (check_id, variant, study)
        score.planted += 1
        tally.variants[spot] += 1
        mine = [f for f in findings if f.check_id == check_id and planted.subject in (None, f.subject)]
        marks = [match(planted, f, landing) for f in mine]
        best = max(marks, default=None, key=sum)
        if planted.subject is None and best is not None and not best[1]:
            best = None
        where = f"{study} seed {seed} {check_id}/{variant} {DEFECTS[check_id][variant].name} ({planted.note})"
        where += f" [{planted.subject}] {planted.sheet}!{excel_row(planted, landing) if planted.row != ANY_ROW else '*'} {planted.column}"
        if best is None:
            around = [told(f) for f in findings if f.subject == planted.subject and f.severity != "note"]
            tally.troubles.append(f"MISS {where}\n     said instead: {around}")
            continue
        tally.found[spot] += 1
        score.found += 1
        score.sheet, score.row, score.column = score.sheet + best[0], score.row + best[1], score.column + best[2]
        if not all(best):
            tally.troubles.append(f"PLACE {where}\n     said: {[told(f) for f in mine]}")
    for finding in findings:
        if finding.severity == "note":
            continue
        owner = owners.get(finding.subject or "")
        loose = [p for _, p in done if p.subject is None and p.check_id == finding.check_id]
        if owner is None:
            if not loose:
                tally.elsewhere[finding.check_id] += 1
                tally.troubles.append(f"ELSEWHERE {study} seed {seed}: {told(finding)}")
        elif finding.check_id not in (owner[1].check_id, *owner[1].also) and finding not in _loose(
            loose, finding, landing
        ):
            tally.scores[owner[0][0]].alarms += 1
            tally.troubles.append(
                f"ALARM {study} seed {seed} after {owner[0][0]}/{owner[0][1]} ({owner[1].note}): {told(finding)}"
            )


def _loose(loose: list[Planted], finding: Finding, landing: dict[str, Landing]) -> list[Finding]:
    return [finding] if any(finding.row == excel_row(p, landing) for p in loose) else []


def measure(rounds: int, only: str, studies: tuple[str, ...], *, plain: bool = False) -> Tally:
    """Plant, write, read, check and judge; rarely planted variants go first in every round."""
    tally = Tally()
    chosen = [(c, v) for c in sorted(DEFECTS) for v in range(len(DEFECTS[c])) if fnmatchcase(c, only)]
    for name in studies:
        study = Study.load(name)
        mine = [c for c in chosen if name in DEFECTS[c[0]][c[1]].studies]
        for seed, choices in _plan(mine, rounds, name, tally):
            style = PLAIN if plain else random_style(seed)
            uploads, done = plant_many(clean(name, sites=1, subjects=24, seed=seed), choices, str(seed))
            if not done:
                continue
            with tempfile.TemporaryDirectory() as folder:
                report, landing = run(study, uploads, style, Path(folder))
            tally.workbooks += 1
            judge(tally, name, seed, done, report, landing)
    return tally


def _plan(mine: list[Choice], rounds: int, study: str, tally: Tally) -> Iterator[tuple[int, list[Choice]]]:
    """Seeds with the choices to try: whole-upload defects alone, the others twenty to a workbook, scarce ones first."""
    whole = [c for c in mine if DEFECTS[c[0]][c[1]].whole is not None]
    for number in range(rounds):
        for place, choice in enumerate(whole):
            yield 9000 + 100 * number + place, [choice]
    rest = [c for c in mine if c not in whole]
    seed, tries = 100, 0
    limit = rounds * (len(rest) // 12 + 2)
    while tries < limit:
        waiting = [c for c in rest if tally.variants[(*c, study)] < rounds]
        if not waiting:
            return
        seed, tries = seed + 1, tries + 1
        Random(seed).shuffle(waiting)
        yield seed, sorted(waiting, key=lambda c: tally.variants[(*c, study)])


def quiet(cohorts: int, studies: tuple[str, ...]) -> tuple[int, list[str]]:
    """Clean cohorts in random styles: how many workbooks, and every finding above a note."""
    said, books = [], 0
    for name in studies:
        study = Study.load(name)
        for seed in range(1, cohorts + 1):
            with tempfile.TemporaryDirectory() as folder:
                report, _ = run(
                    study, clean(name, sites=1, subjects=24, seed=500 + seed), random_style(seed), Path(folder)
                )
            books += 1
            said += [f"CLEAN {name} seed {500 + seed}: {told(f)}" for f in report if f.severity != "note"]
    return books, said


def table(tally: Tally) -> str:
    """A line a check, and the totals."""
    lines = [f"{'check':8} {'planted':>7} {'found':>6} {'sheet':>6} {'row':>6} {'column':>6} {'alarms':>6}"]
    total = Score()
    for check_id in sorted(tally.scores):
        s = tally.scores[check_id]
        mark = "" if s.planted == s.found == s.column and not s.alarms else "  <--"
        lines.append(f"{check_id:8} {s.planted:7} {s.found:6} {s.sheet:6} {s.row:6} {s.column:6} {s.alarms:6}{mark}")
        for name in ("planted", "found", "sheet", "row", "column", "alarms"):
            setattr(total, name, getattr(total, name) + getattr(s, name))
    lines.append(
        f"{'total':8} {total.planted:7} {total.found:6} {total.sheet:6} {total.row:6} {total.column:6} {total.alarms:6}"
    )
    if total.planted:
        share = [100 * n / total.planted for n in (total.found, total.row, total.column)]
        lines.append(f"recall {share[0]:.1f} %, with the row {share[1]:.1f} %, with the column {share[2]:.1f} %")
    lines.append(f"{len(tally.scores)} checks, {len(tally.variants)} variants, {tally.workbooks} workbooks; "
                 f"false alarms at planted subjects {total.alarms}, elsewhere {sum(tally.elsewhere.values())}")  # fmt: skip
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=2, help="how often each variant is planted in each study")
    parser.add_argument("--only", default="*", help="pattern of check ids")
    parser.add_argument("--study", choices=STUDIES, default=None)
    parser.add_argument("--clean", type=int, default=4, help="clean cohorts a study")
    parser.add_argument("--plain", action="store_true", help="write plainly instead of in random styles")
    parser.add_argument("--details", type=Path, default=None, help="file for every miss and false alarm")
    given = parser.parse_args()
    studies = (given.study,) if given.study else STUDIES
    tally = measure(given.rounds, given.only, studies, plain=given.plain)
    print(table(tally))
    books, said = quiet(given.clean, studies)
    print(f"clean cohorts: {books} workbooks, {len(said)} findings above a note")
    if given.details:
        given.details.write_text("\n".join([*tally.troubles, *said]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
