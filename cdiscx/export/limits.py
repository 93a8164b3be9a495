"""Datasets in, findings out: what a SAS transport file of version 5 cannot hold, said before anything is written.

| id | severity | defect |
|---|---|---|
| EXP-XPT-001 | error | a dataset or variable name is not 1 to 8 upper-case letters, digits and underscores |
| EXP-XPT-002 | warning | a label has more than 40 bytes; it is cut in the file |
| EXP-XPT-003 | note | text is transliterated: it reads the same in ASCII (`café`, `≥ 3`) |
| EXP-XPT-004 | warning | text is escaped: it cannot be read in ASCII (`肝癌` becomes `\\u809D\\u764C`) |
| EXP-XPT-005 | note | text of more than 200 bytes goes on in the supplemental qualifiers |
| EXP-XPT-006 | error | text of more than 200 bytes that has nowhere to go on |
| EXP-XPT-007 | error | a number is too large, too small or too long for an IBM float |
| EXP-XPT-008 | error | a value is no number (NaN or infinite); no format can hold it |
| EXP-XPT-009 | note | trailing blanks, or text of blanks alone: transport files do not keep them |
| EXP-XPT-010 | error | the last records hold nothing but blanks: readers take them for padding |
| EXP-XPT-011 | note | the dataset has no records |

Each finding names dataset, record and variable in its message and, where a lineage is given, the cell of the upload.
More than 1,000 findings of one kind in one variable are summed up in one more.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from cdiscx.export.ascii import odd_texts, spelling, to_ascii
from cdiscx.export.fields import LABEL, NAME, TEXT, longest
from cdiscx.export.forms import out_of_range, xpt_label
from cdiscx.export.lineage import Lines
from cdiscx.export.long_text import CONTINUED
from cdiscx.model.dataset import Dataset
from cdiscx.model.finding import Finding, Severity
from cdiscx.model.kept import pieces

_NAME = re.compile(rf"[A-Z_][A-Z0-9_]{{0,{NAME - 1}}}")
_MOST = 1_000
_SEVERITY = {
    "001": Severity.ERROR, "002": Severity.WARNING, "003": Severity.NOTE, "004": Severity.WARNING, "005": Severity.NOTE,
    "006": Severity.ERROR, "007": Severity.ERROR, "008": Severity.ERROR, "009": Severity.NOTE, "010": Severity.ERROR,
    "011": Severity.NOTE,
}  # fmt: skip
_SAID = {
    "003": "stands in the transport file as '{after}'",
    "004": "is not ASCII and stands in the transport file escaped, as '{after}'",
    "006": "has {size} bytes in ASCII, more than 200, and no supplemental dataset takes the rest",
    "007": "cannot be kept as a SAS number (between 5.4E-79 and 7.2E75, whole numbers up to 2^53)",
    "008": "is no number (NaN or infinite)",
    "009": "has trailing blanks, which a transport file does not keep",
}
_FIX = {
    "001": "name it with up to 8 upper-case letters, digits and underscores",
    "002": "shorten the label to 40 characters",
    "003": "nothing, if the spelling is right; JSON, Parquet and CSV keep the text as it is",
    "004": "enter a translation at the source; JSON, Parquet and CSV keep the text as it is",
    "005": "nothing; the parts follow each other in QNAM order",
    "006": "shorten the text at the source",
    "007": "correct the number at the source",
    "008": "correct the derivation that made it",
    "009": "nothing; blanks carry no meaning",
    "010": "leave the empty records out",
    "011": "leave the dataset out, or say in the reviewer's guide why it is empty",
}


@dataclass(frozen=True, slots=True)
class _Hit:
    """Values of one variable that share a defect: `rows` are positions in the frame."""

    number: str
    dataset: Dataset
    variable: str
    rows: pl.Series


def limits(
    datasets: Mapping[str, Dataset], *, lineage: Lines | None = None, study: str | None = None
) -> tuple[Finding, ...]:
    """Findings on datasets that have been through `split_long_text`, in the order of the datasets.

    `lineage`: of the same datasets, for the cells of the upload.
    """
    found: list[Finding] = []
    for dataset in datasets.values():
        found += _structure(dataset, study)
        for hit in _values(dataset):
            found += _findings(hit, _places(lineage, hit), study)
    return tuple(found)


def _structure(dataset: Dataset, study: str | None) -> Iterator[Finding]:
    name = dataset.name
    for what, shown in [(name, f"dataset {name}"), *((v.name, f"variable {name}.{v.name}") for v in dataset.variables)]:
        if not _NAME.fullmatch(what):
            yield _finding("001", f"the name of {shown} cannot be a name in a transport file", study, name, what)
    labels = [(name, dataset.label, f"dataset {name}")]
    labels += [(v.name, v.label, f"{name}.{v.name}") for v in dataset.variables]
    for what, label, shown in labels:
        if len(str(to_ascii(pl.Series([label]))[0])) > LABEL:
            said = f"the label of {shown} is cut to '{xpt_label(label)}' ({label})"
            yield _finding("002", said, study, name, what, value=label)
    if not dataset.held.height:
        yield _finding("011", f"dataset {name} has no records", study, name, "")
    elif _lost_records(dataset):
        said = f"the last {_lost_records(dataset)} records of {name} hold nothing but blanks; readers take them for padding"
        yield _finding("010", said, study, name, "")


def _lost_records(dataset: Dataset) -> int:
    """Blank records at the end of a dataset without numbers: they look like the padding of the last card."""
    names = [v.name for v in dataset.variables]
    if any(dataset.held.schema[n] != pl.String for n in names):
        return 0
    blank = 0
    for piece in pieces(dataset.held, names):
        filled = piece.select(pl.any_horizontal((pl.col(names).str.strip_chars() != "").fill_null(False))).to_series()
        last = filled.arg_true()
        blank = piece.height - (int(last[-1]) + 1) if len(last) else blank + piece.height
    return blank


def _values(dataset: Dataset) -> Iterator[_Hit]:
    for variable in dataset.variables:
        column = dataset.column(variable.name)
        if column.dtype == pl.String:
            yield from _text_hits(dataset, column)
        elif column.dtype.is_float():
            numbers = column.cast(pl.Float64)
            odd = (~numbers.is_finite()).fill_null(False)
            yield from _hit("008", dataset, column.name, odd)
            yield from _hit("007", dataset, column.name, out_of_range(numbers) & ~odd)
        elif column.dtype.is_integer():
            yield from _hit("007", dataset, column.name, out_of_range(column.cast(pl.Int64)))


def _text_hits(dataset: Dataset, column: pl.Series) -> Iterator[_Hit]:
    odd = odd_texts(column)
    if odd is not None:
        _, escaped = spelling(column.filter(odd))
        hard = column.str.contains_any(sorted(escaped)).fill_null(False) if escaped else odd & False
        yield from _hit("003", dataset, column.name, odd & ~hard)
        yield from _hit("004", dataset, column.name, hard)
    spelt = to_ascii(column)
    if longest(spelt) > TEXT:
        long = (spelt.str.strip_chars_end(" ").str.len_bytes() > TEXT).fill_null(False)
        yield from _hit("006", dataset, column.name, long)
    yield from _hit("009", dataset, column.name, column.str.ends_with(" ").fill_null(False))
    if column.name == "QVAL" and "_block" in dataset.held.columns:
        continued = (dataset.column("_block").str.starts_with(CONTINUED)).fill_null(False)
        yield from _hit("005", dataset, column.name, continued)


def _hit(number: str, dataset: Dataset, variable: str, where: pl.Series) -> Iterator[_Hit]:
    if where.any():
        yield _Hit(number, dataset, variable, where.arg_true())


def _places(lineage: Lines | None, hit: _Hit) -> Mapping[int, Mapping[str, object]]:
    """Record (from 1) -> its first cell in the lineage."""
    if lineage is None:
        return {}
    own = lineage.of(hit.dataset.name, hit.variable).filter(
        pl.col("record").is_in((hit.rows.head(_MOST) + 1).cast(pl.UInt32).implode()),
        pl.col("file").is_not_null(),
    )
    first = own.unique("record", keep="first", maintain_order=True).collect()
    return {row["record"]: row for row in first.iter_rows(named=True)}


def _findings(hit: _Hit, places: Mapping[int, Mapping[str, object]], study: str | None) -> Iterator[Finding]:
    name = hit.dataset.name
    picked = _picked(hit)  # findings, not data: one Python object each is what is wanted
    values = picked.get_column(hit.variable)
    after = to_ascii(values) if values.dtype == pl.String else values.cast(pl.String)
    subjects: Sequence[str | None] = (
        picked.get_column("USUBJID").to_list() if "USUBJID" in picked.columns else [None] * picked.height
    )
    rows = zip(hit.rows.head(_MOST).to_list(), values.to_list(), after.to_list(), subjects, strict=True)
    for row, value, spelt, subject in rows:
        said = _SAID.get(hit.number, "").format(after=_brief(spelt), size=len(spelt or ""))
        text = f"{name} record {row + 1}: {hit.variable} '{_brief(str(value))}' {said}"
        if hit.number == "005":
            text = _continued(picked, hit, row, name)
        yield _finding(hit.number, text, study, name, hit.variable, subject, str(value), row + 1, places.get(row + 1))
    if len(hit.rows) > _MOST:
        said = f"{len(hit.rows) - _MOST:,} more values of {name}.{hit.variable} have the defect of EXP-XPT-{hit.number}"
        yield _finding(hit.number, said, study, name, hit.variable)


def _picked(hit: _Hit) -> pl.DataFrame:
    """The first records that a finding is told of."""
    found, start = [pl.DataFrame(schema=hit.dataset.held.schema)], 0
    rows = hit.rows.head(_MOST)
    for piece in pieces(hit.dataset.held):
        own = rows.filter((rows >= start) & (rows < start + piece.height)) - start
        if len(own):
            found.append(piece[own])
        start += piece.height
    return pl.concat(found)


def _continued(picked: pl.DataFrame, hit: _Hit, row: int, name: str) -> str:
    at = hit.rows.to_list().index(row)
    cells = picked.row(at, named=True)
    parent = f"{cells.get('IDVAR') or ''} {cells.get('IDVARVAL') or ''}".strip()
    where = f"{cells.get('RDOMAIN')} {parent}".strip()
    return f"{name} record {row + 1}: a text of more than 200 bytes in {where} goes on as QNAM {cells.get('QNAM')}"


def _brief(text: str | None) -> str:
    return "" if text is None else text if len(text) <= 120 else f"{text[:119]}…"


def _finding(
    number: str, said: str, study: str | None, dataset: str, variable: str, subject: str | None = None,
    value: str | None = None, record: int | None = None, place: Mapping[str, object] | None = None,
) -> Finding:  # fmt: skip
    at = place or {}
    seed = [study, number, dataset, variable, subject, value, at.get("file"), at.get("sheet"), at.get("cell"), record]
    digest = hashlib.sha256(json.dumps(seed, ensure_ascii=False).encode()).hexdigest()[:16]
    row = at.get("row")
    return Finding(
        f"EXP-XPT-{number}", "EXP", _SEVERITY[number], said, study, None, subject, None,
        _text(at.get("file")), _text(at.get("sheet")), row if isinstance(row, int) else None, _text(at.get("header")),
        _text(at.get("cell")), _text(at.get("text")) or value, None, (), digest, _FIX[number],
    )  # fmt: skip


def _text(value: object) -> str | None:
    return None if value is None else str(value)
