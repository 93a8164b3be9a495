"""Frames that are already in the house's words -> StudyData, for programmers who have no workbook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from cdiscx.model.errors import UploadError
from cdiscx.model.spec import Column, Study
from cdiscx.model.table import RawSheet as Raw
from cdiscx.model.table import Source, StudyData, Table, Upload, UploadFile, letter
from cdiscx.standards.dates import read_iso

#: dtype of the value column per column type; dates and numbers have a text companion `XC`
DTYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    "date": pl.Date,
    "num": pl.Float64,
    "terms": pl.List(pl.String),
    "lesions": pl.List(pl.String),
    "pairs": pl.List(pl.Struct({"key": pl.String, "term": pl.String})),
}


def schema_of(study: Study, table: str) -> dict[str, Any]:
    """Column -> dtype of a tidy table, lineage columns first."""
    found = study.sheet_of(table)
    out: dict[str, Any] = {"_rid": pl.UInt32, "_from": pl.List(pl.UInt32)}
    for column in found[1].columns.values() if found else ():
        out[column.is_] = DTYPES.get(column.type, pl.String)
        if column.type in ("date", "num", "pairs"):
            out[f"{column.is_}C"] = pl.String
    return out


def tidy_frames(study: Study, frames: Mapping[str, Any], *, complete: bool = False) -> StudyData:
    """Polars, pandas or Arrow frames by table name -> StudyData.

    Dates may be Date or ISO text; a value that cannot be cast is null and a problem. Tables and columns that are not
    given count as absent, unless `complete`. Raises UploadError for a table the study does not have.
    """
    known = {sheet.holds for sheet in study.sheets.values()}
    for name in frames:
        if name not in known:
            raise UploadError(f"study {study.id} has no table '{name}'; it has: {', '.join(sorted(known))}")
    tables: dict[str, Table] = {}
    absent: dict[str, tuple[str, ...]] = {}
    sources: list[Source] = []
    ledgers: list[pl.DataFrame] = []
    problems: list[pl.DataFrame] = []
    start = 0
    for sheet_name, sheet in study.sheets.items():
        given = frames.get(sheet.holds)
        raw = pl.DataFrame() if given is None else _polars(given)
        if given is None and not complete:
            absent[sheet.holds] = ("frames",)
        built = [_column(spec, raw) for spec in sheet.columns.values()]
        for spec in sheet.columns.values():
            if spec.is_ not in raw.columns and not complete:
                absent[f"{sheet.holds}.{spec.is_}"] = ("frames",)
        rids = pl.Series("_rid", range(start, start + raw.height), dtype=pl.UInt32)
        frame = pl.DataFrame(schema=schema_of(study, sheet.holds))
        if raw.height:
            made = raw.select(pl.lit(rids).alias("_rid"), *(e for expressions in built for e in expressions))
            frame = made.with_columns(_from=pl.concat_list("_rid")).select(frame.columns)
        tables[sheet.holds] = Table(
            sheet.holds, frame, {c: (f"{sheet.holds}.{c}",) for c in frame.columns if c[0] != "_"}
        )
        sources.append(_source(sheet_name, sheet.holds, raw))
        ledgers.append(_ledger(rids, len(sources) - 1))
        problems.append(_unreadable(sheet_name, sheet.holds, raw, frame, list(sheet.columns.values())))
        start += raw.height
    file = UploadFile("frames", "", 0, tuple(s.raw for s in sources))
    upload = Upload((file,), tuple(sources), pl.concat(ledgers))
    return StudyData(study, upload, tables, problems=pl.concat(problems, how="diagonal_relaxed"), absent=absent)


def _polars(frame: Any) -> pl.DataFrame:
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if isinstance(frame, pl.DataFrame):
        return frame
    if isinstance(frame, list):
        return pl.DataFrame(frame, infer_schema_length=None, strict=False)
    made = pl.DataFrame(frame) if not hasattr(frame, "to_polars") else frame.to_polars()
    return made.to_frame() if isinstance(made, pl.Series) else made


def _column(spec: Column, raw: pl.DataFrame) -> list[pl.Expr]:
    name = spec.is_
    dtype = DTYPES.get(spec.type, pl.String)
    value = pl.col(name) if name in raw.columns else pl.lit(None)
    companion = pl.col(f"{name}C") if f"{name}C" in raw.columns else value
    if spec.type == "date":
        text = companion.cast(pl.String)
        date = value if raw.schema.get(name) == pl.Date else read_iso(value.cast(pl.String))
        return [date.cast(pl.Date).alias(name), text.alias(f"{name}C")]
    if spec.type == "num":
        return [value.cast(pl.Float64, strict=False).alias(name), companion.cast(pl.String).alias(f"{name}C")]
    if spec.type == "pairs":
        if raw.schema.get(name) == pl.String:
            value = _pairs(value)
        return [value.cast(dtype).alias(name), pl.lit(None, dtype=pl.String).alias(f"{name}C")]
    if spec.type in ("terms", "lesions"):
        value = (
            value.str.split(";").list.eval(pl.element().str.strip_chars())
            if raw.schema.get(name) == pl.String
            else value
        )
        return [value.cast(dtype).alias(name)]
    filled = value.cast(pl.String)
    return [(filled.fill_null(spec.default) if spec.default is not None else filled).alias(name)]


def _pairs(value: pl.Expr) -> pl.Expr:
    """`KEY: TERM; KEY: TERM` -> list of structs."""
    item = pl.element().str.strip_chars().str.splitn(":", 2).struct
    return value.str.split(";").list.eval(
        pl.struct(key=item.field("field_0").str.strip_chars(), term=item.field("field_1").str.strip_chars())
    )


def _source(sheet: str, table: str, raw: pl.DataFrame) -> Source:
    letters = {name: letter(i) for i, name in enumerate(raw.columns)}
    text = raw.select(
        _row=pl.int_range(1, pl.len() + 1, dtype=pl.UInt32),
        **{letters[c]: _as_text(c, raw.schema[c]) for c in raw.columns},
    )
    kinds = pl.DataFrame({at: pl.Series([1] * raw.height, dtype=pl.UInt8) for at in letters.values()})
    return Source("frames", sheet, table, 0, letters, {c: c for c in letters}, Raw("frames", sheet, text, kinds))


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.List):
        return (
            pl.col(name).list.eval(pl.element().cast(pl.String, strict=False)).list.join("; ")
            if dtype.inner == pl.String
            else pl.lit(None, dtype=pl.String)
        )
    return pl.col(name).cast(pl.String)


def _ledger(rids: pl.Series, source: int) -> pl.DataFrame:
    rows = pl.int_range(1, rids.len() + 1, dtype=pl.UInt32, eager=True)
    return pl.DataFrame({"_rid": rids, "_source": pl.Series([source] * rids.len(), dtype=pl.UInt32), "_row": rows})


def _unreadable(sheet: str, table: str, raw: pl.DataFrame, frame: pl.DataFrame, specs: list[Column]) -> pl.DataFrame:
    """Cells that held something and came out null: dates and numbers that cannot be cast."""
    out = [
        pl.DataFrame(
            schema={"_rid": pl.UInt32, "column": pl.String, "kind": pl.String, "row": pl.Int64, "raw": pl.String}
        )
    ]
    for spec in specs:
        if spec.type not in ("date", "num") or spec.is_ not in raw.columns or not raw.height:
            continue
        text = raw.get_column(spec.is_).cast(pl.String)
        lost = text.is_not_null() & frame.get_column(spec.is_).is_null()
        if spec.type == "date":
            lost = lost & ~text.str.contains(r"^\d{4}(-\d{2})?$|^\d{4}---\d{2}$").fill_null(False)
        kind = "unreadable_date" if spec.type == "date" else "not_a_number"
        bad = frame.with_row_index("row", offset=1).with_columns(raw=text).filter(lost)
        out.append(
            bad.select(
                "_rid",
                pl.lit(spec.is_).alias("column"),
                pl.lit(kind).alias("kind"),
                pl.col("row").cast(pl.Int64),
                "raw",
            )
        )
    found = pl.concat(out).with_columns(file=pl.lit("frames"), sheet=pl.lit(sheet), table=pl.lit(table))
    empty = {name: pl.lit(None, dtype=pl.String) for name in ("letter", "read_as", "detail")}
    return found.with_columns(**empty)
