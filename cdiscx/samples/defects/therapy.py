"""Planted defects of radiotherapy and local therapy (DOS-010 to DOS-013). In: a subject's rows. Out: `Planted`."""

from __future__ import annotations

from itertools import pairwise

from cdiscx.samples.book import plus
from cdiscx.samples.defects.planting import Patient, Planted, day_of, defect
from cdiscx.samples.layout import NEOPVTT, PALHEP, Row


def _course(p: Patient) -> Row | None:
    """A complete course of ten fractions."""
    row = p.only("Procedures", Procedure="IMRT")
    return row if row is not None and row["Fractions"] == 10 else None


@defect("DOS-010", NEOPVTT)
def radiation_dose_blank(p: Patient) -> Planted | None:
    """Radiotherapy without its total dose."""
    if (row := _course(p)) is None:
        return None
    row["Total Dose"] = None
    return p.here("Procedures", row, "Total Dose", "total dose blank", "DOS-011")


@defect("DOS-010", PALHEP)
def activity_blank(p: Patient) -> Planted | None:
    """Radioembolisation without its activity."""
    if (row := p.only("Procedures", Procedure="Y90-SIRT")) is None:
        return None
    row["Total Dose"] = None
    return p.here("Procedures", row, "Total Dose", "activity blank")


@defect("DOS-011", NEOPVTT)
def total_too_low(p: Patient) -> Planted | None:
    """A total dose of 27 Gy in ten fractions, and no reason."""
    if (row := _course(p)) is None:
        return None
    row["Total Dose"] = 27
    return p.here("Procedures", row, "Total Dose", "27 Gy in ten fractions")


@defect("DOS-011", NEOPVTT)
def fractions_too_few(p: Patient) -> Planted | None:
    """Nine fractions, the full dose and no reason."""
    if (row := _course(p)) is None:
        return None
    row["Fractions"] = 9
    return p.here("Procedures", row, "Fractions", "nine fractions, 30 Gy")


@defect("DOS-011", NEOPVTT)
def centigrays(p: Patient) -> Planted | None:
    """A dose in cGy with the unit Gy."""
    if (row := _course(p)) is None:
        return None
    row["Total Dose"] = 3000
    return p.here("Procedures", row, "Total Dose", "3000 Gy")


@defect("DOS-012", NEOPVTT)
def more_than_one_a_day(p: Patient) -> Planted | None:
    """Ten fractions on nine days."""
    if (row := _course(p)) is None or p.doses("Camrelizumab")[0]["Start Date"] != p.d1:
        return None
    row["Start Date"] = plus(day_of(row, "End Date"), -8)
    return p.here("Procedures", row, "End Date", "ten fractions in nine days", "DOS-014")


@defect("DOS-012", NEOPVTT)
def course_too_long(p: Patient) -> Planted | None:
    """Ten fractions in 30 days."""
    if (row := _course(p)) is None:
        return None
    row["End Date"] = plus(day_of(row, "Start Date"), 29)
    also = ("VIS-001", "SUR-002", "VIS-008", "VIS-002", "END-001", "END-002", "VIS-003", "SAF-005")
    return p.here("Procedures", row, "End Date", "ten fractions in 30 days", *also)


def _later_local(p: Patient) -> bool:
    """Whether the local therapy neither was the first treatment nor is the cause of an adverse event."""
    sessions = p.local()
    if not sessions or sessions[0]["Start Date"] == p.d1 or sessions[0]["Procedure"] == "HAIC":
        return False
    return not any(str(sessions[0]["Procedure"]) in str(r["Related To"]) for r in p.rows("Adverse Events"))


@defect("DOS-013", PALHEP)
def no_local_therapy(p: Patient) -> Planted | None:
    """No local therapy at all."""
    if not _later_local(p) or plus(p.d1, 50) > p.cutoff:
        return None
    p.remove("Procedures", p.local())
    return p.here("Procedures", None, None, "local therapy removed", "DOS-014", "STR-007")


@defect("DOS-013", PALHEP)
def two_modalities(p: Patient) -> Planted | None:
    """A second session with another modality, and no reason."""
    sessions = p.local()
    if len(sessions) < 2 or sessions[0]["Procedure"] != "TACE":
        return None
    sessions[1]["Procedure"] = "HAIC"
    return p.here("Procedures", sessions[1], "Procedure", "TACE, then HAIC")


@defect("DOS-013", PALHEP)
def sessions_too_close(p: Patient) -> Planted | None:
    """Two TACE sessions 20 days apart."""
    for first, second in pairwise(p.local()):
        if second["Procedure"] == "TACE":
            day = plus(day_of(first, "Start Date"), 20)
            second["Start Date"] = second["End Date"] = day
            return p.here("Procedures", second, "Start Date", "TACE 20 days after TACE")
    return None


@defect("DOS-013", PALHEP)
def infusion_cycles_too_close(p: Patient) -> Planted | None:
    """Two HAIC sessions 16 days apart."""
    for first, second in pairwise(p.local()):
        if second["Procedure"] == "HAIC":
            day = plus(day_of(first, "Start Date"), 16)
            for row in p.rows("Dosing", Start_Date=second["Start Date"], Route="Intra-arterial"):
                row["Start Date"], row["End Date"] = day, day if row["End Date"] else None
            second["Start Date"] = second["End Date"] = day
            return p.here("Procedures", second, "Start Date", "HAIC 16 days after HAIC", "DOS-016")
    return None


@defect("DOS-013", PALHEP)
def radioembolised_twice(p: Patient) -> Planted | None:
    """Radioembolisation in two sessions."""
    row = p.only("Procedures", Procedure="Y90-SIRT")
    if row is None or plus(day_of(row, "Start Date"), 24) > min(p.cutoff, p.death or p.cutoff):
        return None
    day = plus(day_of(row, "Start Date"), 21)
    again = p.add("Procedures", row | {"Start Date": day, "End Date": day}, after=row)
    return p.here("Procedures", again, None, "two sessions of Y90-SIRT")


@defect("DOS-013", PALHEP)
def local_therapy_late(p: Patient) -> Planted | None:
    """The first session 29 days after the first treatment."""
    sessions = p.local()
    if not _later_local(p) or len(sessions) != 1 or plus(p.d1, 50) > min(p.cutoff, p.death or p.cutoff):
        return None
    sessions[0]["Start Date"] = sessions[0]["End Date"] = plus(p.d1, 29)
    return p.here("Procedures", sessions[0], "Start Date", "first session on D1 + 29", "DOS-014")
