"""Lesions that come back, split or merge (MEA-009, MEA-026)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._lesion_sets import LESION, POINT, READER, followed
from cdiscx.checks._shape import RELATED, related, union
from cdiscx.checks.measurements import without_slips
from cdiscx.model.spec import Study
from cdiscx.registry import check
from cdiscx.views.timepoints import criterion_of

_LENGTHS = ("targets.LDIAM", "targets.SAXIS", "targets.VDIAM")
_ID = r"[A-Z]{0,3}[-_ ]?\d+(?:\.\d+)*"


@check(
    "MEA-009", on="readings", columns=("TRSTATUS",), needs=("targets.TRSTATUS", "targets.TRDAT", "assessments", "unit_slips"),
    uses=(*_LENGTHS, "nontargets.TRSTATUS", "targets.TRREAS", "nontargets.TRREAS", "responses.TRGRESP"),
)  # fmt: skip
def lesion_came_back(
    study: Study, readings: pl.LazyFrame, assessments: pl.LazyFrame, unit_slips: pl.LazyFrame
) -> pl.LazyFrame:
    """{LESID}: {WAS} on {P_DAY}, {IS} on {DAY}. Confirm identity; response recorded {OVRLRESP}.{MUST}

    Why: what comes back is often another lesion, or was not gone; after a complete response it is progression.
    Fix: Ask the site to look at both images; a reason on the row answers this question.
    Rule: MEA-009; R11-T-PD-3, R11-C-9; "too small" is not gone; nodes count from 10 mm on; in mRECIST by the viable part
    """
    rows = followed(readings).filter(~pl.col("REMOVED"), pl.col("ROLE") != "PRIOR")
    target = pl.col("CLASS") == "TARGET"
    there = pl.when(target).then(pl.col("VALUE")).when(pl.col("TRSTATUS") == "ABSENT").then(0.0).when(
        pl.col("TRSTATUS").is_in(["PRESENT", "UNEQUIVOCAL PROGRESSION"])
    ).then(1.0)  # fmt: skip
    rows = (
        without_slips(rows, unit_slips)
        .with_columns(X=there)
        .filter(pl.col("X").is_not_null(), pl.col("TRSTATUS") != "MERGED")
    )
    rows = rows.sort(*LESION, "TABLE", "ANYDAT", "_rid", nulls_last=True)
    key = [*LESION, "TABLE"]
    rows = rows.with_columns(pl.col("X", "DAY", "_rid").shift(1).over(key).name.prefix("P_"))
    least = pl.when("NODAL").then(study.p("node_pathological_mm")).otherwise(0.0)
    back = (pl.col("X") >= least) & (pl.col("X") > 0) & (pl.col("TRSTATUS") != "UNEQUIVOCAL PROGRESSION")
    rows = rows.filter(
        pl.col("P_X") == 0, back | ~target, pl.col("X") > 0, pl.col("TRSTATUS") != "UNEQUIVOCAL PROGRESSION"
    )
    rows = rows.filter(pl.col("TRREAS").is_null())
    cr = assessments.filter(pl.col("TRGRESP") == "CR").group_by(*READER, "BASETYPE").agg(CRTP=pl.col("TP").min())
    rows = rows.join(cr, on=[*READER, "BASETYPE"], how="left")
    must = target & (pl.col("CRTP") < pl.col("TP")) & (pl.col("OVRLRESP") != "PD")
    viable = pl.lit(criterion_of(study).viable) & pl.col("LIVER")
    word = pl.when(viable).then(pl.lit(" mm viable")).otherwise(pl.lit(" mm"))
    size = pl.col("X").round(2).cast(pl.String).str.replace(r"\.0$", "")
    return rows.select(
        *LESION, "_rid", "VISIT", "P_DAY", "DAY", "OVRLRESP",
        WAS=pl.when(target).then(pl.lit("0") + word).otherwise(pl.lit("absent")),
        IS=pl.when(target).then(size + word).otherwise(pl.lit("present")),
        MUST=pl.when(must).then(pl.lit(" After a complete response of the targets this is progression.")).otherwise(pl.lit("")),
        _table="TABLE", _related=related(("P__rid", "TRSTATUS")),
    )  # fmt: skip


@check(
    "MEA-026",
    on="readings",
    columns=("LESID",),
    needs=("targets.LESID",),
    uses=("targets.TRSTATUS", "nontargets.LESID", *_LENGTHS),
    silenced_by=("targets.LESID", "nontargets.LESID"),
)
def split_not_documented(readings: pl.LazyFrame) -> pl.LazyFrame:
    """{LESID} has no parent lesion: no row bears the id {PARENT}.

    Why: parts are added up in place of the lesion they come from; without it they belong to nothing.
    Fix: Ask the site which lesion has split, and correct the id.
    Rule: MEA-026; R11-C-5; a lost decimal point (T4.1 as T41) is MEA-013
    """
    rows = readings.filter(pl.col("CLASS") == "TARGET")
    parts = rows.filter(pl.col("PARENT").is_not_null())
    every = followed(readings)
    known = every.select(*READER, PARENT="LESID").unique()
    alone = every.filter(pl.col("PARENT").is_not_null()).join(known, on=[*READER, "PARENT"], how="anti")
    orphans = alone.sort("ANYDAT", "_rid", nulls_last=True)
    orphans = orphans.unique(LESION, keep="first", maintain_order=True).with_columns(_key=pl.lit("orphan"))
    since = parts.sort("ANYDAT", "_rid", nulls_last=True).group_by(*READER, LESID="PARENT", maintain_order=True).agg(
        SINCE=pl.col("ANYDAT").first(), SINCE_VISIT=pl.col("VISIT").first(), PARTS=pl.col("LESID").unique(maintain_order=True),
        PARTRID=pl.col("_rid").first(),
    )  # fmt: skip
    both = rows.join(since, on=LESION, how="inner").filter(pl.col("ANYDAT") >= pl.col("SINCE"), pl.col("VALUE") > 0)
    both = both.sort("ANYDAT", "_rid", nulls_last=True).unique(LESION, keep="first", maintain_order=True).with_columns(
        _key=pl.lit("both"),
        _say=pl.lit("{LESID} has a value of its own at {VISIT}, though it was read in parts ({PARTS}) from {SINCE_VISIT} on. Both would be in the sum."),
        _fix=pl.lit("Ask the site whether the lesion was read as one or in parts; only one of the two enters the sum."),
    )  # fmt: skip
    keep = ["SUBJID", "EVAL", "_rid", "VISIT", "LESID", "_key", "TABLE"]
    return union([
        orphans.select(*keep, "PARENT"),
        both.select(*keep, "PARTS", "SINCE_VISIT", "_say", "_fix", related(("PARTRID", "LESID"))),
    ]).rename({"TABLE": "_table"})  # fmt: skip


@check(
    "MEA-026",
    on="readings",
    columns=("TRREAS",),
    needs=("targets.TRSTATUS", "targets.TRREAS"),
    uses=("targets.LESID", *_LENGTHS),
)
def merger_not_documented(readings: pl.LazyFrame) -> pl.LazyFrame:
    """{LESID} is Merged at {VISIT}, but the reason does not name the lesion that it merged with ({TRREAS}).

    Why: the merged mass is counted once, on the lesion that stays; the other contributes 0.
    Fix: Ask the site which lesion took it up; both rows name each other in Reason.
    Rule: MEA-026; R11-C-6
    """
    rows = readings.filter(pl.col("CLASS") == "TARGET").with_columns(
        NAMED=pl.col("TRREAS").str.to_uppercase().str.replace_all(r"TARGET LESION|TARGET|\bTL|靶病灶", "T").str.extract_all(_ID)
        .list.eval(pl.element().str.replace_all(r"[-_ ]", "").str.replace(r"^([A-Z]*)0+(\d)", "${1}${2}"))
    )  # fmt: skip
    merged = rows.filter(pl.col("TRSTATUS") == "MERGED").sort("ANYDAT", "_rid", nulls_last=True)
    first = merged.unique(LESION, keep="first", maintain_order=True)
    named = (
        first.select(*POINT, "_rid", "LESID", OTHER="NAMED").explode("OTHER", empty_as_null=True).drop_nulls("OTHER")
    )
    named = named.filter(pl.col("OTHER") != pl.col("LESID"))
    partner = rows.select(
        *POINT, OTHER="LESID", OTHERRID="_rid", OTHERVALUE="SIZE", OTHERSTATUS="TRSTATUS", BACK="NAMED"
    )
    partner = partner.unique([*POINT, "OTHER"], keep="first", maintain_order=True)
    pairs = named.join(partner, on=[*POINT, "OTHER"], how="inner").sort("OTHERRID")
    pairs = pairs.unique("_rid", keep="first", maintain_order=True)
    without = first.join(pairs.select("_rid"), on="_rid", how="anti").with_columns(_key=pl.lit("unnamed"))
    keep = ["SUBJID", "EVAL", "VISIT", "LESID", "_rid", "_key"]
    gone = pairs.filter(pl.col("OTHERVALUE").is_null() | (pl.col("OTHERSTATUS") == "MERGED")).with_columns(
        _key=pl.lit("empty"), _say=pl.lit("{LESID} is Merged with {OTHER} at {VISIT}, but {OTHER} has no value there: the mass is not in the sum."),
    )  # fmt: skip
    silent = pairs.join(gone.select("_rid"), on="_rid", how="anti").filter(
        ~pl.col("BACK").fill_null([]).list.contains(pl.col("LESID"))
    )
    silent = silent.with_columns(
        _rid="OTHERRID", OTHERRID="_rid", _key=pl.concat_str(pl.lit("back"), "LESID", separator="|"),
        _say=pl.lit("{LESID} is Merged with {OTHER} at {VISIT}, but the row of {OTHER} does not say so in Reason."),
    )  # fmt: skip
    cell = pl.concat_list(pl.struct(rid=pl.col("OTHERRID").cast(pl.UInt32), column=pl.lit("TRREAS"))).cast(RELATED)
    found = [f.select(*keep, "OTHER", "_say", _related=cell) for f in (gone, silent)]
    return union([without.select(*keep, "TRREAS"), *found]).with_columns(_table=pl.lit("targets"))
