"""Judged target lesions in; sums of diameters per time point with baseline, nadir and changes out (adam-derivations 4)."""

from __future__ import annotations

import polars as pl

from cdiscx.adam._context import Context
from cdiscx.adam._course import Course
from cdiscx.adam._readings import flag, readings, response_source
from cdiscx.adam._tumour_tables import lesion_records, reader, upper, visit
from cdiscx.standards.criterion import RECIST11, Criterion
from cdiscx.standards.exact import divided, nanometres, threshold_nm
from cdiscx.standards.recist import target_response
from cdiscx.views.judged_lesions import POINT, judged_points
from cdiscx.views.timepoints import criterion_of

_PLACE = ["SUBJID", "EVAL", "VISIT"]
#: sums by parameter: the lesion column that enters, and the test of a sum that the site sent
SUMS = {"SUMDIAM": ("SIZE", "SUMDIAM"), "SUMVDIA": ("VALUE", "SUMVDIAM")}


def own_sum(ctx: Context) -> str:
    """The parameter that the study's criterion judges by."""
    return "SUMVDIA" if criterion_of(ctx.study).viable else "SUMDIAM"


def derive_param_sums(ctx: Context, course: Course) -> list[pl.DataFrame]:
    """SUMDIAM (and SUMVDIA where the criterion measures viable tissue) and NTGT, one row per judged time point."""
    if course.judged.is_empty():
        return []
    c = criterion_of(ctx.study)
    codes = ["SUMDIAM", "SUMVDIA"] if c.viable else ["SUMDIAM"]
    every = judged_points(course.points.lazy()).collect(engine="in-memory")
    dates = _dates(ctx, course)
    out = []
    for code in codes:
        # beside the viable sum the plain one is judged by RECIST 1.1
        judged_by = c if code == own_sum(ctx) else RECIST11
        sums = _sums(course.judged, SUMS[code][0], judged_by, every.select(*POINT))
        rows = sums.join(
            every.select(*POINT, "VISIT", "VISITNUM", "ROLE", "_seen"), on=list(POINT), maintain_order="left"
        )
        rows = rows.join(dates, on=_PLACE, how="left", maintain_order="left")
        rows = rows.join(
            _site_sums(ctx, SUMS[code][1], code == own_sum(ctx)), on=_PLACE, how="left", maintain_order="left"
        )
        out.append(_with_criteria(rows.with_columns(PARAMCD=pl.lit(code), _from="_seen"), judged_by))
    counted = out[-1].select(
        *_PLACE, "VISITNUM", "BASETYPE", "ADT", "_from", "ABLFL", PARAMCD=pl.lit("NTGT"),
        AVAL=(pl.col("N_EXPECTED") - pl.col("N_MISSING")).cast(pl.Float64),
    )  # fmt: skip
    return [*(o.drop("N_EXPECTED", "N_MISSING") for o in out), counted]


def _sums(judged: pl.DataFrame, column: str, c: Criterion, points: pl.DataFrame) -> pl.DataFrame:
    values = judged.filter(pl.col("CLASS") == "TARGET").select(
        *POINT, "NODAL", "PORTA", "PARENT", VALUE=column, LESION="LESID", RID="_rid"
    )
    made = target_response(values.lazy(), c, points.lazy()).filter(pl.col("N_EXPECTED") > 0)
    return made.select(
        *POINT, "BASE", "NADIR", "CHG", "PCHG", "CHGNAD", "PCHGNAD", "N_EXPECTED", "N_MISSING", AVAL="SUM",
        PSUM=pl.when(pl.col("N_MISSING") > 0).then("PSUM"),
    ).collect(engine="in-memory")  # fmt: skip


def _dates(ctx: Context, course: Course) -> pl.DataFrame:
    """ADT of a time point: earliest scan date for progression, latest otherwise, by the responses that are analysed."""
    rows = readings(course.points, response_source(ctx))
    return rows.select(*_PLACE, ADT=pl.coalesce("ADT", course.points["DAT"]))


