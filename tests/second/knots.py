"""Cohorts that no clean site would send: each subject of a sample cohort gets a few knots.

In: sheets of a sample upload (header -> value rows) and random numbers. Out: the same sheets, changed in place. The
results are wrong as data; both readings still have to agree on what they come to.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from random import Random
from typing import Any

from cdiscx.samples import HEADERS

Row = dict[str, Any]
DAY = dt.timedelta(days=1)
SCANS = ("Target Lesions", "Non-target Lesions", "New Lesions", "Response")
DATES = {
    "Visits": ["Visit Date"],
    "Response": ["Assessment Date"],
    "Target Lesions": ["Assessment Date"],
    "Non-target Lesions": ["Assessment Date"],
    "New Lesions": ["Assessment Date"],
}


class Knots:
    """The rows of one subject and what can be done to them."""

    def __init__(self, sheets: dict[str, list[Row]], name: str, rng: Random, study_b: bool) -> None:
        self.sheets, self.name, self.rng, self.study_b = sheets, name, rng, study_b

    def rows(self, sheet: str) -> list[Row]:
        """The subject's rows of a sheet."""
        return [r for r in self.sheets.get(sheet, []) if r["Subject ID"] == self.name]

    def add(self, sheet: str, row: Row) -> None:
        """A new row of the subject."""
        self.sheets[sheet].append({"Subject ID": self.name, **row})

    def drop(self, sheet: str, keep: Callable[[Row], bool]) -> None:
        """Take the subject's rows away that are not to be kept."""
        self.sheets[sheet] = [r for r in self.sheets[sheet] if r["Subject ID"] != self.name or keep(r)]

    def visits(self) -> list[str]:
        """Names of visits with a response, by date."""
        rows = sorted(self.rows("Response"), key=lambda r: r["Assessment Date"])
        return list(dict.fromkeys(r["Visit"] for r in rows))

    def scan_day(self, visit: str) -> dt.date:
        """The day of a visit's response."""
        return next(r["Assessment Date"] for r in self.rows("Response") if r["Visit"] == visit)

    def surgery(self) -> Row | None:
        """The hepatectomy."""
        return next((r for r in self.rows("Procedures") if r["Procedure"] == "Hepatectomy"), None)


def missed(k: Knots) -> None:
    """One to three assessments were not made."""
    for visit in k.rng.sample(k.visits(), k=min(len(k.visits()), k.rng.randint(1, 3))):
        for sheet in SCANS:
            k.drop(sheet, lambda r, v=visit: r["Visit"] != v)


def only_missed_later(k: Knots) -> None:
    """No assessment after the first or second."""
    kept = set(k.visits()[: k.rng.randint(0, 2)])
    known = set(k.visits())
    for sheet in SCANS:
        k.drop(sheet, lambda r: r["Visit"] in kept or r["Visit"] not in known)


def site_says(k: Knots) -> None:
    """The site writes another overall response."""
    for row in k.rows("Response"):
        if k.rng.random() < 0.4:
            row["Overall Response"] = k.rng.choice(["CR", "PR", "PR", "SD", "SD", "PD", "NE", "Non-CR/Non-PD"])


def not_evaluable(k: Knots) -> None:
    """A scan that cannot be read, wholly or in part."""
    if not k.visits():
        return
    visit = k.rng.choice(k.visits())
    for sheet in ("Target Lesions", "Non-target Lesions"):
        for row in k.rows(sheet):
            if row["Visit"] == visit and k.rng.random() < 0.6:
                row.update({"Status": "Not evaluable", "Reason": "Image quality"})
                for header in ("Diameter", "Short Axis", "Viable Diameter"):
                    if header in row:
                        row[header] = None
    for row in k.rows("Response"):
        if row["Visit"] == visit:
            row["Overall Response"] = "NE"


