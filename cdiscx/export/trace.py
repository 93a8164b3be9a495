"""A value of a dataset, or a finding, in; the text that a person reads out: every hop down to the cells it rests on.

Works on the files of an export alone: `lineage.parquet` beside the datasets, `report.json` for findings.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from cdiscx.export.lineage import FILE, LINEAGE
from cdiscx.model.errors import UsageError

#: lines shown under one value, and hops followed
_MOST, _DEEPEST = 40, 12
_DATASET_FILES = frozenset({"xpt", "json", "ndjson", "parquet", "csv"})


def trace(what: str, keys: Sequence[str], *, folder: Path | None = None) -> str:
    """Text of the way from a value back to its cells.

    `what`: a dataset (`TR`, `sdtm.TR`, `ADTTE`) of an export in `folder`, or the path of a dataset's file (`out/sdtm/tr.xpt`),
    or of a `report.json`. `keys`: USUBJID, then what tells the record from the subject's others (`4`, `TRSEQ=4`, `PFS`),
    then the variable; for a report the fingerprint of a finding. Raises UsageError, which says what there is.
    """
    path = Path(what)
    if path.suffix.lower() == ".json" and path.is_file() and _is_report(path):
        return trace_finding(path, *keys, folder=folder)
    if path.suffix.lower().lstrip(".") in _DATASET_FILES:
        if not path.is_file():
            raise UsageError(f"there is no file {what}")
        folder, what = path.parent, path.stem
    name = what.rpartition(".")[2].upper()
    lines = _Lines.of(folder or Path("."))
    record, variable = _asked(lines, name, keys)
    return "\n".join(_told(lines, record, variable, 0, frozenset())) + "\n"


def trace_finding(report: Path, fingerprint: str = "", *more: str, folder: Path | None = None) -> str:
    """Text of one finding of a `report.json`: what it says, its cells, and the dataset values that rest on its cell.

    The beginning of a fingerprint is enough where it fits one finding. Raises UsageError.
    """
    try:
        findings = json.loads(report.read_text(encoding="utf-8"))["findings"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{report} is no report of cdiscx") from error
    found = [f for f in findings if fingerprint and str(f["fingerprint"]).startswith(fingerprint)]
    exact = [f for f in found if f["fingerprint"] == fingerprint]
    found = exact or found
    if len(found) != 1 or more:
        said = "no finding has" if not found else f"{len(found)} findings have"
        raise UsageError(f"{said} the fingerprint '{fingerprint}'; it is a key of every finding in {report}")
    return "\n".join(_told_finding(found[0], report, folder)) + "\n"


def _is_report(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text(encoding="utf-8")).get("findings"), list)
    except (OSError, ValueError, AttributeError):
        return False


@dataclass(slots=True)
class _Lines:
    """The lineage of an export: one or two files, read where they are asked."""

    files: tuple[Path, ...]

    @classmethod
    def of(cls, folder: Path) -> _Lines:
        """The lineage files of an export's folder, of its `sdtm` or of its `adam`."""
        places = [folder, folder / "sdtm", folder / "adam", folder.parent / "sdtm"]
        files = tuple(dict.fromkeys(p / FILE for p in places if (p / FILE).is_file()))
        if not files:
            raise UsageError(f"{folder} has no {FILE}; name the folder of an export")
        return cls(files)

    def where(self, *conditions: pl.Expr) -> pl.DataFrame:
        """The lines of all files that meet the conditions."""
        return self._read(lambda lines: lines.select(list(LINEAGE)).filter(*conditions))

    def datasets(self) -> list[str]:
        """Names of the datasets that have lines."""
        return self._read(lambda lines: lines.select(pl.col("dataset").unique()))["dataset"].unique().sort().to_list()

    def _read(self, query: Callable[[pl.LazyFrame], pl.LazyFrame]) -> pl.DataFrame:
        try:
            return pl.concat([query(pl.scan_parquet(file)).collect() for file in self.files])
        except (pl.exceptions.PolarsError, OSError) as error:
            raise UsageError(f"{self.files[0].parent} has a {FILE} that cannot be read") from error


def _asked(lines: _Lines, name: str, keys: Sequence[str]) -> tuple[Mapping[str, Any], str]:
    """The record (one line of it) and the variable that the words mean."""
    if name not in lines.datasets():
        raise UsageError(f"no dataset {name} in the lineage; there are: {', '.join(lines.datasets())}")
    if len(keys) < 2:
        raise UsageError(f"name the subject, the record and the variable: {name} USUBJID KEY VARIABLE")
    subject, *told, variable = keys
    variable = variable.upper()
    whose = (pl.col("USUBJID") == subject) | pl.col("USUBJID").str.ends_with(f"-{subject}")
    records = lines.where(pl.col("dataset") == name, whose)
    if not records.height:
        told, records = [subject, *told], lines.where(pl.col("dataset") == name, pl.col("USUBJID").is_null())
    if not records.height:
        raise UsageError(f"{name} has no subject '{subject}'")
    for word in told:
        records = records.filter(_has_key(word))
    there = records.unique("record", keep="first", maintain_order=True)
    if there.height != 1:
        some = ", ".join(str(k) for k in there.get_column("key").head(8).to_list()) or "none"
        shown = " ".join(keys[:-1])
        raise UsageError(
            f"{there.height} records of {name} fit '{shown}' ({some}{', …' if there.height > 8 else ''}); name one"
        )
    if not records.filter(pl.col("variable") == variable).height:
        filled = records.get_column("variable").unique(maintain_order=True).to_list()
        raise UsageError(f"{name} {' '.join(keys[:-1])} has no value of {variable}; it has: {', '.join(filled)}")
    return there.row(0, named=True), variable


