"""ADRS: responses of the site and derived ones side by side, and what follows from them per subject (adam-derivations 5)."""

from __future__ import annotations

import polars as pl

from cdiscx import registry
from cdiscx.adam._adrs_columns import columns, parameter_table, values
from cdiscx.adam._best import derive_param_best, derive_param_course, derive_param_window
from cdiscx.adam._composite_rows import derive_param_composite
from cdiscx.adam._context import Absent, Context, after
from cdiscx.adam._course import Course, course
from cdiscx.adam._event_free import derive_param_event_free
from cdiscx.adam._finish import finish
from cdiscx.adam._readings import (
    ORDER,
    ResponseSource,
    derived_readings,
    flag,
    people,
    readings,
    response_source,
    site_readings,
)
from cdiscx.adam._resected import derive_param_resected
from cdiscx.adam._tumour_tables import of_criterion
from cdiscx.model.dataset import Dataset
from cdiscx.standards.dates import study_day

SORT = ("PARAMCD", "ADT", "AVISITN", "EVALR", "BASETYPE", "SRCSEQ")
_POINT = ["SUBJID", "EVAL", "VISIT"]
_FAR = 1 << 24
"""More than any date counts in days."""
_PLACE = ("SUBJID", "EVAL", "VISIT", "VISITNUM", "BASETYPE", "TP", "ADT", "RSSEQ", "RID")


@registry.dataset("ADRS")
@after("ADSL", "ADTR")
def adrs(ctx: Context) -> Dataset | Absent:
    """Tumour response analysis dataset, by the study's source of responses."""
    return derive_responses(ctx, response_source(ctx))


def derive_responses(ctx: Context, source: ResponseSource) -> Dataset | Absent:
    """ADRS under one source of responses (SITE or DERIVED): the analysis compares both."""
    found = course(ctx)
    if found.points.is_empty() and ctx.adsl.is_empty():
        return Absent("no subject and no tumour assessment")
    lesions, pieces = found.lesions, _pieces(ctx, found, source)
    del found  # its memory serves for what follows
    frame = _assembled(ctx, pieces)
    del pieces
    if more := derive_param_event_free(ctx, frame):
        frame = pl.concat([frame, _assembled(ctx, more)], how="diagonal")
    frame = _dated_by_scans(frame, lesions)
    return finish(
        ctx, "ADRS", frame, columns(ctx, source),
        label="Disease Response Analysis Dataset", klass="BASIC DATA STRUCTURE",
        structure="One record per subject, parameter, evaluator, baseline type, analysis date and visit",
        keys=("STUDYID", "USUBJID", "PARAMCD", "EVALR", "BASETYPE", "ADT", "AVISITN"), sort=SORT,
        values=values(ctx, frame, source),
        comment=f"Endpoint derivations use the {'site' if source == 'SITE' else 'derived'} responses (ANL01FL).",
    )  # fmt: skip


def _pieces(ctx: Context, found: Course, source: ResponseSource) -> list[pl.DataFrame]:
    """The rows of every parameter but those that rest on other parameters."""
    points = found.points.with_columns(SUBJID="_at", RID="RSRID")
    rows = readings(points, source)
    return [
        *_site_parameters(ctx, points, rows, found.records, source),
        *_derived_parameters(points, rows, source),
        _baseline_again(rows),
        *_per_subject(ctx, rows),
        *derive_param_composite(ctx, points, found.records, source),
        *derive_param_resected(ctx),
    ]


def _site_parameters(
    ctx: Context, points: pl.DataFrame, rows: pl.DataFrame, records: pl.DataFrame, source: ResponseSource
) -> list[pl.DataFrame]:
    """OVR with the analysis flags, and TRGR, NTRGR, NEWL as the site gave them."""
    dated = points.with_columns(ADT="DAT")
    read = points.with_columns(ADT=site_readings(points)["ADT"])
    overall = read.select(*_PLACE, AVALC="OVRLRESP").with_columns(_flags(rows, source == "SITE"))
    out = [overall.filter(pl.col("AVALC").is_not_null()).with_columns(PARAMCD=pl.lit("OVR"))]
    tests = {"TRGR": ["TRGRESP"], "NTRGR": ["NTRGRESP"], "NEWL": ["NEWLIND", "NEWLPROG"]}
    said = of_criterion(records).filter(pl.col("TEST").is_in([t for names in tests.values() for t in names]))
    if said.is_empty():
        return out
    numbers = people(ctx).select("SUBJID", "USUBJID")
    said = said.rename({"SUBJID": "USUBJID"}).join(numbers, on="USUBJID", maintain_order="left")
    place = dated.select(*_POINT, "VISITNUM", "BASETYPE", "TP", "ADT")
    for code, names in tests.items():
        chosen = said.filter(pl.col("TEST").is_in(names)).unique(_POINT, keep="first", maintain_order=True)
        one = chosen.select(*_POINT, "RSSEQ", RID="_id", AVALC="RESULT")
        out.append(one.join(place, on=_POINT, how="inner", maintain_order="left").with_columns(PARAMCD=pl.lit(code)))
    return out