def measured(k: Knots) -> None:
    """Other diameters, among them the very limits."""
    for row in k.rows("Target Lesions"):
        if row["Status"] == "Measured" and row["Visit"] != "SCREENING" and k.rng.random() < 0.5:
            for header in ("Diameter", "Short Axis", "Viable Diameter"):
                if row.get(header) is not None:
                    row[header] = k.rng.choice([0, 4.5, 7, 9.9, 10, 12, 14.4, 20, 24, 28.8, 30, 35, 42, 60, 70, 70.1])


def limits(k: Knots) -> None:
    """One lesion of 100 mm at baseline whose sums stand on the limits."""
    targets = sorted({r["Lesion ID"] for r in k.rows("Target Lesions")})
    if not targets:
        return
    keep = targets[0]
    k.drop("Target Lesions", lambda r: r["Lesion ID"] == keep)
    for row in k.rows("Target Lesions"):
        size: float = (
            100 if row["Visit"] == "SCREENING" else k.rng.choice([70, 70.4, 60, 72, 71.9, 20, 24, 24.9, 25, 5, 6, 10])
        )
        row.update({"Status": "Measured", "Reason": None})
        for header in ("Diameter", "Short Axis", "Viable Diameter"):
            if header in row and (header != "Short Axis" or row.get("Lymph Node") == "Y"):
                row[header] = size


def centimetres(k: Knots) -> None:
    """Some rows in cm."""
    for row in k.rows("Target Lesions"):
        if k.rng.random() < 0.3 and row["Status"] == "Measured":
            row["Unit"] = "cm"
            for header in ("Diameter", "Short Axis", "Viable Diameter"):
                if row.get(header) is not None:
                    row[header] = round(float(row[header]) / 10, 3)


def statuses(k: Knots) -> None:
    """Absent, too small, merged."""
    for row in k.rows("Target Lesions"):
        if row["Visit"] != "SCREENING" and k.rng.random() < 0.35:
            row["Status"] = k.rng.choice(["Absent", "Too small", "Merged", "Not evaluable"])
            row["Reason"] = "Image quality" if row["Status"] == "Not evaluable" else None
            for header in ("Diameter", "Short Axis", "Viable Diameter"):
                if row.get(header) is not None:
                    row[header] = None


def split(k: Knots) -> None:
    """From one visit on a target is two."""
    later = [v for v in k.visits() if any(r["Visit"] == v for r in k.rows("Target Lesions"))]
    if not later:
        return
    start = k.scan_day(k.rng.choice(later))
    name = k.rng.choice(sorted({r["Lesion ID"] for r in k.rows("Target Lesions")}))
    for row in k.rows("Target Lesions"):
        if row["Lesion ID"] == name and row["Assessment Date"] >= start and row["Visit"] != "SCREENING":
            other = dict(row)
            row["Lesion ID"], other["Lesion ID"] = f"{name}.1", f"{name}.2"
            k.add("Target Lesions", other)


def non_targets(k: Knots) -> None:
    """Other states of non-target lesions."""
    for row in k.rows("Non-target Lesions"):
        if row["Visit"] != "SCREENING" and k.rng.random() < 0.4:
            row["Status"] = k.rng.choice(["Present", "Absent", "Unequivocal progression", "Not evaluable"])


def no_targets(k: Knots) -> None:
    """Non-target disease only."""
    if k.rows("Non-target Lesions"):
        k.drop("Target Lesions", lambda r: False)


def doubtful(k: Knots) -> None:
    """A new lesion that is doubtful first and certain some visits later."""
    visits = k.visits()
    if len(visits) < 2:
        return
    first = k.rng.randrange(len(visits) - 1)
    organ = k.rng.choice(["Liver", "Lung", "Bone"])
    last = k.rng.randint(first + 1, len(visits) - 1)
    for number in range(first, last + 1):
        sure = number == last
        scanned = k.scan_day(visits[number]) - k.rng.choice([0, 0, 2]) * DAY
        k.add("New Lesions", {
            "Visit": visits[number], "Assessment Date": scanned, "Lesion ID": "N7", "Organ": organ, "Location": "Somewhere",
            "Method": "CT", "Certainty": "Unequivocal" if sure else "Equivocal",
            "Diameter": 24 if sure else k.rng.choice([8, 12, 15]), "Typical Enhancement": "Y" if sure else "N",
        })  # fmt: skip
        for row in k.rows("Response"):
            if row["Visit"] == visits[number]:
                row["New Lesion"] = "Y" if sure else "N"
                row["Overall Response"] = "PD" if sure else row["Overall Response"]


