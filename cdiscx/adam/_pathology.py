"""What the operation left and what the pathologist saw, per subject: R status, viable tumour, MPR, pCR (trial B 8.5, 8.6)."""

from __future__ import annotations

import polars as pl

from cdiscx.adam._context import Context
from cdiscx.standards.grades import mpr, pcr, weighted_mpr, weighted_viable_percent

#: worst last: a status that cannot be assessed is worse than R0 and says less than R1 or R2
_WORST = ("R0", "RX", "R1", "R2")
#: names under which a size may travel in MI, and the nodule it belongs to
_SIZES = ("DIAMETER", "LDIAM", "MIDIAM")
_OVERALL = "OVERALL"
#: the portal vein thrombus: examined for pCR, no nodule of the size-weighted mean unless it was measured
_THROMBUS = "PVTT"


def r_status(ctx: Context, operated: pl.DataFrame) -> pl.DataFrame:
    """USUBJID, RSTAT and `_from` of operated subjects: the worse of the surgeon's and the pathologist's."""
    parts = []
    for source in ctx.study.analysis.r_status:
        value = f"{source.of[:2]}STRESC"
        rows = ctx.domain(source.of, value, *source.where)
        for column, values in source.where.items():
            rows = rows.filter(pl.col(column).str.to_uppercase().is_in([v.upper() for v in values]))
        parts.append(rows.select("USUBJID", R=pl.col(value).str.to_uppercase(), _from="_from"))
    rows = pl.concat(parts).filter(pl.col("R").is_in(_WORST)) if parts else operated.clear()
    rows = rows.join(operated.select("USUBJID"), on="USUBJID", how="semi")
    rank = pl.col("R").replace_strict(list(_WORST), list(range(len(_WORST))), return_dtype=pl.Int8)
    worst = rows.with_columns(rank=rank).group_by("USUBJID", maintain_order=True)
    return worst.agg(RSTAT=pl.col("R").sort_by("rank").last(), _from=pl.col("_from").list.explode())


def specimens(ctx: Context, operated: pl.DataFrame) -> pl.DataFrame:
    """One row per nodule (or the specimen as a whole) of the resection: USUBJID, NODULE, OVERALL, VIABLE, SIZE, DT, `_id`, `_from`.

    The specimen is of the operation when it is dated from the day before it to `pathology_days` after it.
    """
    mi = ctx.domain(
        "MI",
        "MITESTCD",
        "MISTRESN",
        "MISTRESC",
        "MIDT",
        "MIREFID",
        "MISPID",
        "MIGRPID",
        "MINODULE",
        "MISPCTYP",
        "MIDIAM",
    ).join(operated.select("USUBJID", "SURGDT"), on="USUBJID")
    day = (pl.col("MIDT") - pl.col("SURGDT")).dt.total_days()
    near = day.is_between(-int(ctx.p("specimen_days", 1)), int(ctx.p("pathology_days", 60))).fill_null(True)
    biopsy = (pl.col("MISPCTYP").str.to_uppercase() == "BIOPSY").fill_null(False)
    mi = mi.filter(near & ~biopsy).with_columns(
        NODULE=pl.coalesce("MINODULE", "MISPID", "MIGRPID").str.strip_chars(),
        VALUE=pl.coalesce("MISTRESN", pl.col("MISTRESC").cast(pl.Float64, strict=False)),
    )
    same = ["USUBJID", "MIREFID", "NODULE"]
    sizes = (
        mi.filter(pl.col("MITESTCD").is_in(_SIZES))
        .group_by(same, maintain_order=True)
        .agg(_size=pl.col("VALUE").first(), _more=pl.col("_id"))
    )
    rows = mi.filter(pl.col("MITESTCD").is_in(ctx.study.analysis.viable) & pl.col("VALUE").is_between(0, 100))
    rows = rows.join(sizes, on=same, how="left", nulls_equal=True, maintain_order="left")
    none = pl.lit([], dtype=pl.List(pl.UInt32))
    return rows.select(
        "USUBJID",
        "NODULE",
        OVERALL=(pl.col("NODULE").str.to_uppercase() == _OVERALL).fill_null(True),
        VIABLE="VALUE",
        SIZE=pl.coalesce("_size", pl.col("MIDIAM").cast(pl.Float64, strict=False)),
        DT="MIDT",
        _id="_id",
        _from=pl.concat_list("_from", pl.col("_more").fill_null(none)),
    )


def pathological_response(ctx: Context, operated: pl.DataFrame) -> pl.DataFrame:
    """USUBJID, VIABPCT, MPR, PCR (Y, N or null), PATHDT and `_from` of operated subjects with viable tumour on record.

    VIABPCT is the pathologist's overall value, else the only nodule's, else the size-weighted mean. Without the sizes
    MPR is still known where all nodules stand on one side of the limit. A thrombus without a size is left out of the mean
    (trial B 8.6). PCR asks for 0 percent in everything examined, the thrombus too.
    """
    limit = float(ctx.p("mpr_max_pct", 10))
    rows = specimens(ctx, operated)
    thrombus = (pl.col("NODULE").str.to_uppercase() == _THROMBUS).fill_null(False)
    whole, part = pl.col("OVERALL"), ~pl.col("OVERALL") & ~(thrombus & pl.col("SIZE").is_null())
    viable, size = pl.col("VIABLE").filter(part), pl.col("SIZE").filter(part)
    sides = mpr(pl.col("VIABLE").filter(~whole), limit=limit)
    found = (
        rows.sort("_id")
        .group_by("USUBJID", maintain_order=True)
        .agg(
            _all=pl.col("VIABLE").filter(whole).max(),
            _n=part.sum(),
            _one=viable.first(),
            _mean=weighted_viable_percent(viable, size),
            _mean_mpr=weighted_mpr(viable, size, limit=limit),
            _least=sides.min(),
            _most=sides.max(),
            _pcr=pcr(pl.col("VIABLE")).all(),
            PATHDT=pl.col("DT").min(),
            _from=pl.col("_from").list.explode(),
        )
    )
    alone = pl.col("_n") == 1
    one_side = pl.when(pl.col("_least") == pl.col("_most")).then("_least")
    met = (
        pl.when(pl.col("_all").is_not_null()).then(mpr(pl.col("_all"), limit=limit))
        .when(alone).then(mpr(pl.col("_one"), limit=limit))
        .otherwise(pl.coalesce("_mean_mpr", one_side))
    )  # fmt: skip
    return found.select(
        "USUBJID",
        VIABPCT=pl.coalesce("_all", pl.when(alone).then("_one"), "_mean"),
        MPR=_yes(met),
        PCR=_yes(pl.col("_pcr")),
        PATHDT="PATHDT",
        _from="_from",
    )


def _yes(met: pl.Expr) -> pl.Expr:
    return pl.when(met).then(pl.lit("Y")).when(~met).then(pl.lit("N"))
