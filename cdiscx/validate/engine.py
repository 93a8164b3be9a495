"""Runs every check over the tidy tables: four statuses, findings with their places, one cause one finding."""

from __future__ import annotations

import inspect
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from cdiscx.model.finding import HELD_BACK, Check, CheckPart, CheckRun, Finding, Severity, Status
from cdiscx.model.house import blank_columns, house_key
from cdiscx.model.table import RunContext, StudyData
from cdiscx.registry import View
from cdiscx.validate.hits import Hit, Locator, read_hits
from cdiscx.validate.precedence import settle
from cdiscx.validate.presence import Inputs, resolve

#: structural columns that every part sees of every table
_ALWAYS = ("_rid", "_from", "SUBJID")


@dataclass(frozen=True, slots=True)
class PartRun:
    """What became of one part of a check."""

    hits: tuple[Hit, ...] = ()
    rows: int = 0
    ran: bool = False
    skipped: str | None = None
    partial: str | None = None
    error: str | None = None
    seconds: float = 0.0
    #: findings withheld because a cell they rest on could not be read
    withheld: int = 0
    #: subjects about whom the part was silent
    silent: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Outcome:
    """Checks run and findings made."""

    runs: tuple[CheckRun, ...]
    findings: tuple[Finding, ...]
    #: check -> subjects it could not judge, and fingerprints that it left to another finding of the same cause
    unjudged: Mapping[str, frozenset[str]] = field(default_factory=dict)
    held: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass
class Engine:
    """One run over one StudyData; `data.tidy` holds the tables and the views that were made."""

    data: StudyData
    run: RunContext
    views: Mapping[str, View]
    frames: dict[str, pl.LazyFrame] = field(default_factory=dict)
    undated: dict[str, frozenset[str]] = field(default_factory=dict)
    #: names of the columns of the tables that were asked for
    columns: dict[str, frozenset[str]] = field(default_factory=dict)
    #: also where a table has no row: this is one part of the subjects, others may have some
    always: bool = False
    #: rows of a table where `frames` has not all of them
    heights: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        own = {name: table.lazy() for name, table in self.data.tidy.items()}
        self.frames = {**own, **(self.frames or pseudo_tables(self.data))}

    def validate(
        self,
        checks: Sequence[Check],
        extra: Sequence[tuple[Check, Callable[[], PartRun]]] = (),
        progress: Callable[[str], None] = lambda _: None,
        apart: Mapping[str, tuple[PartRun, ...]] | None = None,
    ) -> Outcome:
        """Runs the checks, and `extra` checks that other machinery judges (schemas, expectations).

        `apart`: check -> what became of its parts, where others have judged them (by parts of the subjects).
        """
        locator = Locator(self.data)
        parts: list[tuple[Check, tuple[PartRun, ...]]] = []
        judged: dict[str, list[PartRun]] = {}
        for check, judge in extra:
            judged.setdefault(check.id, []).append(guarded(judge))
        known = {check.id for check in checks}
        alone = {check.id: check for check, _ in extra if check.id not in known}
        for check in (*checks, *alone.values()):
            progress(check.id)
            there = None if apart is None else apart.get(check.id)
            own = tuple(self.part(check, part) for part in check.parts) if there is None else there
            parts.append((check, (*own, *judged.get(check.id, ()))))
        hits = [(check, hit) for check, runs in parts for run in runs for hit in sorted(run.hits, key=_in_order)]
        locator.expect([hit for _, hit in hits])
        kept = settle(hits, locator)
        findings = locator.findings(kept)
        counts: dict[str, int] = {}
        for finding in findings:
            counts[finding.check_id] = counts.get(finding.check_id, 0) + 1
        runs = tuple(self._status(check, own, counts.get(check.id, 0)) for check, own in parts)
        unjudged = {check.id: frozenset().union(*(p.silent for p in own)) for check, own in parts}
        return Outcome(runs, findings, unjudged, locator.left_out([hit for _, hit in hits], kept))

    def _status(self, check: Check, parts: tuple[PartRun, ...], hits: int) -> CheckRun:
        setting = self.data.study.checks.get(check.id)
        if setting is not None and setting.off is not None:
            return CheckRun(check.id, Status.SKIPPED, f"not part of this study: {setting.off}")
        rows = sum(p.rows for p in parts)
        seconds = sum(p.seconds for p in parts)
        errors = [p.error for p in parts if p.error]
        if errors:
            last = errors[0].strip().splitlines()[-1]
            return CheckRun(check.id, Status.ERRORED, f"the check crashed: {last}", rows, hits, seconds, errors[0])
        reasons = list(dict.fromkeys(r for p in parts for r in (p.skipped, p.partial) if r))
        reason = "; ".join(reasons) or None
        if hits:
            return CheckRun(check.id, Status.FAILED, reason, rows, hits, seconds)
        if not parts:
            return CheckRun(check.id, Status.SKIPPED, "this version of cdiscx does not run this check yet")
        if reason:
            return CheckRun(check.id, Status.SKIPPED, reason, rows, 0, seconds)
        if any(p.hits or p.withheld for p in parts):
            return CheckRun(check.id, Status.SKIPPED, HELD_BACK, rows)
        if not any(p.ran and p.rows for p in parts):
            return CheckRun(check.id, Status.SKIPPED, "there was no row to check", 0, 0, seconds)
        return CheckRun(check.id, Status.PASSED, None, rows, 0, seconds)

    def part(self, check: Check, part: CheckPart) -> PartRun:
        """What one part of a check says of the data."""
        setting = self.data.study.checks.get(check.id)
        if setting is not None and setting.off is not None:
            return PartRun(skipped=setting.off)
        if (why := part.applies(self.data.study)) is not None:
            return PartRun(skipped=f"not part of this study: {why}")
        inputs = resolve(part, self.data, self.views)
        if inputs.blocked:
            return PartRun(skipped=inputs.blocked)
        return guarded(lambda: self._evaluate(check, part, inputs))

    def _evaluate(self, check: Check, part: CheckPart, inputs: Inputs) -> PartRun:
        missing = [t for t in inputs.columns if t not in self.frames and t in self.views]
        crashed = next((self.data.broken[t] for t in missing if t in self.data.broken), None)
        if crashed:
            return PartRun(error=crashed)
        if missing:
            return PartRun(skipped=f"could not be made from this upload: {', '.join(missing)}")
        seen = {
            name: self._visible(name, inputs) if name in self.frames else stand_in(name, columns)
            for name, columns in inputs.columns.items()
        }
        # a check on tidy's observations has looked at every row, also where there was nothing to observe
        rows = self._height("rows" if part.on == "problems" else part.on)
        if not rows and part.on != "problems" and not self.always:
            return PartRun(partial=inputs.partial)
        words: dict[str, Any] = {"study": self.data.study, "run": self.run, **seen}
        names = inspect.signature(part.function).parameters
        found = part.function(**{name: words[name] for name in names}).collect(engine="in-memory")
        severity = self.severity(check)
        hits = read_hits(found, check, part, severity)
        silent = self._silenced(part) | self._subjects_of(inputs.short_files)
        heard = tuple(h for h in hits if h.subject is None or h.subject not in silent)
        return PartRun(heard, rows, True, None, inputs.partial, withheld=len(hits) - len(heard), silent=silent)

    def _subjects_of(self, files: frozenset[str]) -> frozenset[str]:
        """Subjects with rows in an upload that lacks what the part needs: blanks there say nothing."""
        if not files or not self.data.upload.sources:
            return frozenset()
        sources = [i for i, s in enumerate(self.data.upload.sources) if s.file in files]
        theirs = self.data.upload.ledger.lazy().filter(pl.col("_source").is_in(sources)).select("_rid")
        named = self.frames["rows"].join(theirs, on="_rid", how="semi").select("SUBJID").drop_nulls().unique().collect()
        return frozenset(named.get_column("SUBJID").to_list())

    def severity(self, check: Check) -> Severity:
        """The catalogue's severity, or the study's own word."""
        setting = self.data.study.checks.get(check.id)
        return Severity(setting.severity) if setting and setting.severity else check.severity

    def _height(self, name: str) -> int:
        """Rows of a table, without a query where the table is at hand."""
        if name in self.heights:
            return self.heights[name]
        table = self.data.tidy.get(name)
        return table.height if table else int(self.frames[name].select(pl.len()).collect().item())

    def _visible(self, name: str, inputs: Inputs) -> pl.LazyFrame:
        """A table with only the columns that the part declares, blank where the study has none; views whole."""
        frame = self.frames[name]
        found = self.data.study.sheet_of(name)
        if found is None:
            return frame
        if name not in self.columns:
            self.columns[name] = frozenset(frame.collect_schema().names())
        has = self.columns[name]
        wanted = (*_ALWAYS, *found[1].key, *sorted(inputs.columns[name]))
        both = dict.fromkeys(c for w in wanted for c in (w, f"{w}C") if c in has)
        asked = inputs.columns[name] | house_key(name)
        lacking = [c for c in sorted(asked) if c not in has and not c.startswith("_")]
        blank = {n: dtype for c in lacking for n, dtype in blank_columns(name, c).items() if n not in has}
        return frame.select(*both, *(pl.lit(None, dtype=dtype).alias(n) for n, dtype in blank.items()))

    def _silenced(self, part: CheckPart) -> frozenset[str]:
        """Subjects with an unreadable cell, or a required date that is blank or partial, where the part would see a gap."""
        if not part.silenced_by:
            return frozenset()
        silent: set[str] = set()
        if self.data.problems is not None and self.data.problems.height:
            wanted = pl.concat_str("table", pl.lit("."), "column").is_in(list(part.silenced_by))
            bad = self.frames["problems"].filter(wanted, pl.col("unreadable"), pl.col("SUBJID").is_not_null())
            silent |= set(bad.select("SUBJID").collect().get_column("SUBJID").to_list())
        if part.check_id.partition("-")[0] in _COUNT_ON_DATES:
            silent |= {subject for place in part.silenced_by for subject in self._undated(place)}
        return frozenset(silent)

    def _undated(self, place: str) -> frozenset[str]:
        """Subjects with a row that lacks a complete date in a required date column (DAT-003 and END-004 speak of it)."""
        if place not in self.undated:
            table, _, column = place.partition(".")
            spec = self.data.study.column(table, column)
            known = self.data.tidy.get(table)
            found: list[str] = []
            if spec is not None and spec.type == "date" and spec.required and known is not None:
                rows = known.lazy().filter(pl.col(column).is_null()).select("SUBJID").drop_nulls().collect()
                found = rows.get_column("SUBJID").to_list()
            self.undated[place] = frozenset(found)
        return self.undated[place]