def _flags(rows: pl.DataFrame, analysed: bool) -> pl.DataFrame:
    return rows.select(
        ANL01FL=flag(pl.col("ANL01") & pl.lit(analysed)), ANL03FL=flag(pl.col("ANL03") & pl.lit(analysed))
    )


def _derived_parameters(points: pl.DataFrame, rows: pl.DataFrame, source: ResponseSource) -> list[pl.DataFrame]:
    """DOVR and DTRGR with the rule that decided and DISCFL where the site says something else."""
    if points["DOVRLRESP"].null_count() == points.height and points["DTRGRESP"].null_count() == points.height:
        return []
    derived = derived_readings(points)
    overall = derived.select(*_PLACE, "_from", "RULEID", AVALC="RESP").with_columns(
        _flags(rows, source == "DERIVED"), DISCFL=flag(pl.lit(derived["RESP"] != points["OVRLRESP"]))
    )
    target = points.with_columns(ADT=derived["ADT"], _from=derived["_from"], RSSEQ=derived["RSSEQ"])
    target = target.select(
        *_PLACE, "_from", RULEID="DTRGRULE", AVALC="DTRGRESP", DISCFL=flag(pl.col("DTRGRESP") != pl.col("TRGRESP"))
    )
    both = (("DOVR", overall), ("DTRGR", target))
    return [f.filter(pl.col("AVALC").is_not_null()).with_columns(PARAMCD=pl.lit(code)) for code, f in both]


def _baseline_again(rows: pl.DataFrame) -> pl.DataFrame:
    """POSTBASE: post-operative baselines without a response, which count as evaluable (trial-a 7)."""
    again = pl.col("EVALUABLE") & pl.col("RESP").is_null() & pl.col("ADT").is_not_null()
    return rows.filter(again).select(
        *_PLACE, "_from", PARAMCD=pl.lit("POSTBASE"), AVALC=pl.lit("Y"), ANL01FL=flag("ANL01"), ANL03FL=flag("ANL03")
    )


def _per_subject(ctx: Context, rows: pl.DataFrame) -> list[pl.DataFrame]:
    """Parameters with one row a subject, each with the reading that it is dated by."""
    made = pl.concat(
        [*derive_param_course(ctx, rows), *derive_param_best(ctx, rows), *derive_param_window(ctx, rows)]
    ).with_columns(pl.col("SUBJID").cast(pl.UInt32))
    place = ["EVAL", "VISIT", "VISITNUM", "BASETYPE", "TP", "RSSEQ", "RID", "_from"]
    # subject and day are one number; wide rows are picked when it is known which
    number = pl.col("SUBJID").cast(pl.Int64) * _FAR + pl.col("ADT").to_physical()
    made = made.with_columns(_day=number)
    read = (
        rows.select("PD", "TP", "ANL01", _day=number)
        .with_row_index("_row")
        .filter("ANL01", pl.col("_day").is_not_null())
    )
    asked = read.join(made.select("_day").unique(), on="_day", how="semi").sort("_day", "PD", "TP", maintain_order=True)
    last = asked.filter((pl.col("_day") != pl.col("_day").shift(-1)).fill_null(True))
    source = rows.select(place)[last["_row"]].with_columns(last["_day"])
    death = pl.col("PARAMCD") == "DEATH"
    dated = made.filter(~death).join(source, on="_day", how="left", maintain_order="left")
    return [dated.drop("_day"), made.filter(death).drop("_day")]


