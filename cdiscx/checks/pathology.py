"""Hepatectomy: margin status, pathology, MPR and pCR (END-008, END-009), flow (END-010), R status in DFS (END-017)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._shape import nothing, related, union
from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.registry import check
from cdiscx.standards.grades import mpr, pcr, weighted_mpr


def _hepatectomies(procedures: pl.LazyFrame) -> pl.LazyFrame:
    return procedures.filter(pl.col("PRTRT") == "HEPATECTOMY", pl.col("SUBJID").is_not_null())


@check("END-008", on="procedures", columns=("RESTUM", "PRTRT", "PRSTDAT"))
def no_margin_status(study: Study, run: RunContext, procedures: pl.LazyFrame) -> pl.LazyFrame:
    """Hepatectomy {PRSTDAT}: the residual tumour status (R0, R1, R2 or RX) is blank; the R0 rate counts {SUBJID} as not R0.

    Why: the R0 resection rate and disease-free survival rest on the margin status.
    Fix: Ask the site for the residual tumour status of this operation, the worse of the surgeon's and the pathologist's.
    Rule: END-008; response criteria 7; asked for once 30 days have passed
    """
    days = int(study.p("r_status_days"))
    due = pl.col("PRSTDAT") + pl.duration(days=days)
    return _hepatectomies(procedures).filter(pl.col("RESTUM").is_null(), due < run.cutoff)


# --- END-009 --------------------------------------------------------------------------------------------------------


def _tumour_rows(pathology: pl.LazyFrame) -> pl.LazyFrame:
    """Rows on the tumour in a resection specimen; rows on a biomarker are about something else."""
    return pathology.filter(
        pl.col("SUBJID").is_not_null(), pl.col("MISPEC") == "RESECTION", pl.col("BIOMARK").is_null()
    )


@check(
    "END-009",
    on="procedures",
    columns=("PRSTDAT", "PRTRT"),
    needs=("pathology", "pathology.MIVIAB"),
    uses=("pathology.BIOMARK",),
    silenced_by=("pathology.MIVIAB", "pathology.MISPEC"),
)
def no_pathology(study: Study, run: RunContext, procedures: pl.LazyFrame, pathology: pl.LazyFrame) -> pl.LazyFrame:
    """No pathology for the surgery of {PRSTDAT}, although {days} days have passed: the viable tumour is not known.

    Why: major pathological response is read from the viable tumour in the specimen.
    Fix: Ask the site for the pathology report of the specimen.
    Rule: END-009; within 60 days of surgery; a specimen row without a percentage is named itself
    """
    limit = int(study.p("pathology_days"))
    days = (pl.lit(run.cutoff) - pl.col("PRSTDAT")).dt.total_days()
    late = _hepatectomies(procedures).with_columns(days=days).filter(pl.col("days") > limit)
    severity = str(study.p("pathology_missing_severity"))
    lacking = late.join(_tumour_rows(pathology).select("SUBJID"), on="SUBJID", how="anti")
    return lacking.with_columns(_severity=pl.lit(severity), _key=pl.lit("missing"))


@check("END-009", on="pathology", columns=("MIVIAB", "MINODULE", "MIDAT"), uses=("pathology.BIOMARK",))
def viable_tumour_blank(study: Study, run: RunContext, pathology: pl.LazyFrame) -> pl.LazyFrame:
    """Resection specimen of {MIDAT}, nodule {MINODULE}: Viable Tumour % is blank, although {days} days have passed.

    Why: major pathological response is read from the viable tumour in the specimen.
    Fix: Ask the site for the percentage of viable tumour of this nodule.
    Rule: END-009; within 60 days of surgery
    """
    days = (pl.lit(run.cutoff) - pl.col("MIDAT")).dt.total_days()
    blank = pl.col("MIVIAB").is_null() & (pl.col("MIVIABC").is_null() | (pl.col("MIVIABC").str.strip_chars() == ""))
    late = (
        _tumour_rows(pathology)
        .filter(blank)
        .with_columns(days=days)
        .filter(pl.col("days") > int(study.p("pathology_days")))
    )
    return late.with_columns(_severity=pl.lit(str(study.p("pathology_missing_severity"))), _key=pl.lit("blank"))


@check("END-009", on="pathology", columns=("MIVIAB", "MINECR", "MIFIBR"))
def percentages_do_not_add_up(study: Study, pathology: pl.LazyFrame) -> pl.LazyFrame:
    """Nodule {MINODULE}: viable {MIVIAB} % + necrosis {MINECR} % + fibrosis {MIFIBR} % = {total} %; together they are 100 % (+/- {tolerance}).

    Why: a percentage in the wrong column (necrosis typed as viable) turns the pathological response round.
    Fix: Ask the site to check the three percentages against the report.
    Rule: END-009; PT-3
    """
    tolerance = float(study.p("pathology_sum_tolerance_pct"))
    total = (pl.col("MIVIAB") + pl.col("MINECR") + pl.col("MIFIBR")).round(6)
    rows = pathology.filter(pl.col("SUBJID").is_not_null()).with_columns(total=total, tolerance=pl.lit(tolerance))
    return rows.filter((pl.col("total") - 100).abs().round(6) > tolerance).with_columns(
        related(("_rid", "MINECR"), ("_rid", "MIFIBR")), _key=pl.lit("sum")
    )


def _readings(study: Study, pathology: pl.LazyFrame) -> pl.LazyFrame:
    """Tumour rows with what the site's reading may mean: the row itself (OWN) or the whole specimen (ALL), MPR and pCR.

    A reading on the OVERALL row is of that row. Without an OVERALL row a reading on a nodule may be meant for the whole
    specimen: its size-weighted mean (trial B 8.6, ruling 15.15). pCR means no viable tumour in any nodule.
    """
    limit = float(study.p("mpr_max_pct"))
    rows = (
        _tumour_rows(pathology)
        .filter(pl.col("MIVIAB").is_between(0, 100))
        .with_columns(_overall=(pl.col("MINODULE").str.strip_chars().str.to_uppercase() == "OVERALL").fill_null(True))
    )
    same = ["SUBJID", "MIDAT"]
    viable, size = pl.col("MIVIAB"), pl.col("MIDIAM")
    rest = (
        rows.filter(pl.col("MIVIAB") > 0)
        .sort("_rid")
        .group_by(same, maintain_order=True)
        .agg(other=pl.col("MINODULE").first(), other_pct=viable.first(), _other=pl.col("_rid").first())
    )
    parts = (
        rows.filter(~pl.col("_overall"))
        .group_by(same)
        .agg(
            _whole=weighted_mpr(viable, size, limit=limit), _n=pl.len(), _mixed=mpr(viable, limit=limit).n_unique() > 1
        )
    )
    totals = rows.filter(pl.col("_overall")).select(same).unique().with_columns(_has=pl.lit(True))
    joined = rows.join(rest, on=same, how="left", nulls_equal=True).join(parts, on=same, how="left", nulls_equal=True)
    joined = joined.join(totals, on=same, how="left", nulls_equal=True)
    alone = ~pl.col("_overall") & pl.col("_has").is_null() & (pl.col("_n") > 1)
    return joined.with_columns(
        limit=pl.lit(limit),
        MPR_OWN=mpr(viable, limit=limit),
        MPR_ALL=pl.when(alone).then(pl.col("_whole")),
        PCR_OWN=pl.when(pl.col("_overall")).then(pcr(viable) & pl.col("_other").is_null()).otherwise(pcr(viable)),
        PCR_ALL=pl.when(~pl.col("_overall")).then(pl.col("_other").is_null()),
        # without every diameter there is no weighted mean: nodules on both sides of the limit leave the reading open
        MPR_OPEN=(alone & pl.col("_whole").is_null() & pl.col("_mixed")).fill_null(False),
        PCR_OPEN=pl.lit(False),
    )


@check(
    "END-009",
    on="pathology",
    columns=("MPR", "MIVIAB"),
    uses=("pathology.PCR", "pathology.MIDIAM", "pathology.BIOMARK"),
)
def site_reading_contradicts_viable_tumour(study: Study, pathology: pl.LazyFrame) -> pl.LazyFrame:
    """Viable {MIVIAB} % (nodule {MINODULE}) but MPR = {MPR}; MPR means at most {limit} % viable tumour.

    Why: the pathologist's reading and the percentage must say the same; 10 % is a major pathological response, 10.5 % is not.
    Fix: Ask the site to check the percentage and the reading against the report; necrosis may stand in the place of viable tumour.
    Rule: END-009; PT-1, PT-2; ruling 15.15
    """
    rows = _readings(study, pathology)

    def against(column: str) -> pl.Expr:
        said_yes = pl.col(column) == "Y"
        own, whole = pl.col(f"{column}_OWN"), pl.col(f"{column}_ALL")
        return (said_yes != own) & ((said_yes != whole) | whole.is_null()) & ~pl.col(f"{column}_OPEN")

    wrong_mpr = rows.filter(against("MPR")).with_columns(
        related(("_rid", "MIVIAB")), _column=pl.lit("MPR"), _key=pl.lit("mpr")
    )
    wrong_pcr = rows.filter(against("PCR")).with_columns(
        related(("_rid", "MIVIAB"), ("_other", "MIVIAB")),
        _say=pl.when((pl.col("MIVIAB") == 0) & (pl.col("PCR") == "Y"))
        .then(
            pl.lit(
                "pCR = Y, but specimen {other} has {other_pct} % viable tumour; pCR means none in all examined tumour, thrombus included."
            )
        )
        .otherwise(pl.lit("Viable {MIVIAB} % (nodule {MINODULE}) but pCR = {PCR}; pCR means no viable tumour at all.")),
        _column=pl.lit("PCR"),
        _key=pl.lit("pcr"),
    )
    return union([wrong_mpr, wrong_pcr])


@check(
    "END-010",
    on="responses",
    columns=("FLOWREST", "PVTTCLS", "RSDAT"),
    needs=("subjects", "subjects.PVTTCLS"),
)
def flow_restoration_missing(study: Study, responses: pl.LazyFrame, subjects: pl.LazyFrame) -> pl.LazyFrame:
    """PVTT class unchanged ({PVTTCLS}) on {RSDAT} ({VISIT}) and Flow Restored is blank: SD is assumed.

    Why: with an unchanged class, restored portal flow makes the thrombus response PR, no restoration SD.
    Fix: Ask the site whether the portal flow was conspicuously restored (Y or N).
    Rule: END-010; CHP-6; not needed when the class changed, nor where no thrombus is left
    """
    base = subjects.select("SUBJID", base="PVTTCLS", _base="_rid").unique("SUBJID", keep="first", maintain_order=True)
    rows = responses.filter(
        pl.col("FLOWREST").is_null(), pl.col("PVTTCLS").is_not_null(), pl.col("PVTTCLS") != "NONE"
    ).join(base, on="SUBJID", how="inner")
    pattern = r"^(NONE|IV|I{1,3})"
    same = pl.col("PVTTCLS").str.extract(pattern) == pl.col("base").str.extract(pattern)
    if bool(study.p("pvtt_use_subtypes")):
        same = pl.col("PVTTCLS") == pl.col("base")
    return rows.filter(same).with_columns(related(("_base", "PVTTCLS"), ("_rid", "PVTTCLS")))


@check("END-017", on="procedures", columns=("RESTUM", "PRTRT", "PRSTDAT"))
def not_r0_in_disease_free_survival(study: Study, procedures: pl.LazyFrame) -> pl.LazyFrame:
    """{SUBJID}: {RESTUM} at the hepatectomy of {PRSTDATC}; included in disease-free survival under dfs_population = {population}.

    Why: a subject with tumour left behind is not disease-free; the protocol counts all with hepatectomy.
    Fix: Nothing to ask the site; the statistician decides on the population.
    Rule: END-017; trial B 8.4
    """
    population = str(study.p("dfs_population"))
    kept = {"HEPATECTOMY": ["R1", "R2", "RX"], "R0_R1": ["R1"]}.get(population, [])
    if not kept:
        return nothing()
    rows = _hepatectomies(procedures).filter(pl.col("RESTUM").is_in(kept))
    return rows.with_columns(population=pl.lit(population))
