"""The index of the catalogue: id, title, severity, tier of every check; the rules are the functions of this room."""

from cdiscx.model.finding import Severity
from cdiscx.registry import catalogue

_INDEX = """
STR-001 | Required sheet or column missing | error | 1
STR-002 | Unknown or duplicate column | warning | 2
STR-003 | Blank or malformed subject key | error | 1
STR-004 | Record for a subject not in the subject list | error | 1
STR-005 | Subject listed twice, or same person enrolled twice | error | 1
STR-006 | Duplicate record on the natural key | error | 1
STR-007 | Treated subject without a mandatory table | warning | 2
STR-008 | Spreadsheet artefacts and damaged characters | warning | 1
STR-009 | Required value blank, unreadable or outside its range | error | 1
DAT-001 | Unreadable or implausible date | error | 1
DAT-002 | Ambiguous day/month order | warning | 1
DAT-003 | Partial date where a full date is needed | warning | 1
DAT-004 | Date in the future | error | 2
DAT-005 | Study activity before informed consent | error | 1
DAT-006 | End before start | error | 1
DAT-007 | Activity after death | error | 1
TRM-001 | Value outside a closed list | error | 1
TRM-002 | Value outside an extensible list | note | 2
TRM-003 | Result without unit or with unusable unit | error | 1
TRM-004 | Event, medication or "Other" not coded or not specified | warning | 2
VIS-001 | Visit outside its window | warning | 1
VIS-002 | Expected visit missing | warning | 1
VIS-003 | Visit repeated or out of order | warning | 2
VIS-004 | Tumour assessment interval too long or too short | warning | 1
VIS-005 | Baseline imaging missing, too old or after treatment | error | 1
VIS-006 | Week-6 response scan missing or outside window | error | 1
VIS-007 | Month-3 decision out of window or missing | error | 1
VIS-008 | Restaging scan missing before hepatectomy | error | 1
VIS-009 | Post-operative baseline scan missing | warning | 1
VIS-010 | Scans of one time point spread too far | warning | 1
VIS-011 | Survival follow-up gap | warning | 1
DOS-001 | Durvalumab interval or dose off plan | warning | 1
DOS-002 | Lenvatinib start dose does not match body weight | error | 1
DOS-003 | Lenvatinib dose level or change not permitted | warning | 1
DOS-004 | Camrelizumab or apatinib dose or interval off plan | warning | 1
DOS-005 | Gap in daily oral dosing | warning | 1
DOS-006 | Overlapping dosing intervals | error | 1
DOS-007 | Systemic treatment inside the pre-operative hold | error | 1
DOS-008 | Dose after death, discontinuation or withdrawal | error | 1
DOS-009 | Treatment continues after progression | note | 1
DOS-010 | Dose missing, zero or negative | error | 1
DOS-011 | Radiotherapy total, fractions or dose per fraction inconsistent | error | 1
DOS-012 | Radiotherapy schedule broken | warning | 2
DOS-013 | Local therapy modality missing, mixed or mistimed | error | 1
DOS-014 | Planned component never started | warning | 2
DOS-015 | Dose change without reason, or AE action not seen in dosing | warning | 1
DOS-016 | Cumulative dose or intensity implausible | warning | 2
DOS-017 | Treatment after surgery or after CR/PR missing or too early | warning | 1
MEA-001 | Too many target lesions | error | 1
MEA-002 | Target lesion not measurable at baseline | error | 1
MEA-003 | Lymph node measured on the wrong axis | warning | 2
MEA-004 | Short axis longer than long axis | error | 1
MEA-005 | Suspected mm / cm mix-up | error | 1
MEA-006 | Implausible size or jump | warning | 2
MEA-007 | Sum of diameters disagrees with the site total | error | 1
MEA-008 | Lesion not assessed without reason | error | 1
MEA-009 | Lesion disappears and reappears | warning | 1
MEA-010 | Lesion set changed after baseline | error | 1
MEA-011 | Imaging method changed | warning | 2
MEA-012 | Nadir or percent change wrong at site | error | 1
MEA-013 | Lesion record and result do not link | error | 1
MEA-014 | Site response differs from derived response | warning | 1
MEA-015 | Overall response impossible from its components | error | 1
MEA-016 | New lesion and progression do not agree | error | 1
MEA-017 | Progression without evidence | warning | 1
MEA-018 | Response improves after progression or CR is lost as PR/SD | warning | 1
MEA-019 | Duplicate reading of a lesion at one time point | error | 1
MEA-020 | Viable diameter larger than the lesion, or PVTT used as target | error | 1
MEA-021 | PVTT class or flow inconsistent | warning | 1
MEA-022 | Composite response differs from derived | error | 1
MEA-023 | mRECIST progression rests on a small absolute increase | note | 2
MEA-024 | Liver lesion read without arterial phase | warning | 2
MEA-025 | Resected lesion still measured, or shrinkage by surgery counted as response | error | 1
MEA-026 | Split or merged lesion not documented | warning | 2
MEA-027 | Measurements copied forward | warning | 2
MEA-028 | Stage or liver score disagrees with findings | warning | 1
MEA-029 | Response date does not match the scans | warning | 2
END-001 | Primary endpoint not derivable | error | 1
END-002 | No evaluable post-baseline assessment | error | 1
END-003 | Diagnosis date missing or partial | error | 1
END-004 | Key reference date missing | error | 1
END-005 | Death without date, or death evidence without death record | error | 1
END-006 | Death dates or vital status disagree | error | 1
END-007 | Decision branch not followed or not recorded | error | 1
END-008 | Hepatectomy without R status | error | 1
END-009 | Hepatectomy without pathology or inconsistent MPR | error | 1
END-010 | Portal flow restoration missing | warning | 1
END-011 | Baseline lesion set incomplete | error | 1
END-012 | New anti-cancer therapy without usable date | warning | 1
END-013 | Event after missed assessments | note | 2
END-014 | End-of-treatment or end-of-study record missing or contradictory | warning | 1
END-015 | One-year status not evaluable | note | 2
END-016 | Long interval from diagnosis to enrolment | note | 2
END-017 | R1/R2 or RX subject in the DFS population | note | 2
END-018 | Enrolled subject fails an eligibility criterion | error | 1
SUR-001 | Surgery facts disagree across sheets | error | 1
SUR-002 | Surgery timing outside plan | warning | 2
SUR-003 | Complication grade missing or inconsistent | warning | 1
SUR-004 | Hospital stay incomplete or implausible | warning | 2
SUR-005 | 30-day status unknown | error | 1
SAF-001 | AE without grade or with invalid grade | error | 1
SAF-002 | Fatal AE logic broken | error | 1
SAF-003 | Seriousness logic broken | error | 1
SAF-004 | AE timing or outcome inconsistent | warning | 1
SAF-005 | AE attributed to a treatment not yet given | warning | 2
SAF-006 | Drug withdrawn does not match disposition | warning | 1
SAF-007 | Severe laboratory value without AE | note | 2
SAF-008 | Possible drug-induced liver injury | warning | 2
SAF-009 | Laboratory range or unit conflict | warning | 2
SAF-010 | Weight implausible or changed > 15 % | note | 2
"""

for _line in _INDEX.strip().splitlines():
    _id, _title, _severity, _tier = (part.strip() for part in _line.split("|"))
    catalogue(_id, _title, Severity(_severity), int(_tier))
