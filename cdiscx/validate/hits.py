"""Rows that a check returned -> findings with place, value as typed, related cells, message and fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from cdiscx.model.finding import Check, CheckPart, Finding, Phrase, Related, Severity
from cdiscx.model.table import Source, StudyData
from cdiscx.validate.typed import TypedCells
from cdiscx.validate.wording import LONGEST_MESSAGE, phrase, plain, shortened, wording

_RESERVED = frozenset({"_say", "_column", "_table", "_severity", "_expected", "_related", "_key", "_fix"})


@dataclass(frozen=True, slots=True)
class Hit:
    """One offending row, before its place is looked up."""

    check_id: str
    severity: Severity
    message: str
    fix: str
    subject: str | None
    visit: str | None
    table: str | None
    rid: int | None
    column: str | None
    expected: str | None = None
    related: tuple[tuple[int, str | None], ...] = ()
    key: str = ""
    #: where the place is not that of a tidy row: file, sheet, row, letter, header, value
    at: tuple[str | None, str | None, int | None, str | None, str | None, str | None] | None = None
    #: how message, fix and expected were made
    told: tuple[Phrase | None, Phrase | None, Phrase | None] = field(default=(None, None, None), compare=False)


def read_hits(found: pl.DataFrame, check: Check, part: CheckPart, severity: Severity) -> tuple[Hit, ...]:
    """One Hit per returned row; the reserved `_` columns say what differs from the part's defaults."""
    hits = []
    anchor = part.columns[0] if part.columns else None
    has = set(found.columns)
    for row in found.iter_rows(named=True):  # findings, not data: one Python object each is what is wanted
        template = row["_say"] if row.get("_say") else part.wording.message
        fix = row.get("_fix") or part.wording.fix
        expected = row.get("_expected")
        hits.append(
            Hit(
                check.id,
                Severity(row["_severity"]) if row.get("_severity") else severity,
                wording(template, row),
                wording(fix, row),
                row.get("SUBJID"),
                row.get("VISIT"),
                row.get("_table") or part.on,
                row.get("_rid"),
                row["_column"] if "_column" in has else anchor,
                wording(expected, row) if expected else None,
                _related(row),
                row.get("_key") or "",
                _at(row) if part.on == "problems" else None,
                (phrase(template, row), phrase(fix, row), phrase(expected, row)),
            )
        )
    return tuple(hits)


def _related(row: Mapping[str, Any]) -> tuple[tuple[int, str | None], ...]:
    listed = row.get("_related") or []
    pairs = [(r["rid"], r["column"]) if isinstance(r, dict) else (r, None) for r in listed]
    return tuple(dict.fromkeys((rid, column) for rid, column in pairs if rid is not None))


def _at(row: Mapping[str, Any]) -> tuple[str | None, str | None, int | None, str | None, str | None, str | None]:
    return row.get("file"), row.get("sheet"), row.get("row"), row.get("letter"), row.get("_header"), row.get("raw")


