"""A reading of the catalogue's rules over sample rows, written from the rules and not from the generator.

In: uploads. Out: sentences that begin with a check id, one a breach. Used to show that clean samples are clean, and
(by planting a defect) that this reading can tell.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise

from cdiscx.samples.layout import DATE_HEADERS, HEADERS, REQUIRED, YES_NO_HEADERS, Row, SampleUpload

A = "palhep-a"
RULES: list[Callable[[Subject], Iterator[str]]] = []


def rule(function: Callable[[Subject], Iterator[str]]) -> Callable[[Subject], Iterator[str]]:
    """Register a reading of one or more checks."""
    RULES.append(function)
    return function


@dataclass
class Subject:
    """One subject's rows with the anchors of the trial documents."""

    study: str
    name: str
    cutoff: date
    sheets: dict[str, list[Row]]
    today: date = date.max
    visits: dict[str, Row] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.visits = {str(r["Visit"]): r for r in self.sheets["Visits"]}
        self.demo = self.sheets["Demographics"][0]
        self.consent = as_day(self.demo["Informed Consent Date"])
        self.enrol = as_day(self.demo["Enrolment Date"])
        self.is_a = self.study == A
        self.infused = sorted(as_day(r["Start Date"]) for r in self.drug("Durvalumab" if self.is_a else "Camrelizumab"))
        self.tablets = self.drug("Lenvatinib" if self.is_a else "Apatinib")
        local = [r for r in self.sheets["Procedures"] if r["Procedure"] in ("TACE", "HAIC", "Y90-SIRT", "IMRT")]
        self.local = sorted(local, key=lambda r: as_day(r["Start Date"]))
        firsts = [self.infused[0], as_day(self.tablets[0]["Start Date"])] + [as_day(r["Start Date"]) for r in local[:1]]
        self.d1 = min([*firsts, *(as_day(r["Start Date"]) for r in local)])
        surgery = [r for r in self.sheets["Procedures"] if r["Procedure"] == "Hepatectomy"]
        self.operation = surgery[0] if surgery else None
        self.surg = as_day(surgery[0]["Start Date"]) if surgery else None
        dead = [r for r in self.sheets["Survival"] if r["Status"] == "Dead"]
        self.death = as_day(dead[0]["Death Date"]) if dead else None
        study_end = [as_day(r["Date"]) for r in self.sheets["Disposition"] if r["Scope"] == "Study"]
        self.horizon = min([self.cutoff, *study_end, *([self.death] if self.death else [])])
        ends = [
            as_day(r["Date"]) for r in self.sheets["Disposition"] if r["Scope"] == "Treatment" and not r["Treatment"]
        ]
        self.treatment_end = ends[0] if ends else None
        lasts = [as_day(r["End Date"] or self.cutoff) for r in self.tablets]
        self.last_dose = max([self.infused[-1], *lasts, *([] if self.is_a else [as_day(local[0]["End Date"])])])
        self.rt_end = None if self.is_a else as_day(local[0]["End Date"])
        self.responses = sorted(self.sheets["Response"], key=lambda r: as_day(r["Assessment Date"]))
        pds = [as_day(r["Assessment Date"]) for r in self.responses if r["Overall Response"] == "PD"]
        self.pd = pds[0] if pds else None

    def drug(self, name: str) -> list[Row]:
        rows = [r for r in self.sheets["Dosing"] if r["Drug"] == name]
        return sorted(rows, key=lambda r: as_day(r["Start Date"]))

    def scans(self, visit: str) -> list[Row]:
        sheets = ("Target Lesions", "Non-target Lesions", "New Lesions")
        return [r for s in sheets for r in self.sheets[s] if r["Visit"] == visit]

    def scan_days(self, visit: str) -> list[date]:
        return [as_day(r["Assessment Date"]) for r in self.scans(visit)]


def as_day(value: object) -> date:
    assert isinstance(value, date), value
    return value


