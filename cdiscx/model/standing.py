"""How far a run could see (coverage), and where its findings stand in a ledger of queries (standing)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

Sets = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a run could judge; without it nobody can tell a corrected defect from one that was not looked for.

    `subjects`: those of the subject lists; `sites`: upload -> the sites whose subjects have rows in it.
    `unjudged`: check -> subjects about whom a part of it was silent (an unreadable cell, an upload without the column);
    `held`: check -> fingerprints (without running number) that it found and left to another finding of the same cause.
    """

    subjects: frozenset[str] = frozenset()
    sites: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unjudged: Sets = field(default_factory=dict)
    held: Sets = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values in a fixed order, JSON-ready."""
        return {
            "subjects": sorted(self.subjects),
            "sites": {name: list(sites) for name, sites in self.sites.items()},
            "unjudged": {check: sorted(who) for check, who in sorted(self.unjudged.items()) if who},
            "held": {check: sorted(what) for check, what in sorted(self.held.items()) if what},
        }

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Coverage:
        """The coverage that `to_dict` told."""
        return cls(
            frozenset(told["subjects"]),
            {name: tuple(sites) for name, sites in told["sites"].items()},
            {check: frozenset(who) for check, who in told["unjudged"].items()},
            {check: frozenset(what) for check, what in told["held"].items()},
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one finding of this run stands: `new`, `open`, `reopened` or `accepted`; dates are ISO days (UTC)."""

    query: str
    status: str
    since: str
    first_seen: str
    last_seen: str

    @property
    def said(self) -> str:
        """`new`, `open since 2026-03-01`, `reopened`, `accepted`."""
        return f"open since {self.since}" if self.status == "open" else self.status


@dataclass(frozen=True, slots=True)
class Past:
    """A query that is not among the findings of this run: resolved by it, or not judged (then `why` says why)."""

    query: str
    check_id: str
    severity: str
    subject: str | None
    place: str
    message: str
    since: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Standings:
    """What a ledger says of one run: every finding's standing by fingerprint, what was resolved, what was not judged.

    `head`: `COUNT:HASH` of the ledger after this run; noted down, it proves later that nothing before it was changed.
    """

    head: str
    findings: Mapping[str, Standing]
    resolved: tuple[Past, ...] = ()
    unjudged: tuple[Past, ...] = ()

    def counts(self) -> dict[str, int]:
        """Number of queries that are new, open, reopened, accepted, resolved, not judged."""
        found = [standing.status for standing in self.findings.values()]
        counted = {status: found.count(status) for status in ("new", "open", "reopened", "accepted")}
        return counted | {"resolved": len(self.resolved), "not judged": len(self.unjudged)}

    def said(self) -> str:
        """`3 new, 10 still open, 1 reopened, 4 resolved by this upload`."""
        words = {"open": "still open", "resolved": "resolved by this upload"}
        told = [f"{count:,} {words.get(name, name)}" for name, count in self.counts().items() if count]
        return ", ".join(told) or "no query"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, JSON-ready."""
        return {
            "head": self.head,
            "counts": self.counts(),
            "findings": {fingerprint: asdict(standing) for fingerprint, standing in self.findings.items()},
            "resolved": [asdict(past) for past in self.resolved],
            "unjudged": [asdict(past) for past in self.unjudged],
        }
