"""The site workbook's sheets and canonical headers, and the upload that a generator returns.

In: nothing. Out: `HEADERS` (study -> sheet -> headers, in the workbook's order) and `SampleUpload`.
This table is written down a second time on purpose: the samples must not learn the layout from the
code that they are there to try out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Row = dict[str, object]

PALHEP = "palhep-a"
NEOPVTT = "neopvtt-b"

_DEMOGRAPHICS = (
    "Subject ID|Site ID|Sex|Birth Date|Age|Race|Ethnicity|Country|Informed Consent Date|Enrolment Date|"
    "HCC Diagnosis Date|BCLC Stage|Child-Pugh Score|ECOG|Height|Weight"
)
_VISITS = "Subject ID|Visit|Visit Date|Visit Done|Reason Not Done|Weight|ECOG"
_DOSING = "Subject ID|Drug|Cycle|Start Date|End Date|Dose|Dose Unit|Frequency|Route|Ongoing|Dose Changed|Change Reason"
_PROCEDURES = (
    "Subject ID|Procedure|Start Date|End Date|Location|Total Dose|Dose Unit|Fractions|Residual Tumour|"
    "Resected Lesions|Admission Date|Discharge Date|Readmission Date|Anaesthesia|Reason"
)
_PATHOLOGY = (
    "Subject ID|Specimen Date|Nodule|Specimen|Diameter|Viable Tumour %|Necrosis %|Fibrosis %|Margin mm|"
    "MPR|pCR|Biomarker|Biomarker Result"
)
_TARGET_HEAD = "Subject ID|Visit|Assessment Date|Evaluator|Lesion ID|Organ|Location|Lymph Node|Method|Slice Thickness"
_TARGET_A = _TARGET_HEAD + "|Diameter|Short Axis|Unit|Status|Reason"
_TARGET_B = _TARGET_HEAD + "|Arterial Phase|Diameter|Short Axis|Viable Diameter|Unit|Status|Reason"
_NON_TARGET = "Subject ID|Visit|Assessment Date|Evaluator|Lesion ID|Organ|Location|Method|Status|Reason"
_NEW = (
    "Subject ID|Visit|Assessment Date|Evaluator|Lesion ID|Organ|Location|Method|Certainty|Diameter|Typical Enhancement"
)
_RESPONSE = (
    "Subject ID|Visit|Assessment Date|Evaluator|Sum of Diameters|Percent from Baseline|Percent from Nadir|"
    "Target Response|Non-target Response|New Lesion|Overall Response|Clinical Deterioration"
)
_DECISION = "Subject ID|Decision Date|Month 3 Response|Poor Efficacy|Branch|Reason"
_ADVERSE = (
    "Subject ID|AE Number|Term|Preferred Term|System Organ Class|Start Date|End Date|Ongoing|CTCAE Grade|"
    "Serious|Serious Criterion|Related To|Action Taken|Surgical Complication|Outcome|Clavien-Dindo"
)
_DISPOSITION = "Subject ID|Event|Scope|Treatment|Date|Reason"
_SURVIVAL = (
    "Subject ID|Contact Date|Status|Death Date|Cause of Death|New Anticancer Therapy|New Therapy Date|New Therapy Name"
)
_LABS = "Subject ID|Visit|Sample Date|Test|Result|Unit|Normal Low|Normal High"


def _sheets(study_b: bool) -> dict[str, list[str]]:
    """Sheet name -> headers, in the order of the layout; Decision belongs to study A alone."""
    sheets = {
        "Demographics": _DEMOGRAPHICS + ("|PVTT Class" if study_b else ""),
        "Visits": _VISITS,
        "Dosing": _DOSING,
        "Procedures": _PROCEDURES,
        "Pathology": _PATHOLOGY,
        "Target Lesions": _TARGET_B if study_b else _TARGET_A,
        "Non-target Lesions": _NON_TARGET,
        "New Lesions": _NEW,
        "Response": _RESPONSE + ("|PVTT Class|Flow Restored|PVTT Response|Composite Response" if study_b else ""),
        "Decision": _DECISION,
        "Adverse Events": _ADVERSE,
        "Disposition": _DISPOSITION,
        "Survival": _SURVIVAL,
        "Labs": _LABS,
    }
    if study_b:
        del sheets["Decision"]
    return {sheet: headers.split("|") for sheet, headers in sheets.items()}


HEADERS: dict[str, dict[str, list[str]]] = {PALHEP: _sheets(study_b=False), NEOPVTT: _sheets(study_b=True)}

# What a column holds decides how a site may legally write it.
DATE_HEADERS = frozenset(
    h
    for sheets in HEADERS.values()
    for headers in sheets.values()
    for h in headers
    if h.endswith("Date") or h == "Date"
)
YES_NO_HEADERS = frozenset(
    {
        "Visit Done", "Ongoing", "Anaesthesia", "MPR", "pCR", "Lymph Node", "Arterial Phase", "New Lesion",
        "Clinical Deterioration", "Flow Restored", "Poor Efficacy", "Serious", "Surgical Complication",
        "New Anticancer Therapy", "Typical Enhancement",
    }
)  # fmt: skip
REQUIRED: dict[str, frozenset[str]] = {
    "Demographics": frozenset(
        [
            "Subject ID",
            "Site ID",
            "Sex",
            "Informed Consent Date",
            "Enrolment Date",
            "HCC Diagnosis Date",
            "BCLC Stage",
            "ECOG",
            "Weight",
            "PVTT Class",
        ]
    ),
    "Visits": frozenset(["Subject ID", "Visit", "Visit Done"]),
    "Dosing": frozenset(["Subject ID", "Drug", "Start Date", "Dose", "Dose Unit", "Frequency"]),
    "Procedures": frozenset(["Subject ID", "Procedure", "Start Date"]),
    "Pathology": frozenset(["Subject ID", "Specimen Date"]),
    "Target Lesions": frozenset(["Subject ID", "Visit", "Lesion ID", "Organ", "Method", "Status"]),
    "Non-target Lesions": frozenset(["Subject ID", "Visit", "Lesion ID", "Organ", "Method", "Status"]),
    "New Lesions": frozenset(["Subject ID", "Visit", "Assessment Date", "Lesion ID", "Organ", "Method", "Certainty"]),
    "Response": frozenset(["Subject ID", "Visit", "Assessment Date", "New Lesion", "Overall Response"]),
    "Decision": frozenset(["Subject ID", "Decision Date", "Month 3 Response", "Branch"]),
    "Adverse Events": frozenset(["Subject ID", "AE Number", "Term", "Start Date", "CTCAE Grade", "Serious", "Outcome"]),
    "Disposition": frozenset(["Subject ID", "Event", "Scope", "Date"]),
    "Survival": frozenset(["Subject ID", "Contact Date", "Status"]),
    # INR has no unit, so Unit may be blank there.
    "Labs": frozenset(["Subject ID", "Visit", "Sample Date", "Test", "Result"]),
}


@dataclass(frozen=True, slots=True)
class Typed:
    """A cell exactly as somebody typed it, whatever the site's habits: `kind` is text, error or formula."""

    text: str
    kind: str = "text"


@dataclass(slots=True)
class SampleUpload:
    """What one site would send: `sheets` maps sheet name -> rows (canonical header -> value or None).

    `headers` holds the columns of a sheet where they are not those of the layout (one lost, one added).
    """

    study: str
    site: str
    sheets: dict[str, list[Row]] = field(default_factory=dict)
    headers: dict[str, list[str]] = field(default_factory=dict)

    def columns(self, sheet: str) -> list[str]:
        """The headers of a sheet, in the layout's order."""
        return self.headers.get(sheet) or HEADERS[self.study][sheet]


def study_key(study: str) -> str:
    """The bundled study's key for a name in any case; KeyError names the two that exist."""
    key = study.lower()
    if key not in HEADERS:
        raise KeyError(f"no samples for study {study!r}; there are samples for {PALHEP} and {NEOPVTT}")
    return key
