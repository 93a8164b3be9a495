"""Entries of the ledger -> where every query stands; and a run -> the entries that it adds. Nothing here reads or writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cdiscx.ledger.observed import Observed, Query
from cdiscx.model.standing import Past, Standing

Body = dict[str, Any]
#: what an entry may say of a query; `run` says what a run read and which queries it saw again
KINDS = ("run", "new", "changed", "resolved", "reopened", "accepted", "withdrawn")
_SAME = (
    "severity",
    "message",
    "file",
    "sheet",
    "cell",
    "column",
    "value",
    "site",
    "visit",
    "sites",
    "listed",
    "limits",
)


@dataclass(slots=True)
class State:
    """One query: as last seen, `open`, `resolved` or `accepted`; runs are counted per ledger, days are ISO (UTC)."""

    query: Query
    status: str
    first_seen: str
    last_seen: str
    since: str
    opened: int
    reopened: bool = False
    resolved: int = 0
    why: str = ""
    by_hand: bool = False

    def past(self, why: str = "") -> Past:
        """The query for those who do not find it among the findings."""
        q = self.query
        return Past(q.key, q.check_id, q.severity, q.subject, q.place, q.message, self.since, why)


@dataclass(slots=True)
class Story:
    """All queries of a ledger by key, the run last read, and since which run each study's uploads are the same bytes."""

    states: dict[str, State] = field(default_factory=dict)
    run: int = 0
    day: str = ""
    who: str = ""
    same_since: dict[str, tuple[str, int]] = field(default_factory=dict)

    def read(self, kind: str, body: Body) -> None:
        """One entry more. What it says has been verified; the order is that of the ledger."""
        if kind == "run":
            self.run += 1
            self.day, self.who = body["when"][:10], body["who"]
            if self.same_since.get(body["study"], ("", 0))[0] != body["signature"]:
                self.same_since[body["study"]] = (body["signature"], self.run)
            for key in body["again"]:
                self.states[key].last_seen = self.day
        elif kind == "new":
            query = Query.from_dict(body["query"])
            self.states[query.key] = State(query, "open", self.day, self.day, self.day, self.run)
        else:
            self._changed(kind, body)

    def _changed(self, kind: str, body: Body) -> None:
        state = self.states[body["key"]]
        if kind in ("changed", "reopened"):
            state.query, state.last_seen = Query.from_dict(body["query"]), self.day
        if kind == "resolved":
            state.status, state.resolved, state.why = "resolved", self.run, ""
        elif kind == "reopened":
            state.status, state.since, state.opened, state.reopened = "open", self.day, self.run, True
        elif kind == "accepted":
            state.status, state.why, state.by_hand = "accepted", body["reason"], body["by_hand"]
        elif kind == "withdrawn":
            state.status, state.why, state.by_hand = "open", "", False

    def standing(self, state: State) -> Standing:
        """How a report calls it. A run on the same bytes as the run before says the same as that one."""
        fresh = state.opened >= self.same_since.get(state.query.study, ("", 0))[1]
        word = "accepted" if state.status == "accepted" else "open"
        if word == "open" and fresh:
            word = "reopened" if state.reopened else "new"
        return Standing(state.query.key, word, state.since, state.first_seen, state.last_seen)

    def freshly_resolved(self, study: str) -> list[State]:
        """What the study's latest uploads resolved."""
        first = self.same_since.get(study, ("", 0))[1]
        found = [s for s in self.states.values() if s.query.study == study and s.status == "resolved"]
        return [s for s in found if s.resolved >= first]


def additions(story: Story, seen: Observed, when: str, who: str) -> tuple[list[tuple[str, Body]], dict[str, str]]:
    """The entries that a run adds, the run's own first; and key -> why it could not judge a query that stays open."""
    entries: list[tuple[str, Body]] = []
    unjudged: dict[str, str] = {}
    again = []
    for key, query in seen.queries.items():
        state = story.states.get(key)
        if state is not None and state.status != "resolved":
            again.append(key)
        entries += _of_found(state, query)
    for key, state in story.states.items():
        if state.query.study != seen.study or key in seen.queries or state.status == "resolved":
            continue
        why = seen.why_not(state.query)
        if why is None:
            entries.append(("resolved", {"key": key}))
        else:
            unjudged[key] = why
    run = {
        "study": seen.study,
        "when": when,
        "who": who,
        "version": seen.run.get("version"),
        "uploads": [{"name": u["name"], "sha256": u["sha256"]} for u in seen.run.get("uploads", ())],
        "cutoff": seen.run.get("cutoff"),
        "only": list(seen.run.get("only", ())),
        "skip": list(seen.run.get("skip", ())),
        "signature": seen.signature,
        "again": again,
    }
    return [("run", run), *entries], unjudged


def _of_found(state: State | None, query: Query) -> Iterable[tuple[str, Body]]:
    """What a query that this run found adds to the ledger."""
    told: Mapping[str, Any] = query.to_dict()
    accepted = ("accepted", {"key": query.key, "reason": query.accepted, "by_hand": False})
    if state is None:
        yield "new", {"query": told}
    elif state.status == "resolved":
        yield "reopened", {"key": query.key, "query": told}
    elif any(getattr(state.query, name) != getattr(query, name) for name in _SAME):
        yield "changed", {"key": query.key, "query": told}
    was = state.status if state is not None else ""
    if was == "accepted" and state is not None:
        if state.by_hand and state.query.value != query.value:
            yield "withdrawn", {"key": query.key, "reason": "the value is another one than the accepted one"}
        elif not state.by_hand and query.accepted is None:
            yield "withdrawn", {"key": query.key, "reason": "the study file no longer accepts it"}
    elif query.accepted is not None:
        yield accepted
