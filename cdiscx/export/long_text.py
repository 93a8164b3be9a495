"""SDTM datasets in, the same datasets out with text of more than 200 bytes continued in their supplemental qualifiers.

Source: SDTMIG 3.4, section 4.5.3.2: the first 200 characters stay, the rest follows in SUPP-- as QNAM = variable and a
number. What counts is the ASCII form, so that every format of one export has the same records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat

import polars as pl

from cdiscx.export.ascii import spelled, to_ascii
from cdiscx.export.fields import LABEL, NAME, TEXT
from cdiscx.model.dataset import Dataset, Variable
from cdiscx.model.kept import Kept, Scratch, changed, copied
from cdiscx.model.kept import pieces as pieces_of

#: beginning of the private `_block` of records that continue a text; the variable follows
CONTINUED = "continued/"
#: which file of a dataset on disk a record was in
_PIECE = "_piece"
_Long = Sequence[tuple[Variable, pl.DataFrame]]
_Rows = Sequence[list[pl.DataFrame]]
_SUPP = (
    ("STUDYID", "Study Identifier", "Req"), ("RDOMAIN", "Related Domain Abbreviation", "Req"),
    ("USUBJID", "Unique Subject Identifier", "Req"), ("IDVAR", "Identifying Variable", "Exp"),
    ("IDVARVAL", "Identifying Variable Value", "Exp"), ("QNAM", "Qualifier Variable Name", "Req"),
    ("QLABEL", "Qualifier Variable Label", "Req"), ("QVAL", "Data Value", "Req"), ("QORIG", "Origin", "Req"),
    ("QEVAL", "Evaluator", "Exp"),
)  # fmt: skip
_ORDER = ("STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM")


def pieces(text: str, most: int = TEXT) -> list[str]:
    """A text in pieces of at most `most` bytes of ASCII, broken between words where a blank is near (it goes)."""
    out, start, size, blank = [], 0, 0, -1
    costs = [len(spelled(c)[0]) for c in text]
    at = 0
    while at < len(text):
        if size + costs[at] > most:
            near = blank > start and sum(costs[blank:at]) <= most // 2
            end, following = (blank, blank + 1) if near else (at, at)
            out.append(text[start:end])
            start, at, size, blank = following, following, 0, -1
            continue
        if text[at] == " ":
            blank = at
        size += costs[at]
        at += 1
    return [*out, text[start:]]


def split_long_text(datasets: Mapping[str, Dataset]) -> dict[str, Dataset]:
    """Every general-observation dataset with `--SEQ`, and DM, gives its long texts away; SUPP-- is made where missing.

    New records carry `_from` of their parent, a new `_id` and `_block` = CONTINUED + variable. Datasets of other kinds
    (trial design, RELREC, SUPP--, ADaM) are left alone; `limits` says what is too long there.
    """
    out = dict(datasets)
    for dataset in datasets.values():
        if not _may_split(dataset):
            continue
        long = [(v, texts) for v in dataset.variables if v.type == "text" and (texts := _long(dataset, v.name)).height]
        if not long:
            continue
        extra: list[list[pl.DataFrame]] = [[] for _ in long]

        def cut(
            frame: pl.DataFrame, _: int = 0, dataset: Dataset = dataset, long: _Long = long, extra: _Rows = extra
        ) -> pl.DataFrame:
            for (variable, texts), rows in zip(long, extra, strict=True):
                frame, own = _cut(dataset, frame, variable, texts)
                rows.append(copied(own.with_columns(pl.lit(len(rows), pl.UInt32).alias(_PIECE))))
            return frame

        held = dataset.held
        out[dataset.name] = dataset.with_(
            frame=cut(held) if isinstance(held, pl.DataFrame) else changed(held, cut, keep=True)
        )
        name = f"SUPP{dataset.name}"
        rows = pl.concat([piece for pieces in extra for piece in pieces], how="diagonal")
        out[name] = _with_rows(out.get(name) or _empty(dataset), rows, dataset, out, long)
    return out


def _may_split(dataset: Dataset) -> bool:
    names = {v.name for v in dataset.variables}
    subject_level = dataset.standard.startswith("SDTM") and not dataset.reference and "USUBJID" in names
    return subject_level and (dataset.name == "DM" or f"{dataset.name}SEQ" in names)


def _long(dataset: Dataset, name: str) -> pl.DataFrame:
    """Distinct long texts of a variable with their pieces: text, piece (list)."""
    columns = (piece.to_series() for piece in pieces_of(dataset.held, [name]))
    found = [c.filter(c.str.len_bytes() > TEXT // 10).unique(maintain_order=True) for c in columns]
    risky = pl.concat([pl.Series(name, [], dtype=pl.String), *found]).unique(maintain_order=True)
    texts = risky.filter(to_ascii(risky).str.len_bytes() > TEXT)
    cut = pl.Series("piece", [pieces(t) for t in texts.to_list()], dtype=pl.List(pl.String))
    return pl.DataFrame([texts.alias("text"), cut])


def _cut(
    dataset: Dataset, frame: pl.DataFrame, variable: Variable, texts: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The frame with first pieces, and the SUPP-- rows of the others."""
    name = variable.name
    joined = frame.join(texts, left_on=name, right_on="text", how="left", maintain_order="left")
    kept = joined.with_columns(pl.coalesce(pl.col("piece").list.first(), name).alias(name)).drop("piece")
    numbered = pl.int_ranges(1, pl.col("piece").list.len(), dtype=pl.Int64)
    rest = joined.filter(pl.col("piece").is_not_null()).with_columns(
        pl.col("piece").list.slice(1).alias("QVAL"), numbered.alias("_n")
    )
    rest = rest.explode("QVAL", "_n")
    sequence = f"{dataset.name}SEQ"
    has = dataset.name != "DM"
    numbers = pl.col("_n").cast(pl.String)
    private = [c for c in ("_from",) if c in frame.columns]
    rows = rest.select(
        "STUDYID" if "STUDYID" in frame.columns else pl.lit(None, pl.String).alias("STUDYID"),
        pl.lit(dataset.name).alias("RDOMAIN"),
        "USUBJID",
        pl.lit(sequence if has else None, pl.String).alias("IDVAR"),
        (pl.col(sequence).cast(pl.String) if has else pl.lit(None, pl.String)).alias("IDVARVAL"),
        _qnam(name, numbers).alias("QNAM"),
        (pl.lit(variable.label).str.slice(0, LABEL - 3) + " " + numbers).alias("QLABEL"),
        "QVAL",
        pl.lit(variable.origin if variable.origin in ("Collected", "Derived") else "Assigned").alias("QORIG"),
        pl.lit(f"{CONTINUED}{name}").alias("_block"),
        *private,
    )
    return kept, rows