def _assembled(ctx: Context, pieces: list[pl.DataFrame]) -> pl.DataFrame:
    """All parameters in the columns of ADRS."""
    frame = pl.concat([p for p in pieces if p.height] or [pl.DataFrame(schema=_SHAPE)], how="diagonal")
    frame = frame.with_columns(pl.lit(None, dtype=t).alias(c) for c, t in _SHAPE.items() if c not in frame.columns)
    table = parameter_table(ctx)
    record = pl.coalesce("RID", "_dm").reshape((-1, 1)).arr.to_list()
    own = record if frame["_from"].null_count() == frame.height else pl.coalesce("_from", record)
    # SUBJID is the subject's row in ADSL, and a word its place among the words: looked up, not joined
    beside = _people(ctx).select("USUBJID", "_start", "_dm")[frame["SUBJID"]]
    codes, code = _places(frame["PARAMCD"])
    names = [pl.Series(n, [table[c][i] for c in codes], dtype=pl.String)[code] for i, n in enumerate(_NAMES)]
    words, word = _places(frame["AVALC"])
    numbers = pl.Series("AVAL", [_CODES.get(w) for w in words], dtype=pl.Float64)[word]
    return (
        pl.concat([frame, beside, pl.DataFrame([*names, numbers, *_sources(frame)])], how="horizontal")
        .with_columns(
            EVALR="EVAL",
            AVISIT="VISIT",
            AVISITN="VISITNUM",
            ADY=study_day(pl.col("ADT"), pl.col("_start")),
            SRCDOM=pl.coalesce("SRCDOM", "_dom"),
            SRCVAR=pl.coalesce("SRCVAR", "_var"),
            SRCSEQ="RSSEQ",
            _from=own,
            _at="SUBJID",
        )
        .drop("SUBJID", "EVAL", "VISIT", "VISITNUM", "TP", "RSSEQ", "RID", "_dm", "_start", "_dom", "_var")
    )


def _dated_by_scans(frame: pl.DataFrame, lesions: pl.DataFrame) -> pl.DataFrame:
    """`_from:ADT`: the first lesion record read on the analysis date, where there is one; a response is dated by its scans."""
    if lesions.is_empty():
        return frame
    scans = lesions.select(USUBJID="SUBJID", EVALR="EVAL", ADT="TRDAT", _scan="_rid").drop_nulls(["USUBJID", "ADT"])
    first = scans.group_by("USUBJID", "EVALR", "ADT").agg(pl.concat_list(pl.col("_scan").min()).first())
    joined = frame.join(first, on=["USUBJID", "EVALR", "ADT"], how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("_scan", "_from").alias("_from:ADT")).drop("_scan")


def _people(ctx: Context) -> pl.DataFrame:
    """SUBJID (number), USUBJID, first treatment and the DM record, on which rows rest that no assessment gave."""
    dm = ctx.domain("DM").unique("USUBJID", keep="first").select("USUBJID", _id="_id")
    found = (
        people(ctx)
        .select("SUBJID", "USUBJID", "_from", _start="TRTSDT")
        .join(dm, on="USUBJID", how="left", maintain_order="left")
    )
    return found.select("SUBJID", "USUBJID", "_start", _dm=pl.coalesce("_id", pl.col("_from").list.first()))


def _places(words: pl.Series) -> tuple[list[str], pl.Series]:
    """The words that occur, and the place of each row's word among them."""
    known = words.drop_nulls().unique().to_list()
    return known, words.cast(pl.Enum(known)).to_physical()


def _sources(frame: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """`_dom` and `_var`: where a value comes from that names no source of its own."""
    death, by_record = pl.col("PARAMCD") == "DEATH", pl.col("RSSEQ").is_not_null()
    place = pl.when(death).then(0).when(by_record).then(1).when(pl.col("_from").is_not_null()).then(2).cast(pl.UInt8)
    at = frame.select(place).to_series()
    domains, variables = ("ADSL", "RS", "TR"), ("DTHDT", "RSSTRESC", "TRSTRESN")
    return pl.Series("_dom", domains)[at], pl.Series("_var", variables)[at]


_NAMES = ("PARAM", "PARCAT1")
_CODES = {**ORDER, "Y": 1.0, "N": 0.0}
_SHAPE: dict[str, pl.DataType] = {
    "SUBJID": pl.UInt32(), "EVAL": pl.String(), "VISIT": pl.String(), "VISITNUM": pl.Float64(), "BASETYPE": pl.String(),
    "TP": pl.Int32(), "ADT": pl.Date(), "RSSEQ": pl.Float64(), "RID": pl.UInt32(), "_from": pl.List(pl.UInt32()),
    "AVALC": pl.String(), "PARAMCD": pl.String(), "AVALCAT1": pl.String(), "RULEID": pl.String(), "DISCFL": pl.String(),
    "ANL01FL": pl.String(), "ANL02FL": pl.String(), "ANL03FL": pl.String(), "SRCDOM": pl.String(), "SRCVAR": pl.String(),
}  # fmt: skip
