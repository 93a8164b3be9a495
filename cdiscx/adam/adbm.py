"""ADBM: exploratory markers in blood and tissue, at baseline and at the operation, with their change (trial B 8.10)."""

from __future__ import annotations

import polars as pl

from cdiscx import registry
from cdiscx.adam._context import Absent, Context, after, of_all
from cdiscx.adam._finish import NY, Column, finish
from cdiscx.model.dataset import Dataset, ValueLevel
from cdiscx.standards.exact import divided

#: a blood sample stands for the operation when it was taken at most so many days before it
_WINDOW = 28
_PLACE = ["USUBJID", "PARAMCD"]
_MARKER = ["TESTCD", "TEST", "DETAIL", "UNIT"]


def _samples(ctx: Context) -> pl.DataFrame | None:
    """The records of all markers that the study file names; None where there is none."""
    rows = [_records(ctx, source.of, dict(source.where)) for source in ctx.study.analysis.biomarkers]
    return pl.concat([r for r in rows if r.height]) if any(r.height for r in rows) else None


def _markers(samples: pl.DataFrame) -> pl.DataFrame:
    """`TESTCD`, `TEST`, `DETAIL`, `UNIT` of the markers that there are."""
    return samples.select(_MARKER).unique()


def _told(ctx: Context) -> pl.DataFrame:
    samples = _samples(ctx)
    return pl.DataFrame(schema=dict.fromkeys(_MARKER, pl.String)) if samples is None else _markers(samples)


@registry.dataset("ADBM")
@after("ADSL")
@of_all(_told, lambda study: study.analysis.biomarkers)  # details of a test are numbered among those of all subjects
def adbm(ctx: Context) -> Dataset | Absent:
    """One record per subject, marker and sample; markers are those that the study file names (`analysis.biomarkers`)."""
    samples = _samples(ctx)
    if samples is None:
        return Absent("no marker was delivered")
    frame = _changed(_timed(ctx, _named(samples, ctx.fact("ADBM", _markers(samples)))))
    days = int(ctx.p("biomarker_days", _WINDOW))
    present = sorted(set(frame["PARAMCD"]))
    return finish(
        ctx, "ADBM", frame, _columns(days),
        label="Biomarker Analysis Dataset", klass="BASIC DATA STRUCTURE",
        structure="One record per subject per marker per sample",
        keys=("STUDYID", "USUBJID", "PARAMCD", "ADT", "SRCDOM", "SRCSEQ"), sort=("PARAMCD", "ADT", "SRCDOM", "SRCSEQ"),
        values=tuple(_level(code) for code in present),
    )  # fmt: skip


def _records(ctx: Context, domain: str, where: dict[str, tuple[str, ...]]) -> pl.DataFrame:
    """Results of one domain: USUBJID, TESTCD, TEST, DETAIL, UNIT, AVAL, AVALC, ADT, VISIT, TISSUE, SRCDOM, SRCSEQ, `_from`."""
    p = domain[:2]
    texts = (f"{p}TESTCD", f"{p}TEST", f"{p}TSTDTL", f"{p}STRESU", f"{p}STRESC", f"{p}STAT", f"{p}DTC", f"{p}SPCTYP")
    rows = ctx.domain(domain, *texts, f"{p}DT", f"{p}STRESN", f"{p}SEQ", "VISIT", "VISITNUM", *where)
    for column, values in where.items():
        rows = rows.filter(pl.col(column).str.to_uppercase().is_in([v.upper() for v in values]))
    told = rows.select(
        "USUBJID",
        TESTCD=pl.col(f"{p}TESTCD"),
        TEST=pl.coalesce(f"{p}TEST", f"{p}TESTCD"),
        DETAIL=pl.col(f"{p}TSTDTL"),
        UNIT=pl.col(f"{p}STRESU"),
        AVAL=pl.coalesce(f"{p}STRESN", pl.col(f"{p}STRESC").cast(pl.Float64, strict=False)),
        AVALC=pl.col(f"{p}STRESC"),
        ADT=pl.col(f"{p}DT"),
        VISIT="VISIT",
        VISITNUM="VISITNUM",
        TISSUE=pl.lit(domain == "MI"),
        SRCDOM=pl.lit(domain),
        SRCVAR=pl.lit(f"{p}STRESC"),
        SRCSEQ=pl.col(f"{p}SEQ").cast(pl.Int64),
        _from="_from",
    )
    return told.filter(pl.col("TESTCD").is_not_null(), pl.col("AVAL").is_not_null() | pl.col("AVALC").is_not_null())


