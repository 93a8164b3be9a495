"""Hepatectomy: margin status, pathology, MPR and pCR (END-008, END-009), flow (END-010), R status in DFS (END-017)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import nothing, related, union
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check


def _hepatectomies(procedures: pl.LazyFrame) -> pl.LazyFrame:
    return procedures.filter(pl.col("PRTRT") == "HEPATECTOMY", pl.col("SUBJID").is_not_null())


@check("END-008", on="procedures", columns=("RESTUM", "PRTRT", "PRSTDAT"), needs=())
def no_margin_status(study: Study, run: RunContext, procedures: pl.LazyFrame) -> pl.LazyFrame:
    """Hepatectomy of {PRSTDAT}: the residual tumour status (R0, R1, R2, RX) is blank; the R0 rate counts {SUBJID} as not R0.

    Why: the R0 resection rate and disease-free survival rest on the margin status.
    Fix: ask the site for the residual tumour status of this operation.
    Rule: response-criteria 7; asked for once 30 days have passed
    """
    due = pl.col("PRSTDAT") + pl.duration(days=int(study.p("r_status_days")))
    return _hepatectomies(procedures).filter(pl.col("RESTUM").is_null(), due < run.cutoff)


@check(
    "END-009",
    on="procedures",
    columns=("PRSTDAT", "PRTRT"),
    needs=("pathology", "pathology.MIVIAB"),
    silenced_by=("pathology.MIVIAB", "pathology.MISPEC"),
)
def no_pathology(
    study: Study, run: RunContext, procedures: pl.LazyFrame, pathology: pl.LazyFrame
) -> pl.LazyFrame:
    """Hepatectomy of {PRSTDAT}: no pathology with a viable-tumour percentage, although {days} days have passed.

    Why: major pathological response is read from the viable tumour in the specimen.
    Fix: ask the site for the pathology report of the specimen.
    """
    limit = int(study.p("pathology_days"))
    seen = pathology.filter(pl.col("MISPEC") == "RESECTION", pl.col("MIVIAB").is_not_null()).select("SUBJID").unique()
    days = (pl.lit(run.cutoff) - pl.col("PRSTDAT")).dt.total_days()
    late = _hepatectomies(procedures).with_columns(days=days).filter(pl.col("days") > limit)
    severity = str(study.p("pathology_missing_severity"))
    return late.join(seen, on="SUBJID", how="anti").with_columns(_severity=pl.lit(severity), _key=pl.lit("missing"))


@check("END-009", on="pathology", columns=("MIVIAB", "MINODULE"), uses=("pathology.BIORES", "pathology.MIDIAM"))
def viable_tumour_blank(pathology: pl.LazyFrame) -> pl.LazyFrame:
    """Resection specimen {MINODULE} of {MIDAT}: Viable Tumour % is blank.

    Why: major pathological response is read from the viable tumour in the specimen.
    Fix: ask the site for the percentage of viable tumour of this nodule.
    """
    resection = (pl.col("MISPEC") == "RESECTION") & pl.col("BIOMARK").is_null()
    blank = pl.col("MIVIAB").is_null() & pl.col("MIVIABC").is_null()
    return pathology.filter(pl.col("SUBJID").is_not_null(), resection, blank).with_columns(_key=pl.lit("blank"))


@check("END-009", on="pathology", columns=("MIVIAB", "MINECR", "MIFIBR"))
def percentages_do_not_add_up(study: Study, pathology: pl.LazyFrame) -> pl.LazyFrame:
    """Viable {MIVIAB} % + necrosis {MINECR} % + fibrosis {MIFIBR} % = {total} %; together they should be 100 % (+/- {tolerance}).

    Why: a percentage in the wrong column (necrosis typed as viable) turns the pathological response round.
    Fix: ask the site to check the three percentages against the report.
    Rule: PT-3
    """
    tolerance = float(study.p("pathology_sum_tolerance_pct"))
    total = pl.col("MIVIAB") + pl.col("MINECR") + pl.col("MIFIBR")
    rows = pathology.filter(pl.col("SUBJID").is_not_null()).with_columns(total=total, tolerance=pl.lit(tolerance))
    return rows.filter((pl.col("total") - 100).abs().round(6) > tolerance).with_columns(_key=pl.lit("sum"))


@check("END-009", on="pathology", columns=("MPR", "MIVIAB"), uses=("pathology.PCR",))
def site_reading_contradicts_viable_tumour(study: Study, pathology: pl.LazyFrame) -> pl.LazyFrame:
    """Viable {MIVIAB} % but MPR = {MPR}; MPR means at most {limit} % viable tumour.

    Why: the pathologist's reading and the percentage must say the same; 10 % is a major pathological response, 10.5 % is not.
    Fix: ask the site to check the percentage and the reading against the report.
    Rule: PT-1, PT-2
    """
    limit = float(study.p("mpr_max_pct"))
    rows = pathology.filter(pl.col("SUBJID").is_not_null(), pl.col("MIVIAB").is_between(0, 100)).with_columns(
        limit=pl.lit(limit)
    )
    mpr = rows.filter((pl.col("MPR") == "Y") != (pl.col("MIVIAB") <= limit)).with_columns(_key=pl.lit("mpr"))
    pcr = rows.filter((pl.col("PCR") == "Y") != (pl.col("MIVIAB") == 0)).with_columns(
        _say=pl.lit("Viable {MIVIAB} % but pCR = {PCR}; pCR means no viable tumour at all."),
        _column=pl.lit("PCR"),
        _key=pl.lit("pcr"),
    )
    left = rows.filter(pl.col("PCR") == "Y", pl.col("MIVIAB") == 0).join(
        rows.filter(pl.col("MIVIAB") > 0, pl.col("MISPEC") == "RESECTION").select(
            "SUBJID", "MIDAT", other="MINODULE", other_pct="MIVIAB", _other="_rid"
        ),
        on=["SUBJID", "MIDAT"],
        how="inner",
    )
    left = left.group_by("_rid", maintain_order=True).first().with_columns(
        related(("_other", "MIVIAB")),
        _say=pl.lit("pCR = Y, but specimen {other} has {other_pct} % viable tumour; pCR means none in all examined tumour, thrombus included."),
        _column=pl.lit("PCR"),
        _key=pl.lit("pcr other"),
    )
    return union([mpr, pcr, left])


@check(
    "END-010",
    on="responses",
    columns=("FLOWREST", "PVTTCLS", "RSDAT"),
    needs=("subjects", "subjects.PVTTCLS"),
)
def flow_restoration_missing(study: Study, responses: pl.LazyFrame, subjects: pl.LazyFrame) -> pl.LazyFrame:
    """PVTT class unchanged ({PVTTCLS}) at {VISIT} on {RSDAT} and Flow Restored is blank: SD is assumed.

    Why: with an unchanged class, restored portal flow makes the thrombus response PR, no restoration SD.
    Fix: ask the site whether the portal flow was conspicuously restored (Y or N).
    Rule: CHP-6
    """
    base = subjects.select("SUBJID", base="PVTTCLS", _base="_rid").unique("SUBJID", keep="first", maintain_order=True)
    rows = responses.filter(pl.col("FLOWREST").is_null(), pl.col("PVTTCLS").is_not_null()).join(
        base, on="SUBJID", how="inner"
    )
    pattern = r"^(NONE|IV|I{1,3})"
    same = pl.col("PVTTCLS").str.extract(pattern) == pl.col("base").str.extract(pattern)
    if bool(study.p("pvtt_use_subtypes")):
        same = pl.col("PVTTCLS") == pl.col("base")
    return rows.filter(same).with_columns(related(("_base", "PVTTCLS"), ("_rid", "PVTTCLS")))


@check("END-017", on="procedures", columns=("RESTUM", "PRTRT", "PRSTDAT"))
def not_r0_in_disease_free_survival(study: Study, procedures: pl.LazyFrame) -> pl.LazyFrame:
    """{SUBJID}: {RESTUM}; included in disease-free survival under dfs_population = {population}.

    Why: a subject with tumour left behind is not disease-free; the protocol counts all with hepatectomy.
    Fix: nothing to ask the site; the statistician decides on the population.
    """
    population = str(study.p("dfs_population"))
    kept = {"HEPATECTOMY": ["R1", "R2", "RX"], "R0_R1": ["R1"]}.get(population, [])
    if not kept:
        return nothing()
    rows = _hepatectomies(procedures).filter(pl.col("RESTUM").is_in(kept))
    return rows.with_columns(population=pl.lit(population))
