"""What we say of the data: severities, checks, runs of checks, findings, and the report that holds them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import polars as pl

from cdiscx.model.kept import Kept
from cdiscx.model.standing import Coverage, Standings


class Severity(StrEnum):
    """How bad a finding is; ordered by `.rank`."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 note, 1 warning, 2 error."""
        return {"note": 0, "warning": 1, "error": 2}[self.value]


class Status(StrEnum):
    """What became of a check; the four are never mixed."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    ERRORED = "errored"


@dataclass(frozen=True, slots=True)
class Wording:
    """The parts of a check's docstring: message template, why, fix, rule cited, what is not checked."""

    message: str
    why: str = ""
    fix: str = ""
    rule: str = ""
    not_checked: str = ""


def everywhere(_study: object) -> str | None:
    """The rule of checks that belong to every study."""
    return None


@dataclass(frozen=True, slots=True)
class CheckPart:
    """One function of a check: what it examines, what it cannot do without, what it also uses.

    `on`: table whose rows are examined; `columns`: its columns that must be there, the anchor first.
    `needs`: other tables (`subjects`) or columns (`subjects.RFICDAT`) that must be there.
    `uses`: tables or columns that are used when there; without them the part runs, but can no longer pass
    (`*`: every column of every sheet; `*date`: those of one type).
    `silenced_by`: `table.COLUMN`s; an unreadable cell there silences the part for that subject (one cause, one finding).
    `applies`: study -> None, or why the part does not belong to it (no endpoint that it protects).
    """

    check_id: str
    name: str
    function: Callable[..., pl.LazyFrame]
    on: str
    columns: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    silenced_by: tuple[str, ...] = ()
    wording: Wording = Wording("")
    applies: Callable[[Any], str | None] = everywhere


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the catalogue with its parts."""

    id: str
    title: str
    severity: Severity
    tier: int
    parts: tuple[CheckPart, ...] = ()

    @property
    def family(self) -> str:
        """`STR` of `STR-001`."""
        return self.id.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Related:
    """Another cell that a finding rests on."""

    file: str | None
    sheet: str | None
    row: int | None
    cell: str | None
    column: str | None
    value: str | None


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text before its slots were filled: the template, and what each slot says. Other languages start from it."""

    template: str
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect: what, where, how to fix it. Field names and order are those of the contract."""

    check_id: str
    family: str
    severity: Severity
    message: str
    study: str | None = None
    site: str | None = None
    subject: str | None = None
    visit: str | None = None
    file: str | None = None
    sheet: str | None = None
    row: int | None = None
    column: str | None = None
    cell: str | None = None
    value: str | None = None
    expected: str | None = None
    related: tuple[Related, ...] = ()
    fingerprint: str = ""
    fix: str = ""
    #: `accepted: reason (who, when)` where the study file accepts this finding
    accepted: str | None = None
    #: how message, fix and expected were made, where a check made them from templates; not part of what is told
    told: tuple[Phrase | None, Phrase | None, Phrase | None] = field(
        default=(None, None, None), compare=False, repr=False
    )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, JSON-ready, keys of the contract first."""
        out = {name: getattr(self, name) for name in TOLD}
        out["severity"] = self.severity.value
        out["related"] = [asdict(r) for r in self.related]
        return out

    @property
    def place(self) -> str:
        """`site-01.xlsx!Visits!C3`, as far as known."""
        at = self.cell or (str(self.row) if self.row is not None else None)
        return "!".join(str(x) for x in (self.file, self.sheet, at) if x)


#: names of what a finding tells, in order
TOLD = tuple(name for name in Finding.__dataclass_fields__ if name != "told")
#: reason of a check that the person at the keyboard did not want
LEFT_OUT = "left out by --only or --skip"
#: reason of a check all of whose findings were left to others
HELD_BACK = "what it found rests on cells that other findings name"


@dataclass(frozen=True, slots=True)
class CheckRun:
    """What became of one check in one run. `rows` examined, `hits` findings."""

    check_id: str
    status: Status
    reason: str | None = None
    rows: int = 0
    hits: int = 0
    seconds: float = 0.0
    traceback: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one validation: iterate it for the findings."""

    run: Mapping[str, Any]
    checks: tuple[CheckRun, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    changes: pl.DataFrame | Kept | None = field(default=None, compare=False)
    #: what the run could judge, and where its findings stand in a ledger (where one was given)
    coverage: Coverage = field(default_factory=Coverage)
    ledger: Standings | None = None

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    @property
    def open(self) -> tuple[Finding, ...]:
        """The findings that the study file does not accept."""
        return tuple(f for f in self.findings if f.accepted is None)

    def ok(self, level: Severity | str = Severity.ERROR) -> bool:
        """True when no open finding is at or above `level`, no check crashed and something was checked."""
        rank = Severity(level).rank
        return self.complete and self.checked and not any(f.severity.rank >= rank for f in self.open)

    @property
    def complete(self) -> bool:
        """False when a check crashed."""
        return all(c.status is not Status.ERRORED for c in self.checks)

    @property
    def checked(self) -> bool:
        """True when at least one check looked at at least one row."""
        return any(c.status in (Status.PASSED, Status.FAILED) and c.rows > 0 for c in self.checks)

    def summary(self) -> dict[str, Any]:
        """Counts by severity, check, sheet, site and status of the checks."""
        found = self.findings
        return {
            "findings": len(found),
            "accepted": sum(f.accepted is not None for f in found),
            "by_severity": {s.value: sum(f.severity is s for f in found) for s in Severity},
            "by_check": dict(sorted(Counter(f.check_id for f in found).items())),
            "by_sheet": dict(sorted(Counter(f.sheet or "" for f in found).items())),
            "by_site": dict(sorted(Counter(f.site or "" for f in found).items())),
            "checks": {s.value: sum(c.status is s for c in self.checks) for s in Status},
        }

    def to_dict(self) -> dict[str, Any]:
        """The contract's JSON object as plain values."""
        checks = [
            {
                "check_id": c.check_id,
                "status": c.status.value,
                "reason": c.reason,
                "rows": c.rows,
                "findings": c.hits,
                **({"traceback": c.traceback} if c.traceback else {}),
            }
            for c in self.checks
        ]
        return {
            "run": dict(self.run),
            "summary": self.summary(),
            "checks": checks,
            "findings": [f.to_dict() for f in self.findings],
            "notes": list(self.notes),
            "coverage": self.coverage.to_dict(),
            **({"ledger": self.ledger.to_dict()} if self.ledger else {}),
        }

    def to_json(self) -> str:
        """The contract's JSON object as text, indented, stable for the same input."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1)

    def to_polars(self) -> pl.DataFrame:
        """One row a finding; the columns of the contract, `related` as JSON text."""
        rows = [
            {**f.to_dict(), "related": json.dumps(f.to_dict()["related"], ensure_ascii=False)} for f in self.findings
        ]
        schema = dict.fromkeys(TOLD, pl.String) | {"row": pl.Int64}
        return pl.DataFrame(rows, schema=schema)
