"""Study NEOPVTT-B: the stories that its samples tell, and the dates that a story leads to.

In: a story, a Book. Out: a `Plan` in which every date keeps the protocol's windows, intervals and holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from cdiscx.samples.book import Book, plus


@dataclass(frozen=True, slots=True)
class Story:
    """What happens to a subject; `since` is how many days before the cut-off treatment began."""

    name: str
    since: tuple[int, int]
    primary: str = "PR"  # target response at restaging
    pvtt: str = "same"  # same, down, up, gone
    flow: bool = False
    surgery: bool = True
    no_surgery: str = ""  # the reason
    goes_on: bool = False  # systemic treatment without surgery
    margin: str = "R0"
    viable: int = 30  # percent in the specimen
    pd_at: int | None = None  # tumour assessment number; 0 is the restaging scan
    stop: str = ""  # "" (ongoing or until progression), ae, withdrew, death, completed, postop
    stop_day: int = 0
    fate: str = ""  # dies, lost
    extras: frozenset[str] = frozenset()


def _story(name: str, since: tuple[int, int], extras: str = "", **facts: object) -> Story:
    return Story(name, since, extras=frozenset(extras.split()), **facts)  # type: ignore[arg-type]


_GREW = "Progression before surgery"
STORIES: tuple[Story, ...] = (
    _story("operated, on treatment", (180, 340), pvtt="down", flow=True),
    _story("completed a year", (470, 680), pvtt="down", viable=8, stop="completed", stop_day=362),
    _story("relapse in the liver", (330, 560), primary="SD", flow=True, viable=45, pd_at=1),
    _story("relapse and death", (520, 690), "satellite", viable=60, pd_at=2, fate="dies", margin="R1"),
    _story("complete pathological response", (200, 420), "one", primary="CR", pvtt="gone", flow=True, viable=0),
    _story("progression before surgery", (420, 640), "therapy", primary="PD", surgery=False, no_surgery=_GREW, pd_at=0, fate="dies"),
    _story("thrombus grows", (300, 520), primary="SD", pvtt="up", surgery=False, no_surgery=_GREW, pd_at=0),
    _story("not resectable", (240, 420), primary="SD", surgery=False, no_surgery="Future liver remnant too small"),
    _story("refuses surgery, goes on", (230, 400), pvtt="down", surgery=False, no_surgery="Subject refused surgery", goes_on=True),
    _story("dies after surgery", (160, 400), primary="SD", pvtt="down", viable=70, stop="postop", stop_day=12),
    _story("recently started", (26, 34)),
    _story("recently operated", (62, 76), primary="SD", pvtt="down"),
    _story("withdraws before surgery", (150, 380), surgery=False, no_surgery="Subject withdrew consent", stop="withdrew"),
    _story("reoperation", (260, 460), "reoperation", viable=10, pvtt="down", flow=True),
    _story("readmission", (260, 460), "readmission two", viable=25, primary="SD", pvtt="down"),
    _story("residual nodule", (300, 500), "satellite", margin="R2", viable=55),
    _story("tablets withdrawn", (320, 480), "tabstop", viable=3, flow=True),
    _story("stops for hepatitis", (340, 560), "therapy", viable=20, stop="ae", stop_day=230),
    _story("lost to follow-up", (600, 690), viable=40, pd_at=1, fate="lost"),
    _story("eight fractions", (190, 420), "short", primary="SD", flow=False, viable=50),
    _story("complete response of the nodule", (210, 430), "one", primary="CR", pvtt="same", viable=5),
    _story("two targets, lung relapse", (380, 600), "two lung", pd_at=2, viable=35, flow=True),
)  # fmt: skip


@dataclass(slots=True)
class Plan:
    """All dates of one subject; None where the story never gets there."""

    consent: date
    screening: date
    baseline: date
    enrolment: date
    d1: date
    fractions: list[date]
    camrelizumab: list[date]  # the three first ones
    apatinib: date
    end_rt: date  # the visit
    restaging: date
    decided: date
    surgery: date | None = None
    tablet_hold: date | None = None
    tablet_again: date | None = None
    infusion_again: date | None = None
    postop: date | None = None
    due: list[tuple[str, date]] = field(default_factory=list)
    withdrawn: date | None = None
    death: date | None = None


def _fractions(book: Book, start: date, count: int) -> list[date]:
    """One fraction a working day; now and then a day is lost to the machine or a holiday."""
    days, day = [start], start
    lost = book.between(3, 6) if book.chance(0.3) else 0
    while len(days) < count:
        day = plus(day, 1)
        if day.weekday() < 5 and len(days) != lost:
            days.append(day)
        elif day.weekday() < 5:
            lost = 0
    return days


def _infusions(book: Book, d1: date) -> list[date]:
    """Three infusions 14 days apart, the third one in the WEEK 4 window."""
    while True:
        first = plus(d1, book.between(0, 3))
        second = plus(first, 14 + book.one_of((-1, 0, 0, 1)))
        third = plus(second, 14 + book.one_of((-1, 0, 0, 1)))
        if abs((third - d1).days - 28) <= 3:
            return [first, second, third]


def make_plan(book: Book, story: Story) -> Plan:
    """Draw the dates of a story; only the first treatment day and the scan list look at the cut-off."""
    d1 = plus(book.cutoff, -book.between(*story.since))
    d1 = plus(d1, (0, 0, 0, 0, -1, -2, -3)[d1.weekday()])  # not on a Friday or a weekend
    fractions = _fractions(book, d1, 8 if "short" in story.extras else 10)
    last = fractions[-1]
    consent = plus(d1, -book.between(12, 26))
    screening = plus(consent, book.between(0, 5))
    restaging = book.weekday(plus(last, book.between(24, 32)), plus(last, 23), plus(last, 33))
    plan = Plan(
        consent=consent,
        screening=screening,
        baseline=max(plus(d1, -26), plus(screening, book.between(-4, 4))),
        enrolment=plus(d1, -book.between(1, 6)),
        d1=d1,
        fractions=fractions,
        camrelizumab=_infusions(book, d1),
        apatinib=plus(d1, book.between(0, 6)),
        end_rt=plus(last, book.between(0, 3)),
        restaging=restaging,
        decided=plus(restaging, book.between(2, 6)),
    )
    if story.surgery:
        _plan_surgery(book, plan)
    if story.stop == "withdrew":
        plan.withdrawn = plan.decided
    if story.stop == "postop" and plan.surgery is not None:
        plan.death = plus(plan.surgery, story.stop_day + book.between(-3, 3))
    anchor = plus(last, 28) if plan.surgery is None else plus(plan.surgery, 30)
    due, number = plus(anchor, 84), 1
    while due <= plus(book.cutoff, 14):
        actual = book.weekday(plus(due, book.between(-8, 8)), plus(due, -10), plus(due, 10))
        plan.due.append((f"TUMOR ASSESSMENT {number}", actual))
        due, number = plus(due, 84), number + 1
    return plan


def _plan_surgery(book: Book, plan: Plan) -> None:
    """Surgery 28 to 56 days after radiotherapy, apatinib off for 7 days, camrelizumab for 14 (section 4.3)."""
    last = plan.fractions[-1]
    latest = plus(last, 56)
    surgery = min(plus(plan.restaging, book.between(9, 20)), latest)
    surgery = book.weekday(surgery, plus(plan.restaging, 8), latest)
    plan.surgery = surgery
    plan.tablet_hold = plus(surgery, -book.between(7, 10))
    plan.tablet_again = plus(surgery, book.between(28, 42))
    plan.infusion_again = plus(surgery, book.between(28, 44))
    plan.postop = book.weekday(plus(surgery, book.between(27, 33)), plus(surgery, 27), plus(surgery, 34))
