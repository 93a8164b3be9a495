"""What people do with a ledger: record a run, accept a query, read what is open, verify that nobody changed it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cdiscx.ledger.observed import observed
from cdiscx.ledger.store import GENESIS, Book, Store, sealed
from cdiscx.ledger.story import Body, State, Story, additions
from cdiscx.model.errors import UsageError
from cdiscx.model.standing import Past, Standings

Additions = tuple[list[tuple[str, Body]], Callable[[str], Any]]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Reasons of queries that were accepted by hand, by fingerprint: the report has them as accepted too."""

    standings: Standings
    reasons: Mapping[str, str]


def record(report: Mapping[str, Any], where: str | Path, *, who: str, when: str) -> Acceptance:
    """Adds a run to the ledger and says where its findings stand. `when`: ISO time in UTC. Raises UsageError."""
    seen = observed(report)

    def make(book: Book) -> Additions:
        story = told(book)
        entries, unjudged = additions(story, seen, when, who)
        for kind, body in entries:
            story.read(kind, body)

        def answer(head: str) -> Acceptance:
            states = {query.fingerprint: story.states[key] for key, query in seen.queries.items()}
            by_print = {fingerprint: story.standing(state) for fingerprint, state in states.items()}
            gone = tuple(state.past() for state in story.freshly_resolved(seen.study))
            kept = tuple(story.states[key].past(why) for key, why in unjudged.items())
            by_hand = {name: s.why for name, s in states.items() if s.status == "accepted" and s.by_hand}
            return Acceptance(Standings(head, by_print, gone, kept), by_hand)

        return entries, answer

    done = Store(where).append(make)
    assert isinstance(done, Acceptance)
    return done


def accept(where: str | Path, name: str, reason: str, *, who: str, when: str) -> State:
    """Marks an open query as accepted, with a reason. `name`: its key or the beginning of it. Raises UsageError."""
    if not reason.strip():
        raise UsageError("a query is accepted for a reason: --reason TEXT")
    return _by_hand(where, name, "accepted", f"{reason.strip()} ({who}, {when[:10]})", {"who": who, "when": when})


def withdraw(where: str | Path, name: str, reason: str, *, who: str, when: str) -> State:
    """Opens an accepted query again. Raises UsageError."""
    return _by_hand(where, name, "withdrawn", reason.strip(), {"who": who, "when": when})


def _by_hand(where: str | Path, name: str, kind: str, reason: str, facts: Mapping[str, str]) -> State:
    wanted = "open" if kind == "accepted" else "accepted"

    def make(book: Book) -> Additions:
        story = told(book)
        state = _found(story, name)
        if state.status != wanted:
            raise UsageError(f"query {state.query.key} is {state.status}, not {wanted}")
        body = {"key": state.query.key, "reason": reason, "by_hand": True, **facts}
        story.read(kind, body)
        return [(kind, body)], lambda _head: state

    done = Store(where, must_exist=True).append(make)
    assert isinstance(done, State)
    return done


def _found(story: Story, name: str) -> State:
    if name in story.states:
        return story.states[name]
    near = [state for key, state in story.states.items() if name and key.startswith(name)]
    if len(near) != 1:
        said = f"{len(near)} queries begin with" if near else "there is no query"
        raise UsageError(f"{said} '{name}'; see cdiscx ledger show")
    return near[0]


def told(book: Book) -> Story:
    """The story that a book's entries tell."""
    story = Story()
    for entry in book.entries:
        story.read(entry.kind, entry.body)
    return story


def queries(where: str | Path, status: str | None = None, study: str | None = None) -> list[dict[str, Any]]:
    """Queries as rows, in order of their appearance. `status`: new, open, reopened, resolved, accepted (`open` has all
    that wait for an answer: new, still open, reopened). Raises UsageError where the ledger was changed.
    """
    store = Store(where, must_exist=True)
    book = store.read()
    if book.problems:
        raise UsageError(f"the ledger was changed: {book.problems[0]}")
    story = told(book)
    rows = [_row(story, state) for state in story.states.values() if study in (None, state.query.study)]
    wanted = {"open": ("open", "new", "reopened"), None: tuple(r["status"] for r in rows)}.get(status, (status,))
    return [row for row in rows if row["status"] in wanted]


def _row(story: Story, state: State) -> dict[str, Any]:
    q = state.query
    return {
        "query": q.key,
        "status": state.status if state.status == "resolved" else story.standing(state).status,
        "since": state.since,
        "first_seen": state.first_seen,
        "last_seen": state.last_seen,
        "study": q.study,
        "check_id": q.check_id,
        "severity": q.severity,
        "site": q.site,
        "subject": q.subject,
        "place": q.place,
        "value": q.value,
        "message": q.message,
        "accepted": state.why if state.status == "accepted" else None,
    }


def verify(where: str | Path, heads: Sequence[str] = ()) -> tuple[Book, list[str]]:
    """The ledger and what is wrong with it: changed or missing entries, a cut end, a head noted earlier that is not in it.

    Raises UsageError where there is none or it cannot be opened at all.
    """
    book = Store(where, must_exist=True).read()
    problems = list(book.problems)
    for head in heads:
        count, _, seal = head.strip().partition(":")
        if not count.isdigit() or not seal:
            raise UsageError(f"'{head}' is no head; it reads COUNT:HASH as in the reports")
        at = int(count)
        there = book.entries[at - 1].seal if 0 < at <= len(book.entries) else None
        if at == 0:
            there = sealed("", 0, "", GENESIS)
        if there != seal:
            problems.append(
                f"the head {count}:{seal[:12]}… that was noted is not in it: entries up to {count} were rewritten"
            )
    return book, problems


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Two reports' JSON objects -> `new`, `resolved`, `open` and `unjudged` queries. Raises UsageError for two studies."""
    old, now = observed(before), observed(after)
    if old.study != now.study:
        raise UsageError(f"the two are of different studies: {old.study} and {now.study}")
    day = str(old.run.get("day_of_run") or "")

    def past(key: str, why: str = "") -> Past:
        query = now.queries.get(key) or old.queries[key]
        return State(query, "open", day, day, day, 0).past(why)

    gone = {key: now.why_not(old.queries[key]) for key in old.queries if key not in now.queries}
    return {
        "new": [past(key) for key in now.queries if key not in old.queries],
        "resolved": [past(key) for key, why in gone.items() if why is None],
        "open": [past(key) for key in now.queries if key in old.queries],
        "unjudged": [past(key, why) for key, why in gone.items() if why is not None],
    }
