"""Prepared study data -> each subject's identity, consent, first treatment and end of participation, with their rows."""

from __future__ import annotations

import polars as pl

from cdiscx.model.table import StudyData

#: (table, date column, its row proves that the subject took part) of the end of participation (sdtm-mapping 4.1)
_CONTACTS: tuple[tuple[str, str, pl.Expr | None], ...] = (
    ("subjects", "RFICDAT", None),
    ("subjects", "ENRLDAT", None),
    ("visits", "VISDAT", pl.col("VISDONE").fill_null("Y") != "N"),
    ("dosing", "EXSTDAT", (pl.col("EXDOSE") != 0).fill_null(True)),
    ("dosing", "EXENDAT", (pl.col("EXDOSE") != 0).fill_null(True)),
    ("procedures", "PRSTDAT", None),
    ("procedures", "PRENDAT", None),
    ("procedures", "HODISDAT", None),
    ("targets", "TRDAT", None),
    ("nontargets", "TRDAT", None),
    ("newlesions", "TRDAT", None),
    ("labs", "LBDAT", None),
    ("survival", "SSDAT", None),
    ("survival", "DTHDAT", None),
    ("disposition", "DSDAT", None),
)

SHAPE = {"SUBJID": pl.String, "DAY": pl.Date, "RID": pl.UInt32, "SOURCE": pl.String}


def usubjid(study_id: str) -> pl.Expr:
    """`STUDYID-SITEID-SUBJID` (sdtm-mapping 2.1), literally; a blank site is left out.

    Nothing is shortened where a subject number begins with its site: `01-002` and `002` of one site are two subjects.
    """
    site = pl.col("SITEID").fill_null("")
    return pl.concat_str(
        pl.lit(f"{study_id}-"), pl.when(site == "").then(pl.lit("")).otherwise(site + "-"), pl.col("SUBJID")
    )


def last_days(data: StudyData) -> pl.DataFrame:
    """One row a subject: DAY, the last day of participation (RFPENDTC), RID and SOURCE (`table.COLUMN`) of it.

    The latest contact, visit, treatment, death or disposition; nothing later than a known day of death.
    """
    pieces = [pl.DataFrame(schema=SHAPE)]
    for table, column, proof in _CONTACTS:
        if table not in data.tidy or column not in (frame := data.tidy[table].frame).columns:
            continue
        needed = proof.meta.root_names() if proof is not None else []
        if proof is not None and set(needed) <= set(frame.columns):
            frame = frame.filter(proof)
        pieces.append(frame.select("SUBJID", DAY=column, RID="_rid", SOURCE=pl.lit(f"{table}.{column}")))
    rows = pl.concat(pieces).drop_nulls(["SUBJID", "DAY"])
    if "deaths" in data.tidy:
        death = data.tidy["deaths"].frame.select("SUBJID", _dead="DTHDAT")
        rows = rows.join(death, on="SUBJID", how="left").filter((pl.col("DAY") <= pl.col("_dead")).fill_null(True))
    best = rows.sort("DAY", "RID", descending=[True, False], maintain_order=True).group_by(
        "SUBJID", maintain_order=True
    )
    return best.agg(pl.col("DAY", "RID", "SOURCE").first()).sort("SUBJID")