def _named(rows: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """PARAMCD and PARAM: the test and its unit; a test with details has a numbered code for each of those `known`."""
    markers = known.sort("TESTCD", "DETAIL", "UNIT", "TEST", nulls_last=True)
    words = pl.concat_str(
        [pl.col("TEST"), pl.format(", {}", "DETAIL").fill_null(""), pl.format(" ({})", "UNIT").fill_null("")]
    )
    number = pl.int_range(1, pl.len() + 1).over("TESTCD").cast(pl.String).str.zfill(2)
    alone = (pl.len().over("TESTCD") == 1) & pl.col("DETAIL").is_null()
    code = pl.when(alone).then(pl.col("TESTCD").str.slice(0, 8)).otherwise(pl.col("TESTCD").str.slice(0, 6) + number)
    named = markers.with_columns(PARAM=words.str.slice(0, 200), PARAMCD=code)
    return rows.join(named, on=_MARKER, how="left", nulls_equal=True, maintain_order="left")


def _timed(ctx: Context, rows: pl.DataFrame) -> pl.DataFrame:
    """AVISIT and ABLFL: the last sample on or before first treatment is the baseline, that of the specimen, or the last
    blood sample in the window before surgery, the resection's."""
    dates = ctx.adsl.select("USUBJID", "TRTSDT", "SURGDT")
    known = rows.join(dates, on="USUBJID", maintain_order="left")
    since = (pl.col("ADT") - pl.col("TRTSDT")).dt.total_days()
    to_surgery = (pl.col("SURGDT") - pl.col("ADT")).dt.total_days()
    days, specimen = int(ctx.p("biomarker_days", _WINDOW)), int(ctx.p("specimen_days", 1))
    blood = (since > 0) & (to_surgery >= 0) & (to_surgery <= days)
    tissue = to_surgery.is_between(-int(ctx.p("pathology_days", 60)), specimen)
    period = (
        pl.when(since <= 0)
        .then(pl.lit("BASELINE"))
        .when(pl.when("TISSUE").then(tissue).otherwise(blood))
        .then(pl.lit("RESECTION"))
    )
    placed = known.with_columns(_period=period, _row=pl.int_range(pl.len()))
    numbered = placed.filter(pl.col("_period").is_not_null()).sort("ADT", "SRCSEQ", "_row")
    last = numbered.group_by(*_PLACE, "_period", maintain_order=True).agg(pl.col("_row").last())
    chosen = placed.join(last.select("_row", _chosen=pl.lit(True)), on="_row", how="left", maintain_order="left")
    taken = pl.col("_chosen").fill_null(False)
    baseline = taken & (pl.col("_period") == "BASELINE")
    return chosen.with_columns(
        AVISIT=pl.when(taken).then("_period").otherwise("VISIT"),
        ABLFL=pl.when(baseline).then(pl.lit("Y")),
        ANL01FL=pl.when(taken).then(pl.lit("Y")),
        ADY=pl.when(since >= 0).then(since + 1).otherwise(since),
    )


def _changed(rows: pl.DataFrame) -> pl.DataFrame:
    """BASE, and CHG and PCHG of samples after baseline; both rest on the baseline's record as well."""
    base = rows.filter(pl.col("ABLFL") == "Y").select(*_PLACE, BASE="AVAL", _base="_from")
    joined = rows.join(base, on=_PLACE, how="left", maintain_order="left")
    later = pl.col("ABLFL").is_null() & (pl.col("ADT") > pl.col("TRTSDT"))
    change = pl.when(later).then(pl.col("AVAL") - pl.col("BASE"))
    return joined.with_columns(
        CHG=change,
        PCHG=pl.when(pl.col("BASE") != 0).then(divided(100 * change, pl.col("BASE"))),
        _from=pl.concat_list("_from", pl.col("_base").fill_null(pl.lit([], dtype=pl.List(pl.UInt32)))).list.unique(
            maintain_order=True
        ),
    )


def _level(code: str) -> ValueLevel:
    return ValueLevel(
        "AVAL", (("PARAMCD", "EQ", (code,)),), "Result of the marker", "float",
        origin="Derived", source="Sponsor", method="Standardized numeric result; null where the result is a word.",
    )  # fmt: skip


def _columns(days: int) -> tuple[Column, ...]:
    result = ("LB.LBSTRESN", "MI.MISTRESN")
    return (
        Column("PARAMCD", "Parameter Code", of=("LB.LBTESTCD", "MI.MITESTCD"), core="Req", method="Test code; numbered where a test has details."),
        Column("PARAM", "Parameter", of=("LB.LBTEST", "MI.MITEST"), core="Req", method="Test, its detail and unit."),
        Column("AVISIT", "Analysis Visit", of=("LB.VISIT", "MI.VISIT"), core="Cond", method="BASELINE and RESECTION on the samples that stand for them, otherwise the visit."),
        Column("ADT", "Analysis Date", "date", of=("LB.LBDTC", "MI.MIDTC"), core="Cond", method="Date of the sample or specimen."),
        Column("ADY", "Analysis Relative Day", "integer", of=("ADSL.TRTSDT",), core="Cond", method="ADT - TRTSDT + 1 on or after TRTSDT, otherwise ADT - TRTSDT."),
        Column("AVAL", "Analysis Value", "float", of=result, core="Cond", method="Standardized numeric result."),
        Column("AVALC", "Analysis Value (C)", of=("LB.LBSTRESC", "MI.MISTRESC"), core="Cond", method="Standardized result as text."),
        Column("ABLFL", "Baseline Record Flag", of=("ADSL.TRTSDT",), codelist=NY, core="Cond", method="Y on the last sample on or before first treatment."),
        Column("BASE", "Baseline Value", "float", of=result, core="Cond", method="AVAL where ABLFL = Y, of the same marker."),
        Column("CHG", "Change from Baseline", "float", of=result, core="Cond", method="AVAL - BASE, after baseline."),
        Column("PCHG", "Percent Change from Baseline", "float", of=result, core="Perm", method="100 x (AVAL - BASE) / BASE."),
        Column("ANL01FL", "Analysis Flag 01", of=("ADSL.TRTSDT", "ADSL.SURGDT"), codelist=NY, core="Cond", method=f"Y on the baseline and on the sample that stands for the resection: the specimen, or the last blood sample in the {days} days before it."),
        Column("SRCDOM", "Source Data", core="Perm"),
        Column("SRCVAR", "Source Variable", core="Perm"),
        Column("SRCSEQ", "Source Sequence Number", "integer", core="Perm"),
    )  # fmt: skip
