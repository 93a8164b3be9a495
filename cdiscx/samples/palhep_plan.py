"""Study PALHEP-A: the stories that its samples tell, and the dates that a story leads to.

In: a story, a Book. Out: a `Plan` in which every date keeps the protocol's windows, intervals and holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from cdiscx.samples.book import Book, plus

MODALITIES = ("TACE", "HAIC", "Y90-SIRT")


@dataclass(frozen=True, slots=True)
class Story:
    """What happens to a subject; `since` is how many days before the cut-off treatment began."""

    name: str
    since: tuple[int, int]
    week6: str = "SD"
    month3: str = "SD"
    later: str = "SD"
    branch: str = "continue"  # continue, surgery, other
    pd_at: int | None = None  # tumour assessment number; 0 is the month-3 scan, -1 the week-6 scan
    pd_by: str = "target"  # target, new, other, confirmed (equivocal first)
    resect: str = "part"  # part, all, rest (only non-target disease left)
    stop: str = ""  # "" (ongoing or until progression), ae, withdrew, death, completed, physician
    stop_day: int = 0
    fate: str = ""  # dies, lost
    extras: frozenset[str] = frozenset()


def _story(name: str, since: tuple[int, int], extras: str = "", **facts: object) -> Story:
    return Story(name, since, extras=frozenset(extras.split()), **facts)  # type: ignore[arg-type]


STORIES: tuple[Story, ...] = (
    _story("responder on treatment", (300, 480), "node ne", week6="PR", month3="PR", later="PR"),
    _story("stable, operated, on treatment", (330, 520), "two", branch="surgery"),
    _story("responder who progresses and dies", (560, 700), week6="PR", month3="PR", later="PR", pd_at=3, fate="dies"),
    _story("progression at month 3, operated", (260, 420), branch="surgery", pd_at=0, month3="PD", resect="all"),
    _story("stable, refuses surgery", (230, 400), "two merged", branch="continue"),
    _story("complete response", (320, 500), "small gone", week6="PR", month3="CR", later="CR"),
    _story("operated, progresses by a new lesion", (520, 700), "node", branch="surgery", pd_at=2, pd_by="new", fate="dies"),
    _story("dies before the first scan", (200, 500), stop="death", stop_day=24),
    _story("withdraws consent", (200, 420), week6="SD", stop="withdrew", stop_day=66),
    _story("lenvatinib withdrawn alone", (300, 460), "lenstop", week6="SD", month3="PR", later="PR"),
    _story("recently enrolled", (24, 34)),
    _story("between week 6 and month 3", (64, 80), week6="PR"),
    _story("recently operated", (127, 140), branch="surgery"),
    _story("progression at month 3, no surgery", (330, 560), "therapy", branch="other", month3="PD", pd_at=0, pd_by="new", fate="dies"),
    _story("operated, nothing left, relapse", (500, 640), "one", branch="surgery", resect="all", pd_at=3, pd_by="new"),
    _story("two years completed", (790, 880), week6="PR", month3="PR", later="PR", stop="completed", stop_day=728),
    _story("stops for hepatitis, new therapy", (380, 560), "therapy", week6="PR", month3="PR", later="PR", stop="ae", stop_day=190),
    _story("lost to follow-up", (680, 800), week6="SD", month3="PR", later="PR", pd_at=1, fate="lost"),
    _story("early progression, still operated", (300, 480), branch="surgery", week6="PD", month3="PD", pd_at=-1),
    _story("operated, not treated again", (330, 480), branch="surgery", resect="part", stop="physician"),
    _story("equivocal lesion, later confirmed", (420, 560), "lung", week6="PR", month3="PR", later="PR", pd_at=3, pd_by="confirmed"),
    _story("dies of an adverse event", (250, 480), week6="SD", month3="PR", later="PR", stop="death", stop_day=150),
    _story("lesion splits", (300, 460), "split one others unread", week6="SD", month3="PR", later="PR"),
    _story("non-target progression after surgery", (480, 620), "others", branch="surgery", resect="rest", pd_at=2, pd_by="other"),
)  # fmt: skip


@dataclass(slots=True)
class Plan:
    """All dates of one subject; None where the story never gets there."""

    consent: date
    screening: date
    baseline: date
    enrolment: date
    d1: date
    lenvatinib: date
    local: date
    durva: list[date]  # the four first ones
    week3: date
    week6: date
    month3: date
    decision: date
    surgery: date | None = None
    len_hold: date | None = None
    len_again: date | None = None
    durva_again: date | None = None
    postop: date | None = None
    due: list[tuple[str, date, date]] = field(default_factory=list)  # visit, target, actual
    withdrawn: date | None = None
    death: date | None = None


def _first_infusions(book: Book, d1: date) -> list[date]:
    """Four infusions: each 28 days after the one before, the third still in the WEEK 8 window."""
    while True:
        first = plus(d1, book.between(0, 14))
        steps = [28 + book.one_of((-1, 0, 0, 1, 2)) for _ in range(3)]
        days = [first, plus(first, steps[0]), plus(first, steps[0] + steps[1]), plus(first, sum(steps))]
        if abs(steps[0] + steps[1] - 56) <= 3 and days[3] >= plus(d1, 88):
            return days


def assessments(anchor: date, enrolment: date, until: date) -> list[tuple[str, date]]:
    """Due dates of TUMOR ASSESSMENT n: every 56 days before enrolment + 548, then every 84 days."""
    due: list[tuple[str, date]] = []
    day, number = plus(anchor, 56), 1
    while day <= until:
        due.append((f"TUMOR ASSESSMENT {number}", day))
        # the interval after an assessment is 56 days while the next such date is before ENROL + 548
        step = 56 if plus(day, 56) < plus(enrolment, 548) else 84
        day, number = plus(day, step), number + 1
    return due


def make_plan(book: Book, story: Story) -> Plan:
    """Draw the dates of a story; nothing here looks at the cut-off except the first treatment day."""
    d1 = plus(book.cutoff, -book.between(*story.since))
    first = book.one_of(("local", "lenvatinib"))
    durva = _first_infusions(book, d1)
    consent = plus(d1, -book.between(12, 26))
    screening = plus(consent, book.between(0, 5))
    month3 = book.weekday(plus(d1, book.between(87, 94)), plus(d1, 86), min(plus(d1, 96), durva[3]))
    month3 = min(month3, durva[3])
    plan = Plan(
        consent=consent,
        screening=screening,
        # scans of routine care may be a few days older than the consent
        baseline=max(plus(d1, -26), plus(screening, book.between(-4, 4))),
        enrolment=plus(d1, -book.between(1, 6)),
        d1=d1,
        lenvatinib=d1 if first == "lenvatinib" else plus(d1, book.between(1, 7)),
        local=d1 if first == "local" else plus(d1, book.between(2, 12)),
        durva=durva,
        week3=book.in_window(plus(d1, 21), 3, 3),
        week6=book.weekday(plus(durva[0], book.between(39, 45)), plus(durva[0], 37), plus(durva[0], 47)),
        month3=month3,
        decision=min(plus(month3, book.between(0, 4)), durva[3]),
    )
    if story.branch == "surgery":
        _plan_surgery(book, story, plan)
    if story.stop == "withdrew":
        plan.withdrawn = plus(d1, story.stop_day)
    if story.stop == "death":
        plan.death = plus(d1, story.stop_day + book.between(0, 5))
    anchor = plus(d1, 91) if plan.surgery is None else plus(plan.surgery, 30)
    for name, due in assessments(anchor, plan.enrolment, plus(book.cutoff, 7)):
        plan.due.append((name, due, book.weekday(plus(due, book.between(-5, 5)), plus(due, -5), plus(due, 5))))
    return plan


def _plan_surgery(book: Book, story: Story, plan: Plan) -> None:
    """Surgery within 42 days of the decision, both drugs off for at least seven days (section 4.4)."""
    surgery = plus(plan.decision, book.between(14, 33))
    surgery = book.weekday(surgery, plus(plan.decision, 13), plus(plan.decision, 35))
    plan.surgery = surgery
    plan.len_hold = plus(surgery, -book.between(7, 10))
    plan.postop = book.weekday(plus(surgery, book.between(27, 33)), plus(surgery, 27), plus(surgery, 34))
    if story.stop != "physician":
        plan.len_again = plus(surgery, book.between(14, 34))
        plan.durva_again = plus(surgery, book.between(21, 40))
