"""Prepared data and the datasets made so far -> SV, one record per subject and visit that took place or was missed.

A visit took place when the site says so or when anything was done at it; it was missed when the site says so. A planned
visit of which nothing is recorded has no record here: nobody said that it was missed, and VIS-002 asks the site.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import polars as pl

from cdiscx.model.dataset import Dataset, Variable
from cdiscx.model.table import StudyData
from cdiscx.sdtm.visit_plan import visit_numbers, visit_plan
from cdiscx.standards import guide
from cdiscx.standards.dates import read_iso, study_day

_KEY = ["USUBJID", "VISITNUM"]
_ROWS: pl.DataType = pl.List(pl.UInt32)
_Schema = dict[str, pl.DataType | type[pl.DataType]]
_SAID: _Schema = {"USUBJID": pl.String, "VISITNUM": pl.Float64, "NAME": pl.String, "SAID": pl.String, "WHY": pl.String, "FIRST": pl.String,
                  "LAST": pl.String, "ROWS": _ROWS}  # fmt: skip
_DATED: _Schema = {"USUBJID": pl.String, "VISITNUM": pl.Float64, "VISIT": pl.String, "DTC": pl.String, "_from": _ROWS}
_METHODS = {
    "SVSTDTC": "Earliest date of what was recorded at the visit",
    "SVENDTC": "Latest date of what was recorded at the visit",
    "SVSTDY": "SVSTDTC - RFSTDTC, plus 1 from the first day on; no day 0",
    "SVENDY": "SVENDTC - RFSTDTC, plus 1 from the first day on; no day 0",
    "SVUPDES": "Names the planned visit that the unscheduled one follows",
}


def subject_visits(data: StudyData, sdtm: Mapping[str, Dataset]) -> Dataset | None:
    """SV of the run, sorted by USUBJID and VISITNUM; None without DM or without any visit.

    SVSTDTC and SVENDTC: first and last date of the visit's records in Visits and in every dataset with VISITNUM. No record
    for a missed visit planned after the end of participation, nor for a contact that only reports a death (sdtm-mapping
    4.9, trap 8).
    """
    if "DM" not in sdtm or sdtm["DM"].frame.is_empty():
        return None
    people = sdtm["DM"].frame.select("SUBJID", "USUBJID", _first=read_iso(pl.col("RFSTDTC")))
    rows = _said(data, people).join(_done_at(sdtm), on=_KEY, how="full", coalesce=True, maintain_order="left_right")
    rows = rows.with_columns(NAME=pl.coalesce("NAME", "D_NAME"))
    plan = visit_plan(data).select("VISITNUM", "VISITDY", "MODE", NAME="VISIT", PLANNED=pl.lit(True))
    rows = rows.join(plan, on=["VISITNUM", "NAME"], how="left", maintain_order="left")
    rows = rows.with_columns(pl.col("PLANNED").fill_null(False)).join(people, on="USUBJID", maintain_order="left")
    rows = _counted(rows, data)
    return None if rows.is_empty() else _dataset(_described(rows, data), _origins(sdtm))


def _said(data: StudyData, people: pl.DataFrame) -> pl.DataFrame:
    """What Visits says, one row per visit: SAID (Y, N), WHY, FIRST and LAST date with their rows, ROWS of the visit."""
    if "visits" not in data.tidy:
        return pl.DataFrame(schema=_SAID)
    frame = data.tidy["visits"].frame
    reason = pl.col("VISREAS") if "VISREAS" in frame.columns else pl.lit(None, dtype=pl.String)
    not_done = (pl.col("VISDONE") == "N").fill_null(False) if "VISDONE" in frame.columns else pl.lit(False)
    numbers = visit_numbers(data).join(people, on="SUBJID", how="inner").select("SUBJID", "VISIT", "NAME", *_KEY)
    rows = frame.join(numbers, on=["SUBJID", "VISIT"], how="inner", maintain_order="left")
    day = pl.when(~pl.col("_not")).then("VISDATC")
    rows = rows.with_columns(_not=not_done, _why=reason).with_columns(_day=day)
    taken = pl.col("_day").drop_nulls()
    return rows.group_by(_KEY, maintain_order=True).agg(
        NAME=pl.col("NAME").first(),
        SAID=pl.when(pl.col("_not").all()).then(pl.lit("N")).otherwise(pl.lit("Y")),
        WHY=pl.col("_why").filter("_not").drop_nulls().first(),
        FIRST=taken.min(),
        LAST=taken.max(),
        ROWS=pl.col("_rid"),
    ).select(list(_SAID))  # fmt: skip


def _done_at(sdtm: Mapping[str, Dataset]) -> pl.DataFrame:
    """First and last date (complete ones before partial ones) of the finished datasets' records at each visit."""
    pieces = [pl.DataFrame(schema=_DATED)]
    for name, dataset in sorted(sdtm.items()):
        date, frame = f"{name}DTC", dataset.frame
        if name != "SV" and {"USUBJID", "VISITNUM", "VISIT", date, "_from"} <= set(frame.columns):
            pieces.append(
                frame.select("USUBJID", pl.col("VISITNUM").cast(pl.Float64), "VISIT", DTC=date, _from="_from")
            )
    rows = pl.concat(pieces).drop_nulls(["USUBJID", "VISITNUM"])
    rows = rows.with_columns(_partial=pl.col("DTC").str.len_chars() < 10).sort(
        *_KEY, "_partial", "DTC", nulls_last=True
    )
    early = pl.col("DTC").drop_nulls()
    dated = rows.drop_nulls("DTC").group_by(_KEY, maintain_order=True).agg(
        D_FIRST=early.first(),
        D_LAST=early.filter(pl.col("_partial") == pl.col("_partial").first()).last(),
        FIRST_ROWS=pl.col("_from").first(),
        LAST_ROWS=pl.col("_from").filter(pl.col("_partial") == pl.col("_partial").first()).last(),
    )  # fmt: skip
    every = rows.group_by(_KEY, maintain_order=True).agg(D_NAME=pl.col("VISIT").first(), DATA=pl.lit(True).first())
    return every.join(dated, on=_KEY, how="left", maintain_order="left")


