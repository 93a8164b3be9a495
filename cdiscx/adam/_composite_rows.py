"""Time points in; response of the primary tumour, of the thrombus and their composite out, with the one that counts (trial-b 8.7)."""

from __future__ import annotations

import polars as pl

from cdiscx.adam._best import population, row
from cdiscx.adam._context import Context
from cdiscx.adam._course import investigator
from cdiscx.adam._readings import ORDER, ResponseSource, flag, people
from cdiscx.adam._tumour_tables import COMPOSITE
from cdiscx.model.spec import Endpoint

#: parameter of the thrombus class that was read: the shift from baseline is made of it
CLASS = "PVTTCLS"
_POINT = ("SUBJID", "EVAL", "VISIT", "VISITNUM", "BASETYPE", "TP", "ADT", "RSSEQ", "RID", "_from")
_AT = ("SUBJID", "EVAL", "VISIT")


def composite_endpoint(ctx: Context) -> tuple[str, Endpoint] | None:
    """The study's composite endpoint by name: the one with two components."""
    return next(((n, e) for n, e in ctx.study.endpoints.items() if "components" in e.options), None)


def derive_param_composite(
    ctx: Context, points: pl.DataFrame, records: pl.DataFrame, source: ResponseSource
) -> list[pl.DataFrame]:
    """One row per time point before surgery and component, the site's and the derived (`D` before its code), with ANL02FL
    on the assessment that counts; a subject without one has a row MISSING.

    The response of the primary tumour alone is never collected: always derived (trial-b 7). Where the site gave no
    composite, the derived one stands. A row leads to its own record of RS (`records`: `response_records`); what is derived
    leads to the lesions, to the record of the thrombus class, or to both.
    """
    found = composite_endpoint(ctx)
    if found is None:
        return []
    name, e = found
    primary, thrombus = (str(c) for c in e.options["components"])
    sides = {
        "": {primary: "PRIMRSP", thrombus: "_pvtt", name: "_both"},
        "D": {primary: "PRIMRSP", thrombus: "DPVTTRESP", name: "DCOMPRESP"},
    }
    rows = points.filter(
        investigator(), pl.col("BASETYPE") == "PRE-TREATMENT", pl.col("TP") > 0, pl.col("RSRID").is_not_null()
    ).with_columns(
        ADT="DAT",
        RID="RSRID",
        _pvtt=pl.coalesce("PVTTRESP", "DPVTTRESP"),
        _both=pl.coalesce("COMPRESP", "DCOMPRESP"),
    )  # fmt: skip
    rows = _with_records(ctx, rows.with_columns(_without_class()), records)
    chosen = "" if source == "SITE" else "D"
    counts = _selected(ctx, e, rows.with_columns(AVALC=sides[chosen][name]))
    responders = list(e.options.get("responders", ("CR", "PR")))
    pieces = []
    for side, columns in sides.items():
        for code, column in columns.items():
            long = rows.filter(pl.col(column).is_not_null()).with_columns(
                PARAMCD=pl.lit(f"{side}{code}"[:8]), AVALC=column, RULEID=_rule(code, column, name, primary)
            )
            other = columns_of(sides, side, code)
            long = long.with_columns(_led(column), _other=other)
            pieces.append(_flagged(long, counts, side == chosen, side == "D", code == name, responders))
    classes = rows.filter(pl.col("PVTTCLS").is_not_null()).with_columns(PARAMCD=pl.lit(CLASS), AVALC="PVTTCLS")
    seen = classes.with_columns(_led("PVTTCLS"), RULEID=pl.lit(None, pl.String), _other="AVALC")
    pieces.append(_flagged(seen, counts, True, False, False, responders))
    return [*pieces, _nothing_read(ctx, e, f"{chosen}{name}"[:8], counts)]