def _has_key(word: str) -> pl.Expr:
    """Whether a record's key has this part: `TRSEQ=4`, or a value alone (`4`, `PFS`)."""
    parts = pl.col("key").str.split(", ")
    if "=" in word:
        return parts.list.contains(word).fill_null(False)
    return parts.list.eval(pl.element().str.replace(r"^[^=]*=", "") == word).list.any().fill_null(False)


def _told(
    lines: _Lines, record: Mapping[str, Any], variable: str, depth: int, seen: frozenset[tuple[str, int, str]]
) -> Iterator[str]:
    """The value on one line, then what it comes from, each hop further in."""
    rows = lines.where(
        pl.col("dataset") == record["dataset"], pl.col("record") == record["record"], pl.col("variable") == variable
    )
    pad = "  " * depth
    if not rows.height:
        yield f"{pad}{_named(record)} {variable} is blank"
        return
    first = rows.row(0, named=True)
    yield f"{pad}{_named(first)} {variable} = {first['value']}   ({_known(first)})"
    here = (record["dataset"], record["record"], variable)
    if here in seen or depth >= _DEEPEST:
        return
    sources = [r for r in rows.iter_rows(named=True) if r["file"] is not None or r["source_dataset"] is not None]
    if not sources:
        yield f"{pad}  no cell behind it: a constant, a term of the protocol, or a number the dataset gives itself"
    for row in sources[:_MOST]:
        if row["file"] is not None:
            yield from _cell(row, f"{pad}  ")
        else:
            yield from _hop(lines, row, depth + 1, seen | {here})
    if len(sources) > _MOST:
        yield f"{pad}  … and {len(sources) - _MOST} more"


def _known(row: Mapping[str, Any]) -> str:
    """`derived: date - RFSTDTC + 1`"""
    method = " ".join(str(row["method"] or "").split())
    return f"{row['how'].lower()}: {method}" if method else str(row["how"]).lower()


def _hop(lines: _Lines, row: Mapping[str, Any], depth: int, seen: frozenset[tuple[str, int, str]]) -> Iterator[str]:
    """The record that a value was made of; only named where it is no single record."""
    name, key, variable = row["source_dataset"], row["source_key"], row["source_variable"]
    same = pl.col("dataset") == name
    subject = pl.col("USUBJID").eq_missing(pl.lit(row["USUBJID"], pl.String))
    found = lines.where(same, subject, pl.col("key").eq_missing(pl.lit(key, pl.String))).unique(
        "record", maintain_order=True
    )
    if found.height == 1:
        yield from _told(lines, found.row(0, named=True), variable, depth, seen)
        return
    yield "  " * depth + _at_large(lines, row)


def _at_large(lines: _Lines, row: Mapping[str, Any]) -> str:
    """One line on a variable of several records: its values in the records of the subject."""
    name, variable = row["source_dataset"], row["source_variable"]
    named = " ".join(str(part) for part in (name, row["source_key"], variable) if part)
    if row["text"] is not None:
        return f"{named} = {row['text']}"
    own = lines.where(
        pl.col("dataset") == name,
        pl.col("USUBJID") == pl.lit(row["USUBJID"], pl.String),
        pl.col("variable") == variable,
    ).unique("record", keep="first", maintain_order=True)
    shown = ", ".join(
        f"{r['value']} ({r['key']})" if r["key"] else r["value"] for r in own.head(8).iter_rows(named=True)
    )
    more = f", … ({own.height})" if own.height > 8 else ""
    return (
        f"{named} of {row['USUBJID']}: {shown}{more}" if own.height else f"{named}   (records that are of no subject)"
    )


def _cell(row: Mapping[str, Any], pad: str) -> Iterator[str]:
    typed = "blank" if row["text"] is None else f"'{row['text']}'"
    header = " ".join(str(row["header"] or "").split())
    yield f"{pad}{row['file']}!{row['sheet']}!{row['cell']}  {header}: {typed}"
    if row["change"]:
        after = "missing" if row["read_as"] is None else f"'{row['read_as']}'"
        yield f"{pad}  read as {after}: {row['change']}"


def _named(row: Mapping[str, Any]) -> str:
    return " ".join(str(part) for part in (row["dataset"], row["USUBJID"], row["key"]) if part)


def _told_finding(finding: Mapping[str, Any], report: Path, folder: Path | None) -> Iterator[str]:
    yield f"{finding['check_id']} {finding['severity']}  {finding['message']}"
    places = [finding, *finding.get("related", [])]
    for place in places:
        at = place.get("cell") or (str(place["row"]) if place.get("row") else None)
        where = "!".join(str(x) for x in (place.get("file"), place.get("sheet"), at) if x)
        if where:
            value = "blank" if place.get("value") is None else f"'{place['value']}'"
            yield f"  {where}  {place.get('column') or ''}: {value}".rstrip()
    try:
        lines = _Lines.of(folder or report.parent.parent)
    except UsageError:
        return
    made = lines.where(
        pl.col("file").eq_missing(pl.lit(finding.get("file"), pl.String)),
        pl.col("sheet").eq_missing(pl.lit(finding.get("sheet"), pl.String)),
        pl.col("cell").eq_missing(pl.lit(finding.get("cell"), pl.String)),
        pl.col("file").is_not_null(),
    )
    if made.height:
        yield "  values made of this cell:"
        for row in made.head(_MOST).iter_rows(named=True):
            yield f"    {_named(row)} {row['variable']} = {row['value']}"
        if made.height > _MOST:
            yield f"    … and {made.height - _MOST} more"
