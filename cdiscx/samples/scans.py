"""What the radiology pages of a subject say: lesion rows and the site's response rows.

In: the lesions, the scans with their sizes, the state of the other lesions. Out: rows of the three lesion
sheets and of Response, the responses worked out by `reading` from the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from cdiscx.samples import reading
from cdiscx.samples.book import Book, plus
from cdiscx.samples.layout import NEOPVTT, Row
from cdiscx.samples.tumour import TOO_SMALL, Lesion, Scan


@dataclass(frozen=True, slots=True)
class NewLesion:
    """A lesion that was not there at baseline."""

    name: str
    organ: str
    location: str
    method: str
    mm: int
    certain: bool = True


@dataclass(slots=True)
class Findings:
    """What one scan shows besides the target lesions."""

    non_target: dict[str, str] = field(default_factory=dict)
    new: list[NewLesion] = field(default_factory=list)
    pvtt: str | None = None
    flow: bool | None = None


def millimetres(tenths: int) -> int | float:
    """Tenths as the number a site types: 32 rather than 32.0."""
    return tenths // 10 if tenths % 10 == 0 else tenths / 10


def yes(flag: bool) -> str:
    """Y or N."""
    return "Y" if flag else "N"


@dataclass(slots=True)
class Radiology:
    """The reader of one subject: knows the lesions, keeps the baseline and the nadir."""

    book: Book
    targets: list[Lesion]
    others: list[Lesion]
    evaluator: str | None
    mrecist: bool = False
    pvtt_base: str | None = None
    resected: frozenset[str] = frozenset()
    surgery: date | None = None
    baseline: int = 0
    nadir: int = 0
    had_cr: bool = False
    split: tuple[str, str] | None = None  # lesion, first visit at which it is in two parts
    merged: tuple[str, str, str] | None = None  # lesion that stays, lesion that went up in it, first visit
    _reached: set[str] = field(default_factory=set)

    def dates(self, scan: Scan) -> dict[str, date]:
        """Lesion -> date of its own scan; the visit's last scan has the visit's date."""
        every = [*self.targets, *self.others]
        least = min((x.lead for x in every), default=0)
        return {x.name: plus(scan.day, least - x.lead) for x in every}

    def _place(self, lesion: Lesion, scan: Scan) -> Row:
        """The columns that every lesion row begins with."""
        return {
            "Visit": scan.visit,
            "Assessment Date": self.dates(scan)[lesion.name],
            "Evaluator": self.evaluator,
            "Lesion ID": lesion.name,
            "Organ": lesion.organ,
            "Location": lesion.location,
            "Method": lesion.method,
        }

    def _target_row(self, lesion: Lesion, scan: Scan, value: int | None, viable: int | None) -> Row:
        """A Target Lesions row for a value in tenths of a millimetre (None: not evaluable)."""
        row = self._place(lesion, scan)
        row |= {"Lymph Node": yes(lesion.node), "Slice Thickness": lesion.slice_mm}
        if self.book.study == NEOPVTT:
            row["Arterial Phase"] = yes(True)
        if value is None:
            return row | {"Status": "Not evaluable", "Reason": "Motion artefact, lesion not readable"}
        if value == 0:
            return row | {"Status": "Absent"}
        if value == TOO_SMALL:
            return row | {"Status": "Too small"}
        row |= {"Status": "Measured", "Unit": "mm"}
        if lesion.node:
            longest = value + 10 * self.book.between(2, 7)
            return row | {"Diameter": millimetres(longest), "Short Axis": millimetres(value)}
        row["Diameter"] = millimetres(value)
        if self.mrecist and viable is not None:
            row["Viable Diameter"] = millimetres(viable)
        return row

    def _write_target(self, lesion: Lesion, scan: Scan) -> None:
        """Write one target at one scan, in two parts where it has split, as merged where it has merged."""
        value, viable = scan.size.get(lesion.name), scan.viable.get(lesion.name)
        if self.split and self.split[0] == lesion.name and self.split[1] in self._reached and value:
            first = round(value * 0.58 / 10) * 10
            for part, size in (("1", first), ("2", value - first)):
                row = self._target_row(lesion, scan, size, None)
                row["Lesion ID"] = f"{lesion.name}.{part}"
                self.book.add("Target Lesions", row | {"Reason": f"Part of {lesion.name}, which has split"})
            return
        row = self._target_row(lesion, scan, value, viable)
        if self.merged and self.merged[2] in self._reached and value is not None:
            kept, gone, _ = self.merged
            if lesion.name == gone:
                row = self._place(lesion, scan)
                row |= {"Lymph Node": "N", "Slice Thickness": lesion.slice_mm}
                row |= {"Status": "Merged", "Reason": f"Merged with {kept}"}
            elif lesion.name == kept:
                mass = value + (scan.size[gone] or 0)
                row |= {"Diameter": millimetres(mass), "Reason": f"Merged with {gone}"}
        self.book.add("Target Lesions", row)

    def write_lesions(self, scan: Scan, shown: Findings) -> None:
        """Write the lesion rows of one scan; resected lesions stay listed without a value."""
        self._reached.add(scan.visit)
        removed = {"Status": "Not evaluable", "Reason": f"Resected on {self.surgery}"}
        for lesion in self.targets:
            if lesion.name in self.resected:
                row = self._place(lesion, scan) | {"Lymph Node": yes(lesion.node)}
                row["Slice Thickness"] = lesion.slice_mm
                if self.book.study == NEOPVTT:
                    row["Arterial Phase"] = yes(True)
                self.book.add("Target Lesions", row | removed)
            else:
                self._write_target(lesion, scan)
        for lesion in self.others:
            status: Row = {"Status": shown.non_target.get(lesion.name, "Present")}
            if status["Status"] == "Not evaluable":
                status["Reason"] = "Outside the scanned field"
            if lesion.name in self.resected:
                status = dict(removed)
            self.book.add("Non-target Lesions", self._place(lesion, scan) | status)
        for new in shown.new:
            self.book.add(
                "New Lesions",
                {
                    "Visit": scan.visit,
                    "Assessment Date": self._response_date(scan, progressed=True),
                    "Evaluator": self.evaluator,
                    "Lesion ID": new.name,
                    "Organ": new.organ,
                    "Location": new.location,
                    "Method": new.method,
                    "Certainty": "Unequivocal" if new.certain else "Equivocal",
                    "Diameter": new.mm,
                    "Typical Enhancement": yes(new.certain) if new.organ == "Liver" else None,
                },
            )

    def _response_date(self, scan: Scan, *, progressed: bool) -> date:
        """R11-X-2: the earliest scan date for a progression, the latest one otherwise."""
        dates = self.dates(scan).values()
        return min(dates, default=scan.day) if progressed else max(dates, default=scan.day)

    def set_baseline(self, scan: Scan) -> None:
        """Take a scan as the baseline and nadir, before treatment or after surgery."""
        kept = [x.name for x in self.targets if x.name not in self.resected]
        taken = scan.viable if self.mrecist else scan.size
        self.baseline = self.nadir = sum(taken.get(name) or 0 for name in kept)
        self.had_cr = False

    def write_response(self, scan: Scan, shown: Findings) -> str:
        """Write the site's response of one scan and return the overall response."""
        kept = [x for x in self.targets if x.name not in self.resected]
        taken = scan.viable if self.mrecist else scan.size
        values = {x.name: taken.get(x.name) for x in kept}
        nodes = frozenset(x.name for x in kept if x.node)
        target = reading.target_response(
            values, nodes, self.baseline, self.nadir, had_cr=self.had_cr, least=0 if self.mrecist else 50
        )
        statuses = {x.name: shown.non_target.get(x.name, "Present") for x in self.others if x.name not in self.resected}
        non_target = reading.non_target_response(list(statuses.values()))
        new = any(n.certain for n in shown.new)
        overall = reading.overall_response(target, non_target, new)
        known = [v for v in values.values() if v is not None]
        whole = bool(values) and len(known) == len(values)
        sums = reading.Sums(sum(known) if whole else None, self.baseline, self.nadir)
        row: Row = {
            "Visit": scan.visit,
            "Assessment Date": self._response_date(scan, progressed=overall == reading.PD),
            "Evaluator": self.evaluator,
            "Sum of Diameters": None if sums.total is None else millimetres(sums.total),
            "Percent from Baseline": sums.from_baseline,
            "Percent from Nadir": sums.from_nadir,
            "Target Response": target,
            "Non-target Response": non_target,
            "New Lesion": yes(new),
            "Overall Response": overall,
            "Clinical Deterioration": "N",
        }
        if shown.pvtt is not None and self.pvtt_base is not None:
            row |= self._composite(target, statuses, new, shown)
        self.book.add("Response", row)
        if sums.total is not None:
            self.nadir = min(self.nadir, sums.total)
        self.had_cr = self.had_cr or target == reading.CR
        return overall

    def _composite(self, target: str | None, statuses: dict[str, str], new: bool, shown: Findings) -> Row:
        """The thrombus columns of study B; the liver tumour is judged without the thrombus (section 7)."""
        assert self.pvtt_base is not None
        liver = [s for name, s in statuses.items() if self._organ(name) == "Liver"]
        in_liver = new and any(n.certain and n.organ == "Liver" for n in shown.new)
        primary = reading.overall_response(target, reading.non_target_response(liver), in_liver)
        thrombus = reading.pvtt_response(self.pvtt_base, shown.pvtt, shown.flow)
        return {
            "PVTT Class": shown.pvtt,
            "Flow Restored": None if shown.flow is None else yes(shown.flow),
            "PVTT Response": thrombus,
            "Composite Response": reading.composite_response(primary, thrombus),
        }

    def _organ(self, name: str) -> str:
        return next(x.organ for x in self.others if x.name == name)


def write_course(
    radiology: Radiology, scans: Sequence[Scan], shown: dict[str, Findings], first: str | None = None
) -> str | None:
    """Write scans in time order, `first` as a (re-)baseline without response; returns the last response."""
    last: str | None = None
    for scan in scans:
        findings = shown.get(scan.visit, Findings())
        radiology.write_lesions(scan, findings)
        if scan.visit == first:
            radiology.set_baseline(scan)
            continue
        last = radiology.write_response(scan, findings)
    return last