def second_reader(k: Knots) -> None:
    """An independent reader who sees something else."""
    for sheet in SCANS:
        for row in k.rows(sheet):
            other = {**row, "Evaluator": "INDEPENDENT ASSESSOR"}
            if sheet == "Response":
                other["Overall Response"] = k.rng.choice(["PD", "CR", "NE"])
            k.add(sheet, other)


def unscheduled(k: Knots) -> None:
    """A scan between two visits."""
    visits = k.visits()
    if not visits:
        return
    visit = k.rng.choice(visits)
    shift = k.rng.choice([-21, -3, 5, 14, 28]) * DAY
    for sheet in ("Target Lesions", "Non-target Lesions", "Response"):
        for row in [r for r in k.rows(sheet) if r["Visit"] == visit]:
            other = {**row, "Visit": "UNSCHEDULED 5.1", "Assessment Date": row["Assessment Date"] + shift}
            if sheet == "Response":
                other["Overall Response"] = k.rng.choice(["PR", "SD", "PD", "NE", "CR"])
            k.add(sheet, other)


def week6(k: Knots) -> None:
    """Scans at the edges of the week-6 window and a tie about its middle."""
    given = [r["Start Date"] for r in k.rows("Dosing") if r["Drug"] in ("Durvalumab", "Camrelizumab")]
    if not given or not k.visits():
        return
    days = k.rng.choice([(34, 50), (35,), (49,), (39, 45), (38, 45), (40, 43), (35, 49)])
    k.drop("Response", lambda r: abs((r["Assessment Date"] - min(given)).days - 42) > 12)
    for sheet in ("Target Lesions", "Non-target Lesions", "New Lesions"):
        k.drop(sheet, lambda r: abs((r["Assessment Date"] - min(given)).days - 42) > 12)
    for number, after in enumerate(days):
        response = k.rng.choice(["PR", "SD", "CR", "NE", "PD"])
        k.add("Response", {
            "Visit": f"UNSCHEDULED 5.{number + 1}", "Assessment Date": min(given) + after * DAY, "New Lesion": "N",
            "Overall Response": response, "Target Response": response,
        })  # fmt: skip


def gap(k: Knots) -> None:
    """The last scan, or the death, just at a limit after the last evaluable assessment."""
    visits = k.visits()
    if len(visits) < 2:
        return
    before = k.scan_day(visits[-2])
    target = before + (k.rng.choice([112, 126, 182, 196]) + k.rng.choice([0, 1])) * DAY
    shift = target - k.scan_day(visits[-1])
    for sheet, headers in DATES.items():
        for row in k.rows(sheet):
            if row.get("Visit") == visits[-1]:
                for header in headers:
                    if row.get(header):
                        row[header] += shift
    for row in k.rows("Response"):
        if row["Visit"] == visits[-1]:
            row["Overall Response"] = k.rng.choice(["PD", "PD", "SD"])


