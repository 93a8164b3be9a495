"""The HTML page: self-contained, nothing from an upload becomes markup, fast enough for many findings."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from html.parser import HTMLParser

import polars as pl

from cdiscx.model.finding import Report
from cdiscx.report.page import CHANGES_SHOWN, content_hash, render_page

from .conftest import CHANGES, CONSENT, HOSTILE_TEXT, RUN, make_report


class Seen(HTMLParser):
    """Collects what a browser would take for elements, and the text of each script and style."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag
        if tag in self.texts:
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside in self.texts:
            self.texts[self.inside][-1] += data


def seen(page: str) -> Seen:
    parser = Seen()
    parser.feed(page)
    return parser


def data_of(page: str) -> dict:
    return json.loads(seen(page).texts["script"][0])


def test_no_text_of_an_upload_becomes_markup():
    run = RUN | {
        "study": HOSTILE_TEXT,
        "uploads": [{"name": HOSTILE_TEXT, "sha256": HOSTILE_TEXT, "bytes": 1}],
        "only": [HOSTILE_TEXT],
    }
    names = (
        "message",
        "site",
        "subject",
        "visit",
        "file",
        "sheet",
        "column",
        "cell",
        "value",
        "expected",
        "fix",
        "accepted",
    )
    bad = replace(CONSENT, check_id=HOSTILE_TEXT, **dict.fromkeys(names, HOSTILE_TEXT))
    changes = CHANGES.with_columns(before=pl.lit(HOSTILE_TEXT), why=pl.lit(HOSTILE_TEXT))
    shown = replace(bad, accepted=None)
    page = render_page(
        make_report(bad, shown, run=run, changes=changes, notes=(HOSTILE_TEXT,)), {HOSTILE_TEXT: HOSTILE_TEXT}
    )
    harmless = render_page(make_report(CONSENT))
    elements = seen(page)
    assert [t for t, _ in elements.tags if t in ("script", "style")] == ["style", "script", "script"]
    assert {t for t, _ in elements.tags} == {t for t, _ in seen(harmless).tags}
    assert not [a for _, attrs in elements.tags for a in attrs if a.startswith("on")]
    assert page.count("<script") == 2
    assert "<img" not in page
    assert data_of(page)["findings"][0]["value"] == HOSTILE_TEXT


def test_the_page_asks_nothing_of_a_network(report: Report):
    page = render_page(report)
    elements = seen(page)
    assert not [attrs for _, attrs in elements.tags if {"src", "srcset", "action", "style"} & attrs.keys()]
    assert not re.search(
        r"https?://|url\(|@import|\bfetch\(|XMLHttpRequest|WebSocket|innerHTML|insertAdjacentHTML|document\.write", page
    )
    policy = next(
        a["content"] for t, a in elements.tags if t == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    _, program = elements.texts["script"]
    assert f"script-src '{content_hash(program)}'" in policy
    assert f"style-src '{content_hash(elements.texts['style'][0])}'" in policy


def test_the_header_says_study_uploads_cut_off_and_verdict(report: Report):
    page = render_page(report)
    for said in (
        "PALHEP-A",
        "site-01.xlsx",
        "ab" * 32,
        "2026-06-30",
        "not stated: latest date in the uploads",
        "2026-07-01",
        "0.1.0",
    ):
        assert said in page
    assert "3 findings: 1 error, 1 warning, 1 note." in page
    stated = render_page(make_report(CONSENT, run=RUN | {"cutoff_stated": True}))
    assert "as given" in stated


def test_the_data_hold_findings_checks_changes_and_notes(report: Report):
    data = data_of(render_page(report, {"site-01.xlsx": "site-01.xlsx"}))
    assert [f["check"] for f in data["findings"]] == ["DAT-005", "VIS-002", "TRM-002"]
    assert data["findings"][0]["related"][0]["value"] == "2024-01-07"
    assert data["checks"]["DAT-005"]["title"] == "Study activity before informed consent"
    assert {r["id"]: r["status"] for r in data["runs"]}["DOS-001"] == "skipped"
    assert data["changes"][0] == ["site-01.xlsx", "Visits", "C2", "Visit Date", "5-Mar-2024", "2024-03-05", "date"]
    assert data["notes"] == ["sheet 'Legend' is ignored"]


def test_twenty_thousand_findings_make_a_page_in_seconds_and_changes_are_bounded():
    many = [replace(CONSENT, row=n, cell=f"C{n}", fingerprint=f"{n:016x}") for n in range(20_000)]
    changes = pl.concat([CHANGES] * 2_000)
    start = time.perf_counter()
    page = render_page(make_report(*many, changes=changes))
    assert time.perf_counter() - start < 20
    data = data_of(page)
    assert len(data["findings"]) == 20_000
    assert len(data["changes"]) == CHANGES_SHOWN
    assert data["changes_total"] == 6_000


def test_a_clean_run_and_one_that_checked_nothing_do_not_look_alike(clean: Report):
    assert 'class="verdict good"' in render_page(clean)
    nothing = render_page(make_report(checks=clean.checks[1:]))
    assert 'class="verdict error"' in nothing
    assert "Nothing could be checked" in nothing