@dataclass
class Locator:
    """Looks up places, typed values, sites and natural keys of tidy rows."""

    data: StudyData
    _sites: dict[str, str] = field(default_factory=dict)
    _key_cache: dict[str, dict[int, tuple[str, ...]]] = field(default_factory=dict)
    _subject_files: dict[str, Source | None] | None = None
    _file_sites: dict[str, str] | None = None
    _listed: frozenset[str] | None = None

    def __post_init__(self) -> None:
        ledger = self.data.upload.ledger
        self._source_of = ledger.get_column("_source").to_numpy()
        self._row_of = ledger.get_column("_row").to_numpy()
        self._cells = TypedCells(self.data.upload)
        subjects = self.data.tidy.get("subjects")
        if subjects is not None and {"SUBJID", "SITEID"} <= set(subjects.frame.columns):
            pairs = subjects.frame.select("SUBJID", "SITEID").drop_nulls().iter_rows()
            self._sites = {str(s): str(site) for s, site in pairs}

    def knows(self, subject: str) -> bool:
        """Whether the subject is in the subject list; True where there is no list."""
        if self._listed is None:
            subjects = self.data.tidy.get("subjects")
            has = subjects is not None and "SUBJID" in subjects.frame.columns
            ids = subjects.frame.get_column("SUBJID").drop_nulls().to_list() if has and subjects else []
            self._listed = frozenset(map(str, ids))
        return not self._listed or subject in self._listed

    def place(self, rid: int | None) -> tuple[Source | None, int | None]:
        """Source and spreadsheet row of a tidy row."""
        if rid is None or not self.data.upload.sources or rid >= len(self._source_of):
            return None, None
        return self.data.upload.sources[self._source_of[rid]], int(self._row_of[rid])

    def typed(self, rid: int | None, column: str | None) -> str | None:
        """The cell's text as typed."""
        source, row = self.place(rid)
        if source is None or row is None or column is None or column not in source.letters:
            return self._tidy_value(rid, column)
        return self._cells.text(int(self._source_of[rid]) if rid is not None else 0, row, source.letters[column])

    def expect(self, hits: Sequence[Hit]) -> None:
        """Natural keys of the hits' rows, read once a table."""
        by_table: dict[str, list[int]] = {}
        for hit in hits:
            if hit.table and hit.rid is not None:
                by_table.setdefault(hit.table, []).append(hit.rid)
        for table, rids in by_table.items():
            self.keys(table, rids)

    def _expect_cells(self, hits: Sequence[Hit]) -> None:
        """Cells of the hits and of what they rest on, read once a sheet where it waits on disk."""
        pairs = ((rid, column) for hit in hits for rid, column in ((hit.rid, hit.column), *hit.related))
        wanted = []
        for rid, column in pairs:
            source, row = self.place(rid)
            if source is not None and row is not None and rid is not None and column and column in source.letters:
                wanted.append((int(self._source_of[rid]), row, source.letters[column]))
        self._cells.fetch(wanted)

    def _tidy_value(self, rid: int | None, column: str | None) -> str | None:
        if rid is None or column is None or self.data.upload.sources:
            return None
        for table in self.data.tidy.values():
            if column in table.frame.columns and "_rid" in table.frame.columns and self.data.study.sheet_of(table.name):
                found = table.frame.filter(pl.col("_rid") == rid)
                if found.height:
                    value = found.get_column(column)[0]
                    return None if value is None else plain(value)
        return None

    def keys(self, table: str | None, rids: Iterable[int]) -> dict[int, tuple[str, ...]]:
        """Row -> natural key as text (SUBJID and VISIT included when there)."""
        found = self.data.study.sheet_of(table) if table else None
        if not table or found is None or table not in self.data.tidy:
            return {}
        if table not in self._key_cache:
            self._key_cache[table] = {}
        cache = self._key_cache[table]
        need = [r for r in set(rids) if r not in cache]
        if need:
            held = self.data.tidy[table]
            names = [c for c in found[1].key if c in held.columns]
            rows = held.lazy().filter(pl.col("_rid").is_in(pl.Series(need, dtype=pl.UInt32).implode()))
            for row in rows.select("_rid", *names).collect().iter_rows():
                cache[row[0]] = tuple("" if v is None else plain(v) for v in row[1:])
        return cache

    def visit(self, table: str | None, rid: int | None) -> str | None:
        """The visit a row belongs to, where its table has one."""
        found = self.data.study.sheet_of(table) if table else None
        if rid is None or found is None or table is None or "VISIT" not in found[1].key:
            return None
        key = self.keys(table, [rid]).get(rid)
        return key[list(found[1].key).index("VISIT")] or None if key else None

    def findings(self, hits: Sequence[Hit]) -> tuple[Finding, ...]:
        """Findings in reading order: file, sheet, row, cell, check; fingerprints unique."""
        self.expect(hits)
        self._expect_cells(hits)
        made = [self._finding(hit) for hit in hits]
        return tuple(sorted(unique_fingerprints(made), key=_order))

    def _digest(self, hit: Hit, sheet: str | None, header: str | None) -> str:
        """What makes two hits the same defect of the same record, as 16 hexadecimal digits."""
        record = self.keys(hit.table, [hit.rid]).get(hit.rid, ()) if hit.rid is not None else ()
        seed = [self.data.study.studyid, hit.check_id, hit.subject, hit.table, list(record), hit.column, hit.key]
        if hit.rid is None and hit.at is not None:
            known = hit.table is not None and self.data.study.sheet_of(hit.table) is not None
            # a sheet under another of its names is the same sheet
            seed += [None if known else sheet, header, hit.key]
        return hashlib.sha256(json.dumps(seed, ensure_ascii=False).encode()).hexdigest()[:16]

    def left_out(self, hits: Sequence[Hit], kept: Sequence[Hit]) -> dict[str, frozenset[str]]:
        """Check -> fingerprints (without running number) of its hits that `kept` does not have: found, left to another."""
        own = {(h.check_id, h.table, h.rid, h.column, h.subject, h.key, h.at) for h in kept}
        out: dict[str, set[str]] = {}
        for hit in hits:
            if (hit.check_id, hit.table, hit.rid, hit.column, hit.subject, hit.key, hit.at) not in own:
                _, sheet, _, _, header, _ = hit.at or (None,) * 6
                out.setdefault(hit.check_id, set()).add(self._digest(hit, sheet, header))
        return {check: frozenset(found) for check, found in out.items()}

    def _finding(self, hit: Hit) -> Finding:
        study = self.data.study
        file, sheet, row, letter, header, value = hit.at or self._where(hit)
        subject = hit.subject
        digest = self._digest(hit, sheet, header)
        return Finding(
            hit.check_id,
            hit.check_id.partition("-")[0],
            hit.severity,
            shortened(hit.message, LONGEST_MESSAGE),
            study.studyid,
            self._sites.get(subject) if subject else self._site_of(file),
            subject,
            hit.visit or self.visit(hit.table, hit.rid),
            file,
            sheet,
            row,
            header,
            f"{letter}{row}" if letter and row else None,
            value,
            hit.expected,
            tuple(self._related(rid, column) for rid, column in hit.related),
            digest,
            hit.fix,
            told=hit.told,
        )

    def _site_of(self, file: str | None) -> str | None:
        """The site of an upload that holds one site only."""
        if self._file_sites is None:
            sites: dict[str, set[str]] = {}
            subjects = self.data.tidy.get("subjects")
            if subjects is not None and {"SITEID", "_rid"} <= set(subjects.frame.columns):
                for rid, site in subjects.frame.select("_rid", "SITEID").drop_nulls().iter_rows():
                    source = self.place(rid)[0]
                    sites.setdefault(source.file if source else "", set()).add(str(site))
            self._file_sites = {name: next(iter(found)) for name, found in sites.items() if len(found) == 1}
        return self._file_sites.get(file or "")

    def _where(self, hit: Hit) -> tuple[str | None, str | None, int | None, str | None, str | None, str | None]:
        source, row = self.place(hit.rid)
        header = self.data.study.header(hit.table, hit.column) if hit.table and hit.column else None
        if source is None:
            file = self._file_of(hit)
            sheet = self.data.study.sheet_name(hit.table) if hit.table and self.data.study.sheet_of(hit.table) else None
            return file, sheet, None, None, header, self.typed(hit.rid, hit.column) if hit.rid is not None else None
        letter = source.letters.get(hit.column or "")
        return source.file, source.sheet, row, letter, header, self.typed(hit.rid, hit.column)

    def _file_of(self, hit: Hit) -> str | None:
        """The upload a record without a row would belong to: the only one, or the one that lists the subject."""
        files = self.data.upload.files
        if len(files) == 1:
            return files[0].name
        subjects = self.data.tidy.get("subjects")
        if hit.subject is None or subjects is None or not self.data.upload.sources:
            return None
        if self._subject_files is None:
            pairs = subjects.frame.select("SUBJID", "_rid").iter_rows()
            self._subject_files = {s: self.place(rid)[0] for s, rid in pairs}
        source = self._subject_files.get(hit.subject)
        return source.file if source else None

    def _related(self, rid: int, column: str | None) -> Related:
        source, row = self.place(rid)
        if source is None:
            return Related(None, None, None, None, column, self.typed(rid, column))
        letter = source.letters.get(column or "")
        header = self.data.study.header(source.table, column) if column else None
        return Related(
            source.file, source.sheet, row, f"{letter}{row}" if letter else None, header, self.typed(rid, column)
        )


def unique_fingerprints(findings: list[Finding]) -> list[Finding]:
    """Findings that would share a fingerprint get a running number in an order that rows moving about does not change."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.fingerprint, []).append(finding)
    out = []
    for digest, group in groups.items():
        ordered = sorted(group, key=lambda f: (f.value or "", f.message, f.row or 0)) if len(group) > 1 else group
        out += [replace(f, fingerprint=f"{digest}-{n}" if n else digest) for n, f in enumerate(ordered)]
    return out


def _order(f: Finding) -> tuple[str, str, int, str, str, str, str]:
    return f.file or "", f.sheet or "", f.row or 0, f.cell or "", f.check_id, f.subject or "", f.message