def death(k: Knots) -> None:
    """Death on a random day, on the day of a scan, around the gap limits, or known to the month only."""
    k.drop("Survival", lambda r: r["Status"] == "Alive")
    k.drop("Disposition", lambda r: r["Event"] != "Death")
    visits = k.visits()
    start = k.rows("Demographics")[0]["Enrolment Date"]
    choices: list[Any] = [start + k.rng.randint(20, 600) * DAY, start + k.rng.choice([111, 112, 113, 196, 197]) * DAY]
    if visits:
        day = k.scan_day(k.rng.choice(visits))
        choices += [day, day + k.rng.choice([112, 113, 126, 127, 182, 183, 196, 197]) * DAY]
    operation = k.surgery()
    if operation:
        choices.append(operation["Start Date"] + k.rng.choice([0, 5, 30, 31]) * DAY)
    died: Any = k.rng.choice(choices)
    if k.rng.random() < 0.25:
        died = f"{died:%Y-%m}" if k.rng.random() < 0.7 else f"{died:%Y}"
    contact = k.rng.choice([dt.date(2025, 6, 30), dt.date(2025, 6, 12)])
    k.add("Survival", {"Contact Date": contact, "Status": "Dead", "Death Date": died, "Cause of Death": "HCC"})


def therapy(k: Knots) -> None:
    """New therapy: any day, the day of an assessment, to the month or year."""
    visits = k.visits()
    start: Any = k.rows("Demographics")[0]["Enrolment Date"] + k.rng.randint(10, 400) * DAY
    if visits and k.rng.random() < 0.6:
        start = k.scan_day(k.rng.choice(visits)) + k.rng.choice([-1, 0, 0, 1, 30]) * DAY
    if k.rng.random() < 0.3:
        start = f"{start:%Y-%m}" if k.rng.random() < 0.7 else f"{start:%Y}"
    k.add("Survival", {
        "Contact Date": dt.date(2025, 6, 1), "Status": "Alive", "New Anticancer Therapy": "Y", "New Therapy Date": start,
        "New Therapy Name": "Regorafenib",
    })  # fmt: skip


def diagnosis(k: Knots) -> None:
    """Diagnosis known to the month or year."""
    row = k.rows("Demographics")[0]
    known = row["HCC Diagnosis Date"]
    if isinstance(known, dt.date):
        row["HCC Diagnosis Date"] = k.rng.choice(
            [f"{known:%Y-%m}", f"{known:%Y}", f"{row['Informed Consent Date']:%Y-%m}"]
        )


def not_operated(k: Knots) -> None:
    """No hepatectomy."""
    k.drop("Procedures", lambda r: r["Procedure"] != "Hepatectomy")


def operated(k: Knots) -> None:
    """A hepatectomy somewhere, its facts in all shapes."""
    row = k.surgery()
    visits = k.visits()
    if row is None and visits:
        day = k.scan_day(k.rng.choice(visits)) + k.rng.choice([0, 10, 30]) * DAY
        row = {"Procedure": "Hepatectomy", "Start Date": day, "End Date": day, "Resected Lesions": "T1; NT1"}
        k.add("Procedures", row)
        row = k.surgery()
    if row is None:
        return
    day = row["Start Date"]
    left = k.rng.choice([None, day + 12 * DAY, day + 3 * DAY])
    row.update({"Residual Tumour": k.rng.choice(["R0", "R1", "R2", "RX", None]), "Admission Date": day - DAY})
    row.update({"Discharge Date": left, "Readmission Date": None})
    if left:
        row["Readmission Date"] = left + k.rng.choice([0, 1, 30, 31, 60]) * DAY
    row["Resected Lesions"] = k.rng.choice(["T1; NT1", "T1", "T1; T2; T3; NT1; NT2", None])


def reoperated(k: Knots) -> None:
    """Back to theatre at the edges of the window."""
    row = k.surgery()
    if row:
        day = row["Start Date"] + k.rng.choice([0, 5, 90, 91]) * DAY
        k.add(
            "Procedures",
            {"Procedure": "Reoperation", "Start Date": day, "Anaesthesia": k.rng.choice(["Y", "Y", "N", None])},
        )


