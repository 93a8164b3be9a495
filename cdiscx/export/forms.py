"""A dataset in, the same dataset as a file format can hold it out.

Blank text is null everywhere. The transport form is ASCII with short labels; what it cannot keep (see `limits`) is an
ExportError, or is cut on request, when a person has seen the findings and wants the file nevertheless.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import polars as pl

from cdiscx.export.ascii import to_ascii
from cdiscx.export.fields import LABEL, TEXT, longest
from cdiscx.model.dataset import DTYPES, Dataset
from cdiscx.model.errors import ExportError
from cdiscx.model.kept import Kept, changed

#: largest magnitude of an IBM float, and the smallest that is not zero
BIG, TINY = (1 - 16.0**-14) * 16.0**63, 16.0**-65
#: whole numbers beyond this are not all doubles
WHOLE = 2**53


def plain_form(dataset: Dataset, *, lossy: bool = False) -> Dataset:
    """The public columns in the types that the variables declare, "" as null.

    NaN and infinite numbers have no place in any format: null when `lossy`, else ExportError. Raises ExportError too
    where a column is missing or cannot be of the type its variable declares.
    """
    return dataset.with_(frame=_each(dataset, lambda frame: _plain(dataset, frame, lossy)))


def _each(dataset: Dataset, form: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame | Kept:
    """The records in another form, in memory or on disk as they are."""
    missing = [v.name for v in dataset.variables if v.name not in dataset.held.columns]
    if missing:
        raise ExportError(f"dataset {dataset.name} has no column {', '.join(missing)}, which its variables name")
    held = dataset.held
    return form(held) if isinstance(held, pl.DataFrame) else changed(held, lambda frame, _: form(frame), keep=True)


def _plain(dataset: Dataset, records: pl.DataFrame, lossy: bool) -> pl.DataFrame:
    try:
        frame = records.select(pl.col(v.name).cast(DTYPES[v.type]) for v in dataset.variables)
    except pl.exceptions.PolarsError as error:
        said = str(error).splitlines()[0]
        raise ExportError(
            f"dataset {dataset.name}: a column is not of the type its variable declares ({said})"
        ) from error
    texts = [v.name for v in dataset.variables if DTYPES[v.type] == pl.String]
    floats = [v.name for v in dataset.variables if v.type == "float"]
    frame = frame.with_columns(
        *(pl.when(pl.col(n) != "").then(pl.col(n)).alias(n) for n in texts),
        *(pl.when(pl.col(n).is_finite()).then(pl.col(n)).alias(n) for n in floats),
    )
    if not lossy and floats:
        lost = [n for n in floats if frame[n].null_count() != records[n].null_count()]
        if lost:
            raise ExportError(f"{dataset.name}.{lost[0]} holds a value that is no number (NaN or infinite)")
    return frame


def xpt_form(dataset: Dataset, *, lossy: bool = False) -> Dataset:
    """`plain_form` in ASCII, trailing blanks off, labels of at most 40 characters.

    Text longer than 200 bytes is cut, a number out of range is null, when `lossy`; else ExportError.
    """
    variables = tuple(replace(v, label=xpt_label(v.label)) for v in dataset.variables)
    frame = _each(dataset, lambda records: _transport(dataset, _plain(dataset, records, lossy), lossy))
    return dataset.with_(frame=frame, variables=variables, label=xpt_label(dataset.label))


def _transport(dataset: Dataset, plain: pl.DataFrame, lossy: bool) -> pl.DataFrame:
    columns = []
    for series in plain.iter_columns():
        kept, lost = _kept(series)
        if lost and not lossy:
            raise ExportError(
                f"{dataset.name}.{series.name} holds a value that a SAS transport file cannot keep "
                "(text of more than 200 bytes or a number out of range); see the findings EXP-XPT"
            )
        columns.append(kept)
    return pl.DataFrame(columns)


def xpt_label(label: str) -> str:
    """A label as the transport file holds it."""
    return str(to_ascii(pl.Series([label]))[0])[:LABEL].rstrip(" ")


def _kept(series: pl.Series) -> tuple[pl.Series, bool]:
    """What is left of a column in a transport file, and whether more than trailing blanks is lost."""
    if series.dtype == pl.String:
        text = to_ascii(series).str.strip_chars_end(" ")
        long = longest(text) > TEXT
        if long:
            text = text.str.slice(0, TEXT).str.strip_chars_end(" ")
        return text.zip_with(text != "", pl.Series([None], dtype=pl.String)).alias(series.name), long
    if series.dtype in (pl.Float64, pl.Int64):
        bad = out_of_range(series)
        if bad.any():
            return series.zip_with(~bad, pl.Series([None], dtype=series.dtype)), True
    return series, False


def out_of_range(numbers: pl.Series) -> pl.Series:
    """Whether a number (Float64 or Int64) is none that an IBM float can be: too large, too small, or no longer whole."""
    size = numbers.abs()
    if numbers.dtype == pl.Int64:
        return ((numbers > WHOLE) | (numbers < -WHOLE)).fill_null(False)
    return ((size > BIG) | ((size < TINY) & (size > 0)) | ~numbers.is_finite()).fill_null(False)
