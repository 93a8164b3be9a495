"""ADRS: responses of the site and derived ones side by side, and what follows from them per subject (adam-derivations 5)."""

from __future__ import annotations

import polars as pl

from cdiscx import registry
from cdiscx.adam._adrs_columns import columns, parameter_table, values
from cdiscx.adam._best import derive_param_best, derive_param_course, derive_param_window
from cdiscx.adam._composite_rows import derive_param_composite
from cdiscx.adam._context import Absent, Context, after
from cdiscx.adam._course import course
from cdiscx.adam._event_free import derive_param_event_free
from cdiscx.adam._finish import finish
from cdiscx.adam._readings import ResponseSource, derived_readings, flag, order, readings, response_source
from cdiscx.adam._resected import derive_param_resected
from cdiscx.adam._tumour_tables import criterion_rows
from cdiscx.model.dataset import Dataset
from cdiscx.standards.dates import study_day

SORT = ("PARAMCD", "ADT", "AVISITN", "EVALR", "BASETYPE", "SRCSEQ")
_POINT = ["SUBJID", "EVAL", "VISIT"]
_PLACE = ("SUBJID", "EVAL", "VISIT", "VISITNUM", "BASETYPE", "TP", "ADT", "RSSEQ", "_from")


@registry.dataset("ADRS")
@after("ADSL", "ADTR")
def adrs(ctx: Context) -> Dataset | Absent:
    """Tumour response analysis dataset, by the study's source of responses."""
    return derive_responses(ctx, response_source(ctx))


def derive_responses(ctx: Context, source: ResponseSource) -> Dataset | Absent:
    """ADRS under one source of responses (SITE or DERIVED): the analysis compares both."""
    points = course(ctx).points
    if points.is_empty() and ctx.adsl.is_empty():
        return Absent("no subject and no tumour assessment")
    rows = readings(points, source)
    pieces = [
        *_site_parameters(ctx, points, rows, source),
        *_derived_parameters(points, rows, source),
        _baseline_again(rows),
        *_per_subject(ctx, rows),
        *derive_param_composite(ctx, points, source),
        *derive_param_resected(ctx),
    ]
    frame = _assembled(ctx, pieces, source)
    frame = pl.concat([frame, _assembled(ctx, derive_param_event_free(ctx, frame), source)], how="diagonal")
    return finish(
        ctx, "ADRS", frame, columns(ctx, source),
        label="Disease Response Analysis Dataset", klass="BASIC DATA STRUCTURE",
        structure="One record per subject, parameter, evaluator, baseline type, analysis date and visit",
        keys=("STUDYID", "USUBJID", "PARAMCD", "EVALR", "BASETYPE", "ADT", "AVISITN"), sort=SORT,
        values=values(ctx, frame, source),
        comment=f"Endpoint derivations use the {'site' if source == 'SITE' else 'derived'} responses (ANL01FL).",
    )  # fmt: skip


def _site_parameters(
    ctx: Context, points: pl.DataFrame, rows: pl.DataFrame, source: ResponseSource
) -> list[pl.DataFrame]:
    """OVR with the analysis flags, and TRGR, NTRGR, NEWL as the site gave them."""
    analysed = source == "SITE"
    flags = rows.select(
        ANL01FL=flag(pl.col("ANL01") & pl.lit(analysed)), ANL03FL=flag(pl.col("ANL03") & pl.lit(analysed))
    )
    dated = points.with_columns(ADT="DAT")
    overall = dated.select(*_PLACE, AVALC="OVRLRESP").with_columns(flags).filter(pl.col("AVALC").is_not_null())
    out = [overall.with_columns(PARAMCD=pl.lit("OVR"))]
    said = criterion_rows(ctx).filter(pl.col("TEST") != "OVRLRESP")
    place = dated.select(*_POINT, "VISITNUM", "BASETYPE", "TP", "ADT")
    for code, tests in (("TRGR", ["TRGRESP"]), ("NTRGR", ["NTRGRESP"]), ("NEWL", ["NEWLIND", "NEWLPROG"])):
        chosen = said.filter(pl.col("TEST").is_in(tests)).unique(_POINT, keep="first", maintain_order=True)
        if chosen.height:
            one = chosen.select(*_POINT, "RSSEQ", "_from", AVALC="RESULT")
            out.append(
                one.join(place, on=_POINT, how="inner", maintain_order="left").with_columns(PARAMCD=pl.lit(code))
            )
    return out


def _derived_parameters(points: pl.DataFrame, rows: pl.DataFrame, source: ResponseSource) -> list[pl.DataFrame]:
    """DOVR and DTRGR with the rule that decided and DISCFL where the site says something else."""
    if points["DOVRLRESP"].null_count() == points.height and points["DTRGRESP"].null_count() == points.height:
        return []
    analysed = source == "DERIVED"
    flags = rows.select(
        ANL01FL=flag(pl.col("ANL01") & pl.lit(analysed)), ANL03FL=flag(pl.col("ANL03") & pl.lit(analysed))
    )
    derived = derived_readings(points)
    overall = derived.select(*_PLACE, "RULEID", AVALC="RESP").with_columns(
        flags, DISCFL=flag(derived["RESP"] != points["OVRLRESP"])
    )
    target = points.with_columns(ADT=derived["ADT"], _from=derived["_from"], RSSEQ=derived["RSSEQ"])
    target = target.select(
        *_PLACE, RULEID="DTRGRULE", AVALC="DTRGRESP", DISCFL=flag(pl.col("DTRGRESP") != pl.col("TRGRESP"))
    )
    both = (("DOVR", overall), ("DTRGR", target))
    return [
        f.filter(pl.col("AVALC").is_not_null()).with_columns(PARAMCD=pl.lit(code), _derived=pl.lit(True))
        for code, f in both
    ]