def specimen(k: Knots) -> None:
    """Other pathology: nodules without an overall value, the limit of 10 %, biopsies, another day."""
    if k.rng.random() < 0.5:
        k.drop("Pathology", lambda r: r["Nodule"] != "OVERALL")
    for row in k.rows("Pathology"):
        if row.get("Viable Tumour %") is not None:
            row["Viable Tumour %"] = k.rng.choice([0, 0, 5, 10, 10.5, 50])
        if k.rng.random() < 0.1:
            row["Specimen"] = "Biopsy"
        if k.rng.random() < 0.2:
            row["Specimen Date"] += k.rng.choice([-2, -1, 60, 61]) * DAY


def drugs(k: Knots) -> None:
    """Ongoing intervals, doses of nothing, no more infusions."""
    for row in k.rows("Dosing"):
        if k.rng.random() < 0.1:
            row["Dose"] = 0
        if k.rng.random() < 0.2 and row["Frequency"] in ("QD", "QOD"):
            row.update({"End Date": None, "Ongoing": k.rng.choice(["Y", "N"])})
    if k.rng.random() < 0.15:
        k.drop("Dosing", lambda r: r["Drug"] != "Durvalumab")


def events(k: Knots) -> None:
    """Partial dates, worsening, complications at the edges, other grades."""
    first = min((r["Start Date"] for r in k.rows("Dosing")), default=dt.date(2024, 1, 1))
    ended = max((r["Start Date"] for r in k.rows("Dosing")), default=first)
    for row in k.rows("Adverse Events"):
        start = row["Start Date"]
        if not isinstance(start, dt.date):
            continue
        roll = k.rng.random()
        if roll < 0.1:
            row["Start Date"] = f"{start:%Y-%m}"
        elif roll < 0.15:
            row["Start Date"] = f"{start:%Y}"
        elif roll < 0.3:
            row["Start Date"] = ended + k.rng.choice([29, 30, 31, 89, 90, 91]) * DAY
            row["End Date"] = None
        elif roll < 0.4:
            row["Start Date"] = first - k.rng.choice([0, 1, 2]) * DAY
        if isinstance(row.get("End Date"), dt.date) and k.rng.random() < 0.2:
            row["End Date"] = f"{row['End Date']:%Y-%m}" if k.rng.random() < 0.6 else f"{row['End Date']:%Y}"
        if k.rng.random() < 0.3:
            row["CTCAE Grade"] = k.rng.randint(1, 4)
        if k.rng.random() < 0.2:
            row["Serious"] = k.rng.choice(["Y", "N"])
    operation = k.surgery()
    rows = k.rows("Adverse Events")
    if operation and rows:
        row = k.rng.choice(rows)
        row["Start Date"] = operation["Start Date"] + k.rng.choice([-1, 0, 90, 91]) * DAY
        row.update({"End Date": None, "Surgical Complication": "Y"})
        row["Clavien-Dindo"] = k.rng.choice(["I", "II", "IIIa", "IIIb", None])


def decision(k: Knots) -> None:
    """Another day of decision, or none."""
    if "Decision" not in k.sheets:
        return
    if k.rng.random() < 0.3:
        k.drop("Decision", lambda r: False)
    for row in k.rows("Decision"):
        row["Decision Date"] += k.rng.choice([-10, -3, 3, 10]) * DAY


def month3_scan(k: Knots) -> None:
    """The scan of the decision at the edges of its window."""
    if k.study_b:
        return
    given = [
        r["Start Date"] for s in ("Dosing", "Procedures") for r in k.rows(s) if r.get("Procedure") != "Hepatectomy"
    ]
    moved = min(given) + k.rng.choice([76, 77, 83, 84, 105, 106]) * DAY
    for sheet in SCANS:
        for row in k.rows(sheet):
            if row["Visit"] == "MONTH 3 DECISION":
                row["Assessment Date"] = moved
    for row in k.rows("Decision"):
        row["Decision Date"] = moved + k.rng.choice([-1, 0, 3]) * DAY