def _site_sums(ctx: Context, test: str, takes_plain: bool) -> pl.DataFrame:
    """What the site itself summed; its one column of sums is that of the study's criterion."""
    tr = ctx.domain(
        "TR", "TREVAL", "TREVALID", "TRTESTCD", "TRSTRESN", "TRLNKID", "TRLNKGRP", "VISIT", "VISITNUM", "TRDTC"
    )
    tests = [test, *(["SUMDIAM"] if takes_plain else [])]
    sums = tr.filter(upper("TRTESTCD").is_in(tests), pl.col("TRSTRESN").is_not_null())
    rows = sums.with_columns(reader(sums, "TR"), visit(sums, "TR"), SUBJID="USUBJID", _own=upper("TRTESTCD") == test)
    first = rows.sort("_own", descending=True, maintain_order=True).unique(_PLACE, keep="first", maintain_order=True)
    return first.select(*_PLACE, AVALSITE="TRSTRESN")


def _with_criteria(rows: pl.DataFrame, c: Criterion) -> pl.DataFrame:
    """CRIT1 and CRIT2 decided exactly (whole nanometres), the site's difference and the flags."""
    total, base, nadir = (nanometres(pl.col(n)) for n in ("AVAL", "BASE", "NADIR"))
    later = pl.col("TP") > 0
    shrunk = (base - total) * c.pr_rel.denominator >= base * c.pr_rel.numerator
    grown = (total * c.pd_rel.denominator >= nadir * c.pd_rel.numerator) & (
        total - nadir >= max(threshold_nm(c.pd_abs_mm), 1)
    ) & (nadir > 0)  # fmt: skip
    less, more = f"{float(c.pr_rel * 100):g}", f"{float((c.pd_rel - 1) * 100):g}"
    floor = f"CHGNAD >= {c.pd_abs_mm:g}" if c.pd_abs_mm else "CHGNAD > 0"
    known = later & pl.col("AVAL").is_not_null()
    return rows.with_columns(
        ANL01FL=flag(pl.col("AVAL").is_not_null()),
        ABLFL=flag(pl.col("TP") == 0),
        CRIT1=pl.when(known).then(pl.lit(f"PCHG <= -{less}")),
        CRIT1FL=flag(known & shrunk & (base > 0)),
        CRIT2=pl.when(known).then(pl.lit(f"PCHGNAD >= {more} and {floor}")),
        CRIT2FL=flag(known & grown),
        SITEDIFF=pl.col("AVAL") - pl.col("AVALSITE"),
        SRCDOM=pl.lit("TR"),
        SRCVAR=pl.lit("TRSTRESN"),
    ).drop("ROLE", "_seen")


