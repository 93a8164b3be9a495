"""The set of lesions: how many, identified at baseline, read once a visit (MEA-001, MEA-013, MEA-019)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._lesion_sets import BASELINES, LESION, POINT, READER, followed, unlinked
from cdiscx.checks._shape import RELATED, related, union
from cdiscx.model.spec import Study
from cdiscx.registry import check

_IDS = ("targets.LESID", "nontargets.LESID", "newlesions.LESID")
_VISITS = ("targets.VISIT", "nontargets.VISIT")


@check(
    "MEA-001",
    on="readings",
    columns=("LESID",),
    needs=("targets.LESID", "targets.TUORGAN"),
    uses=("targets.TULOC", "targets.TUNODAL"),
)
def too_many_targets(study: Study, readings: pl.LazyFrame) -> pl.LazyFrame:
    """{N} target lesions in {ORGAN} (max {MAX}): {LESIONS}.

    Why: the sum of more lesions than allowed cannot be compared with the criterion's thresholds.
    Fix: Ask the site which lesions are the targets; the others become non-target lesions.
    Rule: MEA-001; R11-S-1, R11-S-2, MR-M-10; at baseline, per reader; all nodes together and all of the liver are one organ
    """
    most, each = study.p("max_targets"), study.p("max_targets_per_organ")
    rows = readings.filter(pl.col("CLASS") == "TARGET", pl.col("ROLE").is_in(BASELINES)).sort("_rid")
    organ = pl.when("NODAL").then(pl.lit("LYMPH NODE")).otherwise("ORGAN")
    one = rows.with_columns(ORGAN=organ).unique(
        ["SUBJID", "EVAL", "BASETYPE", "ROOT"], keep="first", maintain_order=True
    )

    def beyond(keys: list[str], limit: float) -> pl.LazyFrame:
        listed = one.group_by([*keys, "BASETYPE"], maintain_order=True).agg(
            N=pl.len(), LESIONS=pl.col("LESID"), _all=pl.col("_rid"), _rid=pl.col("_rid").get(int(limit), null_on_oob=True),
            VISIT=pl.col("VISIT").first(),
        )  # fmt: skip
        # a set that was too large at baseline still is after surgery: said once
        over = listed.filter(pl.col("N") > limit).sort("_rid").unique(keys, keep="first", maintain_order=True)
        cells = pl.col("_all").list.eval(pl.struct(rid=pl.element().cast(pl.UInt32), column=pl.lit("LESID")))
        return over.with_columns(MAX=pl.lit(int(limit)), _related=cells.cast(RELATED))

    per_organ = beyond([*READER, "ORGAN"], each).filter(pl.col("ORGAN").is_not_null()).with_columns(
        ORGAN=pl.col("ORGAN").str.to_lowercase(), _key=pl.lit("organ")
    )  # fmt: skip
    # what is beyond an organ's limit is said there; the total counts where the rest is still too much
    kept = one.group_by(*READER, "BASETYPE", "ORGAN").agg(pl.len())
    kept = kept.group_by(*READER, "BASETYPE").agg(pl.col("len").clip(upper_bound=each).sum())
    total = beyond(READER, most).join(
        kept.filter(pl.col("len") > most).select(READER).unique(), on=READER, how="semi"
    ).with_columns(_say=pl.lit("{N} target lesions (max {MAX}): {LESIONS}."), _key=pl.lit("total"))  # fmt: skip
    return union([per_organ, total]).drop("_all").with_columns(_table=pl.lit("targets"))


@check(
    "MEA-013",
    on="readings",
    columns=("LESID",),
    needs=("targets.LESID",),
    uses=(*_IDS, *_VISITS),
    silenced_by=(*_IDS, *_VISITS),
)
def measured_but_never_identified(readings: pl.LazyFrame) -> pl.LazyFrame:
    """{LESID} measured on {DAY} but never identified at baseline.{HINT}

    Why: response is judged against the lesions of the baseline; a lesion that is not among them does not count.
    Fix: Ask the site which lesion was measured; a lesion that was not there before is a new lesion.
    Rule: MEA-013; R11-S-5; ruling 15.9
    """
    found = unlinked(readings).sort("DAY", "_rid", nulls_last=True)
    first = found.unique(LESION, keep="first", maintain_order=True)
    whole = followed(readings).filter(pl.col("ROLE") == "BASELINE").select(*READER, STEM="LESID").unique()
    decimal = first.with_columns(STEM=pl.col("LESID").str.slice(0, pl.col("LESID").str.len_chars() - 1))
    decimal = decimal.join(whole, on=[*READER, "STEM"], how="semi").select("_rid", STEM="STEM")
    here = followed(readings).select(*POINT, LESID="ROOT").unique()
    absent = first.select(*POINT, "_rid", "TABLE").join(
        followed(readings).filter(pl.col("ROLE") == "BASELINE").select(*READER, "TABLE", LESID="ROOT").unique(),
        on=[*READER, "TABLE"], how="inner",
    ).join(here, on=[*POINT, "LESID"], how="anti")  # fmt: skip
    absent = absent.group_by("_rid").agg(ABSENT=pl.col("LESID").sort().str.join(", "))
    rows = first.join(decimal, on="_rid", how="left").join(absent, on="_rid", how="left")
    part = pl.concat_str(pl.lit(" Was "), "STEM", pl.lit("."), pl.col("LESID").str.slice(-1), pl.lit(" meant?"))
    other = pl.concat_str(pl.lit(" Not read at that visit: "), "ABSENT", pl.lit("."))
    every = found.group_by(LESION).agg(_all=pl.col("_rid"))
    return rows.join(every, on=LESION, how="left").select(
        *LESION, "_rid", "VISIT", "DAY", HINT=pl.coalesce(part, other, pl.lit("")), _table="TABLE",
        _related=pl.col("_all").list.eval(pl.struct(rid=pl.element().cast(pl.UInt32), column=pl.lit("LESID"))).cast(RELATED),
    )  # fmt: skip


@check(
    "MEA-013",
    on="readings",
    columns=("LESID",),
    needs=("targets.LESID", "targets.TRSTATUS"),
    uses=("nontargets.TRSTATUS",),
)
def identified_but_never_measured(readings: pl.LazyFrame) -> pl.LazyFrame:
    """{LESID} identified at {VISIT} but not evaluable there: it has no baseline result.

    Why: without its baseline value no change of the sum can be told.
    Fix: Ask the site for the baseline value; a lesion that cannot be read at baseline is no target lesion.
    Rule: MEA-013; every target and non-target lesion has a result at baseline
    """
    rows = followed(readings).filter(pl.col("ROLE") == "BASELINE")
    unread = (pl.col("TRSTATUS") == "NOT EVALUABLE").fill_null(False)
    never = rows.with_columns(_never=unread.all().over(LESION)).filter("_never")
    one = never.sort("_rid").unique(LESION, keep="first", maintain_order=True)
    return one.select(*LESION, "_rid", "VISIT", related(("_rid", "TRSTATUS")), _table="TABLE")


@check("MEA-019", on="readings", columns=("LESID",), needs=("targets.LESID",), uses=_IDS)
def read_twice(readings: pl.LazyFrame) -> pl.LazyFrame:
    """{LESID} has {N} values at {VISIT}: {VALUES}.

    Why: of two readings only one can enter the sum.
    Fix: Ask the site which reading counts and remove the other, or correct its visit or lesion id.
    Rule: MEA-019; per reader; a lesion read by two methods is a note, the reading by the baseline method counts
    """
    shown = pl.when(pl.col("CLASS") == "TARGET").then(
        pl.col("SIZE").round(2).cast(pl.String).str.replace(r"\.0$", "") + " mm"
    )
    method = pl.concat_str(pl.coalesce(shown, "TRSTATUS", pl.lit("no value")), pl.lit(" ("), "TUMETHOD", pl.lit(")"))
    read = ["PT", "TABLE", "LESID"]
    twice = readings.group_by(read).agg(_n=pl.len()).filter(pl.col("_n") > 1)
    rows = readings.join(twice, on=read, how="semi")
    rows = rows.with_columns(VALUE=pl.coalesce(method, shown, "TRSTATUS", pl.lit("no value")))
    first = (
        readings.filter(pl.col("ROLE").is_in(BASELINES))
        .join(rows.select("SUBJID").unique(), on="SUBJID", how="semi")
        .sort("_rid")
        .unique([*LESION, "TABLE", "BASETYPE"], keep="first")
    )
    first = first.select(*LESION, "TABLE", "BASETYPE", BASE="TUMETHOD")
    rows = rows.join(first, on=[*LESION, "TABLE", "BASETYPE"], how="left").sort("_rid")
    own = (pl.col("TUMETHOD") == pl.col("BASE")).fill_null(False)
    groups = rows.group_by(*LESION, "VISIT", "TABLE", maintain_order=True).agg(
        N=pl.len(), VALUES=pl.col("VALUE").str.join(", "), _all=pl.col("_rid"), METHODS=pl.col("TUMETHOD").n_unique(),
        OWN=own.sum(), BASE=pl.col("BASE").first(), TYPED=pl.col("TUMETHOD").is_not_null().all(),
    ).filter(pl.col("N") > 1)  # fmt: skip
    two_methods = (pl.col("METHODS") == pl.col("N")) & (pl.col("OWN") == 1) & pl.col("TYPED")
    return groups.select(
        *LESION, "VISIT", "N", "VALUES", "BASE", _rid=pl.col("_all").list.last(), _table="TABLE",
        _severity=pl.when(two_methods).then(pl.lit("note")),
        _say=pl.when(two_methods).then(pl.lit("{LESID} was read by more than one method at {VISIT}: {VALUES}. The reading by {BASE}, the baseline method, counts.")),
        _related=pl.col("_all").list.head(pl.col("N") - 1).list.eval(pl.struct(rid=pl.element().cast(pl.UInt32), column=pl.lit("LESID"))).cast(RELATED),
    )  # fmt: skip