def thrombus(k: Knots) -> None:
    """Other classes, flow and composite."""
    for row in k.rows("Response"):
        if "PVTT Class" in row and k.rng.random() < 0.6:
            row["PVTT Class"] = k.rng.choice(["NONE", "I", "II", "IIb", "III", "IV", None])
            row["Flow Restored"] = k.rng.choice(["Y", "N", None])


def arterial(k: Knots) -> None:
    """Scans without arterial phase."""
    for row in k.rows("Target Lesions"):
        if "Arterial Phase" in row and row["Visit"] != "SCREENING" and k.rng.random() < 0.3:
            row["Arterial Phase"] = "N"


def early_relapse(k: Knots) -> None:
    """A scan between the operation and POST-OP DAY 30 shows something new, certain at once or at a later scan."""
    row = k.surgery()
    if not row:
        return
    scanned = row["Start Date"] + k.rng.choice([5, 12, 20]) * DAY
    later = [v for v in k.visits() if k.scan_day(v) > scanned]
    sure = k.rng.random() < 0.5
    lesion = {"Lesion ID": "N8", "Organ": k.rng.choice(["Liver", "Lung"]), "Location": "Somewhere", "Method": "CT"}
    seen = [("UNSCHEDULED 9.1", scanned, sure), *((v, k.scan_day(v), True) for v in later[:1])]
    for visit, when, certain in seen:
        words = {"Certainty": "Unequivocal" if certain else "Equivocal", "Typical Enhancement": "Y" if certain else "N"}
        size = 24 if certain else 12
        k.add("New Lesions", {"Visit": visit, "Assessment Date": when, **lesion, **words, "Diameter": size})
    if k.rng.random() < 0.7:
        said = k.rng.choice(["SD", "PD", "NE"])
        k.add("Response", {
            "Visit": "UNSCHEDULED 9.1", "Assessment Date": scanned, "New Lesion": "Y" if said == "PD" else "N",
            "Overall Response": said,
        })  # fmt: skip


def no_lesions(k: Knots) -> None:
    """Responses without any lesion, or without those of the liver."""
    sheets = ("Target Lesions", "Non-target Lesions", "New Lesions")
    keep = ("Portal vein", "Bone") if k.rng.random() < 0.5 else ()
    for sheet in sheets:
        k.drop(sheet, lambda r: r["Organ"] in keep)


def twice(k: Knots) -> None:
    """A response that was entered twice, the second time with another word or on another day."""
    rows = k.rows("Response")
    if rows:
        row = k.rng.choice(rows)
        word = k.rng.choice(["PR", "SD", "PD"])
        k.add("Response", {
            **row, "Overall Response": word, "Assessment Date": row["Assessment Date"] + k.rng.choice([-4, 0, 0, 4]) * DAY
        })  # fmt: skip


KNOTS = (
    missed, only_missed_later, site_says, not_evaluable, measured, limits, centimetres, statuses, split, non_targets,
    no_targets, doubtful, second_reader, unscheduled, week6, gap, death, therapy, diagnosis, not_operated, operated,
    reoperated, specimen, drugs, events, decision, month3_scan, thrombus, arterial,
    early_relapse, no_lesions, twice,
)  # fmt: skip


def tangle(sheets: dict[str, list[Row]], seed: int, *, study_b: bool, knots: int = 3) -> dict[str, list[str]]:
    """Change the sheets in place; subject -> names of what was done to it."""
    rng = Random(f"knots {seed}")
    done: dict[str, list[str]] = {}
    for name in [r["Subject ID"] for r in sheets["Demographics"]]:
        chosen = sorted(rng.sample(range(len(KNOTS)), k=rng.randint(1, knots)))
        for number in chosen:
            KNOTS[number](Knots(sheets, name, rng, study_b))
        done[name] = [KNOTS[n].__name__ for n in chosen]
    for sheet, rows in sheets.items():
        headers = HEADERS["neopvtt-b" if study_b else "palhep-a"][sheet]
        sheets[sheet] = [{h: row.get(h) for h in headers} for row in rows]
    return done