def derive_param_best_change(ctx: Context, course: Course, sums: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """BPCHG: smallest percent change up to the first PD, the day before surgery and the start of new therapy."""
    endpoint = ctx.study.endpoints.get("BPCHG")
    if not sums or (endpoint is None and ctx.study.endpoints):
        return []
    code = own_sum(ctx)
    rows = next(s for s in sums if s["PARAMCD"][0] == code) if any(s.height for s in sums) else sums[0].clear()
    limits = readings(course.points, response_source(ctx)).group_by("SUBJID").agg(_pd=pl.col("PDDT").min())
    subject = ctx.adsl.select(SUBJID="USUBJID", _nact="NACTDT", _surg="SURGDT")
    timed = rows.join(limits, on="SUBJID", how="left").join(subject, on="SUBJID", how="left")
    date = pl.col("ADT")
    before_surgery = endpoint is None or bool(endpoint.options.get("before_surgery"))
    inside = timed.filter(
        pl.col("EVAL") == "INVESTIGATOR", pl.col("BASETYPE") == "PRE-TREATMENT", pl.col("PCHG").is_not_null(),
        (date <= pl.col("_pd")).fill_null(True), (date <= pl.col("_nact")).fill_null(True),
        (date < pl.col("_surg")).fill_null(True) | pl.lit(not before_surgery),
    )  # fmt: skip
    best = inside.sort("PCHG", "ADT").unique("SUBJID", keep="first", maintain_order=True)
    return [
        best.select(
            *_PLACE, "VISITNUM", "BASETYPE", "ADT", "_from", "SRCDOM", "SRCVAR", PARAMCD=pl.lit("BPCHG"), AVAL="PCHG",
            ANL01FL=pl.lit("Y"),
        )
    ]  # fmt: skip


def derive_param_lesions(ctx: Context, course: Course) -> list[pl.DataFrame]:
    """LDnn, SAnn, VDnn: every size of every target lesion, with the lesion's own baseline in its segment."""
    records = lesion_records(ctx).filter(
        pl.col("CLASS") == "TARGET", pl.col("TEST").is_in(["LDIAM", "LPERP", "DIAMETER", "VDIAM"])
    )
    place = course.points.select(*_PLACE, "BASETYPE", "ROLE", "TP", _number="VISITNUM", _day="DAT")
    rows = records.join(place, on=_PLACE, how="inner", maintain_order="left").with_columns(
        _node=(pl.col("TUNODAL") == "Y").fill_null(pl.col("TUORGAN").str.contains("LYMPH"))
    )
    kind = (
        pl.when(pl.col("TEST") == "VDIAM").then(pl.lit("VD"))
        .when((pl.col("TEST") == "LPERP") | ((pl.col("TEST") == "DIAMETER") & pl.col("_node").fill_null(False))).then(pl.lit("SA"))
        .otherwise(pl.lit("LD"))
    )  # fmt: skip
    rows = _lesion_numbers(rows.with_columns(_kind=kind))
    rows = rows.with_columns(PARAMCD=pl.col("_kind") + pl.col("_n").cast(pl.String).str.zfill(2), AVAL="TRSTRESN")
    done = pl.col("AVAL").is_not_null()
    keys = ["SUBJID", "EVAL", "PARAMCD", "BASETYPE", "TP"]
    one = (
        rows.with_columns(_blank=~done)
        .sort("_blank", "TRSEQ", maintain_order=True)
        .unique(keys, keep="first", maintain_order=True)
    )
    base = one.filter(pl.col("TP") == 0, pl.col("ROLE") != "PRIOR", done).select(*keys[:-1], BASE="AVAL")
    one = one.join(base, on=keys[:-1], how="left", maintain_order="left")
    later = pl.col("TP") > 0
    judged = (pl.col("TP") >= 0) & (pl.col("ROLE") != "PRIOR")
    return [
        one.select(
            *_PLACE, "PARAMCD", "BASETYPE", "TRLNKID", "AVAL", "_from", VISITNUM="_number", ADT=pl.coalesce("TRDT", "_day"),
            BASE=pl.when(judged).then("BASE"), CHG=pl.when(later).then(pl.col("AVAL") - pl.col("BASE")),
            PCHG=pl.when(later & (pl.col("BASE") > 0)).then(divided(100 * (pl.col("AVAL") - pl.col("BASE")), pl.col("BASE"))),
            ABLFL=flag((pl.col("TP") == 0) & judged & done), ANL01FL=flag(judged & done),
            SRCDOM=pl.lit("TR"), SRCVAR=pl.lit("TRSTRESN"), SRCSEQ="TRSEQ",
        )
    ]  # fmt: skip


def _lesion_numbers(rows: pl.DataFrame) -> pl.DataFrame:
    """`_n`: the number in the lesion's id; parts of a split lesion, and ids without a usable number, count on after them."""
    ids = rows.select("SUBJID", "EVAL", "TRLNKID").unique(maintain_order=True).sort("SUBJID", "EVAL", "TRLNKID")
    own = pl.col("TRLNKID").str.extract(r"^\D*?0*(\d{1,2})$", 1).cast(pl.Int32)
    who = ["SUBJID", "EVAL"]
    ids = ids.with_columns(_own=own).with_columns(_twice=pl.len().over([*who, "_own"]) > 1)
    ids = ids.with_columns(_own=pl.when(~pl.col("_twice") & (pl.col("_own") > 0)).then("_own"))
    top = pl.col("_own").max().over(who).fill_null(0)
    rank = pl.col("_own").is_null().cum_sum().over(who).cast(pl.Int32)
    numbered = ids.with_columns(_n=pl.coalesce("_own", top + rank))
    return rows.join(numbered.select(*who, "TRLNKID", "_n"), on=[*who, "TRLNKID"], how="left", maintain_order="left")
