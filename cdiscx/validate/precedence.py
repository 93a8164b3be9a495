"""One cause, one finding: which check speaks when several see the same thing (catalogue section 1, principle 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cdiscx.model.finding import Check, Severity
from cdiscx.validate.hits import Hit, Locator

_UNREADABLE = frozenset({"STR-008", "STR-009", "DAT-001", "DAT-002", "TRM-001", "TRM-003"})


@dataclass(frozen=True, slots=True)
class Rule:
    """`winner` silences `losers` that stand on the same `scope`.

    cell, row, visit (subject and visit), subject, or absent: both say that a subject has no record in one and the same sheet.
    """

    winner: str
    losers: tuple[str, ...]
    scope: str
    #: only the winner's findings with this key (its `_key`), where it has several kinds
    key: str | None = None
    #: only the losers' findings with this key
    loser_key: str | None = None
    #: the winner is an error where it speaks for one
    raises: bool = False


#: checks that count from the date of surgery or are excused by it: without the date they would see a gap (END-004 first)
_BY_SURGERY = (
    "VIS-001",
    "VIS-002",
    "VIS-004",
    "VIS-011",
    "DOS-001",
    "DOS-003",
    "DOS-004",
    "DOS-005",
    "DOS-009",
    "DOS-017",
    "END-013",
)


RULES = (
    Rule("STR-005", ("STR-006",), "row"),
    Rule("VIS-003", ("STR-006",), "row"),
    Rule("MEA-019", ("STR-006",), "row"),
    Rule("MEA-005", ("MEA-002", "MEA-006", "MEA-007", "MEA-012", "MEA-014", "MEA-023"), "subject"),
    Rule("MEA-013", ("MEA-010",), "subject"),
    Rule("MEA-015", ("MEA-014",), "row"),
    Rule("VIS-006", ("END-001",), "subject"),
    Rule("VIS-006", ("VIS-001", "VIS-002"), "visit"),
    Rule("VIS-007", ("VIS-001", "VIS-002"), "visit"),
    Rule("VIS-008", ("VIS-001", "VIS-002"), "visit"),
    # an event whose own fields disagree is no evidence of death; evidence in other records is (ruling 15.8)
    Rule("SAF-002", ("END-005",), "row"),
    # alive after the statement of death: the contradiction is the cause, the blank death date its consequence
    Rule("END-006", ("END-005",), "subject"),
    # never given is the component's finding, an error where an endpoint counts from it; END-004 speaks where a dose has no date
    Rule("DOS-014", ("END-004",), "absent", raises=True),
    # a stage outside the trial is said where eligibility is judged; one too low for the lesions is another matter
    Rule("END-018", ("MEA-028",), "cell", loser_key="trial"),
    Rule("END-004", _BY_SURGERY, "subject", key="SURG"),
    Rule("SUR-001", (*_BY_SURGERY, "SAF-005"), "subject", key="no operation"),
    Rule("VIS-007", ("END-007",), "absent"),
    # a dose after death is the dosing finding; the same cell is not reported as activity after death once more
    Rule("DOS-008", ("DAT-007",), "cell"),
    Rule("DOS-013", ("STR-007",), "absent"),
    Rule("DOS-002", ("DOS-003",), "cell"),
)


def settle(hits: Sequence[tuple[Check, Hit]], locator: Locator) -> list[Hit]:
    """Keeps the most specific finding of each cause; what it silences is listed in its `related` cells."""
    spoken = {(h.rid, h.column) for _, h in hits if h.check_id in _UNREADABLE and h.rid is not None}
    alive = [h for _, h in hits if h.check_id in _UNREADABLE or h.rid is None or (h.rid, h.column) not in spoken]
    # of several that could speak it is the first row's, in whatever order a check's joins gave them
    alive = sorted((h for h in alive if _listed(h, locator)), key=_place)
    for rule in RULES:
        winners: dict[tuple[object, ...], int] = {}
        for i, hit in enumerate(alive):
            if hit.check_id == rule.winner and rule.key in (None, hit.key):
                winners.setdefault(_scope(hit, rule.scope, locator), i)
        if not winners:
            continue
        gone: dict[int, list[Hit]] = {}
        for hit in alive:
            loses = hit.check_id in rule.losers and rule.loser_key in (None, hit.key)
            if loses and (at := winners.get(_scope(hit, rule.scope, locator))) is not None:
                gone.setdefault(at, []).append(hit)
        silenced = {id(h) for losers in gone.values() for h in losers}
        alive = [_with_consequences(h, gone.get(i, []), rule) for i, h in enumerate(alive) if id(h) not in silenced]
    return alive


def _place(hit: Hit) -> tuple[object, ...]:
    return (hit.rid is None, hit.rid or 0, hit.check_id, hit.column or "", hit.subject or "", hit.key or "")


#: families that speak of rows whatever their subject
_OF_ANY_SUBJECT = ("STR", "DAT", "TRM", "EXP")


def _listed(hit: Hit, locator: Locator) -> bool:
    """False for a finding on a subject who is not in the subject list: STR-004 asks for the subject first."""
    family = hit.check_id.partition("-")[0]
    return hit.subject is None or family in _OF_ANY_SUBJECT or locator.knows(hit.subject)


def _scope(hit: Hit, scope: str, locator: Locator) -> tuple[object, ...]:
    if scope == "subject":
        return (hit.subject,)
    if scope == "absent":
        return (hit.subject, hit.table) if hit.rid is None else (id(hit),)
    if scope == "visit":
        return hit.subject, hit.visit or locator.visit(hit.table, hit.rid)
    if hit.rid is None:  # a record that is not there is no row that two findings could share
        return (id(hit),)
    return (hit.rid,) if scope == "row" else (hit.rid, hit.column)


def _with_consequences(hit: Hit, losers: list[Hit], rule: Rule) -> Hit:
    if not losers:
        return hit
    cells = [(loser.rid, loser.column) for loser in losers if loser.rid is not None]
    error = rule.raises and any(loser.severity == Severity.ERROR for loser in losers)
    severity = Severity.ERROR if error else hit.severity
    return replace(hit, severity=severity, related=tuple(dict.fromkeys((*hit.related, *cells))))