def _baseline_again(rows: pl.DataFrame) -> pl.DataFrame:
    """POSTBASE: post-operative baselines without a response, which count as evaluable (trial-a 7)."""
    visits = rows.filter(
        (pl.col("ROLE") == "POST-OPERATIVE BASELINE") & pl.col("RESP").is_null() & pl.col("ADT").is_not_null()
    )
    return visits.select(
        *_PLACE, PARAMCD=pl.lit("POSTBASE"), AVALC=pl.lit("Y"), ANL01FL=flag("ANL01"), ANL03FL=flag("ANL03")
    )


def _per_subject(ctx: Context, rows: pl.DataFrame) -> list[pl.DataFrame]:
    """Parameters with one row a subject, each with the reading that it is dated by."""
    made = [*derive_param_course(ctx, rows), *derive_param_best(ctx, rows), *derive_param_window(ctx, rows)]
    one = rows.filter("ANL01").sort("SUBJID", "ADT", "PD", "TP")
    source = one.unique(["SUBJID", "ADT"], keep="last", maintain_order=True).select(
        "SUBJID", "ADT", "EVAL", "VISIT", "VISITNUM", "BASETYPE", "TP", "RSSEQ", "_from"
    )
    dated = pl.concat(made).join(source, on=["SUBJID", "ADT"], how="left", maintain_order="left")
    place = ["EVAL", "VISIT", "VISITNUM", "BASETYPE", "TP", "RSSEQ", "_from"]
    death = pl.col("PARAMCD") == "DEATH"
    return [dated.with_columns(pl.when(~death).then(c).alias(c) for c in place).with_columns(_derived=pl.lit(True))]


def _assembled(ctx: Context, pieces: list[pl.DataFrame], source: ResponseSource) -> pl.DataFrame:
    """All parameters in the columns of ADRS."""
    shape = {"AVALCAT1": pl.String(), "RULEID": pl.String(), "DISCFL": pl.String(), "ANL01FL": pl.String(),
             "ANL02FL": pl.String(), "ANL03FL": pl.String(), "_derived": pl.Boolean(), "SRCDOM": pl.String(),
             "SRCVAR": pl.String(), "_aval": pl.Float64()}  # fmt: skip
    frame = pl.concat([p for p in pieces if p.height] or [pl.DataFrame(schema=_EMPTY)], how="diagonal")
    frame = frame.with_columns(
        pl.lit(None, dtype=t).alias(c) for c, t in {**_EMPTY, **shape}.items() if c not in frame.columns
    )
    table = parameter_table(ctx)
    people = ctx.adsl.select(SUBJID="USUBJID", _start="TRTSDT", _dm="_from")
    known = frame["PARAMCD"].unique().to_list()
    names = pl.DataFrame({"PARAMCD": known, "PARAM": [table[c][0] for c in known], "PARCAT1": [table[c][1] for c in known]},
                         schema={"PARAMCD": pl.String, "PARAM": pl.String, "PARCAT1": pl.String})  # fmt: skip
    death = pl.col("PARAMCD") == "DEATH"
    by_record = pl.col("RSSEQ").is_not_null()
    answered = {"Y": 1.0, "N": 0.0}
    return (
        frame.join(people, on="SUBJID", how="left", maintain_order="left")
        .join(names, on="PARAMCD", how="left", maintain_order="left")
        .with_columns(
            USUBJID="SUBJID",
            EVALR="EVAL",
            AVISIT="VISIT",
            AVISITN="VISITNUM",
            AVAL=pl.coalesce(
                "_aval", order(), pl.col("AVALC").replace_strict(answered, default=None, return_dtype=pl.Float64)
            ),
            ADY=study_day(pl.col("ADT"), pl.col("_start")),
            SRCDOM=pl.coalesce(
                "SRCDOM", pl.when(death).then(pl.lit("ADSL")).when(by_record).then(pl.lit("RS")).when(pl.col("_from").list.len() > 0).then(pl.lit("TR"))
            ),
            SRCVAR=pl.coalesce(
                "SRCVAR", pl.when(death).then(pl.lit("DTHDT")).when(by_record).then(pl.lit("RSSTRESC")).when(pl.col("_from").list.len() > 0).then(pl.lit("TRSTRESN"))
            ),
            SRCSEQ="RSSEQ",
            _from=pl.coalesce("_from", "_dm"),
        )
    )  # fmt: skip


_EMPTY: dict[str, pl.DataType] = {
    "SUBJID": pl.String(), "EVAL": pl.String(), "VISIT": pl.String(), "VISITNUM": pl.Float64(), "BASETYPE": pl.String(),
    "TP": pl.Int32(), "ADT": pl.Date(), "RSSEQ": pl.Float64(), "_from": pl.List(pl.UInt32()), "AVALC": pl.String(),
    "PARAMCD": pl.String(),
}  # fmt: skip
