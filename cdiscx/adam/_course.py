"""The course of the tumour per subject: time points with what the site read and what the lesions say, from SDTM."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from cdiscx.adam._context import Context
from cdiscx.adam._tumour_tables import INVESTIGATOR, POINT, house_tables, response_records
from cdiscx.views.composite import composite
from cdiscx.views.judged_lesions import POINT as SEGMENT_POINT
from cdiscx.views.judged_lesions import judged_lesions, resected
from cdiscx.views.timepoints import criterion_of, new_before_baseline, timepoints
from cdiscx.views.tumour import lesions, scans, timed_points

#: roles of time points at which a response counts
AFTER_BASELINE = ("POST-BASELINE", "POST-OPERATIVE BASELINE")
_DERIVED = ("DTRGRESP", "DTRGRULE", "DOVRLRESP", "DOVRLRULE", "SUM", "PSUM", "BASE", "NADIR", "CHG", "PCHG", "CHGNAD",
            "PCHGNAD", "N_EXPECTED", "N_MISSING", "CONFIRMED_FROM")  # fmt: skip
_READ = ("SUBJID", "EVAL", "VISIT", "RSDAT", "OVRLRESP", "RSRID")
_COMPOSITE = ("PRIMRSP", "PRIMRULE", "SITEPRIM", "DPVTTRESP", "PVTTRULE", "DCOMPRESP", "SITECOMP", "CELL")
_DTYPES: dict[str, pl.DataType] = {
    "N_EXPECTED": pl.UInt32(), "N_MISSING": pl.UInt32(), "CONFIRMED_FROM": pl.Date(),
    **dict.fromkeys(("SUM", "PSUM", "BASE", "NADIR", "CHG", "PCHG", "CHGNAD", "PCHGNAD"), pl.Float64()),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Course:
    """`points`: one row per SUBJID (USUBJID), EVAL, VISIT as `views.tumour.assessments` says, with VISITNUM, RSSEQ, the
    site's words, `_at` (the subject's row in ADSL), the derived columns of `views.timepoints` and `views.composite` (null where nothing can be derived:
    no lesion record of that subject and reader), RSRID (the record of the overall response) and `_seen` (lesion records).

    `lesions`: lesion rows as `views.tumour.lesions`; `judged`: those that enter the criteria, at their time points.
    `records`: RS as `response_records` says.
    """

    points: pl.DataFrame
    lesions: pl.DataFrame
    judged: pl.DataFrame
    records: pl.DataFrame


def course(ctx: Context) -> Course:
    """Time points and lesions of every subject in ADSL, as of the cut-off."""
    records = response_records(ctx)
    tables = house_tables(ctx, records)
    rows = lesions(ctx.study, tables).collect(engine="in-memory")
    if rows.is_empty():
        return Course(_said_only(ctx, tables), rows, rows, records)
    said = tables["responses"].rename({"_rid": "RSRID"})
    points = timed_points(ctx.study, scans(rows.lazy()), said, tables["anchors"]).collect(engine="in-memory")
    people = ctx.adsl.select(SUBJID="USUBJID").with_row_index("_at")
    points = points.join(people, on="SUBJID", how="inner", maintain_order="left")
    points = points.with_columns(_rid=pl.coalesce("RSRID", "LESRID")).drop("_lesfrom")
    shared = {**tables, "lesions": rows.lazy(), "assessments": points.lazy()}
    judged = judged_lesions(ctx.study, shared).collect(engine="in-memory")
    derived = timepoints(ctx.study, judged.lazy(), points.lazy()).collect(engine="in-memory")
    points = points.join(
        derived.select(*SEGMENT_POINT, *_DERIVED), on=list(SEGMENT_POINT), how="left", maintain_order="left"
    )
    points = _with_early_lesions(ctx, points, judged)
    points = _without_sight(ctx, points, judged, tables)
    points = _with_composite(ctx, points, derived, judged, shared)
    points = _only_with_lesions(points, rows).join(_sources(rows), on=list(POINT), how="left", maintain_order="left")
    return Course(_numbered(ctx, points), rows, judged, records)


def _with_early_lesions(ctx: Context, points: pl.DataFrame, judged: pl.DataFrame) -> pl.DataFrame:
    """The progressions by a new lesion between an operation and its baseline."""
    early = new_before_baseline(ctx.study, judged.lazy(), points.lazy()).collect(engine="in-memory")
    if early.is_empty():
        return points
    joined = points.join(early, on="PT", how="left", maintain_order="left", suffix="_new")
    names = [c for c in early.columns if c != "PT"]
    return joined.with_columns(pl.coalesce(n, f"{n}_new").alias(n) for n in names).drop(f"{n}_new" for n in names)


def _without_sight(
    ctx: Context, points: pl.DataFrame, judged: pl.DataFrame, tables: dict[str, pl.LazyFrame]
) -> pl.DataFrame:
    """No NED after an operation that left lesions behind of which no later time point says anything: NE (R11-C-7)."""
    after = pl.col("BASETYPE") == "POST-OPERATIVE"
    unread = points.filter(after).group_by("SEG").agg(pl.col("SCANNED").any()).filter(~pl.col("SCANNED")).select("SEG")
    if unread.is_empty():
        return points
    known = judged.filter(~after, pl.col("TP") == 0, pl.col("CLASS") != "NEW").lazy()
    left = known.join(resected(tables), on=["SUBJID", "LESID"], how="anti").group_by("SUBJID", "EVAL")
    target = left.agg(_target=(pl.col("CLASS") == "TARGET").any()).collect(engine="in-memory")
    marked = points.join(target, on=["SUBJID", "EVAL"], how="left", maintain_order="left").join(
        unread.with_columns(_unread=pl.lit(True)), on="SEG", how="left", maintain_order="left"
    )
    here = (pl.col("_unread") & pl.col("_target").is_not_null()).fill_null(False)
    first = pl.col("_target") & (pl.col("ROLE") == "POST-OPERATIVE BASELINE")  # has none while a target remains
    none = here & (pl.col("DOVRLRESP") == "NED")
    own = "MR-O-8" if criterion_of(ctx.study).is_mrecist else "R11-O-9"
    overall = pl.when("_target").then(pl.lit(own)).otherwise(pl.lit("R11-O-15"))
    by_target = here & pl.col("_target") & ~first & (pl.col("ROLE") != "PRIOR")
    words = {
        "DOVRLRESP": pl.when(none).then(pl.when(~first).then(pl.lit("NE"))).otherwise("DOVRLRESP"),
        "DOVRLRULE": pl.when(none).then(pl.when(~first).then(overall)).otherwise("DOVRLRULE"),
        "DTRGRESP": pl.when(by_target).then(pl.lit("NE")).otherwise("DTRGRESP"),
        "DTRGRULE": pl.when(by_target).then(pl.lit("R11-T-NE-1")).otherwise("DTRGRULE"),
    }
    return marked.with_columns(**words).drop("_target", "_unread")


def _said_only(ctx: Context, tables: dict[str, pl.LazyFrame]) -> pl.DataFrame:
    """The same without any lesion: subjects travel as numbers."""
    people = ctx.adsl.select(SUBJID="USUBJID").with_row_index("_at")
    by_number = people.lazy()
    every = tables["responses"].rename({"_rid": "RSRID"}).collect()
    blank = {c: every.schema[c] for c in every.columns if every[c].null_count() == every.height and c not in _READ}
    said = every.lazy().drop(blank).join(by_number, on="SUBJID", maintain_order="left")
    dates = tables["anchors"].join(by_number, on="SUBJID", maintain_order="left")
    numbered = said.drop("SUBJID").rename({"_at": "SUBJID"}), dates.drop("SUBJID").rename({"_at": "SUBJID"})
    points = timed_points(ctx.study, None, *numbered).collect(engine="in-memory")
    points = points.with_columns(SUBJID=people["SUBJID"][points["SUBJID"]], _at="SUBJID")
    points = points.with_columns(pl.lit(None, dtype=t).alias(c) for c, t in blank.items())
    return _with(points, (*_DERIVED, *_COMPOSITE)).with_columns(_seen=pl.lit(None, dtype=pl.List(pl.UInt32)))


def _with(points: pl.DataFrame, names: tuple[str, ...]) -> pl.DataFrame:
    absent = [n for n in names if n not in points.columns]
    return points.with_columns(pl.lit(None, dtype=_DTYPES.get(n, pl.String())).alias(n) for n in absent)


def _with_composite(
    ctx: Context, points: pl.DataFrame, derived: pl.DataFrame, judged: pl.DataFrame, tables: dict[str, pl.LazyFrame]
) -> pl.DataFrame:
    if ctx.study.criterion is None or not ctx.study.criterion.pvtt:
        return _with(points, _COMPOSITE)
    made = composite(ctx.study, derived.lazy(), judged.lazy(), tables)
    both = made.select(*SEGMENT_POINT, *_COMPOSITE).unique(SEGMENT_POINT, keep="first").collect(engine="in-memory")
    return points.join(both, on=list(SEGMENT_POINT), how="left", maintain_order="left")


def _only_with_lesions(points: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """No derived response where the subject's reader sent no lesion at all: that is not the same as no disease.

    The thrombus is judged by its class, which is not told by lesions.
    """
    known = rows.select("SUBJID", "EVAL").unique().with_columns(_known=pl.lit(True))
    joined = points.join(known, on=["SUBJID", "EVAL"], how="left", maintain_order="left")
    return joined.with_columns(pl.when("_known").then(n).alias(n) for n in _DERIVED if n in joined.columns).drop(
        "_known"
    )


def _sources(rows: pl.DataFrame) -> pl.DataFrame:
    """SUBJID, EVAL, VISIT, `_seen`: ids of the records of all lesions read at the time point."""
    return rows.group_by(POINT, maintain_order=True).agg(
        _seen=pl.col("_from").list.explode(keep_nulls=False, empty_as_null=False)
    )


def _numbered(ctx: Context, points: pl.DataFrame) -> pl.DataFrame:
    """VISITNUM also where only lesions were read."""
    tr = ctx.domain("TR", "VISIT", "VISITNUM").select(_v=pl.col("VISIT").str.to_uppercase(), _n="VISITNUM").drop_nulls()
    names = tr.unique("_v", keep="first", maintain_order=True)
    joined = points.join(names, left_on="VISIT", right_on="_v", how="left", maintain_order="left")
    return joined.with_columns(VISITNUM=pl.coalesce("VISITNUM", "_n")).drop("_n")


def investigator() -> pl.Expr:
    """Time points of the investigator's reading: endpoints rest on it alone."""
    return pl.col("EVAL") == INVESTIGATOR