def _with_records(ctx: Context, rows: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Beside each time point `_seq` and `_rid` of the records of its composite, thrombus response and thrombus class."""
    numbers = people(ctx).select("USUBJID", "SUBJID")
    known = records.rename({"SUBJID": "USUBJID"}).join(numbers, on="USUBJID", maintain_order="left")
    of_both = (pl.col("RSCAT") == COMPOSITE).fill_null(False)
    tests = {
        "COMPRESP": of_both & (pl.col("TEST") == "OVRLRESP"),
        "PVTTRESP": of_both & (pl.col("TEST") == "PVTTRESP"),
        "PVTTCLS": pl.col("TEST") == "CHENGCLS",
    }
    for name, test in tests.items():
        own = known.filter(test).unique(_AT, keep="first", maintain_order=True)
        own = own.select(*_AT, pl.col("RSSEQ").alias(f"{name}_seq"), pl.col("_id").alias(f"{name}_rid"))
        rows = rows.join(own, on=_AT, how="left", maintain_order="left")
    return rows


def _led(column: str) -> tuple[pl.Expr, ...]:
    """RSSEQ, RID and `_from` of a row whose value stands in `column`: the record that says so, else what it is made of."""
    lesions = pl.col("_seen").list.len().fill_null(0) > 0
    named = {"_both": "COMPRESP", "_pvtt": "PVTTRESP"}.get(column)
    said = pl.col(named).is_not_null() if named else pl.lit(column == "PVTTCLS")
    by_class = pl.lit(column in ("_pvtt", "DPVTTRESP"))
    record = named or "PVTTCLS"
    at, rid = (pl.when(said).then(f"{record}{what}").when(by_class).then(f"PVTTCLS{what}") for what in ("_seq", "_rid"))
    more = pl.when(column != "PRIMRSP").then("PVTTCLS_rid")
    both = pl.concat_list("_seen", pl.concat_list(more).list.drop_nulls())
    seen = pl.when(~said & ~by_class & lesions).then(both)
    return (
        pl.when(seen.is_null()).then(pl.coalesce(at, "RSSEQ")).alias("RSSEQ"),
        pl.coalesce(rid, "RID").alias("RID"),
        seen.alias("_from"),
    )


def _without_class() -> tuple[pl.Expr, ...]:
    """A class that was not read gives no derived response (CHP-7), whatever the site made of it."""
    unread = pl.col("PVTTCLS").is_null() & pl.col("DPVTTRESP").is_not_null()
    whole = pl.when(pl.col("PRIMRSP") == "PD").then(pl.lit("PD")).otherwise(pl.lit("NE"))
    words = {"DPVTTRESP": pl.lit("NE"), "PVTTRULE": pl.lit("CHP-7"), "DCOMPRESP": whole}
    return tuple(pl.when(unread).then(word).otherwise(name).alias(name) for name, word in words.items())


def columns_of(sides: dict[str, dict[str, str]], side: str, code: str) -> pl.Expr:
    """What the other side says of the same component."""
    return pl.col(sides["D" if side == "" else ""][code])


def _rule(code: str, column: str, name: str, primary: str) -> pl.Expr:
    if not column.startswith(("PRIM", "DPVTT", "DCOMP")):
        return pl.lit(None, dtype=pl.String)
    return pl.col("CELL" if code == name else "PRIMRULE" if code == primary else "PVTTRULE")


def _selected(ctx: Context, e: Endpoint, rows: pl.DataFrame) -> pl.DataFrame:
    """SUBJID, VISIT, `_chosen` of the assessment that counts: the last evaluable one after first treatment and before
    surgery, at most `max_days` after treatment began (or the best of them)."""
    after = (pl.col("ADT") - pl.col("D1")).dt.total_days()
    inside = rows.filter(
        pl.col("AVALC").is_not_null(),
        after.is_between(1, int(e.options.get("max_days", 91))),
        (pl.col("ADT") < pl.col("SURG")).fill_null(True),
    ).with_columns(
        _evaluable=pl.col("AVALC") != "NE",
        _rank=pl.col("AVALC").replace_strict(list(ORDER), list(ORDER.values()), default=9.0, return_dtype=pl.Float64),
    )  # fmt: skip
    if str(e.options.get("choose", "LAST_PREOP")) == "BEST":
        ordered = inside.sort("_rank", "ADT", "TP")
        first = ordered.unique("SUBJID", keep="first", maintain_order=True)
    else:
        first = inside.sort("_evaluable", "ADT", "TP").unique("SUBJID", keep="last", maintain_order=True)
    return first.select("SUBJID", "VISIT", _chosen=pl.lit(True))


def _flagged(
    rows: pl.DataFrame, counts: pl.DataFrame, analysed: bool, derived: bool, whole: bool, responders: list[str]
) -> pl.DataFrame:
    joined = rows.join(counts, on=["SUBJID", "VISIT"], how="left", maintain_order="left")
    selected = pl.col("_chosen").fill_null(False) & pl.lit(analysed)
    met = pl.when(pl.col("AVALC").is_in(responders)).then(pl.lit("RESPONDER")).otherwise(pl.lit("NON-RESPONDER"))
    differs = pl.lit(derived) & (pl.col("AVALC") != pl.col("_other")).fill_null(False)
    return joined.select(
        *_POINT, "PARAMCD", "AVALC", "RULEID",
        AVALCAT1=pl.when(selected & pl.lit(whole)).then(met), ANL02FL=flag(selected), DISCFL=flag(differs),
    )  # fmt: skip


def _nothing_read(ctx: Context, e: Endpoint, code: str, counts: pl.DataFrame) -> pl.DataFrame:
    members = population(ctx, e).select("SUBJID").join(counts, on="SUBJID", how="anti", maintain_order="left")
    why = pl.lit("NO ASSESSMENT IN WINDOW")
    return members.select(*row(code, pl.lit("MISSING"), why=why), pl.lit("Y").alias("ANL02FL"))
