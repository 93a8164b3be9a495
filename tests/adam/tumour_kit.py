"""Small SDTM studies by hand: a subject's dates, responses and lesions in; frames as another sponsor would send them out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from cdiscx.adam import derive
from cdiscx.model.spec import Study

CUTOFF = dt.date(2024, 12, 31)
STUDY = "X-1"
CRITERION = {"RECIST 1.1": "RECIST 1.1", "MRECIST": "MRECIST LENCIONI LIVER CANCER 2010"}
PROTOCOL = "PROTOCOL DEFINED RESPONSE CRITERIA"


def uid(subject: str) -> str:
    """`01` -> `X-1-S1-01`."""
    return f"{STUDY}-S1-{subject}"


@dataclass
class Person:
    """One subject: ISO dates; `responses` (visit, date, OVRLRESP, other RSTESTCD -> value); `scans` (visit, date, lesion -> reading)."""

    id: str = "01"
    consent: str | None = None
    enrol: str | None = None
    diagnosis: str | None = None
    start: str | None = None
    drug: str = "DURVALUMAB"
    surgery: str | None = None
    r_status: str | None = None
    resected: str | None = None
    radiotherapy: tuple[str, str] | None = None
    new_therapy: str | None = None
    death: str | None = None
    alive: str | None = None
    responses: Iterable[tuple[Any, ...]] = ()
    scans: Iterable[tuple[str, str, Mapping[str, Any]]] = ()
    lesions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    pvtt: str | None = None
    viable: float | None = None


class _Rows:
    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {}

    def add(self, domain: str, **row: Any) -> None:
        self.rows.setdefault(domain, []).append({"STUDYID": STUDY, "DOMAIN": domain, **row})

    def frames(self) -> dict[str, pl.DataFrame]:
        out = {}
        at = 0
        for name, rows in self.rows.items():
            frame = pl.DataFrame(rows, infer_schema_length=None)
            number = pl.int_range(at, at + frame.height, dtype=pl.UInt32, eager=True)
            at += frame.height
            sequence = frame.select(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("USUBJID")).to_series()
            if name not in ("DM", "SUPPPR", "SUPPTU"):
                frame = frame.with_columns(sequence.alias(f"{name}SEQ"))
            out[name] = frame.with_columns(number.alias("_id"))
        return out


def sdtm(study: Study, *people: Person) -> dict[str, pl.DataFrame]:
    """SDTM frames of these subjects."""
    rows = _Rows()
    name = study.criterion.name if study.criterion else "RECIST 1.1"
    for p in people:
        _facts(rows, p)
        _responses(rows, p, CRITERION[name])
        _lesions(rows, p)
    return rows.frames()


def _facts(rows: _Rows, p: Person) -> None:
    u = uid(p.id)
    enrol = p.enrol or p.start
    rows.add("DM", USUBJID=u, SUBJID=p.id, SITEID="S1", RFSTDTC=p.start, RFICDTC=p.consent or enrol, DTHDTC=p.death,
             DTHFL="Y" if p.death else None, AGE=60, AGEU="YEARS", SEX="M", ARM="Arm", ACTARM="Arm")  # fmt: skip
    rows.add("DS", USUBJID=u, DSTERM="Informed consent", DSDECOD="INFORMED CONSENT OBTAINED", DSCAT="PROTOCOL MILESTONE",
             DSSTDTC=p.consent or enrol)  # fmt: skip
    rows.add("DS", USUBJID=u, DSTERM="Entered", DSDECOD="ENTERED INTO TRIAL", DSCAT="PROTOCOL MILESTONE", DSSTDTC=enrol)
    if p.diagnosis:
        rows.add("MH", USUBJID=u, MHTERM="HCC", MHEVDTYP="INITIAL DIAGNOSIS", MHSTDTC=p.diagnosis)
    if p.start:
        rows.add("EX", USUBJID=u, EXTRT=p.drug, EXDOSE=1.0, EXDOSU="mg", EXSTDTC=p.start, EXENDTC=p.start)
    if p.surgery:
        rows.add("PR", USUBJID=u, PRTRT="Hepatectomy", PRDECOD="HEPATECTOMY", PRCAT="SURGERY", PRSTDTC=p.surgery)
        if p.resected:
            n = sum(1 for r in rows.rows["PR"] if r["USUBJID"] == u)
            rows.add(
                "SUPPPR", RDOMAIN="PR", USUBJID=u, IDVAR="PRSEQ", IDVARVAL=str(n), QNAM="PRRESLES", QVAL=p.resected
            )
    if p.radiotherapy:
        rows.add("PR", USUBJID=u, PRTRT="IMRT", PRDECOD="INTENSITY-MODULATED RADIATION THERAPY", PRCAT="RADIOTHERAPY",
                 PRSTDTC=p.radiotherapy[0], PRENDTC=p.radiotherapy[1])  # fmt: skip
    if p.r_status:
        rows.add("RS", USUBJID=u, RSCAT="AJCC V7", RSTESTCD="AJCC105", RSORRES=p.r_status, RSSTRESC=p.r_status,
                 RSEVAL="INVESTIGATOR", RSDTC=p.surgery)  # fmt: skip
    if p.viable is not None:
        rows.add("MI", USUBJID=u, MITESTCD="VIABTUM", MISTRESN=p.viable, MISTRESC=str(p.viable), MIDTC=p.surgery,
                 MIREFID="SP01", MISPEC="TUMOR TISSUE")  # fmt: skip
    if p.new_therapy:
        rows.add("CM", USUBJID=u, CMTRT="Other drug", CMCAT="NEW ANTI-CANCER THERAPY", CMSTDTC=p.new_therapy)
    if p.alive:
        rows.add("SS", USUBJID=u, SSTESTCD="SURVSTAT", SSSTRESC="ALIVE", SSDTC=p.alive)
    if p.death:
        rows.add("SS", USUBJID=u, SSTESTCD="SURVSTAT", SSSTRESC="DEAD", SSDTC=p.death)


def _responses(rows: _Rows, p: Person, criterion: str) -> None:
    u = uid(p.id)
    if p.pvtt and p.start:
        rows.add("RS", USUBJID=u, RSCAT="CHENG PVTT CLASSIFICATION", RSTESTCD="CHENGCLS", RSORRES=p.pvtt, RSSTRESC=p.pvtt,
                 RSEVAL="INVESTIGATOR", VISIT="SCREENING", VISITNUM=1.0, RSDTC=p.start)  # fmt: skip
    for n, (visit, day, overall, *more) in enumerate(p.responses, start=2):
        words = {"OVRLRESP": overall, **(more[0] if more else {})}
        for test, value in words.items():
            if value is None:
                continue
            own = test in ("CHENGCLS", "PVTTRESP", "LIVRRESP", "COMPOSITE")
            category = "CHENG PVTT CLASSIFICATION" if test == "CHENGCLS" else PROTOCOL if own else criterion
            code = "OVRLRESP" if test == "COMPOSITE" else test
            rows.add("RS", USUBJID=u, RSCAT=category, RSTESTCD=code, RSORRES=value, RSSTRESC=value, RSEVAL="INVESTIGATOR",
                     VISIT=visit, VISITNUM=float(n), RSDTC=day, RSLNKGRP=f"A{n}")  # fmt: skip


def _lesions(rows: _Rows, p: Person) -> None:
    """Readings: a number (LDIAM), `(LDIAM, VDIAM)`, `"-"` (not done), `"TS"`, `"A"`, a state word, or {TRTESTCD: value}."""
    u = uid(p.id)
    kinds = {"T": "TARGET", "NT": "NON-TARGET", "NEW": "NEW"}
    seen: set[str] = set()
    for n, (visit, day, readings) in enumerate(p.scans, start=1):
        for lesion, value in readings.items():
            kind = kinds[lesion.rstrip("0123456789.")]
            place, node = p.lesions.get(lesion.split(".")[0], ("LIVER", "N"))
            if lesion not in seen:
                seen.add(lesion)
                rows.add("TU", USUBJID=u, TUTESTCD="TUMIDENT", TUORRES=kind, TUSTRESC=kind, TULNKID=lesion, TULOC=place,
                         TUEVAL="INVESTIGATOR", TUDTC=day, VISIT=visit)  # fmt: skip
            for test, (number, text, stat) in _tests(kind, node, value).items():
                rows.add("TR", USUBJID=u, TRLNKID=lesion, TRLNKGRP=f"A{n}", TRGRPID=kind, TRTESTCD=test, TRORRES=text,
                         TRSTRESC=text, TRSTRESN=number, TRSTAT=stat, TREVAL="INVESTIGATOR", VISIT=visit, VISITNUM=float(n),
                         TRDTC=day)  # fmt: skip


def _tests(kind: str, node: str, value: Any) -> dict[str, tuple[float | None, str | None, str | None]]:
    if kind != "TARGET":
        parts = value if isinstance(value, dict) else {"TUMSTATE": value}
        return {
            t: (float(v), str(v), None) if isinstance(v, int | float) else (None, v, None) for t, v in parts.items()
        }
    size = "LPERP" if node == "Y" else "LDIAM"
    if value == "-":
        return {size: (None, None, "NOT DONE")}
    if value == "A":
        return {size: (0.0, "0", None)}
    if value == "TS":
        return {size: (5.0, "TOO SMALL TO MEASURE", None)}
    if isinstance(value, tuple):
        return {"LDIAM": (float(value[0]), str(value[0]), None), "VDIAM": (float(value[1]), str(value[1]), None)}
    return {size: (float(value), str(value), None)}


def with_options(study: Study, endpoint: str, **options: Any) -> Study:
    """The study with other options of one endpoint."""
    old = study.endpoints[endpoint]
    new = old.model_copy(update={"options": {**old.options, **options}})
    return study.model_copy(update={"endpoints": {**study.endpoints, endpoint: new}})


def with_parameters(study: Study, **parameters: Any) -> Study:
    """The study with other parameters (options of endpoints stay: see `with_options`)."""
    return study.model_copy(update={"parameters": {**study.parameters, **parameters}})


def derived(study: Study, *people: Person, cutoff: dt.date = CUTOFF) -> dict[str, pl.DataFrame]:
    """ADaM frames of these subjects."""
    return {name: d.frame for name, d in derive(study, sdtm(study, *people), cutoff=cutoff).items()}


def times(study: Study, person: Person, *, cutoff: dt.date = CUTOFF) -> dict[str, dict[str, Any]]:
    """PARAMCD -> the ADTTE record of one subject."""
    rows = derived(study, person, cutoff=cutoff)["ADTTE"].to_dicts()
    return {r["PARAMCD"]: r for r in rows}


def answers(study: Study, person: Person, *, cutoff: dt.date = CUTOFF) -> dict[str, dict[str, Any]]:
    """PARAMCD -> the ADRS record of one subject, for parameters with one row a subject."""
    rows = derived(study, person, cutoff=cutoff)["ADRS"].to_dicts()
    return {r["PARAMCD"]: r for r in rows}