def shift(day: date, days: int) -> date:
    return day + timedelta(days=days)


def subjects_of(uploads: list[SampleUpload]) -> list[Subject]:
    days = [
        v for u in uploads for s in ("Visits", "Dosing", "Target Lesions", "Survival") for r in u.sheets[s]
        for v in r.values() if isinstance(v, date)
    ]  # fmt: skip
    cutoff = max(days)
    out = []
    for upload in uploads:
        names = [str(r["Subject ID"]) for r in upload.sheets["Demographics"]]
        for name in names:
            mine = {s: [r for r in rows if r["Subject ID"] == name] for s, rows in upload.sheets.items()}
            out.append(Subject(upload.study, name, cutoff, mine))
    return out


def audit(uploads: list[SampleUpload], today: date | None = None) -> list[str]:
    """Every breach found, each beginning with the check id; `today` is the day of the run (DAT-004)."""
    found = list(_whole_study(uploads))
    for subject in subjects_of(uploads):
        subject.today = today or subject.cutoff
        for reading in RULES:
            found += [f"{text} [{subject.name}]" for text in reading(subject)]
    return found


KEYS = {
    "Demographics": ("Subject ID",),
    "Visits": ("Subject ID", "Visit"),
    "Dosing": ("Subject ID", "Drug", "Start Date", "Dose", "Route"),
    "Procedures": ("Subject ID", "Procedure", "Start Date"),
    "Pathology": ("Subject ID", "Specimen Date", "Nodule", "Specimen", "Biomarker"),
    "Target Lesions": ("Subject ID", "Evaluator", "Visit", "Lesion ID"),
    "Non-target Lesions": ("Subject ID", "Evaluator", "Visit", "Lesion ID"),
    "New Lesions": ("Subject ID", "Evaluator", "Visit", "Lesion ID"),
    "Response": ("Subject ID", "Evaluator", "Visit"),
    "Decision": ("Subject ID",),
    "Adverse Events": ("Subject ID", "Term", "Start Date"),
    "Disposition": ("Subject ID", "Scope", "Treatment"),
    "Survival": ("Subject ID", "Contact Date"),
    "Labs": ("Subject ID", "Test", "Sample Date"),
}
RANGES = {"Age": (18, 120), "ECOG": (0, 4), "Child-Pugh Score": (5, 15), "Weight": (20, 300), "Height": (100, 230),
          "CTCAE Grade": (1, 5), "Viable Tumour %": (0, 100), "Necrosis %": (0, 100), "Fibrosis %": (0, 100),
          "Fractions": (1, 60)}  # fmt: skip
LISTS = {
    ("Demographics", "Sex"): "M F", ("Demographics", "BCLC Stage"): "0 A B C D",
    ("Dosing", "Dose Unit"): "mg mg/kg mg/m2", ("Dosing", "Frequency"): "ONCE QD QOD Q2W Q3W Q4W",
    ("Dosing", "Dose Changed"): "None Reduced Interrupted Delayed Discontinued",
    ("Procedures", "Procedure"): "TACE HAIC Y90-SIRT IMRT Hepatectomy Reoperation Other",
    ("Procedures", "Residual Tumour"): "R0 R1 R2 RX", ("Procedures", "Dose Unit"): "Gy GBq",
    ("Target Lesions", "Status"): "Measured|Absent|Too small|Not evaluable|Merged",
    ("Target Lesions", "Method"): "CT MRI X-RAY CLINICAL ULTRASOUND", ("Target Lesions", "Unit"): "mm cm",
    ("Non-target Lesions", "Status"): "Present|Absent|Unequivocal progression|Not evaluable",
    ("New Lesions", "Certainty"): "Unequivocal Equivocal",
    ("Response", "Target Response"): "CR PR SD PD NE",
    ("Response", "Non-target Response"): "CR Non-CR/Non-PD PD NE",
    ("Response", "Overall Response"): "CR PR SD PD NE Non-CR/Non-PD NED",
    ("Response", "PVTT Class"): "NONE I II III IV", ("Response", "PVTT Response"): "PR SD PD NE",
    ("Response", "Composite Response"): "CR PR SD PD NE", ("Decision", "Branch"): "Surgery Continue Other",
    ("Adverse Events", "Outcome"): "Recovered|Recovering|Not recovered|Recovered with sequelae|Fatal|Unknown",
    ("Adverse Events", "Clavien-Dindo"): "I II IIIa IIIb IVa IVb V",
    ("Disposition", "Event"): "Completed|Withdrew consent|Death|Lost to follow-up|Progressive disease|Adverse event|"
    "Physician decision|Other",
    ("Disposition", "Scope"): "Treatment Study", ("Survival", "Status"): "Alive|Dead|Lost to follow-up",
    ("Labs", "Test"): "AFP PIVKA-II BILI ALB ALT AST INR PLAT CREAT",
}  # fmt: skip


