"""Every lesion has an answer at every assessment until progression (MEA-008)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._lesion_sets import POINT, READER, followed, unlinked
from cdiscx.checks._shape import RELATED, union
from cdiscx.checks.measurements import enters
from cdiscx.model.spec import Study
from cdiscx.registry import check
from cdiscx.views.timepoints import criterion_of

_ROWS = ("targets.LESID", "nontargets.LESID", "targets.VISIT", "nontargets.VISIT", "targets.TRDAT", "nontargets.TRDAT")
_SEGMENT = [*READER, "BASETYPE"]
_ITEM = [*READER, "BASETYPE", "LESID"]


def until_progression(rows: pl.LazyFrame, assessments: pl.LazyFrame) -> pl.LazyFrame:
    """Rows up to and at the first progression that the site records in their segment."""
    first = assessments.filter(pl.col("PD")).group_by(_SEGMENT).agg(_first=pl.col("TP").min())
    kept = rows.join(first, on=_SEGMENT, how="left")
    return kept.filter(pl.col("_first").is_null() | (pl.col("TP") <= pl.col("_first"))).drop("_first")


@check(
    "MEA-008", on="readings", columns=("TRSTATUS",), needs=("targets.LESID", "targets.TRDAT", "assessments", "resected"),
    uses=(*_ROWS, "responses.OVRLRESP"), silenced_by=_ROWS,
)  # fmt: skip
def lesion_without_row(
    study: Study, readings: pl.LazyFrame, assessments: pl.LazyFrame, resected: pl.LazyFrame
) -> pl.LazyFrame:
    """{LESID} has no result at {VISIT}{LATER}; others were read. Missing, absent or not evaluable?

    Why: without every target there is no sum; a blank is not zero and not carried forward.
    Fix: Ask the site for the reading. A lesion that is gone is Absent, one that could not be read is Not evaluable with a reason.
    Rule: MEA-008; R11-C-7; until the first progression, per reader; not after resection (R11-C-8) or merging (R11-C-6);
    parts replace a lesion that split (R11-C-5); unscheduled visits only where a response was given
    """
    rows = followed(readings)
    visits = _judged_visits(study, rows, assessments)
    sets = _expected_roots(rows, resected)
    sets, rows = _in_question(sets, rows, visits)
    items = _expected_items(rows, sets, visits)
    items = _still_there(items, rows, resected)
    rooted = rows.select(*POINT, "ROOT").unique().with_columns(_root_read=True)
    own = rows.select(*POINT, "LESID").unique().with_columns(_read=True)
    alone = rows.filter(pl.col("LESID") == pl.col("ROOT")).select(*POINT, "ROOT").unique().with_columns(_whole=True)
    items = items.join(own, on=[*POINT, "LESID"], how="left").join(rooted, on=[*POINT, "ROOT"], how="left")
    items = items.join(alone, on=[*POINT, "ROOT"], how="left")
    # a part is not asked for where the lesion itself was read (MEA-026), a lesion not where its parts were
    whole = pl.col("LESID") == pl.col("ROOT")
    missing = pl.when(whole).then(pl.col("_root_read").is_null()).otherwise(pl.coalesce("_read", "_whole").is_null())
    items = items.join(_said_elsewhere(readings), on=[*POINT, "TABLE"], how="left")
    items = items.with_columns(_gone=missing & pl.col("_said").is_null()).sort(*_ITEM, "ANYDAT", "VISIT")
    items = items.with_columns(_start=pl.col("_gone") & ~pl.col("_gone").shift(1, fill_value=False).over(_ITEM))
    items = items.with_columns(_run=pl.col("_start").cum_sum().over(_ITEM)).filter("_gone")
    runs = items.group_by(*_ITEM, "_run", maintain_order=True).agg(
        pl.col("TABLE", "VISIT", "BASERID").first(), _more=pl.col("VISIT").slice(1)
    )  # fmt: skip
    later = (
        pl.when(pl.col("_more").list.len() > 0)
        .then(pl.lit(", nor at ") + pl.col("_more").list.join(", "))
        .otherwise(pl.lit(""))
    )
    return runs.select(
        "SUBJID", "LESID", "VISIT", LATER=later, _rid=pl.lit(None, dtype=pl.UInt32), _table="TABLE",
        _column=pl.lit(None, dtype=pl.String), _key=pl.concat_str("EVAL", "LESID", "VISIT", separator="|"),
        _related=pl.concat_list(pl.struct(rid="BASERID", column=pl.lit("LESID"))).cast(RELATED),
    )  # fmt: skip


def _in_question(sets: pl.LazyFrame, rows: pl.LazyFrame, visits: pl.LazyFrame) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """The expected lesions that lack a row somewhere or were read in parts, and the rows of their readers; most lack nothing."""
    lesion = [*_SEGMENT, "ROOT"]
    wanted = visits.join(sets.select(lesion), on=_SEGMENT, how="inner").select(*lesion, "PT")
    lacking = wanted.join(rows.select("PT", "ROOT"), on=["PT", "ROOT"], how="anti").select(lesion)
    split = rows.filter(pl.col("LESID") != pl.col("ROOT")).select(*READER, "ROOT").unique()
    parted = sets.join(split, on=[*READER, "ROOT"], how="semi", nulls_equal=True).select(lesion)
    asked = pl.concat([lacking, parted]).unique()
    readers = asked.select(READER).unique()
    return (
        sets.join(asked, on=lesion, how="semi", nulls_equal=True, maintain_order="left"),
        rows.join(readers, on=READER, how="semi", nulls_equal=True, maintain_order="left"),
    )


def _judged_visits(study: Study, rows: pl.LazyFrame, assessments: pl.LazyFrame) -> pl.LazyFrame:
    """Dated time points after baseline at which some lesion was read; unscheduled ones only with a response."""
    points = rows.filter(
        pl.col("ROLE").is_in(["POST-BASELINE", "POST-OPERATIVE BASELINE"]), pl.col("ANYDAT").is_not_null()
    )
    points = points.unique("PT").select(*POINT, "BASETYPE", "TP", "PT", "ANYDAT", "RSRID")
    unscheduled = pl.any_horizontal(
        pl.lit(False), *(pl.col("VISIT").str.to_uppercase().str.starts_with(word.upper()) for word in study.unscheduled)
    )
    points = points.filter(pl.col("RSRID").is_not_null() | ~unscheduled)
    return until_progression(points, assessments).drop("RSRID")


def _expected_roots(rows: pl.LazyFrame, resected: pl.LazyFrame) -> pl.LazyFrame:
    """READER, BASETYPE, ROOT, TABLE, BASERID: the lesions of each segment's baseline.

    After surgery also those of the first baseline, where the operation says what it took away.
    """
    at = rows.filter(pl.col("ROLE").is_in(["BASELINE", "POST-OPERATIVE BASELINE"])).sort("_rid")
    sets = at.unique([*_SEGMENT, "ROOT"], keep="first", maintain_order=True)
    sets = sets.select(*_SEGMENT, "ROOT", "TABLE", BASERID=pl.col("_rid").cast(pl.UInt32))
    operated = rows.filter(pl.col("BASETYPE") == "POST-OPERATIVE").select(READER).unique()
    kept = sets.filter(pl.col("BASETYPE") == "PRE-TREATMENT").join(operated, on=READER, how="semi")
    kept = kept.join(resected.select("SUBJID").unique(), on="SUBJID", how="semi").with_columns(
        BASETYPE=pl.lit("POST-OPERATIVE")
    )
    return pl.concat([sets, kept]).unique([*_SEGMENT, "ROOT"], keep="first", maintain_order=True)


def _expected_items(rows: pl.LazyFrame, sets: pl.LazyFrame, visits: pl.LazyFrame) -> pl.LazyFrame:
    """What each visit should answer: a lesion, or the parts that it has split into by then."""
    part = pl.col("LESID") != pl.col("ROOT")
    parts = rows.filter(part).group_by(*READER, "ROOT", "LESID", "PARENT").agg(SINCE=pl.col("ANYDAT").min())
    split = parts.group_by(*READER, LESID="PARENT").agg(UNTIL=pl.col("SINCE").min())
    wanted = visits.join(sets, on=_SEGMENT, how="inner")
    one = wanted.with_columns(LESID="ROOT").join(split, on=[*READER, "LESID"], how="left")
    many = wanted.join(parts.drop("PARENT"), on=[*READER, "ROOT"], how="inner").filter(
        pl.col("ANYDAT") >= pl.col("SINCE")
    )
    many = many.join(split, on=[*READER, "LESID"], how="left").drop("SINCE")
    return pl.concat([one, many.select(one.collect_schema().names())]).filter(
        pl.col("UNTIL").is_null() | (pl.col("ANYDAT") < pl.col("UNTIL"))
    )


def _still_there(items: pl.LazyFrame, rows: pl.LazyFrame, resected: pl.LazyFrame) -> pl.LazyFrame:
    """Without what was resected before, and what had merged into another lesion before."""
    root = pl.coalesce(pl.col("ID").str.extract(r"^(.*?\d+)(?:\.\d+)+$", 1), "ID")
    cut = resected.with_columns(ROOT=root).group_by("SUBJID", "ROOT").agg(CUT=pl.col("CUT").min())
    merged = rows.filter(pl.col("TRSTATUS") == "MERGED").group_by(*READER, "LESID").agg(MERGED=pl.col("ANYDAT").min())
    both = items.join(cut, on=["SUBJID", "ROOT"], how="left").join(merged, on=[*READER, "LESID"], how="left")
    return both.filter(
        pl.col("CUT").is_null() | (pl.col("ANYDAT") <= pl.col("CUT")),
        pl.col("MERGED").is_null() | (pl.col("ANYDAT") <= pl.col("MERGED")),
    )


def _said_elsewhere(readings: pl.LazyFrame) -> pl.LazyFrame:
    """POINT, TABLE, _said: where a row of the sheet bears an unknown id (MEA-013) or one id stands twice (MEA-019)."""
    twice = followed(readings).filter(pl.len().over(*POINT, "TABLE", "LESID") > 1).select(*POINT, "TABLE")
    return pl.concat([unlinked(readings).select(*POINT, "TABLE"), twice]).unique().with_columns(_said=True)


@check(
    "MEA-008",
    on="assessments",
    columns=(),
    needs=("readings", "responses.OVRLRESP", "targets.LESID"),
    uses=_ROWS,
    silenced_by=_ROWS,
)
def response_without_lesions(assessments: pl.LazyFrame, readings: pl.LazyFrame) -> pl.LazyFrame:
    """Overall response {OVRLRESP} at {VISIT}, but no lesion has a row there. What was it read from?

    Why: a response that rests on no reading cannot be checked or derived.
    Fix: Ask the site for the lesion rows of that visit; if no scan was made, the response is NE.
    Rule: MEA-008; progression without lesions is MEA-017
    """
    rows = followed(readings)
    left = (
        rows.filter(pl.col("ROLE").is_in(["BASELINE", "POST-OPERATIVE BASELINE"]), ~pl.col("REMOVED"))
        .select(_SEGMENT)
        .unique()
    )
    unread = assessments.filter(
        pl.col("RSRID").is_not_null(), pl.col("ROLE") == "POST-BASELINE", pl.col("OVRLRESP").is_in(["CR", "PR", "SD", "NON-CR/NON-PD"])
    )  # fmt: skip
    unread = unread.join(rows.select(POINT).unique(), on=POINT, how="anti").join(left, on=_SEGMENT, how="semi")
    return until_progression(unread, assessments).select(
        "SUBJID", "VISIT", "OVRLRESP", _rid=pl.lit(None, dtype=pl.UInt32), _table=pl.lit("targets"),
        _column=pl.lit(None, dtype=pl.String), _key=pl.concat_str("EVAL", "VISIT", separator="|"),
        _related=pl.concat_list(pl.struct(rid=pl.col("RSRID").cast(pl.UInt32), column=pl.lit("OVRLRESP"))).cast(RELATED),
    )  # fmt: skip


@check(
    "MEA-008", on="readings", columns=("TRSTATUS",), needs=("targets.TRSTATUS", "targets.LDIAM", "assessments"),
    uses=("targets.SAXIS", "targets.VDIAM", "targets.ARTPHASE", "nontargets.TRSTATUS"),
)  # fmt: skip
def row_without_answer(study: Study, readings: pl.LazyFrame, assessments: pl.LazyFrame) -> pl.LazyFrame:
    """{LESID} at {VISIT} is Measured, but {WHAT} is blank. Missing, absent or not evaluable?

    Why: without every target there is no sum; a blank is not zero.
    Fix: Ask the site for the number, or for the right status and its reason.
    Rule: MEA-008; "too small" without a number reads as 5 mm (ruling 15.2); a node with a diameter only is MEA-003
    """
    rows = followed(readings).filter(~pl.col("REMOVED"), pl.col("ROLE") != "PRIOR")
    rows = until_progression(rows, assessments)
    target, node, status = pl.col("CLASS") == "TARGET", pl.col("NODAL"), pl.col("TRSTATUS")
    viable = pl.lit(criterion_of(study).viable) & pl.col("LIVER")
    seen = (pl.col("ARTPHASE") != "N").fill_null(True)
    no_size, no_short, no_viable = (pl.col(c).is_null() for c in ("LDIAM", "SAXIS", "VDIAM"))
    measured = rows.filter(target, status == "MEASURED")
    blank = measured.filter(
        pl.when(node).then(no_short & no_size).when(viable).then(no_viable & (seen | no_size)).otherwise(no_size)
    ).with_columns(
        _column=pl.when(viable & ~no_size).then(pl.lit("VDIAM")).otherwise(enters()),
        WHAT=pl.when(node).then(pl.lit("the short axis")).when(viable & ~no_size).then(pl.lit("the viable diameter"))
        .otherwise(pl.lit("the diameter")),
    )  # fmt: skip
    entered = pl.when(node).then("SAXIS").otherwise("LDIAM")
    zero = measured.filter(entered == 0).with_columns(
        _column=pl.lit("TRSTATUS"), _severity=pl.lit("warning"),
        _say=pl.lit("{LESID} at {VISIT} is Measured with 0 mm. Is it Absent, or was the number not entered?"),
    )  # fmt: skip
    # nodes below 10 mm are normal: Absent with their number is an answer (R11-C-3)
    pathological = pl.col("SAXIS") >= study.p("node_pathological_mm")
    left = (
        pl.when(viable).then(pl.col("VDIAM") > 0).when(node).then(pathological).otherwise(pl.col("LDIAM") > 0)
    )  # fmt: skip
    there = rows.filter(target, status == "ABSENT", left).with_columns(
        _column=pl.lit("TRSTATUS"), _severity=pl.lit("warning"), X=pl.when(viable).then("VDIAM").otherwise(entered),
        _say=pl.lit("{LESID} at {VISIT} is Absent, but {X} mm are given. Which of the two is right?"),
    )  # fmt: skip
    keep = ("SUBJID", "_rid", "VISIT", "LESID", "TABLE", "WHAT", "X", "_column", "_severity", "_say")
    found = [f.select(c for c in keep if c in f.collect_schema().names()) for f in (blank, zero, there)]
    return union(found).rename({"TABLE": "_table"})


def _unexplained(readings: pl.LazyFrame, assessments: pl.LazyFrame, table: str) -> pl.LazyFrame:
    """Rows of a sheet after baseline that were not evaluable and do not say why."""
    rows = followed(readings).filter(~pl.col("REMOVED"), ~pl.col("ROLE").is_in(["PRIOR", "BASELINE"]))
    rows = rows.filter(pl.col("TABLE") == table, pl.col("TRSTATUS") == "NOT EVALUABLE", pl.col("TRREAS").is_null())
    return until_progression(rows, assessments).select(
        "SUBJID", "_rid", "VISIT", "LESID", _table="TABLE", _column=pl.lit("TRREAS")
    )


@check("MEA-008", on="readings", columns=("TRSTATUS",), needs=("targets.TRSTATUS", "targets.TRREAS", "assessments"))
def target_not_evaluable_without_reason(readings: pl.LazyFrame, assessments: pl.LazyFrame) -> pl.LazyFrame:
    """{LESID} at {VISIT} is Not evaluable without a reason.

    Why: without every target there is no sum; a blank is not zero.
    Fix: Ask the site why the lesion could not be read.
    Rule: MEA-008; not judged where the sheet has no column for the reason
    """
    return _unexplained(readings, assessments, "targets")


@check(
    "MEA-008", on="readings", columns=("TRSTATUS",), needs=("nontargets.TRSTATUS", "nontargets.TRREAS", "assessments")
)
def nontarget_not_evaluable_without_reason(readings: pl.LazyFrame, assessments: pl.LazyFrame) -> pl.LazyFrame:
    """{LESID} at {VISIT} is Not evaluable without a reason.

    Why: without every target there is no sum; a blank is not zero.
    Fix: Ask the site why the lesion could not be read.
    Rule: MEA-008; not judged where the sheet has no column for the reason
    """
    return _unexplained(readings, assessments, "nontargets")
