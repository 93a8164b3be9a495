"""Words of Define-XML 2.1 that do not come from the data: classes, identifiers, pairs of code and decode, general methods."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

#: General Observation Class (C103329): the guide's wording -> the term
_CLASSES: Final[Mapping[str, str]] = {
    "SPECIAL-PURPOSE": "SPECIAL PURPOSE",
    "SPECIAL PURPOSE DATASETS": "SPECIAL PURPOSE",
    "RELATIONSHIP DATASETS": "RELATIONSHIP",
    "SUBJECT-LEVEL ANALYSIS DATASET": "SUBJECT LEVEL ANALYSIS DATASET",
    "ADSL": "SUBJECT LEVEL ANALYSIS DATASET",
    "BDS": "BASIC DATA STRUCTURE",
    "OCCDS": "OCCURRENCE DATA STRUCTURE",
}

#: code variable -> variable that holds its decode; `--` stands for the domain's two letters
PAIRS: Final[Mapping[str, str]] = {
    "--TESTCD": "--TEST",
    "PARAMCD": "PARAM",
    "QNAM": "QLABEL",
    "ETCD": "ELEMENT",
    "ARMCD": "ARM",
    "ACTARMCD": "ACTARM",
    "VISITNUM": "VISIT",
    "IETESTCD": "IETEST",
    "TSPARMCD": "TSPARM",
    "AVISITN": "AVISIT",
    "TRT01PN": "TRT01P",
    "TRT01AN": "TRT01A",
}

#: derived variables of every SDTM domain: how they are made (SDTMIG 3.4 section 4, mapping rules 2.2 to 2.6)
_METHODS: Final[tuple[tuple[str, str], ...]] = (
    (
        r"^(..|.*)SEQ$",
        "Records of the dataset are sorted by its keys, ties by source order; the sequence number counts 1, 2, 3 … within USUBJID.",
    ),
    (
        r"^..(ST|EN)?DY$",
        "Date part of {date} minus date part of DM.RFSTDTC, plus 1 when {date} is on or after DM.RFSTDTC (there is no day 0). "
        "Null when either date is partial or missing.",
    ),
    (
        r"^..LOBXFL$",
        "Y on the last non-missing, completed result before DM.RFXSTDTC per subject, test, location, method and evaluator; null otherwise.",
    ),
    (
        r"^EPOCH$",
        "Epoch of the SE element with SESTDTC <= date of the record < SEENDTC (the last element includes its end). Null when the record "
        "precedes the first element or when the possible dates of a partial date fall into more than one epoch.",
    ),
    (r"^VISITDY$", "Planned study day of the visit from TV.VISITDY; null for unscheduled visits."),
    (r"^RFSTDTC$", "Earliest date of protocol treatment in EX or PR."),
    (r"^RFENDTC$", "Latest date of protocol treatment in EX or PR."),
    (r"^RFXSTDTC$", "Earliest EXSTDTC."),
    (r"^RFXENDTC$", "Latest EXENDTC or, where that is null, EXSTDTC."),
    (r"^RFPENDTC$", "Latest date of any contact, visit, withdrawal or death of the subject."),
    (r"^AGE$", "Whole years from BRTHDTC to RFICDTC."),
    (r"^ASEQ$", "Records are sorted by PARAMCD, ADT, AVISITN and source record; counts 1, 2, 3 … within USUBJID."),
    (r"^ADY$", "ADT minus ADSL.TRTSDT, plus 1 when ADT is on or after ADSL.TRTSDT (there is no day 0)."),
)

NO_DATA: Final = "No value is present in the data."


def class_name(word: str) -> str:
    """`Special-Purpose` -> `SPECIAL PURPOSE`; a term of the list stays as it is."""
    upper = " ".join(word.upper().split())
    return _CLASSES.get(upper, upper)


def general_method(variable: str) -> str:
    """How a derived variable of every domain is made, or nothing where only the mapping can say it."""
    for pattern, text in _METHODS:
        if re.search(pattern, variable):
            return text.format(date=re.sub(r"DY$", "DTC", variable))
    return ""


def decode_variable(variable: str, names: frozenset[str]) -> str | None:
    """Which column of the dataset decodes this one: `TRTESTCD` -> `TRTEST`; None where none does."""
    pair = PAIRS.get(variable)
    if pair is None and variable.endswith("TESTCD"):
        pair = variable[:-2]
    return pair if pair in names else None


def oid(prefix: str, *parts: str) -> str:
    """`IT.TR.TRORRES.LDIAM`: identifier of letters, digits, dots and underscores."""
    return ".".join((prefix, *(re.sub(r"[^A-Za-z0-9_.-]+", "_", part).strip("_") or "_" for part in parts)))


def is_analysis(standard: str) -> bool:
    """True for an ADaM guide (`ADaMIG 1.3`)."""
    return standard.upper().startswith("ADAM")
