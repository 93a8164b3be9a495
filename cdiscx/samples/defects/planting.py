"""How a defect is planted: one subject's rows, the record of what was planted, the register of planters.

In: uploads, a random number generator. Out: the uploads with the smallest change that breaks one rule of the
catalogue, and a `Planted` that says where. Written from the catalogue, never from the checks' code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random

from cdiscx.samples.book import plus
from cdiscx.samples.layout import HEADERS, NEOPVTT, PALHEP, Row, SampleUpload

HEADER_ROW = -1
ANY_ROW = -2
BOTH = (PALHEP, NEOPVTT)


@dataclass(frozen=True, slots=True)
class Planted:
    """One planted defect, with the anchor that section 14 of the catalogue gives it.

    `row` counts the sheet's records from 0; None: the record is absent; `HEADER_ROW`: the headings;
    `ANY_ROW`: the catalogue does not say which. `column` None: the catalogue names no column.
    `also`: other checks that may speak of the same defect.
    """

    check_id: str
    subject: str | None
    sheet: str
    row: int | None
    column: str | None
    site: str
    note: str
    also: tuple[str, ...] = ()
    partner: str | None = None  # a second subject whose rows were changed or needed


def as_day(value: object) -> date | None:
    """The date of a cell; None for blank, partial and unreadable ones."""
    return value if isinstance(value, date) else None


def day_of(row: Row, column: str) -> date:
    """The date that a clean row has in a column."""
    value = row[column]
    assert isinstance(value, date), (column, value)
    return value


def amount(row: Row, column: str) -> float:
    """The number that a clean row has in a column."""
    value = row[column]
    assert isinstance(value, int | float), (column, value)
    return value


@dataclass(slots=True)
class Patient:
    """One subject's rows in its site's upload, with the dates that the protocols count from."""

    upload: SampleUpload
    name: str
    rng: Random
    cutoff: date
    avoid: frozenset[str] = frozenset()  # subjects that carry a defect already

    @property
    def is_a(self) -> bool:
        """Whether this is the palliative study."""
        return self.upload.study == PALHEP

    def rows(self, sheet: str, **equal: object) -> list[Row]:
        """The subject's rows of a sheet, those whose cells equal what is asked (`Drug="Apatinib"`)."""
        mine = [r for r in self.upload.sheets.get(sheet, []) if r["Subject ID"] == self.name]
        return [r for r in mine if all(r[k.replace("_", " ")] == v for k, v in equal.items())]

    def only(self, sheet: str, **equal: object) -> Row | None:
        """The one row that fits, None where there is none or more than one."""
        found = self.rows(sheet, **equal)
        return found[0] if len(found) == 1 else None

    def one_of(self, rows: Sequence[Row]) -> Row | None:
        """One of the rows, None where there are none."""
        return self.rng.choice(rows) if rows else None

    @property
    def demo(self) -> Row:
        """The Demographics row."""
        return self.rows("Demographics")[0]

    @property
    def consent(self) -> date:
        """Date of informed consent."""
        return day_of(self.demo, "Informed Consent Date")

    @property
    def infusion(self) -> str:
        """The study's antibody."""
        return "Durvalumab" if self.is_a else "Camrelizumab"

    @property
    def tablet(self) -> str:
        """The study's oral drug."""
        return "Lenvatinib" if self.is_a else "Apatinib"

    def doses(self, drug: str) -> list[Row]:
        """Dosing rows of a drug in time order."""
        return sorted(self.rows("Dosing", Drug=drug), key=lambda r: day_of(r, "Start Date"))

    def local(self) -> list[Row]:
        """Locoregional sessions or the course of radiotherapy, in time order."""
        kinds = ("TACE", "HAIC", "Y90-SIRT", "IMRT")
        found = [r for r in self.rows("Procedures") if r["Procedure"] in kinds]
        return sorted(found, key=lambda r: day_of(r, "Start Date"))

    @property
    def d1(self) -> date:
        """First protocol treatment."""
        first = [*self.doses(self.infusion)[:1], *self.doses(self.tablet)[:1], *self.local()[:1]]
        return min(day_of(r, "Start Date") for r in first)

    @property
    def operation(self) -> Row | None:
        """The hepatectomy's row."""
        return self.only("Procedures", Procedure="Hepatectomy")

    @property
    def surg(self) -> date | None:
        """Date of hepatectomy."""
        return None if self.operation is None else as_day(self.operation["Start Date"])

    @property
    def death(self) -> date | None:
        """Date of death."""
        dead = self.only("Survival", Status="Dead")
        return None if dead is None else as_day(dead["Death Date"])

    @property
    def study_end(self) -> Row | None:
        """Disposition of the study."""
        return self.only("Disposition", Scope="Study")

    @property
    def treatment_end(self) -> Row | None:
        """Disposition of all study treatment."""
        return self.only("Disposition", Scope="Treatment", Treatment=None)

    @property
    def ongoing(self) -> bool:
        """On study treatment at the cut-off."""
        return not self.rows("Disposition") and any(r["Ongoing"] == "Y" for r in self.doses(self.tablet))

    @property
    def pd(self) -> date | None:
        """First progression of the site's reading."""
        days = [day_of(r, "Assessment Date") for r in self.rows("Response", Overall_Response="PD")]
        return min(days, default=None)

    def visit(self, name: str) -> Row | None:
        """The row of a visit that took place."""
        return self.only("Visits", Visit=name, Visit_Done="Y")

    def scan_rows(self, visit: str) -> list[Row]:
        """All lesion rows of a visit."""
        sheets = ("Target Lesions", "Non-target Lesions", "New Lesions")
        return [r for s in sheets for r in self.rows(s, Visit=visit)]

    def responses(self) -> list[Row]:
        """Response rows in time order."""
        return sorted(self.rows("Response"), key=lambda r: day_of(r, "Assessment Date"))

    def index(self, sheet: str, row: Row) -> int:
        """Where a row stands in its sheet, by identity."""
        return next(n for n, r in enumerate(self.upload.sheets[sheet]) if r is row)

    def add(self, sheet: str, values: Row, *, after: Row | None = None) -> Row:
        """A new row, after another one or after the subject's last one."""
        row: Row = {h: values.get(h) for h in HEADERS[self.upload.study][sheet]} | {"Subject ID": self.name}
        assert set(values) <= set(row), set(values) - set(row)
        mine = self.rows(sheet)
        last = after if after is not None else mine[-1] if mine else None
        place = len(self.upload.sheets[sheet]) if last is None else self.index(sheet, last) + 1
        self.upload.sheets[sheet].insert(place, row)
        return row

    def remove(self, sheet: str, rows: Iterable[Row]) -> None:
        """Take rows away."""
        gone = {id(r) for r in rows}
        self.upload.sheets[sheet] = [r for r in self.upload.sheets[sheet] if id(r) not in gone]

    def here(self, sheet: str, row: Row | int | None, column: str | None, note: str, *also: str) -> Planted:
        """What was planted (the register fills in the check)."""
        place = self.index(sheet, row) if isinstance(row, dict) else row
        return Planted("", self.name, sheet, place, column, self.upload.site, note, tuple(also))


