"""Numbers of the target lesions that cannot be right, or hardly: units, sizes, jumps, axes (MEA-003 to 006, MEA-020)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import RELATED, nothing, related, union
from cdiscx.model.spec import Study
from cdiscx.registry import check

_LESION = ["SUBJID", "EVAL", "LESID"]
_POINT = ["SUBJID", "EVAL", "VISIT"]
_LENGTHS = ("targets.LDIAM", "targets.SAXIS")


def enters() -> pl.Expr:
    """House column that a target is measured by: the short axis of a node, else the diameter."""
    return pl.when("NODAL").then(pl.lit("SAXIS")).otherwise(pl.lit("LDIAM"))


def without_slips(rows: pl.LazyFrame, unit_slips: pl.LazyFrame) -> pl.LazyFrame:
    """The rows that MEA-005 does not speak of (one cause, one finding)."""
    return rows.join(unit_slips.select("_rid"), on="_rid", how="anti")


def with_previous(rows: pl.LazyFrame, *columns: str) -> pl.LazyFrame:
    """Rows of one lesion in the order of their days, with `P_<column>` of the row before."""
    ordered = rows.sort(*_LESION, "DAY", "_rid", nulls_last=True)
    return ordered.with_columns(pl.col(c).shift(1).over(_LESION).alias(f"P_{c}") for c in columns)


@check("MEA-005", on="targets", columns=("LDIAM",), needs=("unit_slips",), uses=("targets.SAXIS", "targets.TRUNIT"))
def mixed_up_unit(unit_slips: pl.LazyFrame) -> pl.LazyFrame:
    """{LESID}: {REF} mm on {REFDAY} and {X} mm on {DAY}; was {X} cm meant, that is {RIGHT} mm?

    Why: a diameter that is ten times too small or too large turns stable disease into response or progression.
    Fix: Ask the site for the number and its unit; it is not converted here.
    Rule: MEA-005; ratio 0.085-0.12 or 8.5-12 to the reading before or to the lesion's median, below 3 mm, or above 30 cm;
    the viable diameter is not looked at, "too small" is an answer; other checks that rest on this cell stay silent
    """
    x = pl.col("X")
    alone = pl.col("REF").is_null()
    small = pl.lit(
        "{LESID}: {X} mm on {DAY} is very small for a lesion that was measured; was {X} cm meant, that is {RIGHT} mm?"
    )
    large_cm = pl.lit("{LESID}: {CM} cm on {DAY}, that is {X} mm; was {CM} mm meant?")
    large = pl.lit("{LESID}: {REF} mm on {REFDAY} and {X} mm on {DAY}; was {RIGHT} mm meant?")
    large_cm_ref = pl.lit("{LESID}: {REF} mm on {REFDAY} and {CM} cm ({X} mm) on {DAY}; was {CM} mm meant?")
    return unit_slips.select(
        *_LESION, "_rid", "VISIT", "X", "DAY", "REF", "REFDAY",
        CM=x / 10, RIGHT=pl.when("LOW").then(x * 10).otherwise(x / 10), _table=pl.lit("targets"), _column="COL",
        _say=pl.when(alone & pl.col("LOW")).then(small).when(alone).then(large_cm)
        .when(~pl.col("LOW") & pl.col("ONCM")).then(large_cm_ref).when(~pl.col("LOW")).then(large),
        _expected=pl.lit("{RIGHT} mm, if the unit was mixed up"),
        _related=pl.concat_list(pl.struct(rid=pl.col("REFRID").cast(pl.UInt32), column="REFCOL")).cast(RELATED),
    )  # fmt: skip


@check("MEA-006", on="readings", columns=("LDIAM",), needs=("targets.LDIAM", "unit_slips"), uses=_LENGTHS)
def implausible_size(study: Study, readings: pl.LazyFrame, unit_slips: pl.LazyFrame) -> pl.LazyFrame:
    """{LESID}: {X} mm on {DAY} cannot be a lesion's diameter (more than {MAX} mm).

    Why: one impossible number decides the sum, and with it the response.
    Fix: Ask the site for the number and its unit.
    Rule: MEA-006; above 300 mm or below 0
    """
    most = study.p("implausible_mm")
    rows = without_slips(readings.filter(pl.col("CLASS") == "TARGET"), unit_slips)
    odd = [
        rows.filter((pl.col(c) > most) | (pl.col(c) < 0)).with_columns(X=c, _column=pl.lit(c))
        for c in ("LDIAM", "SAXIS")
    ]
    found = pl.concat(odd).with_columns(_own=pl.col("_column") == enters())
    found = found.sort("_rid", "_own", descending=[False, True]).unique("_rid", keep="first", maintain_order=True)
    return found.select(
        "SUBJID", "_rid", "VISIT", "LESID", "X", "DAY", "_column", MAX=pl.lit(most), _severity=pl.lit("error"), _table="TABLE",
        _say=pl.when(pl.col("X") < 0).then(pl.lit("{LESID}: {X} mm on {DAY}; a diameter cannot be negative.")),
        _key=pl.lit("size"),
    )  # fmt: skip


@check(
    "MEA-006", on="readings", columns=("LDIAM",), needs=("targets.LDIAM", "targets.TRDAT", "unit_slips"),
    uses=("targets.SAXIS", "procedures.PRSTDAT", "procedures.PRTRT"), silenced_by=_LENGTHS,
)  # fmt: skip
def implausible_jump(
    study: Study, readings: pl.LazyFrame, unit_slips: pl.LazyFrame, procedures: pl.LazyFrame
) -> pl.LazyFrame:
    """{LESID}: {P_SIZE} mm on {P_DAY} and {SIZE} mm on {DAY}, {PCT} % in {DAYS} days.

    Why: tumours rarely change that fast; mostly a number is wrong or another lesion was measured.
    Fix: Ask the site to look at both images again.
    Rule: MEA-006; more than 60 % and more than 30 mm within 60 days, of the total diameter (nodes: short axis);
    not across surgery or ablation, nor where lesions merged
    """
    rows = readings.filter(
        pl.col("CLASS") == "TARGET", pl.col("SIZE") >= 0, pl.col("TRSTATUS") != "MERGED", ~pl.col("REMOVED")
    )
    rows = rows.filter(pl.col("SIZE") <= study.p("implausible_mm"))
    rows = with_previous(without_slips(rows, unit_slips), "SIZE", "DAY", "_rid", "VISIT")
    change, days = pl.col("SIZE") - pl.col("P_SIZE"), (pl.col("DAY") - pl.col("P_DAY")).dt.total_days()
    # compared as products: 60 % of 50 mm is 30 mm, whatever its last binary digit
    far = (100 * change.abs()).round(6) > (study.p("jump_pct") * pl.col("P_SIZE")).round(6)
    wide = change.abs().round(6) > study.p("jump_mm")
    rows = rows.filter(pl.col("P_SIZE") > 0, far, wide, days <= study.p("jump_days"))
    rows = _not_merged(rows, readings)
    cut = procedures.filter(pl.col("PRTRT").is_in(["HEPATECTOMY", "REOPERATION", "OTHER"])).select(
        "SUBJID", CUT="PRSTDAT"
    )
    operated = (
        rows.join(cut.drop_nulls(), on="SUBJID", how="inner")
        .filter(pl.col("CUT") >= pl.col("P_DAY"), pl.col("CUT") <= pl.col("DAY"))
        .select("_rid")
    )
    rows = rows.join(operated, on="_rid", how="anti")
    return rows.select(
        "SUBJID", "_rid", "VISIT", "LESID", "SIZE", "P_SIZE", "DAY", "P_DAY", DAYS=days, PCT=100 * change / pl.col("P_SIZE"),
        _table="TABLE", _column=enters(), _key=pl.lit("jump"),
        _related=pl.concat_list(pl.struct(rid=pl.col("P__rid").cast(pl.UInt32), column=enters())).cast(RELATED),
    )  # fmt: skip


def _not_merged(rows: pl.LazyFrame, readings: pl.LazyFrame) -> pl.LazyFrame:
    """Without growth at the time point from which another target of the organ is said to have merged (R11-C-6)."""
    merged = readings.filter(pl.col("TRSTATUS") == "MERGED").sort("DAY", "_rid")
    first = merged.unique(_LESION, keep="first", maintain_order=True)
    here = first.select(*_POINT, "ORGAN").unique()
    grown = rows.filter(pl.col("SIZE") > pl.col("P_SIZE")).join(
        here, on=[*_POINT, "ORGAN"], how="semi", nulls_equal=True
    )
    return rows.join(grown.select("_rid"), on="_rid", how="anti")


@check(
    "MEA-004",
    on="readings",
    columns=("SAXIS",),
    needs=("targets.SAXIS", "targets.LDIAM", "unit_slips"),
    uses=("subjects.SITEID",),
)
def axes_swapped(readings: pl.LazyFrame, unit_slips: pl.LazyFrame, subjects: pl.LazyFrame) -> pl.LazyFrame:
    """{LESID} on {DAY}: short axis {SAXIS} mm > long axis {LDIAM} mm.

    Why: the short axis stands at right angles to the longest diameter and cannot be longer; a node enters the sum with it.
    Fix: Ask the site which of the two numbers is wrong, or whether they stand in each other's column.
    Rule: MEA-004; where every row of a site has it, the columns are swapped and it is said once
    """
    both = readings.filter(pl.col("SAXIS").is_not_null(), pl.col("LDIAM").is_not_null())
    site = subjects.select("SUBJID", "SITEID").drop_nulls("SUBJID").unique("SUBJID", keep="first")
    both = without_slips(both, unit_slips).join(site, on="SUBJID", how="left")
    wrong = pl.col("SAXIS") > pl.col("LDIAM")
    # fewer than three rows cannot tell a swapped column from a slip
    rows = both.with_columns(ALL=(wrong.all() & (pl.len() >= 3)).over("SITEID"), N=pl.len().over("SITEID")).filter(
        wrong
    )
    once = rows.sort("_rid").filter("ALL").group_by("SITEID", maintain_order=True).agg(
        pl.all().exclude("ALL", "SITEID", "_rid").first(), _rid=pl.col("_rid").first(), _rest=pl.col("_rid").slice(1, 50)
    )  # fmt: skip
    swapped = once.with_columns(
        _say=pl.lit("In all {N} rows with both axes the short axis is longer than the diameter (first: {LESID} on {DAY}, {SAXIS} and {LDIAM} mm). Are the two columns swapped?"),
        _key=pl.lit("columns"),
        _related=pl.col("_rest").list.eval(pl.struct(rid=pl.element().cast(pl.UInt32), column=pl.lit("SAXIS"))).cast(RELATED),
    )  # fmt: skip
    single = rows.filter(~pl.col("ALL")).with_columns(related(("_rid", "LDIAM")))
    keep = ["SUBJID", "_rid", "VISIT", "LESID", "DAY", "SAXIS", "LDIAM", "N", "_related"]
    return union([single.select(*keep), swapped.select(*keep, "_say", "_key")]).with_columns(_table=pl.lit("targets"))


@check("MEA-003", on="readings", columns=("SAXIS",), needs=("targets.LDIAM", "targets.SAXIS", "unit_slips"))
def wrong_axis(study: Study, readings: pl.LazyFrame, unit_slips: pl.LazyFrame) -> pl.LazyFrame:
    """Node {LESID}: {X} mm on {DAY} looks like the long axis (before: {P_SAXIS} mm); the short axis is needed.

    Why: a node enters the sum with its short axis; the long axis makes it look like a target or like progression.
    Fix: Ask the site for the longest diameter at right angles to the long axis.
    Rule: MEA-003; R11-C-2; a short axis not given beside a diameter, above 40 mm, or more than 1.5 times the one before
    while nothing else grew. A bulky node whose both axes are given is a note at most. Short longer than long is MEA-004
    """
    nodes = readings.filter(
        pl.col("CLASS") == "TARGET", pl.col("NODAL"), pl.col("TRSTATUS") == "MEASURED", ~pl.col("REMOVED")
    )
    nodes = with_previous(without_slips(nodes, unit_slips), "SAXIS", "LDIAM", "_rid")
    missing = nodes.filter(pl.col("SAXIS").is_null(), pl.col("LDIAM").is_not_null()).with_columns(
        X=pl.col("LDIAM"), _key=pl.lit("blank"), _severity=pl.lit(None, dtype=pl.String),
        _say=pl.lit("Node {LESID}: only a diameter ({X} mm) is given on {DAY}; the short axis is needed."),
    )  # fmt: skip
    limit = study.p("node_long_axis_mm")
    large, before = pl.col("SAXIS") > limit, pl.col("P_SAXIS")
    both = (pl.col("LDIAM") > pl.col("SAXIS")).fill_null(False)
    swapped = (pl.col("SAXIS") > pl.col("LDIAM")).fill_null(False)
    ratio = study.p("node_jump_ratio")
    jumped = (pl.col("SAXIS").round(6) > (ratio * before).round(6)) & (
        pl.col("SAXIS") >= study.p("node_pathological_mm")
    )
    own_growth = (pl.col("LDIAM") >= 1.2 * pl.col("P_LDIAM")).fill_null(False)
    sized = nodes.filter(pl.col("SAXIS").is_not_null(), ~swapped)
    sized = sized.join(_growth_elsewhere(readings), on=_POINT, how="left", nulls_equal=True)
    others = (pl.col("GREW").list.set_difference(pl.concat_list("ROOT")).list.len() > 0).fill_null(False)
    # a bulky mass stays bulky: only its first reading is asked about
    first_large = large & (before.is_null() | (before <= limit))
    jumped = jumped.fill_null(False) & (first_large | (~own_growth & ~others))
    asked = jumped | (first_large & (~both | before.is_null()))
    sized = sized.filter(asked).with_columns(
        X=pl.col("SAXIS"), _key=pl.lit("size"),
        _severity=pl.when(~jumped & both).then(pl.lit("note")),
        _say=pl.when(~jumped & both).then(pl.lit("Node {LESID}: short axis {X} mm on {DAY} ({LDIAM} mm long); a bulky mass, or the wrong axis?"))
        .when(before.is_null()).then(pl.lit("Node {LESID}: {X} mm on {DAY} looks like the long axis; the short axis is needed.")),
    )  # fmt: skip
    keep = ["SUBJID", "_rid", "VISIT", "LESID", "DAY", "X", "P_SAXIS", "LDIAM", "_key", "_severity", "_say"]
    return union(
        [f.select(*keep, related(("P__rid", "SAXIS"), ("_rid", "LDIAM"))) for f in (missing, sized)]
    ).with_columns(_table=pl.lit("targets"))


def _growth_elsewhere(readings: pl.LazyFrame) -> pl.LazyFrame:
    """SUBJID, EVAL, VISIT, GREW: targets that grew by a fifth since they were last read, and whatever else progressed there."""
    rows = readings.filter(pl.col("CLASS") == "TARGET", pl.col("SIZE").is_not_null())
    rows = with_previous(rows, "SIZE")
    grown = rows.filter(pl.col("SIZE") >= 1.2 * pl.col("P_SIZE"), pl.col("SIZE") > pl.col("P_SIZE")).select(
        *_POINT, "ROOT"
    )
    worse = readings.filter(
        ((pl.col("CLASS") == "NEW") & (pl.col("CERTAIN") == "UNEQUIVOCAL"))
        | (pl.col("TRSTATUS") == "UNEQUIVOCAL PROGRESSION")
    ).select(*_POINT, "ROOT")
    return pl.concat([grown, worse]).group_by(_POINT).agg(GREW=pl.col("ROOT").unique())


@check("MEA-020", on="readings", columns=("VDIAM",), needs=("targets.VDIAM", "targets.LDIAM", "unit_slips"))
def viable_larger_than_lesion(readings: pl.LazyFrame, unit_slips: pl.LazyFrame) -> pl.LazyFrame:
    """{LESID} on {DAY}: viable {VDIAM} mm > total {LDIAM} mm.

    Why: the viable part is a part of the lesion; it enters the mRECIST sum.
    Fix: Ask the site which of the two diameters is wrong.
    Rule: MEA-020; not judged where only the viable diameter is collected
    """
    rows = without_slips(readings.filter(pl.col("VDIAM") > pl.col("LDIAM")), unit_slips)
    return rows.select(
        "SUBJID", "_rid", "VISIT", "LESID", "DAY", "VDIAM", "LDIAM", _table="TABLE", _related=related(("_rid", "LDIAM"))
    )


@check("MEA-020", on="readings", columns=("TUORGAN",), needs=("targets.TUORGAN",), uses=("targets.TULOC",))
def thrombus_as_target(study: Study, readings: pl.LazyFrame) -> pl.LazyFrame:
    """{LESID} ({PLACE}): portal vein tumour thrombus is recorded as a target lesion.

    Why: a thrombus cannot be measured; it is always non-target and is judged by its Cheng class.
    Fix: Move it to Non-target Lesions, without a diameter in the sum.
    Rule: MEA-020; MR-M-5
    """
    if study.criterion is None or not study.criterion.pvtt:
        return nothing()
    said = pl.col("TULOC").str.contains(r"(?i)PVTT|THROMB|癌栓|血栓").fill_null(False)
    rows = readings.filter(pl.col("CLASS") == "TARGET", (pl.col("ORGAN") == "PORTAL VEIN").fill_null(False) | said)
    rows = rows.sort("_rid").unique(["SUBJID", "EVAL", "ROOT"], keep="first", maintain_order=True)
    place = pl.concat_str("TUORGAN", "TULOC", separator=", ", ignore_nulls=True)
    return rows.select("SUBJID", "_rid", "VISIT", "LESID", PLACE=place, _table="TABLE", _key=pl.lit("thrombus"))