def _qnam(name: str, number: pl.Expr) -> pl.Expr:
    """The variable and the number; the number takes the place of the last characters of a long name."""
    return pl.lit(name).str.slice(0, (pl.lit(NAME) - number.str.len_bytes()).cast(pl.Int64)) + number


def _empty(dataset: Dataset) -> Dataset:
    variables = tuple(Variable(n, label, "text", core) for n, label, core in _SUPP)
    schema: dict[str, pl.DataType] = {v.name: pl.String() for v in variables}
    schema |= {c: dataset.held.schema[c] for c in ("_id", "_from", "_block") if c in dataset.held.columns}
    return Dataset(
        f"SUPP{dataset.name}", f"Supplemental Qualifiers for {dataset.name}", "RELATIONSHIP",
        "One record per supplemental qualifier per related parent domain record(s)", _ORDER, variables,
        pl.DataFrame(schema=schema), dataset.standard,
    )  # fmt: skip


def _with_rows(
    supp: Dataset,
    rows: pl.DataFrame,
    parent: Dataset,
    datasets: Mapping[str, Dataset],
    long: Sequence[tuple[Variable, object]],
) -> Dataset:
    """The supplemental dataset with the rows in their places, and the origins of their values."""
    if "_id" in parent.held.columns:
        first = _next_id(datasets.values())
        rows = rows.with_columns((pl.int_range(pl.len(), dtype=pl.UInt32) + first).cast(pl.UInt32).alias("_id"))
    held, above = supp.held, parent.held
    frame: pl.DataFrame | Kept
    if isinstance(above, Kept):  # a file has the subjects of the parent's file
        blank = pl.DataFrame(schema=held.schema)
        scratch = above.owner or Scratch()
        there = pieces_of(held) if isinstance(held, Kept) else repeat(blank)
        own = (rows.filter(pl.col(_PIECE) == n).drop(_PIECE) for n in range(len(above.paths)))
        frame = scratch.rewritten((_in_place(f, r) for f, r in zip(there, own, strict=False)), held.schema)
    else:
        frame = _in_place(supp.frame, rows.drop(_PIECE))
    origin = dict(supp.origin)
    for variable, _ in long:
        origin[f"{CONTINUED}{variable.name}/QVAL"] = tuple(_origins(parent, variable.name))
    return supp.with_(frame=frame, origin=origin)


def _in_place(frame: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Supplemental records with others among them, in the order of SUPP--."""
    wanted = frame.schema
    known = rows.select(c for c in rows.columns if c in wanted)
    both = pl.concat([frame, known.cast({c: wanted[c] for c in known.columns})], how="diagonal")
    order = [pl.col(c) for c in ("USUBJID", "IDVAR") if c in wanted]
    number = pl.col("IDVARVAL").cast(pl.Float64, strict=False)
    return both.sort(*order, number, "IDVARVAL", "QNAM", maintain_order=True)


def _origins(parent: Dataset, variable: str) -> Iterator[str]:
    """All sources that the parent names for the variable, in any block."""
    seen: dict[str, None] = {}
    for key, sources in parent.origin.items():
        if key.rpartition("/")[2] == variable:
            seen |= dict.fromkeys(sources)
    return iter(seen)


def _next_id(datasets: Iterable[Dataset]) -> int:
    """One more than the largest `_id` there is."""
    held = [d.held for d in datasets if "_id" in d.held.columns]
    tops = [numbers.to_series().max() for frame in held for numbers in pieces_of(frame, ["_id"])]
    return max((top for top in tops if isinstance(top, int)), default=-1) + 1