Find = Callable[[Patient], Planted | None]
Whole = Callable[[SampleUpload, Random], Planted | None]


@dataclass(frozen=True, slots=True)
class Planter:
    """One way of breaking one rule: in a subject that offers a place, or in a whole upload."""

    check_id: str
    name: str
    studies: tuple[str, ...]
    find: Find | None = None
    whole: Whole | None = None

    def __call__(
        self, uploads: list[SampleUpload], rng: Random, study: str, avoid: frozenset[str] = frozenset()
    ) -> Planted | None:
        """Change `uploads` in place and say what was planted; None (and no change) where there is no place.

        `avoid`: subjects that already carry a defect.
        """
        if study not in self.studies:
            return None
        done = self._whole(uploads, rng) if self.whole is not None else self._subject(uploads, rng, avoid)
        if done is None:
            return None
        return Planted(
            self.check_id,
            done.subject,
            done.sheet,
            done.row,
            done.column,
            done.site,
            done.note,
            done.also,
            done.partner,
        )

    def _whole(self, uploads: list[SampleUpload], rng: Random) -> Planted | None:
        assert self.whole is not None
        return self.whole(rng.choice(uploads), rng)

    def _subject(self, uploads: list[SampleUpload], rng: Random, avoid: frozenset[str]) -> Planted | None:
        assert self.find is not None
        day = last_day(uploads)
        people = [(u, str(r["Subject ID"])) for u in uploads for r in u.sheets.get("Demographics", [])]
        for upload, name in rng.sample(people, k=len(people)):
            if name not in avoid and (done := self.find(Patient(upload, name, rng, day, avoid))) is not None:
                return done
        return None


DEFECTS: dict[str, list[Planter]] = {}


def defect(check_id: str, *studies: str) -> Callable[[Find], Find]:
    """Register a function that plants a defect in one subject, or returns None and changes nothing."""

    def register(find: Find) -> Find:
        DEFECTS.setdefault(check_id, []).append(Planter(check_id, find.__name__, studies or BOTH, find=find))
        return find

    return register


def whole(check_id: str, *studies: str) -> Callable[[Whole], Whole]:
    """Register a function that plants a defect of an upload as a whole."""

    def register(function: Whole) -> Whole:
        DEFECTS.setdefault(check_id, []).append(Planter(check_id, function.__name__, studies or BOTH, whole=function))
        return function

    return register


def last_day(uploads: Sequence[SampleUpload]) -> date:
    """The latest day on which anything was recorded: the cut-off of a run that states none."""
    sheets = ("Visits", "Dosing", "Target Lesions", "Survival")
    days = [v for u in uploads for s in sheets for r in u.sheets.get(s, []) for v in r.values() if isinstance(v, date)]
    return max(days)


def latest_sign(p: Patient) -> date:
    """The last date in any of a subject's rows that shows it alive (losses are no sign, ruling 3)."""
    days = [p.consent]
    for sheet, rows in p.upload.sheets.items():
        for row in rows:
            lost = row.get("Status") == "Lost to follow-up" or row.get("Event") == "Lost to follow-up"
            if row["Subject ID"] == p.name and not lost and sheet != "Pathology":
                days += [v for v in row.values() if isinstance(v, date)]
                if row.get("Ongoing") == "Y" and sheet == "Dosing":
                    days.append(p.cutoff)
    return max(days)


def shift(rows: Iterable[Row], days: int, column: str = "Assessment Date") -> None:
    """Move dates of rows by whole days."""
    for row in rows:
        row[column] = plus(day_of(row, column), days)