def _complete_first(choose: Callable[..., pl.Expr], *names: str) -> pl.Expr:
    """The first or last of the complete dates, where there is none of the partial ones."""
    complete = [pl.when(pl.col(name).str.len_chars() >= 10).then(name) for name in names]
    return pl.coalesce(choose(*complete), choose(*names))


def _counted(rows: pl.DataFrame, data: StudyData) -> pl.DataFrame:
    """OCCUR, SVSTDTC, SVENDTC, `_from` of the visits that count."""
    rows = rows.with_columns(
        pl.col("DATA").fill_null(False),
        SVSTDTC=_complete_first(pl.min_horizontal, "FIRST", "D_FIRST"),
        SVENDTC=_complete_first(pl.max_horizontal, "LAST", "D_LAST"),
    )
    empty = pl.lit([], dtype=_ROWS)
    parts = [pl.col(name).fill_null(empty) for name in ("ROWS", "FIRST_ROWS", "LAST_ROWS")]
    rows = rows.with_columns(
        OCCUR=pl.when((pl.col("SAID") == "N") & ~pl.col("DATA")).then(pl.lit("N")).otherwise(pl.lit("Y")),
        _from=pl.concat_list(parts).list.unique().list.sort(),
    )
    tidy = data.tidy
    end = tidy["ends"].frame.select("SUBJID", "ENDDAT")
    rows = rows.join(end, on="SUBJID", how="left")
    if "planned" in tidy:
        lower = tidy["planned"].frame.group_by("SUBJID", "VISITNUM").agg(_due=pl.coalesce("LO", "DUE").min())
        rows = rows.join(lower, on=["SUBJID", "VISITNUM"], how="left")
    else:
        rows = rows.with_columns(_due=pl.lit(None, dtype=pl.Date))
    if "deaths" in tidy:
        rows = rows.join(tidy["deaths"].frame.select("SUBJID", "DTHHI"), on="SUBJID", how="left")
    else:
        rows = rows.with_columns(DTHHI=pl.lit(None, dtype=pl.Date))
    after_end = (pl.col("OCCUR") == "N") & (pl.col("_due") > pl.col("ENDDAT")).fill_null(False)
    extra_missed = (pl.col("OCCUR") == "N") & ~pl.col("PLANNED")
    day = read_iso(pl.col("SVSTDTC"))
    by_call = pl.col("MODE").fill_null("IN PERSON") != "IN PERSON"
    death_only = ~pl.col("DATA") & ((day > pl.col("DTHHI")) | ((day == pl.col("DTHHI")) & by_call)).fill_null(False)
    return rows.filter(~(after_end | extra_missed | death_only))


