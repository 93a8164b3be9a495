"""One run as the ledger sees it: its findings as queries, and for every other query whether this run judged it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cdiscx.model.errors import UsageError
from cdiscx.model.finding import HELD_BACK
from cdiscx.model.standing import Coverage

#: what a run could not do about one subject, said like the reasons of a check
_SILENT = "a cell or column that the check needs is missing or unreadable for the subject"


@dataclass(frozen=True, slots=True)
class Query:
    """A finding as it was last seen. `key` is its name in the ledger: the fingerprint, and for a finding about no subject
    also the sites of its upload, because two sites may lack the same sheet.

    `listed`: the subject was in a subject list; `sites`: who must have sent data for it to be judged again;
    `limits`: what the check could not do then: a later run that can do as much, judges it.
    """

    key: str
    fingerprint: str
    study: str
    check_id: str
    severity: str
    message: str
    fix: str = ""
    site: str | None = None
    subject: str | None = None
    visit: str | None = None
    file: str | None = None
    sheet: str | None = None
    cell: str | None = None
    column: str | None = None
    value: str | None = None
    listed: bool = True
    sites: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    accepted: str | None = None

    @property
    def place(self) -> str:
        """`site-01.xlsx!Visits!C3`, as far as known."""
        return "!".join(part for part in (self.file, self.sheet, self.cell) if part)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, JSON-ready, without blanks."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in told.items() if value not in (None, "", ())}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Query:
        """The query that `to_dict` told."""
        words: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in told.items()}
        return cls(**words)


@dataclass(frozen=True, slots=True)
class Observed:
    """A report's JSON object, made ready: its queries by key, its checks by id, what it covered."""

    study: str
    run: Mapping[str, Any]
    queries: Mapping[str, Query]
    checks: Mapping[str, Mapping[str, Any]]
    coverage: Coverage
    _sites: frozenset[str] = field(default_factory=frozenset)

    @property
    def signature(self) -> str:
        """The uploads' hashes, in order of their hashes: the same for the same bytes under other names."""
        return " ".join(sorted(str(u["sha256"]) for u in self.run.get("uploads", ())))

    def why_not(self, query: Query) -> str | None:
        """None where this run judged the query and no longer finds it; else why its absence says nothing."""
        check = self.checks.get(query.check_id)
        if check is None:
            return f"{query.check_id} was not among the checks"
        if check["status"] == "errored":
            return f"{query.check_id} crashed"
        news = [r for r in _reasons(check, self.coverage) if r not in query.limits]
        if news:
            return f"{query.check_id} did not run as before: {'; '.join(news)}"
        if not check["rows"]:
            return f"{query.check_id} did not run: {check.get('reason') or 'there was no row to check'}"
        if _base(query.fingerprint) in self.coverage.held.get(query.check_id, ()):
            return "found again, but another finding of the same cause speaks for it"
        if query.subject in self.coverage.unjudged.get(query.check_id, ()) and _SILENT not in query.limits:
            return _SILENT
        return self._absent(query)

    def _absent(self, query: Query) -> str | None:
        if query.subject is not None and query.listed:
            return (
                None if query.subject in self.coverage.subjects else f"subject {query.subject} is not in these uploads"
            )
        if query.sites:
            gone = [site for site in query.sites if site not in self._sites]
            return f"these uploads hold nothing of site {', '.join(gone)}" if gone else None
        same = query.file is None or query.file in self.coverage.sites
        return None if same else f"{query.file} is not among these uploads, and its site is not known"


def observed(report: Mapping[str, Any]) -> Observed:
    """A report's JSON object (`Report.to_dict`, `report.json`) as the ledger needs it. Raises UsageError for another one."""
    if not {"run", "checks", "findings", "coverage"} <= set(report):
        raise UsageError(
            "this is no report.json that says what its run could judge; make it again with cdiscx validate --report"
        )
    coverage = Coverage.from_dict(report["coverage"])
    checks = {check["check_id"]: check for check in report["checks"]}
    sites = frozenset(site for of_file in coverage.sites.values() for site in of_file)
    study = str(report["run"].get("study") or "")
    made = [_query(finding, study, coverage, checks, sites) for finding in report["findings"]]
    return Observed(study, report["run"], {q.key: q for q in _numbered(made)}, checks, coverage, sites)


def _query(
    finding: Mapping[str, Any], study: str, coverage: Coverage, checks: Mapping[str, Any], all_sites: frozenset[str]
) -> Query:
    subject, check_id, file = finding["subject"], finding["check_id"], finding["file"]
    own = (
        (finding["site"],)
        if finding["site"]
        else coverage.sites.get(file or "", ())
        if file
        else tuple(sorted(all_sites))
    )
    scope = "" if subject is not None or not (file or finding["site"]) else "+".join(own) or file or ""
    silent = (_SILENT,) if subject in coverage.unjudged.get(check_id, ()) else ()
    at = finding["cell"] or (f"row {finding['row']}" if finding["row"] else None)
    names = ("fingerprint", "severity", "message", "site", "visit", "sheet", "column", "value")
    return Query(
        key=_base(finding["fingerprint"]) + (f"@{scope}" if scope else ""),
        study=study,
        check_id=check_id,
        subject=subject,
        file=file,
        cell=at,
        fix=finding.get("fix") or "",
        listed=subject is not None and subject in coverage.subjects,
        sites=tuple(own),
        limits=(*_reasons(checks.get(check_id, {}), coverage), *silent),
        accepted=finding.get("accepted"),
        **{name: finding[name] for name in names},
    )


def _numbered(queries: Iterable[Query]) -> list[Query]:
    """Keys made unique by the running number of their fingerprints, counted anew within each key."""
    groups: dict[str, list[Query]] = {}
    for query in queries:
        groups.setdefault(query.key, []).append(query)
    out = []
    for key, group in groups.items():
        ordered = sorted(group, key=lambda q: int(q.fingerprint.partition("-")[2] or 0))
        for number, query in enumerate(ordered):
            out.append(replace(query, key=f"{key}-{number}") if number else query)
    return out


def _base(fingerprint: str) -> str:
    return fingerprint.partition("-")[0]


def _reasons(check: Mapping[str, Any], coverage: Coverage) -> tuple[str, ...]:
    """What kept the check from being whole, with the sites of an upload for its name: the next one has another name.

    What it left to other findings is known one by one (`Coverage.held`).
    """
    told = str(check.get("reason") or "")
    for file in sorted(coverage.sites, key=len, reverse=True):
        if file in told and coverage.sites[file]:
            told = told.replace(file, f"the upload of site {'+'.join(coverage.sites[file])}")
    return tuple(part for part in told.split("; ") if part and part != HELD_BACK)