def _whole_study(uploads: list[SampleUpload]) -> Iterator[str]:
    """STR-003 to STR-006, STR-009, TRM-001, TRM-003 and the shape of the sheets."""
    people: dict[tuple[object, ...], list[date]] = defaultdict(list)
    known = Counter(r["Subject ID"] for u in uploads for r in u.sheets["Demographics"])
    yield from (f"STR-005 {s} listed {n} times" for s, n in known.items() if n > 1)
    for upload in uploads:
        for row in upload.sheets["Demographics"]:
            people[row["Birth Date"], row["Sex"], row["Site ID"]].append(as_day(row["Informed Consent Date"]))
        for sheet, rows in upload.sheets.items():
            headers = HEADERS[upload.study][sheet]
            keys = Counter(tuple(r[k] for k in KEYS[sheet]) for r in rows)
            yield from (f"STR-006 {sheet} {k}" for k, n in keys.items() if n > 1)
            for row in rows:
                yield from _cells(sheet, headers, row, known)
    for who, consents in people.items():
        for one, two in pairwise(sorted(consents)):
            if isinstance(who[0], date) and (two - one).days <= 365:
                yield f"STR-005 same person {who}"


def _cells(sheet: str, headers: list[str], row: Row, known: Counter[object]) -> Iterator[str]:
    if list(row) != headers:
        yield f"layout {sheet} {list(row)}"
    if row["Subject ID"] not in known or not re.fullmatch(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", str(row["Subject ID"])):
        yield f"STR-003/004 {sheet} {row['Subject ID']}"
    for header, value in row.items():
        if value is None:
            if header in REQUIRED[sheet]:
                yield f"STR-009 {sheet} {header} blank"
            continue
        if header in DATE_HEADERS and not isinstance(value, date):
            allowed = header in ("Birth Date", "New Therapy Date") or sheet == "Adverse Events"
            if not allowed or not re.fullmatch(r"\d{4}(-\d\d)?", str(value)):
                yield f"DAT-001/003 {sheet} {header} {value}"
        if header in YES_NO_HEADERS and value not in ("Y", "N"):
            yield f"TRM-001 {sheet} {header} {value}"
        low, high = RANGES.get(header, (None, None))
        if low is not None and high is not None and not low <= float(str(value)) <= high:
            yield f"STR-009 {sheet} {header} {value}"
        allowed_text = LISTS.get((sheet, header))
        if allowed_text is not None:
            words = allowed_text.split("|") if "|" in allowed_text else allowed_text.split()
            text = str(value).rstrip("ab") if header == "PVTT Class" else str(value)
            if text not in words:
                yield f"TRM-001 {sheet} {header} {value}"
    if sheet == "Labs" and row["Unit"] is None and row["Test"] != "INR":
        yield "TRM-003 lab without unit"


_WHEN = {"Visits": "Visit Date", "Dosing": "Start Date", "Procedures": "Start Date", "Pathology": "Specimen Date",
         "Target Lesions": "Assessment Date", "Non-target Lesions": "Assessment Date", "New Lesions": "Assessment Date",
         "Response": "Assessment Date", "Decision": "Decision Date", "Adverse Events": "Start Date",
         "Labs": "Sample Date"}  # fmt: skip


@rule
def dates(s: Subject) -> Iterator[str]:
    """DAT-004 to DAT-007, END-003, END-016's order of the first dates."""
    for sheet, rows in s.sheets.items():
        for row in rows:
            for header, value in row.items():
                if isinstance(value, date) and value > s.today:
                    yield f"DAT-004 {sheet} {header} {value}"
            when = row.get(_WHEN.get(sheet, ""))
            if isinstance(when, date):
                routine = 28 if sheet in ("Labs", "Target Lesions", "Non-target Lesions") else 0
                if when < shift(s.consent, -routine):
                    yield f"DAT-005 {sheet} {when} before {s.consent}"
                if s.death and when > s.death:
                    yield f"DAT-007 {sheet} {when} after {s.death}"
            start, end = row.get("Start Date"), row.get("End Date")
            if isinstance(start, date) and isinstance(end, date):
                if end < start:
                    yield f"DAT-006 {sheet} {start} {end}"
                if s.death and end > s.death:
                    yield f"DAT-007 {sheet} end {end}"
    diagnosis = as_day(s.demo["HCC Diagnosis Date"])
    if diagnosis > s.consent:
        yield "END-003 diagnosis after consent"
    if not s.consent <= s.enrol <= s.d1:
        yield "enrolment outside consent .. day 1"


@rule
def tables(s: Subject) -> Iterator[str]:
    """STR-007, END-004, END-011, END-018, MEA-028."""
    for sheet in ("Target Lesions", "Dosing", "Visits", "Labs", "Procedures", "Survival"):
        if not s.sheets[sheet]:
            yield f"STR-007 no {sheet}"
    organs = {r["Organ"] for sheet in ("Target Lesions", "Non-target Lesions") for r in s.sheets[sheet]}
    stage = s.demo["BCLC Stage"]
    if (organs - {"Liver"} or not s.is_a) and stage != "C":
        yield f"MEA-028 {stage} with {organs}"
    if stage not in ("B", "C"):
        yield f"END-018 stage {stage}"
    if not s.is_a and organs - {"Liver", "Portal vein"}:
        yield f"END-018 extrahepatic {organs}"
    if not s.is_a and str(s.demo["PVTT Class"]).rstrip("ab") not in ("I", "II", "III"):
        yield f"END-018 PVTT {s.demo['PVTT Class']}"
    score = int(str(s.demo["Child-Pugh Score"]))
    if int(str(s.demo["ECOG"])) > 1 or score > (7 if s.is_a else 6):
        yield "END-018 ECOG or Child-Pugh"
    birth = s.demo["Birth Date"]
    youngest = s.consent.year - (birth.year if isinstance(birth, date) else int(str(birth)))
    if not 19 <= youngest <= (80 if s.is_a else 75):
        yield f"END-018 age {youngest}"
    if isinstance(birth, str) and s.demo["Age"] is None:
        yield "age missing"
    yield from _child_pugh(s, score)


def _child_pugh(s: Subject, score: int) -> Iterator[str]:
    lab = {r["Test"]: r for r in s.sheets["Labs"] if r["Visit"] == "SCREENING"}
    bili, alb = (float(str(lab[t]["Result"])) for t in ("BILI", "ALB"))
    bili = bili * 17.1 if lab["BILI"]["Unit"] == "mg/dL" else bili
    alb = alb * 10 if lab["ALB"]["Unit"] == "g/dL" else alb
    inr = float(str(lab["INR"]["Result"]))
    points = 2 + (1 if bili < 34 else 2 if bili <= 51 else 3) + (1 if alb > 35 else 2 if alb >= 28 else 3)
    points += 1 if inr < 1.7 else 2
    if points != score:
        yield f"MEA-028 Child-Pugh {score}, labs give {points}"
