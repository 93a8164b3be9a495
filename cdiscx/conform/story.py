"""Rules that hold two domains against each other: death, adverse events, disposition, exposure, arms, new lesions."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import polars as pl

from cdiscx.conform.finished import Finished
from cdiscx.conform.rules import broken, rule, whole
from cdiscx.model.finding import Severity
from cdiscx.standards import dates


@rule("CNF-160", "SDTM", "DM and DS disagree on death", "DM", "DS")
def death_in_disposition(data: Finished) -> Iterator[pl.DataFrame]:
    """A DS record DEATH of study participation has the date DM.DTHDTC; DTHFL is Y exactly where a death is known."""
    deaths = data.frames["DM"].select("USUBJID", "DTHFL", pl.col("DTHDTC").alias("_death")).unique("USUBJID")
    told = data.frames["DS"].filter(pl.col("DSDECOD") == "DEATH").join(deaths, on="USUBJID", maintain_order="left")
    yield broken("DS", told, pl.col("DTHFL").ne_missing("Y"), "DSDECOD", "DS says DEATH, DM has no DTHFL")
    final = pl.col("DSSCAT").ne_missing("STUDY TREATMENT") if data.has("DS", "DSSCAT") else pl.lit(True)
    other = final & pl.col("DSSTDTC").is_not_null() & (pl.col("DSSTDTC") != pl.col("_death"))
    yield broken("DS", told, other, "DSSTDTC", "death on {DSSTDTC} in DS, on {_death} in DM")


@rule("CNF-161", "SDTM", "DTHFL and DTHDTC disagree", "DM")
def death_flag(data: Finished) -> Iterator[pl.DataFrame]:
    """A death date needs the flag; the flag may stand without a date."""
    if data.has("DM", "DTHFL", "DTHDTC"):
        wrong = pl.col("DTHDTC").is_not_null() & pl.col("DTHFL").is_null()
        yield broken("DM", data.frames["DM"], wrong, "DTHFL", "DTHDTC is {DTHDTC} but DTHFL is blank")


@rule("CNF-162", "SDTM", "A fatal adverse event disagrees with itself or with DM", "DM", "AE")
def fatal_events(data: Finished) -> Iterator[pl.DataFrame]:
    """AEOUT FATAL, AESDTH Y and AETOXGR 5 go together; the subject is dead in DM."""
    frame = data.frames["AE"]
    signs = [(c, v) for c, v in (("AEOUT", "FATAL"), ("AESDTH", "Y"), ("AETOXGR", "5")) if c in frame.columns]
    if not signs or not data.has("DM", "DTHFL"):
        return
    marks = [pl.col(c).cast(pl.String).eq_missing(v) for c, v in signs]
    said = ", ".join(f"{c} {{{c}}}" for c, _ in signs)
    some, every = pl.any_horizontal(marks), pl.all_horizontal(marks)
    yield broken("AE", frame, some & ~every, signs[0][0], f"the signs of a fatal event disagree: {said}")
    dead = data.frames["DM"].filter(pl.col("DTHFL") == "Y").get_column("USUBJID").to_list()
    alive = some & ~pl.col("USUBJID").is_in(dead)
    yield broken("AE", frame, alive, signs[0][0], "a fatal adverse event of a subject who is not dead in DM")


@rule("CNF-163", "SDTM", "A serious event has no criterion, or a criterion without being serious", "AE")
def serious_criteria(data: Finished) -> Iterator[pl.DataFrame]:
    """AESER Y exactly where one of the seriousness criteria is Y, as far as they were collected."""
    frame = data.frames["AE"]
    criteria = [c for c in ("AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG", "AESMIE", "AESCAN", "AESOD") if c in frame.columns]  # fmt: skip
    if criteria and "AESER" in frame.columns:
        some = pl.any_horizontal(pl.col(c).eq_missing("Y") for c in criteria)
        yield broken("AE", frame, (pl.col("AESER") == "Y") & ~some, "AESER", "serious without a criterion")
        yield broken("AE", frame, (pl.col("AESER") == "N") & some, "AESER", "a seriousness criterion, but not serious")


@rule("CNF-164", "SDTM", "A withdrawn drug has no discontinuation", "AE", "DS", severity=Severity.WARNING)
def withdrawn(data: Finished) -> Iterator[pl.DataFrame]:
    """AEACN DRUG WITHDRAWN: the subject has a disposition event of treatment or participation other than COMPLETED."""
    if not (data.has("AE", "AEACN") and data.has("DS", "DSCAT", "DSDECOD")):
        return
    stopped = data.frames["DS"].filter((pl.col("DSCAT") == "DISPOSITION EVENT") & (pl.col("DSDECOD") != "COMPLETED"))
    known = stopped.get_column("USUBJID").to_list()
    wrong = (pl.col("AEACN") == "DRUG WITHDRAWN") & ~pl.col("USUBJID").is_in(known)
    yield broken("AE", data.frames["AE"], wrong, "AEACN", "drug withdrawn, but no discontinuation in DS")


#: days from the start to the end of one infusion
_LONGEST_INFUSION = 3


@rule("CNF-165", "SDTM", "An exposure record is no exposure", "EX")
def doses(data: Finished) -> Iterator[pl.DataFrame]:
    """Mapping trap 10: a dose of 0 is no EX record; a dose has a unit; an infusion ends within three days.

    Fluorouracil through the hepatic artery runs for 46 hours (trial-a 4.2): it ends up to two days after it began.
    """
    frame = data.frames["EX"]
    if data.has("EX", "EXDOSE", "EXDOSU"):
        yield broken("EX", frame, pl.col("EXDOSE") <= 0, "EXDOSE", "{EXTRT} with a dose of {EXDOSE}")
        bare = pl.col("EXDOSE").is_not_null() & pl.col("EXDOSU").is_null()
        yield broken("EX", frame, bare, "EXDOSU", "{EXTRT} {EXDOSE} has no unit")
    if data.has("EX", "EXDOSFRQ", "EXSTDTC", "EXENDTC"):
        first, last = (pl.col(c).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False) for c in ("EXSTDTC", "EXENDTC"))
        long = (pl.col("EXDOSFRQ") == "ONCE") & ((last - first).dt.total_days() > _LONGEST_INFUSION).fill_null(False)
        yield broken("EX", frame, long, "EXENDTC", "{EXTRT} given ONCE from {EXSTDTC} to {EXENDTC}", )  # fmt: skip


@rule("CNF-166", "SDTM", "A dose after the treatment was stopped", "EX", "DS", severity=Severity.WARNING)
def dose_after_stop(data: Finished) -> Iterator[pl.DataFrame]:
    """No dose of a drug starts after its disposition event (DSGRPID names the drug)."""
    if not (data.has("DS", "DSGRPID", "DSSCAT", "DSSTDTC") and data.has("EX", "EXTRT", "EXSTDTC")):
        return
    stops = data.frames["DS"].filter(pl.col("DSSCAT") == "STUDY TREATMENT").select(
        "USUBJID", pl.col("DSGRPID").alias("EXTRT"), pl.col("DSSTDTC").alias("_stop")
    ).drop_nulls()  # fmt: skip
    given = data.frames["EX"].join(stops, on=["USUBJID", "EXTRT"], how="inner", maintain_order="left")
    late = dates.after(pl.col("EXSTDTC"), pl.col("_stop"))
    yield broken("EX", given, late, "EXSTDTC", "{EXTRT} on {EXSTDTC}, but it was stopped on {_stop}")


@rule("CNF-167", "SDTM", "The arm variables of a subject disagree", "DM")
def arms(data: Finished) -> Iterator[pl.DataFrame]:
    """ARMNRS is filled exactly where ARMCD or ACTARMCD is null; a code goes with its name."""
    if not data.has("DM", "ARMCD", "ARM", "ACTARMCD", "ACTARM", "ARMNRS"):
        return
    frame = data.frames["DM"]
    for code, name in (("ARMCD", "ARM"), ("ACTARMCD", "ACTARM")):
        half = pl.col(code).is_null() != pl.col(name).is_null()
        yield broken("DM", frame, half, code, f"{code} is {{{code}}}, {name} is {{{name}}}")
    some_null = pl.col("ARMCD").is_null() | pl.col("ACTARMCD").is_null()
    say = "ARMCD {ARMCD}, ACTARMCD {ACTARMCD} and ARMNRS {ARMNRS} do not go together"
    yield broken("DM", frame, some_null != pl.col("ARMNRS").is_not_null(), "ARMNRS", say)
    failed = (pl.col("ARMNRS") == "SCREEN FAILURE") & pl.col("ARMCD").is_not_null()
    yield broken("DM", frame, failed, "ARMCD", "a screen failure has no arm")


@rule("CNF-168", "SDTM", "A new lesion without a progression", "TU", "RS", severity=Severity.WARNING)
def new_lesions(data: Finished) -> Iterator[pl.DataFrame]:
    """An unequivocal new lesion is a progression: some overall response PD on or after it."""
    if not (data.has("TU", "TUSTRESC", "TUDTC") and data.has("RS", "RSTESTCD", "RSSTRESC", "RSDTC")):
        return
    progressed = (
        data.frames["RS"]
        .filter((pl.col("RSTESTCD") == "OVRLRESP") & (pl.col("RSSTRESC") == "PD"))
        .group_by("USUBJID")
        .agg(pl.col("RSDTC").max().alias("_pd"))
    )
    new = data.frames["TU"].filter(pl.col("TUSTRESC") == "NEW").join(progressed, on="USUBJID", how="left", maintain_order="left")  # fmt: skip
    if data.has("TR", "TRLNKID", "TRTESTCD", "TRSTRESC"):
        doubtful = data.frames["TR"].filter((pl.col("TRTESTCD") == "TUMSTATE") & (pl.col("TRSTRESC") == "EQUIVOCAL"))
        new = new.join(doubtful.select("USUBJID", TULNKID="TRLNKID").unique(), on=["USUBJID", "TULNKID"], how="anti", maintain_order="left")  # fmt: skip
    early = pl.col("_pd").is_null() | dates.before(pl.col("_pd"), pl.col("TUDTC"))
    yield broken("TU", new, early, "TUDTC", "new lesion {TULNKID} on {TUDTC} without a progression on or after it")


@rule("CNF-169", "SDTM", "Subject status disagrees with DM", "DM", "SS")
def survival_status(data: Finished) -> Iterator[pl.DataFrame]:
    """DEAD only for subjects who are dead in DM, and nobody is ALIVE after the death."""
    if not data.has("SS", "SSTESTCD", "SSSTRESC", "SSDTC"):
        return
    deaths = data.frames["DM"].select("USUBJID", "DTHFL", pl.col("DTHDTC").alias("_death")).unique("USUBJID")
    status = data.frames["SS"].filter(pl.col("SSTESTCD") == "SURVSTAT").join(deaths, on="USUBJID", maintain_order="left")  # fmt: skip
    undead = (pl.col("SSSTRESC") == "DEAD") & pl.col("DTHFL").ne_missing("Y")
    yield broken("SS", status, undead, "SSSTRESC", "DEAD on {SSDTC}, but not dead in DM")
    alive = (pl.col("SSSTRESC") == "ALIVE") & dates.after(pl.col("SSDTC"), pl.col("_death"))
    yield broken("SS", status, alive, "SSSTRESC", "ALIVE on {SSDTC}, after the death on {_death}")


@rule("CNF-170", "SDTM", "Consent differs between DM and DS", "DM", "DS")
def consents(data: Finished) -> Iterator[pl.DataFrame]:
    """DM.RFICDTC is the date of INFORMED CONSENT OBTAINED."""
    if not data.has("DM", "RFICDTC"):
        return
    consent = data.frames["DM"].select("USUBJID", pl.col("RFICDTC").alias("_consent")).unique("USUBJID")
    told = data.frames["DS"].filter(pl.col("DSDECOD") == "INFORMED CONSENT OBTAINED")
    first = told.sort("DSSTDTC").unique("USUBJID", keep="first", maintain_order=True).join(consent, on="USUBJID")
    wrong = pl.col("DSSTDTC").ne_missing(pl.col("_consent"))
    yield broken("DS", first.sort("_row"), wrong, "DSSTDTC", "consent on {DSSTDTC} in DS, on {_consent} in DM")


def _start(name: str, columns: Collection[str]) -> list[list[str]]:
    asked = {"TS": ["TSPARMCD", "TSVAL"], "DM": ["RFICDTC"]}.get(name, [])
    return [asked] if asked and set(asked) <= set(columns) else []


@rule("CNF-171", "SDTM", "The study starts on another day than its first consent", "TS", "DM", severity=Severity.WARNING, across=_start)  # fmt: skip
def study_start(data: Finished) -> Iterator[pl.DataFrame]:
    """TS SSTDTC is the earliest consent."""
    if not (data.has("TS", "TSPARMCD", "TSVAL") and data.has("DM", "RFICDTC")):
        return
    first = min(data.frames["DM"].get_column("RFICDTC").drop_nulls(), default=None)
    start = data.frames["TS"].filter(pl.col("TSPARMCD") == "SSTDTC").get_column("TSVAL").drop_nulls()
    if start.len() and first is not None and start[0] != first:
        yield whole("TS", "TSVAL", f"SSTDTC is {start[0]}, the first consent is {first}")


@rule("CNF-172", "SDTM", "Assessments of one time point are far apart", "TR", severity=Severity.WARNING)
def scan_dates(data: Finished) -> Iterator[pl.DataFrame]:
    """The results of one time point (TRLNKGRP) are at most 28 days apart."""
    if not data.has("TR", "TRLNKGRP", "TRDTC"):
        return
    dated = data.frames["TR"].drop_nulls("TRLNKGRP").with_columns(dates.read_iso(pl.col("TRDTC")).alias("_date"))
    first = pl.col("_date").min().over("USUBJID", "TRLNKGRP")
    late = ((pl.col("_date") - first).dt.total_days() > 28) & pl.struct(
        "USUBJID", "TRLNKGRP", "TRDTC"
    ).is_first_distinct()
    yield broken("TR", dated, late, "TRDTC", "{TRDTC} is more than 28 days after the first scan of {TRLNKGRP}")
