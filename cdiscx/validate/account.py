"""What a report says of its run besides findings: which checks were chosen, what was accepted, whose data were seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

import polars as pl

from cdiscx.model.finding import Check, Finding
from cdiscx.model.spec import Study
from cdiscx.model.standing import Coverage
from cdiscx.model.table import StudyData


def select(checks: Sequence[Check], only: Sequence[str], skip: Sequence[str]) -> list[Check]:
    """The checks whose id matches a pattern of `only` (none given: all) and none of `skip`."""
    kept = [c for c in checks if not only or any(fnmatchcase(c.id, p.upper()) for p in only)]
    return [c for c in kept if not any(fnmatchcase(c.id, p.upper()) for p in skip)]


def accept(finding: Finding, study: Study) -> Finding:
    """The finding, marked as accepted where the study file says so."""
    for item in study.accepted:
        same = item.fingerprint in (None, finding.fingerprint) and item.subject in (None, finding.subject)
        if item.check == finding.check_id and same and (item.fingerprint or item.subject):
            return replace(finding, accepted=f"{item.reason} ({item.who}, {item.when.isoformat()})")
    return finding


def coverage(
    data: StudyData,
    unjudged: Mapping[str, frozenset[str]] | None = None,
    held: Mapping[str, frozenset[str]] | None = None,
) -> Coverage:
    """Whose data a run has seen: subjects of the subject lists, and the sites that each upload speaks of."""
    listed = data.tidy.get("subjects")
    if listed is None or not {"SUBJID", "SITEID"} <= set(listed.frame.columns):
        return Coverage(frozenset(), {f.name: () for f in data.upload.files}, unjudged or {}, held or {})
    sites = listed.frame.lazy().select("SUBJID", "SITEID").drop_nulls().unique()
    rows = (
        [
            table.frame.lazy().select("_rid", "SUBJID")
            for name, table in data.tidy.items()
            if data.study.sheet_of(name) is not None and {"_rid", "SUBJID"} <= set(table.columns)
        ]
        if data.shares is None
        else [data.shares.rows.lazy().select("_rid", "SUBJID")]
    )
    of_source = (
        pl.concat(rows)
        .join(data.upload.ledger.lazy(), on="_rid")
        .join(sites, on="SUBJID")
        .select("_source", "SITEID")
        .unique()
        .collect()
    )
    found: dict[str, set[str]] = {f.name: set() for f in data.upload.files}
    for source, site in of_source.iter_rows():
        found.setdefault(data.upload.sources[source].file, set()).add(str(site))
    subjects = frozenset(map(str, listed.frame.get_column("SUBJID").drop_nulls().to_list()))
    return Coverage(subjects, {n: tuple(sorted(s)) for n, s in found.items()}, unjudged or {}, held or {})