def _in_order(hit: Hit) -> tuple[object, ...]:
    """By row, subject and place, so that nothing depends on the order in which a check found its hits."""
    return (-1 if hit.rid is None else hit.rid, hit.subject or "", hit.column or "", hit.key, hit.message, str(hit.at))


#: families whose sequences and windows cannot be judged around a record without a date
_COUNT_ON_DATES = ("VIS", "DOS", "MEA", "SAF")


def stand_in(table: str, columns: frozenset[str]) -> pl.LazyFrame:
    """An empty table for one that this study does not have and the part can do without."""
    schema: dict[str, Any] = {"_rid": pl.UInt32, "_from": pl.List(pl.UInt32), "SUBJID": pl.String}
    for name in sorted(columns):
        schema |= blank_columns(table, name)
    return pl.LazyFrame(schema=schema)


UNREADABLE = (
    "error_cell",
    "no_cache",
    "unreadable_date",
    "ambiguous_date",
    "contradicts_order",
    "implausible_date",
    "not_a_number",
    "ambiguous_number",
    "unknown_unit",
    "unit_conflict",
    "not_in_list",
)

_PROBLEMS: dict[str, Any] = {
    "_rid": pl.UInt32, "file": pl.String, "sheet": pl.String, "table": pl.String, "column": pl.String, "kind": pl.String,
    "row": pl.Int64, "letter": pl.String, "raw": pl.String, "read_as": pl.String, "detail": pl.String,
}  # fmt: skip


def pseudo_tables(data: StudyData) -> dict[str, pl.LazyFrame]:
    """`rows` (_rid, table, SUBJID of every row of every sheet's table) and `problems` (tidy's observations, with SUBJID)."""
    pieces = [
        table.lazy().select("_rid", "SUBJID", table=pl.lit(name))
        for name, table in data.tidy.items()
        if data.study.sheet_of(name) is not None and "SUBJID" in table.columns
    ]
    empty = pl.LazyFrame(schema={"_rid": pl.UInt32, "SUBJID": pl.String, "table": pl.String})
    rows = pl.concat([empty, *pieces])
    problems = (data.problems if data.problems is not None else pl.DataFrame(schema=_PROBLEMS)).lazy()
    named = problems.join(rows.select("_rid", "SUBJID"), on="_rid", how="left")
    return {"rows": rows, "problems": with_unreadable(named)}


def with_unreadable(problems: pl.LazyFrame) -> pl.LazyFrame:
    """Observations of tidy with SUBJID, and whether the cell could not be read."""
    return problems.with_columns(unreadable=pl.col("kind").is_in(list(UNREADABLE)))


def guarded(judge: Callable[[], PartRun]) -> PartRun:
    """Runs one part; whatever it raises is our bug and is recorded as such: a crash is never a skip."""
    start = time.perf_counter()
    try:
        done = judge()
    except Exception:
        return PartRun(error=traceback.format_exc(), seconds=time.perf_counter() - start)
    return replace(done, seconds=time.perf_counter() - start)
