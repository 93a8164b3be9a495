"""Algorithms of DM: dates that come from other tables, age, arms, death; each names the raw rows that decided it."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cdiscx.registry import algorithm
from cdiscx.sdtm.elements import arm_of
from cdiscx.sdtm.here import Here
from cdiscx.sdtm.participation import last_days
from cdiscx.standards.dates import read_iso

Where = Mapping[str, tuple[str, ...] | list[str]]
_DATES = pl.Schema({"SUBJID": pl.String, "DAY": pl.Date, "ISO": pl.String, "RID": pl.UInt32, "SOURCE": pl.String})


def _dates(here: Here, columns: tuple[str, ...], where: Mapping[str, Where] | None) -> pl.DataFrame:
    """The complete dates of `table.COLUMN`s: SUBJID, DAY, RID, SOURCE. Doses of 0 and rows outside `where` do not count."""
    pieces = [pl.DataFrame(schema=_DATES)]
    for word in columns:
        table, _, column = word.partition(".")
        held = here.run.data.tidy.get(table)
        if held is None or column not in held.frame.columns:
            continue
        frame = held.frame
        if table == "dosing" and "EXDOSE" in frame.columns:
            frame = frame.filter((pl.col("EXDOSE") != 0).fill_null(True))
        for name, values in (where or {}).get(table, {}).items():
            frame = (
                frame.filter(pl.col(name).is_in(list(values)).fill_null(False))
                if name in frame.columns
                else frame.clear()
            )
        here.used[word] = None
        iso = pl.col(f"{column}C") if f"{column}C" in frame.columns else pl.col(column).cast(pl.String)
        pieces.append(frame.select("SUBJID", DAY=column, ISO=iso, RID="_rid", SOURCE=pl.lit(word)))
    return pl.concat(pieces).drop_nulls(["SUBJID", "DAY"])


def _answer(here: Here, rows: pl.DataFrame) -> pl.Expr:
    """One row a subject (SUBJID, ISO, RID) as the variable, and its row as what decided it."""
    here.rows[here.variable] = here.lookup(rows, ["SUBJID"], "RID")
    return here.lookup(rows, ["SUBJID"], "ISO")


@algorithm("first_date")
def first_date(here: Here, columns: tuple[str, ...], *, where: Mapping[str, Where] | None = None) -> pl.Expr:
    """The earliest complete date of the subject in several columns, ISO text."""
    here.derived(f"Earliest of {', '.join(columns)} of the subject.")
    rows = _dates(here, columns, where).sort("DAY", "RID").unique("SUBJID", keep="first", maintain_order=True)
    return _answer(here, rows)


@algorithm("last_date")
def last_date(here: Here, columns: tuple[str, ...], *, where: Mapping[str, Where] | None = None) -> pl.Expr:
    """The latest complete date of the subject in several columns, ISO text."""
    here.derived(f"Latest of {', '.join(columns)} of the subject.")
    ordered = _dates(here, columns, where).sort("DAY", "RID", descending=[True, False])
    return _answer(here, ordered.unique("SUBJID", keep="first", maintain_order=True))


@algorithm("last_treatment")
def last_treatment(here: Here, columns: tuple[str, ...]) -> pl.Expr:
    """The latest date in several columns of what the study file calls a component of the treatment."""
    drugs = [d for c in here.study.components.values() for d in c.drugs]
    procedures = [p for c in here.study.components.values() for p in c.procedures]
    return last_date(here, columns, where={"dosing": {"EXTRT": drugs}, "procedures": {"PRTRT": procedures}})


@algorithm("anchor")
def anchor(here: Here, name: str) -> pl.Expr:
    """A reference date of the study file, ISO text."""
    spec = here.study.anchors.get(name)
    held = here.run.data.tidy.get("anchors")
    if spec is None or held is None or name not in held.frame.columns:
        here.missing.append(f"anchor {name}")
        return pl.lit(None, pl.String)
    here.derived(f"{spec.take.capitalize()} date of {', '.join(s.of for s in spec.sources)} of the subject.")
    here.used.update(dict.fromkeys(s.of for s in spec.sources))
    rows = held.frame.select("SUBJID", ISO=pl.col(name).cast(pl.String), RID=f"{name}_RID")
    return _answer(here, rows)


@algorithm("participation_end")
def participation_end(here: Here, _: bool) -> pl.Expr:
    """The latest contact, visit, treatment, death or disposition; nothing later than a known day of death."""
    here.derived("Latest contact, visit, treatment, death or disposition of the subject, not after death.")
    # rows of a subject whom Demographics does not list tell nothing of DM
    rows = last_days(here.run.data).join(here.rows_of.frame.select("SUBJID"), on="SUBJID", how="semi")
    here.used.update(dict.fromkeys(rows.get_column("SOURCE").unique().sort()))
    return _answer(here, rows.select("SUBJID", "RID", ISO=pl.col("DAY").cast(pl.String)))


@algorithm("death_date")
def death_date(here: Here, _: bool) -> pl.Expr:
    """The date of death as far as it is known."""
    here.collected_by_site()
    held = here.run.data.tidy.get("deaths")
    if held is None:
        here.missing.append("deaths")
        return pl.lit(None, pl.String)
    here.used["survival.DTHDAT"] = None
    return _answer(here, held.frame.select("SUBJID", ISO="DTHDATC", RID="_rid"))


@algorithm("death_flag")
def death_flag(here: Here, told: Mapping[str, Where]) -> pl.Expr:
    """Y where a death date, or one of the rows `table: {COLUMN: [values]}`, says that the subject died; else null."""
    here.derived("Y when a date of death or the fact of death was collected.")
    pieces = [pl.DataFrame(schema={"SUBJID": pl.String, "RID": pl.UInt32})]
    for table, where in told.items():
        held = here.run.data.tidy.get(table)
        for column, values in where.items():
            if held is not None and column in held.frame.columns:
                here.used[f"{table}.{column}"] = None
                text = pl.col(f"{column}C") if f"{column}C" in held.frame.columns else pl.col(column).cast(pl.String)
                said = text.is_not_null() if not values else text.is_in(list(values))
                pieces.append(held.frame.filter(said).select("SUBJID", RID="_rid"))
    rows = pl.concat(pieces).drop_nulls().sort("RID").unique("SUBJID", keep="first", maintain_order=True)
    return _answer(here, rows.with_columns(ISO=pl.lit("Y")))


@algorithm("age")
def age(here: Here, columns: tuple[str, ...]) -> pl.Expr:
    """Whole years from birth (first column) to consent (second); with a partial birth date the collected age (third)."""
    here.derived("Completed years from birth to informed consent; as collected where the birth date is not complete.")
    birth, consent, collected = columns
    names = here.rows_of.frame.schema
    given = here.col(collected).cast(pl.Float64).floor()
    if birth not in names or consent not in names:
        here.missing.clear()
        return given
    born, at = read_iso(here.collected(birth)), read_iso(here.collected(consent))
    years = at.dt.year() - born.dt.year() - (at.dt.strftime("%m%d") < born.dt.strftime("%m%d")).cast(pl.Int32)
    return pl.coalesce(pl.when(years.is_between(0, 130)).then(years.cast(pl.Float64)), given)


@algorithm("age_unit")
def age_unit(here: Here, columns: tuple[str, ...]) -> pl.Expr:
    """YEARS where `age` of the same columns gives an age."""
    known = pl.when(age(here, columns).is_not_null()).then(pl.lit("YEARS"))
    here.origin, here.source, here.method = "Assigned", "Sponsor", ""
    return known


def _treated(here: Here) -> pl.Expr:
    held = here.run.data.tidy.get("anchors")
    if held is None or "D1" not in held.frame.columns:
        return pl.lit(False)
    return here.lookup(held.frame.select("SUBJID", "D1"), ["SUBJID"], "D1").is_not_null()


def _enrolled(here: Here, column: str) -> pl.Expr:
    return here.collected(column).is_not_null() | _treated(here)


def _arms(here: Here, column: str) -> pl.Expr:
    """ARMCD or ARM of each subject by the trial design; nothing where the study file describes none."""
    if here.study.arm is None or "anchors" not in here.run.data.tidy:
        here.missing.append("`arm:`")
        return pl.lit(None, pl.String)
    return here.lookup(arm_of(here.run.data), ["SUBJID"], column)


@algorithm("arm")
def arm(here: Here, enrolled: str) -> pl.Expr:
    """ARMCD or ARM: the planned arm once the subject is enrolled (or treated), else null."""
    here.derived("The planned arm of the study, once the subject is enrolled.")
    return pl.when(_enrolled(here, enrolled)).then(_arms(here, here.variable))


@algorithm("actual_arm")
def actual_arm(here: Here, _: bool) -> pl.Expr:
    """ACTARMCD or ACTARM: the arm once any protocol treatment was given, else null."""
    here.derived("The arm of the study, once any protocol treatment was given.")
    here.used.update(
        dict.fromkeys(s.of for s in here.study.anchors["D1"].sources) if "D1" in here.study.anchors else {}
    )
    return pl.when(_treated(here)).then(_arms(here, here.variable.removeprefix("ACT")))


@algorithm("no_arm_reason")
def no_arm_reason(here: Here, enrolled: str) -> pl.Expr:
    """ARMNRS: why an arm is null; ended without enrolment is a screen failure, enrolled without treatment not treated."""
    here.derived("Why ARM or ACTARM is null, from enrolment, treatment and end of participation.")
    ends = here.run.data.tidy.get("ends")
    ended = pl.lit(False)
    if ends is not None and "STUDYEND" in ends.frame.columns:
        ended = here.lookup(ends.frame.select("SUBJID", "STUDYEND"), ["SUBJID"], "STUDYEND").is_not_null()
    # an arm for each path (ta_model BRANCHED): no arm before the paths part
    unparted = _enrolled(here, enrolled) & _arms(here, "ARMCD").is_null()
    return (
        pl.when(unparted).then(pl.lit("NOT ASSIGNED"))
        .when(_treated(here)).then(pl.lit(None, pl.String))
        .when(_enrolled(here, enrolled)).then(pl.lit("ASSIGNED, NOT TREATED"))
        .when(ended).then(pl.lit("SCREEN FAILURE"))
        .otherwise(pl.lit("NOT ASSIGNED"))
    )  # fmt: skip


@algorithm("relative_to")
def relative_to(here: Here, column: str, *, anchor: str, before: str, after: str) -> pl.Expr:
    """`before` or `after` by the side of a reference date of the study file on which the row's date lies; its day is after."""
    held = here.run.data.tidy.get("anchors")
    if held is None or anchor not in held.frame.columns or not here.has(column):
        here.missing.append(f"anchor {anchor}" if here.has(column) else column)
        return pl.lit(None, pl.String)
    spec = here.study.anchors[anchor]
    here.derived(f"Whether the date is before {spec.label}.")
    here.used.update(dict.fromkeys(s.of for s in spec.sources))
    day = here.lookup(held.frame.select("SUBJID", anchor), ["SUBJID"], anchor)
    return pl.when(here.col(column) < day).then(pl.lit(before)).when(here.col(column) >= day).then(pl.lit(after))