def _described(rows: pl.DataFrame, data: StudyData) -> pl.DataFrame:
    """The variables of SV."""
    plan = visit_plan(data).select(_before="VISITNUM", _after="VISIT").sort("_before")
    rows = rows.sort("VISITNUM").join_asof(
        plan, left_on="VISITNUM", right_on="_before", strategy="backward", check_sortedness=False
    )
    took_place = pl.col("OCCUR") == "Y"
    unplanned = pl.lit("Unscheduled visit") + pl.when(pl.col("_after").is_not_null()).then(
        pl.lit(" after ") + pl.col("_after")
    ).otherwise(pl.lit(""))
    dates = {name: pl.when(took_place).then(name) for name in ("SVSTDTC", "SVENDTC")}
    rows = rows.with_columns(
        **dates,
        VISIT="NAME",
        SVPRESP=pl.when("PLANNED").then(pl.lit("Y")),
        SVOCCUR=pl.when("PLANNED").then("OCCUR"),
        SVREASOC=pl.when(pl.col("PLANNED") & ~took_place).then("WHY"),
        SVCNTMOD=pl.when(pl.col("PLANNED") & took_place).then("MODE"),
        SVUPDES=pl.when(~pl.col("PLANNED")).then(unplanned),
        STUDYID=pl.lit(data.study.studyid),
        DOMAIN=pl.lit("SV"),
        _block=pl.lit("visits"),
    )
    return rows.with_columns(
        SVSTDY=study_day(read_iso(pl.col("SVSTDTC")), pl.col("_first")),
        SVENDY=study_day(read_iso(pl.col("SVENDTC")), pl.col("_first")),
    ).sort(_KEY)


def _origins(sdtm: Mapping[str, Dataset]) -> dict[str, tuple[str, ...]]:
    dates, names = ["visits.VISDAT"], ["visits.VISIT"]
    for name, dataset in sorted(sdtm.items()):
        if name != "SV" and "VISITNUM" in dataset.frame.columns:
            for key, sources in dataset.origin.items():
                if key.rpartition("/")[2] == f"{name}DTC":
                    dates += [s for s in sources if s.partition(".")[0].islower()]
                if key.rpartition("/")[2] == "VISIT":
                    names += [s for s in sources if s.partition(".")[0].islower()]
    found, told = tuple(dict.fromkeys(dates)), tuple(dict.fromkeys(names))
    return {
        "USUBJID": ("DM.USUBJID",),
        "VISITNUM": told,
        "VISIT": told,
        "VISITDY": ("TV.VISITDY",),
        "SVPRESP": told,
        "SVOCCUR": ("visits.VISDONE", *told),
        "SVREASOC": ("visits.VISREAS",),
        "SVSTDTC": found,
        "SVENDTC": found,
        "SVSTDY": ("SV.SVSTDTC", "DM.RFSTDTC"),
        "SVENDY": ("SV.SVENDTC", "DM.RFSTDTC"),
        "SVUPDES": ("visits.VISIT",),
    }


def _dataset(rows: pl.DataFrame, origin: Mapping[str, tuple[str, ...]]) -> Dataset:
    about = guide.dataset("SV")
    assert about is not None
    variables = tuple(
        _told(v)
        for v in guide.variables("SV")
        if v.core != "Perm" or (v.name in rows.columns and rows.get_column(v.name).null_count() < rows.height)
    )
    return Dataset(
        name="SV",
        label=about.label,
        klass=about.klass,
        structure=about.structure,
        keys=about.keys,
        variables=variables,
        frame=rows.select([v.name for v in variables] + ["_from", "_block"]),
        origin=origin,
    )


def _told(variable: Variable) -> Variable:
    method = _METHODS.get(variable.name, "")
    collected = variable.name in ("VISIT", "SVOCCUR", "SVREASOC")
    return replace(
        variable,
        origin="Derived" if method else "Collected" if collected else "Assigned",
        source="Investigator" if collected else "Sponsor",
        method=method,
    )
