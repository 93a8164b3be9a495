"""Adverse events: those the dosing sheet needs as causes, those of surgery, and everyday ones.

In: the exposure periods and the dose changes. Out: rows of Adverse Events, one term once a subject.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from cdiscx.samples.book import Book, plus
from cdiscx.samples.dosing import Change
from cdiscx.samples.layout import Row

_GI = "Gastrointestinal disorders"
_SKIN = "Skin and subcutaneous tissue disorders"
_INV = "Investigations"
_GEN = "General disorders and administration site conditions"


@dataclass(frozen=True, slots=True)
class Term:
    """A verbatim term with its MedDRA preferred term, class, likely causes and highest grade drawn."""

    verbatim: str
    preferred: str
    organ_class: str
    causes: tuple[str, ...]
    worst: int = 3


TERMS: tuple[Term, ...] = (
    Term("High blood pressure", "Hypertension", "Vascular disorders", ("Lenvatinib", "Apatinib")),
    Term("Hand-foot skin reaction", "Palmar-plantar erythrodysaesthesia syndrome", _SKIN, ("Lenvatinib", "Apatinib")),
    Term("Protein in urine", "Proteinuria", "Renal and urinary disorders", ("Lenvatinib", "Apatinib")),
    Term("Diarrhoea", "Diarrhoea", _GI, ("Lenvatinib", "Apatinib")),
    Term("Poor appetite", "Decreased appetite", "Metabolism and nutrition disorders", ("Lenvatinib", "Apatinib"), 2),
    Term("Hypothyroidism", "Hypothyroidism", "Endocrine disorders", ("Durvalumab", "Camrelizumab"), 2),
    Term("Itching", "Pruritus", _SKIN, ("Durvalumab", "Camrelizumab"), 2),
    Term("Rash on trunk", "Rash maculo-papular", _SKIN, ("Durvalumab", "Camrelizumab"), 2),
    Term("Capillary haemangioma", "Reactive cutaneous capillary endothelial proliferation", _SKIN, ("Camrelizumab",), 2),
    Term("Tiredness", "Fatigue", _GEN, ("Lenvatinib", "Apatinib"), 2),
    Term("Fever", "Pyrexia", _GEN, ("TACE", "HAIC", "Y90-SIRT"), 2),
    Term("Nausea", "Nausea", _GI, ("HAIC", "IMRT"), 2),
    Term("Abdominal pain", "Abdominal pain", _GI, ("TACE", "HAIC", "Y90-SIRT")),
    Term("Postembolisation syndrome", "Post embolisation syndrome", _GEN, ("TACE",), 2),
    Term("ALT raised", "Alanine aminotransferase increased", _INV, ("TACE", "Durvalumab", "Camrelizumab"), 2),
    Term("Low platelets", "Platelet count decreased", _INV, ("Lenvatinib", "IMRT"), 2),
    Term("Low lymphocytes", "Lymphocyte count decreased", _INV, ("IMRT",)),
    Term("Radiation skin reaction", "Radiation skin injury", "Injury, poisoning and procedural complications", ("IMRT",), 2),
    Term("Hoarse voice", "Dysphonia", "Respiratory, thoracic and mediastinal disorders", ("Lenvatinib", "Apatinib"), 1),
    Term("Common cold", "Nasopharyngitis", "Infections and infestations", (), 2),
    Term("Cannot sleep", "Insomnia", "Psychiatric disorders", (), 2),
    Term("Back pain", "Back pain", "Musculoskeletal and connective tissue disorders", (), 2),
)  # fmt: skip
_HEPATITIS = Term("Immune-mediated hepatitis", "Immune-mediated hepatitis", "Hepatobiliary disorders", ())
_FATAL = (
    Term("Upper gastrointestinal bleeding", "Upper gastrointestinal haemorrhage", _GI, (), 5),
    Term("Severe pneumonia", "Pneumonia", "Infections and infestations", (), 5),
)
IMMUNE = frozenset({"Durvalumab", "Camrelizumab"})


@dataclass(slots=True)
class Exposure:
    """When each component was first and last given; drugs in `drugs` can have an action taken."""

    first: dict[str, date] = field(default_factory=dict)
    last: dict[str, date] = field(default_factory=dict)
    drugs: tuple[str, ...] = ()

    def active(self, day: date) -> list[str]:
        """Drugs the subject is on at `day`."""
        return [d for d in self.drugs if d in self.first and self.first[d] <= day <= plus(self.last[d], 27)]

    def blame(self, term: Term, day: date) -> list[str]:
        """Likely causes that were given before `day` and not longer than two months before it."""
        return [c for c in term.causes if c in self.first and self.first[c] <= day <= plus(self.last[c], 60)]


class Diary:
    """The adverse events of one subject."""

    def __init__(self, book: Book, exposure: Exposure, *, stay_known: bool) -> None:
        self.book = book
        self.exposure = exposure
        # Stays other than the hepatectomy's are not in the layout: with a known stay, an unrelated
        # hospitalisation would contradict it (SAF-003), so it is then serious for another reason.
        self.stay_known = stay_known
        self.rows: list[Row] = []
        self._used: set[str] = set()

    def _pick(self, causes: frozenset[str] | None) -> Term | None:
        """A term not used yet; with `causes`, one of those drugs' and bad enough to change a dose."""
        free = [t for t in TERMS if t.preferred not in self._used]
        if causes is not None:
            free = [t for t in free if causes & set(t.causes) and t.worst > 1]
        return self.book.one_of(free) if free else None

    def record(
        self,
        term: Term,
        start: date,
        *,
        days: int | None,
        grade: int,
        related: list[str],
        actions: dict[str, str] | None = None,
        criterion: str | None = None,
        clavien: str | None = None,
        fatal: date | None = None,
    ) -> Row:
        """Write one event; `days` None or an end past the horizon leaves it ongoing."""
        self._used.add(term.preferred)
        end: date | None = None if days is None else plus(start, days)
        if end is not None and end > plus(self.book.horizon, -1):
            end = None
        outcome = "Recovered" if end else self.book.one_of(("Not recovered", "Not recovered", "Recovering"))
        if self.book.horizon < self.book.cutoff and end is None:
            outcome = "Not recovered"
        if fatal:
            end, outcome, grade, criterion = fatal, "Fatal", 5, "Death"
        taken = {d: (actions or {}).get(d, "None") for d in self.exposure.active(start)} | (actions or {})
        row: Row = {
            "Term": term.verbatim,
            "Preferred Term": term.preferred,
            "System Organ Class": term.organ_class,
            "Start Date": start,
            "End Date": end,
            "Ongoing": "N" if end else "Y",
            "CTCAE Grade": grade,
            "Serious": "Y" if criterion else "N",
            "Serious Criterion": criterion,
            "Related To": "; ".join(related) if related else "None",
            "Action Taken": "; ".join(f"{d}: {a}" for d, a in taken.items()) or None,
            "Surgical Complication": "Y" if clavien else "N",
            "Outcome": outcome,
            "Clavien-Dindo": clavien,
        }
        self.rows.append(row)
        return row

    def explain(self, changes: list[Change]) -> None:
        """Write the event behind each dose change."""
        for change in changes:
            term = self._pick(frozenset({change.drug})) or Term(
                "Liver function abnormal",
                "Hepatic function abnormal",
                "Hepatobiliary disorders",
                (change.drug,),
            )
            self.record(
                term,
                change.onset,
                days=(change.day - change.onset).days + self.book.between(3, 12),
                grade=min(term.worst, self.book.one_of((2, 3))),
                related=[change.drug],
                actions={change.drug: change.kind},
            )

    def withdraw(self, drugs: list[str], onset: date) -> None:
        """Write the event for which drugs were withdrawn for good."""
        term = _HEPATITIS if IMMUNE & set(drugs) else self._pick(frozenset(drugs)) or TERMS[0]
        self.record(
            term,
            onset,
            days=self.book.between(30, 60),
            grade=min(3, term.worst),
            related=drugs,
            actions=dict.fromkeys(drugs, "Drug withdrawn"),
        )

    def die(self, death: date, *, clavien: str | None = None) -> Row:
        """Write the fatal event of a death that was not the tumour's."""
        term = self.book.one_of(_FATAL)
        return self.record(
            term,
            plus(death, -self.book.between(2, 5)),
            days=None,
            grade=5,
            related=[],
            clavien=clavien,
            fatal=death,
        )

    def everyday(self, start: date, end: date, count: int) -> None:
        """Write ordinary events with an onset between two dates."""
        span = (end - start).days
        for _ in range(count):
            term = self._pick(None)
            if term is None or span < 4:
                return
            day = plus(start, self.book.between(1, span))
            related = self.exposure.blame(term, day)
            grade = min(term.worst, self.book.one_of((1, 1, 1, 2, 2, 3)))
            criterion = None
            if grade == 3 and self.book.chance(0.5):
                other = "Important medical event" if self.stay_known else "Hospitalization"
                criterion = self.book.one_of((other, "Important medical event"))
            row = self.record(
                term,
                day,
                days=None if self.book.chance(0.15) else self.book.between(2, 45),
                grade=grade,
                related=related,
                criterion=criterion,
            )
            # AE dates may be partial; only where nothing else is judged by the day
            if grade == 1 and row["End Date"] is None and day.day > 15 and plus(start, 40) < day:
                row["Start Date"] = day.strftime("%Y-%m")

    def write(self) -> None:
        """Number the events in the order of their onset and write them."""
        for number, row in enumerate(sorted(self.rows, key=lambda r: str(r["Start Date"])), start=1):
            self.book.add("Adverse Events", {"AE Number": number} | row)
