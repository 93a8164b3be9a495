"""Hepatectomy: the operation, the stay, the specimen and the complications.

In: the date, what was removed, how it went. Out: rows of Procedures and Pathology, and surgical adverse
events given to the diary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from cdiscx.samples.adverse import Diary, Term
from cdiscx.samples.book import Book, plus
from cdiscx.samples.layout import Row
from cdiscx.samples.scans import millimetres

_INJURY = "Injury, poisoning and procedural complications"
_COMPLICATIONS: tuple[tuple[Term, str, int], ...] = (
    (Term("Bile leak", "Bile leak", "Hepatobiliary disorders", ()), "IIIa", 3),
    (Term("Wound infection", "Wound infection", "Infections and infestations", ()), "I", 1),
    (Term("Pleural effusion", "Pleural effusion", "Respiratory, thoracic and mediastinal disorders", ()), "II", 2),
    (Term("Ascites after operation", "Ascites", "Gastrointestinal disorders", ()), "II", 2),
    (Term("Incision pain", "Procedural pain", _INJURY, ()), "I", 1),
)  # fmt: skip
_BLEEDING = Term("Bleeding after operation", "Post procedural haemorrhage", _INJURY, ())
_COLLECTION = Term("Abdominal abscess", "Abdominal abscess", "Infections and infestations", ())


@dataclass(frozen=True, slots=True)
class Operation:
    """One hepatectomy as planned by the story."""

    day: date
    margin: str  # R0, R1, R2, RX
    removed: tuple[str, ...]
    reoperation: bool = False
    readmission: bool = False
    died: date | None = None


def operate(book: Book, operation: Operation) -> tuple[Row, date | None]:
    """Write the hepatectomy (and a reoperation); returns its row and the day of discharge, if reached."""
    leaves = plus(operation.day, book.between(7, 14) + (7 if operation.reoperation else 0))
    discharge = leaves if leaves <= book.horizon and operation.died is None else None
    back = plus(leaves, book.between(6, 20)) if operation.readmission else None
    row = book.add(
        "Procedures",
        {
            "Procedure": "Hepatectomy",
            "Start Date": operation.day,
            "End Date": operation.day,
            "Location": "Liver",
            "Residual Tumour": operation.margin,
            "Resected Lesions": "; ".join(operation.removed),
            "Admission Date": plus(operation.day, -book.between(1, 5)),
            "Discharge Date": discharge,
            "Readmission Date": back if back and discharge and back <= book.horizon else None,
        },
    )
    if operation.reoperation:
        again = plus(operation.day, 1)
        book.add(
            "Procedures",
            {
                "Procedure": "Reoperation",
                "Start Date": again,
                "End Date": again,
                "Location": "Liver",
                "Anaesthesia": "Y",
                "Reason": "Bleeding from the resection surface",
            },
        )
    return row, discharge


def complications(book: Book, diary: Diary, operation: Operation, row: Row) -> None:
    """Give the diary the surgical complications that fit the operation's course."""
    if operation.reoperation:
        # onset the day after surgery at the latest; IIIb because the theatre was needed (SUR-003)
        diary.record(
            _BLEEDING,
            plus(operation.day, 1),
            days=6,
            grade=4,
            related=["Hepatectomy"],
            criterion="Life threatening",
            clavien="IIIb",
        )
    back = row["Readmission Date"]
    if isinstance(back, date):
        diary.record(
            _COLLECTION,
            plus(back, -1),
            days=12,
            grade=3,
            related=["Hepatectomy"],
            criterion="Hospitalization",
            clavien="IIIa",
        )
    for term, clavien, grade in book.rng.sample(_COMPLICATIONS, k=book.between(0, 2)):
        onset = plus(operation.day, book.between(1, 6))
        if onset < book.horizon:
            diary.record(term, onset, days=book.between(4, 20), grade=grade, related=["Hepatectomy"], clavien=clavien)


def specimen(
    book: Book, operation: Operation, sizes: Sequence[int], *, viable: int, thrombus: bool, margin_mm: int
) -> None:
    """Write the pathology of the specimen: nodules, thrombus and the overall reading.

    `sizes` are the nodules' diameters in tenths of a millimetre, `viable` the overall percentage.
    """
    parts: list[tuple[str, int | None, int]] = []
    for number, size in enumerate(sizes, start=1):
        near = viable if len(sizes) == 1 or viable == 0 else min(100, max(1, viable + book.between(-3, 3)))
        parts.append((str(number), size, near))
    if thrombus:
        parts.append(("PVTT", None, 0 if viable == 0 else min(95, viable + 5)))
    parts.append(("OVERALL", None, viable))
    for nodule, size_or_none, percent in parts:
        necrosis = round((100 - percent) * book.rng.uniform(0.5, 0.9))
        overall = nodule == "OVERALL"
        book.add(
            "Pathology",
            {
                "Specimen Date": operation.day,
                "Nodule": nodule,
                "Specimen": "Resection",
                "Diameter": None if size_or_none is None else millimetres(size_or_none),
                "Viable Tumour %": percent,
                "Necrosis %": necrosis,
                "Fibrosis %": 100 - percent - necrosis,
                "Margin mm": margin_mm if overall else None,
                "MPR": ("Y" if percent <= 10 else "N") if overall else None,
                "pCR": ("Y" if percent == 0 else "N") if overall else None,
            },
        )


def biopsy(book: Book, day: date) -> None:
    """Write a baseline biopsy with the marker that the site measured."""
    book.add(
        "Pathology",
        {
            "Specimen Date": day,
            "Nodule": "1",
            "Specimen": "Biopsy",
            "Biomarker": "PD-L1 CPS",
            "Biomarker Result": str(book.one_of((0, 1, 2, 5, 10, 20))),
        },
    )
