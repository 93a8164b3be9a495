"""What becomes of a query from upload to upload, and what does not resolve it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from ledger_kit import day, finding, report

from cdiscx.ledger import book
from cdiscx.model.errors import UsageError
from cdiscx.model.finding import LEFT_OUT, CheckRun, Report, Status
from cdiscx.model.standing import Standings

A, B = finding("VIS-001", "101"), finding("VIS-001", "102")
Recorder = Callable[[Report, int], Standings]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "queries.db"


@pytest.fixture
def told(file: Path) -> Recorder:
    return lambda made, on: book.record(made.to_dict(), file, who="ana", when=day(on)).standings


def said(standings: Standings, *findings: object) -> list[str]:
    return [standings.findings[f.fingerprint].said for f in findings]  # type: ignore[attr-defined]


def test_a_query_is_new_then_open_then_resolved_then_reopened(told: Recorder, file: Path) -> None:
    assert said(told(report(A, B), 1), A, B) == ["new", "new"]
    second = told(report(A, B, upload="second"), 2)
    assert said(second, A, B) == ["open since 2026-03-01"] * 2
    third = told(report(B, upload="third"), 3)
    assert [(p.query, p.since) for p in third.resolved] == [(A.fingerprint, "2026-03-01")]
    assert third.counts() == {"new": 0, "open": 1, "reopened": 0, "accepted": 0, "resolved": 1, "not judged": 0}
    fourth = told(report(A, B, upload="fourth"), 4)
    assert said(fourth, A, B) == ["reopened", "open since 2026-03-01"]
    fifth = told(report(A, B, upload="fifth"), 5)
    assert said(fifth, A) == ["open since 2026-03-04"]
    assert fifth.findings[A.fingerprint].first_seen == "2026-03-01"
    assert fifth.findings[A.fingerprint].last_seen == "2026-03-05"
    rows = {r["query"]: r for r in book.queries(file)}
    assert rows[A.fingerprint]["status"] == "open"
    assert rows[A.fingerprint]["since"] == "2026-03-04"


def test_a_run_on_the_same_bytes_says_the_same_again(told: Recorder) -> None:
    told(report(A), 1)
    first = told(report(B, upload="second"), 2)
    again = told(report(B, upload="second"), 3)
    assert said(first, B) == said(again, B) == ["new"]
    assert [p.query for p in first.resolved] == [p.query for p in again.resolved] == [A.fingerprint]


def test_the_same_uploads_after_others_are_no_news(told: Recorder) -> None:
    told(report(A), 1)
    told(report(A, upload="second"), 2)
    assert said(told(report(A), 3), A) == ["open since 2026-03-01"]


SKIPPED = CheckRun("VIS-001", Status.SKIPPED, "sheet Visits is not in the upload")
NOT_LOOKED = {
    "the check is left out": report(upload="b", checks={"VIS-001": CheckRun("VIS-001", Status.SKIPPED, LEFT_OUT)}),
    "the check is skipped": report(upload="b", checks={"VIS-001": SKIPPED}),
    "the check crashed": report(upload="b", checks={"VIS-001": CheckRun("VIS-001", Status.ERRORED, "KeyError", 10)}),
    "the check saw no row": report(upload="b", checks={"VIS-001": CheckRun("VIS-001", Status.PASSED, None, 0)}),
    "the check did less than before": report(
        B, upload="b", checks={"VIS-001": CheckRun("VIS-001", Status.FAILED, "Visits has no column Weight", 10, 1)}
    ),
    "the subject is not in the upload": report(upload="b", subjects=("102",)),
    "the upload is another site's": report(upload="b", files={"site-02.xlsx": ("02",)}, subjects=("201",)),
    "a cell of the subject is unreadable": report(upload="b", unjudged={"VIS-001": frozenset({"101"})}),
    "another finding speaks for it": report(upload="b", held={"VIS-001": frozenset({A.fingerprint})}),
    "the check is no longer known": replace(report(upload="b"), checks=report(upload="b").checks[1:]),
}


@pytest.mark.parametrize("why", NOT_LOOKED)
def test_what_was_not_judged_is_not_resolved(why: str, told: Recorder) -> None:
    told(report(A), 1)
    later = told(NOT_LOOKED[why], 2)
    assert not later.resolved
    assert [(p.query, bool(p.why)) for p in later.unjudged] == [(A.fingerprint, True)]
    after = told(report(A, upload="c"), 3)
    assert said(after, A) == ["open since 2026-03-01"], "it never was resolved, so it is not reopened"


def test_a_check_that_can_do_as_much_as_before_resolves(told: Recorder) -> None:
    partly = {"VIS-001": CheckRun("VIS-001", Status.FAILED, "intensive care stays are not collected", 10, 1)}
    told(report(A, checks=partly, unjudged={"VIS-001": frozenset({"101"})}), 1)
    skipped = {"VIS-001": CheckRun("VIS-001", Status.SKIPPED, "intensive care stays are not collected", 10, 0)}
    later = told(report(upload="b", checks=skipped, unjudged={"VIS-001": frozenset({"101"})}), 2)
    assert [p.query for p in later.resolved] == [A.fingerprint]


def test_a_reason_that_names_an_upload_is_known_again_under_the_next_name(told: Recorder) -> None:
    def run(name: str, *findings: object) -> Report:
        lacks = CheckRun("VIS-001", Status.SKIPPED, f"sheet Decision is not in {name}", 10, 0)
        files = {"site-01.xlsx": ("01",), name: ("02",)}
        return report(*findings, upload=name, files=files, subjects=("101", "201"), checks={"VIS-001": lacks})  # type: ignore[arg-type]

    told(run("site-02.xlsx", A), 1)
    assert [p.query for p in told(run("site-02 v2.xlsx"), 2).resolved] == [A.fingerprint]


def test_findings_about_no_subject_are_told_apart_by_site(told: Recorder) -> None:
    at_1 = finding("STR-001", None, cell=None, row=None, site="01")
    at_2 = replace(at_1, site="02", file="site-02.xlsx")
    one = told(report(at_1), 1)
    two = told(report(at_2, upload="b", files={"site-02.xlsx": ("02",)}, subjects=("201",)), 2)
    assert said(one, at_1) == said(two, at_2) == ["new"]
    assert one.findings[at_1.fingerprint].query != two.findings[at_2.fingerprint].query
    assert [p.why for p in two.unjudged] == ["these uploads hold nothing of site 01"]
    both = {"site-01.xlsx": ("01",), "site-02.xlsx": ("02",)}
    numbered = replace(at_2, fingerprint=f"{at_2.fingerprint}-1")
    three = told(report(at_1, numbered, upload="c", files=both, subjects=("101", "201")), 3)
    assert said(three, at_1, numbered) == ["open since 2026-03-01", "open since 2026-03-02"]
    four = told(report(at_2, upload="d", files=both, subjects=("101", "201")), 4)
    assert [p.query for p in four.resolved] == [one.findings[at_1.fingerprint].query]
    assert said(four, at_2) == ["open since 2026-03-02"]


def test_a_subject_number_that_was_mistyped_is_resolved_by_its_site(told: Recorder) -> None:
    typo = finding("STR-001", "10I")
    told(report(typo), 1)
    other = told(report(upload="b", files={"site-02.xlsx": ("02",)}, subjects=("201",)), 2)
    assert [p.query for p in other.unjudged] == [typo.fingerprint]
    assert [p.query for p in told(report(upload="c"), 3).resolved] == [typo.fingerprint]


def test_an_accepted_query_stays_accepted_until_its_value_changes_or_somebody_opens_it(
    told: Recorder, file: Path
) -> None:
    told(report(A), 1)
    state = book.accept(file, A.fingerprint[:6], "scale was broken", who="ben", when=day(1))
    assert state.why == "scale was broken (ben, 2026-03-01)"
    done = book.record(report(A, upload="b").to_dict(), file, who="ana", when=day(2))
    assert said(done.standings, A) == ["accepted"]
    assert done.reasons == {A.fingerprint: "scale was broken (ben, 2026-03-01)"}
    changed = finding("VIS-001", "101", value="900")
    assert said(told(report(changed, upload="c"), 3), changed) == ["open since 2026-03-01"]
    book.accept(file, A.fingerprint, "still broken", who="ben", when=day(3))
    book.withdraw(file, A.fingerprint, "new scale", who="ben", when=day(4))
    assert [r["status"] for r in book.queries(file, "open")] == ["open"]
    for wrong in (lambda: book.withdraw(file, A.fingerprint, "x", who="b", when=day(4)),
                  lambda: book.accept(file, "ffff", "x", who="b", when=day(4)),
                  lambda: book.accept(file, A.fingerprint, " ", who="b", when=day(4))):  # fmt: skip
        with pytest.raises(UsageError):
            wrong()


def test_a_finding_the_study_file_accepts_is_accepted_as_long_as_it_does(told: Recorder) -> None:
    known = replace(A, accepted="known (ana, 2026-01-01)")
    assert said(told(report(known), 1), A) == ["accepted"]
    assert said(told(report(known, upload="b"), 2), A) == ["accepted"]
    assert said(told(report(A, upload="c"), 3), A) == ["open since 2026-03-01"]
    assert said(told(report(known, upload="d"), 4), A) == ["accepted"]


def test_the_ledger_shows_the_place_where_the_record_stands_now(told: Recorder, file: Path) -> None:
    told(report(A), 1)
    told(report(replace(A, row=9, cell="F9"), upload="b"), 2)
    assert [r["place"] for r in book.queries(file)] == ["site-01.xlsx!Visits!F9"]


def test_studies_share_a_ledger_without_touching_each_other(told: Recorder) -> None:
    told(report(A), 1)
    other = report(upload="b")
    later = told(replace(other, run={**other.run, "study": "OTHER"}), 2)
    assert later.counts() == dict.fromkeys(later.counts(), 0)


def test_two_reports_side_by_side_are_new_resolved_open_and_not_judged() -> None:
    c = finding("DAT-005", "101")
    checks = {"DAT-005": CheckRun("DAT-005", Status.SKIPPED, LEFT_OUT)}
    new = finding("STR-001", "102")
    found = book.compare(report(A, B, c).to_dict(), report(B, new, upload="b", checks=checks).to_dict())
    assert {name: [p.query for p in pasts] for name, pasts in found.items()} == {
        "new": [new.fingerprint],
        "resolved": [A.fingerprint],
        "open": [B.fingerprint],
        "unjudged": [c.fingerprint],
    }
    other = report(upload="b")
    with pytest.raises(UsageError, match="different studies"):
        book.compare(report(A).to_dict(), replace(other, run={**other.run, "study": "OTHER"}).to_dict())
    with pytest.raises(UsageError, match=r"report\.json"):
        book.compare({"findings": []}, report(A).to_dict())
