"""The endpoint page: complete without script or network, nothing read as markup, from nobody to a thousand subjects."""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser

import polars as pl
import pytest

from cdiscx.analysis import analyse
from cdiscx.model.spec import Study
from cdiscx.report import endpoints
from cdiscx.report.endpoints import endpoint_page
from cdiscx.report.page import content_hash

from .endpoint_kit import Cohort

HOSTILE = '</title></svg><script>alert(1)</script><img src=x onerror="alert(2)">{{ 7 * 7 }}'


@cache
def study(name: str) -> Study:
    return Study.load(name)


def page(name: str, frames: dict[str, pl.DataFrame], derived: dict[str, pl.DataFrame] | None = None) -> str:
    results = analyse(study(name), frames, derived=derived, findings=[])
    return endpoint_page(study(name), results, frames, version="0.1.0")


@cache
def told(name: str, n: int) -> str:
    return page(name, Cohort(n, pvtt=name == "neopvtt-b").frames)


class Outline(HTMLParser):
    """Elements with their attributes, and the titles of marks."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.titles: list[str] = []
        self._title = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._title = tag == "title"

    def handle_endtag(self, tag: str) -> None:
        self._title = False

    def handle_data(self, data: str) -> None:
        if self._title:
            self.titles.append(data)

    def svgs(self, variant: str) -> list[str]:
        return [a["aria-label"] or "" for tag, a in self.tags if tag == "svg" and variant in (a["class"] or "").split()]


@pytest.mark.parametrize("name", ["palhep-a", "neopvtt-b"])
def test_every_plot_is_drawn_for_a_desk_and_for_a_phone(name: str):
    outline = Outline(told(name, 36))
    wide, narrow = outline.svgs("wide"), outline.svgs("narrow")
    assert wide == narrow
    timed = [e for e in study(name).endpoints.values() if e.kind == "time_to_event"]
    assert sum("Kaplan-Meier" in label for label in wide) == len(timed)
    for kind in ("Waterfall", "Spider", "Swimmer", "adverse events by highest grade"):
        assert sum(kind in label for label in wide) == 1


@pytest.mark.parametrize("name", ["palhep-a", "neopvtt-b"])
def test_the_page_names_no_address_and_no_other_file(name: str):
    html = told(name, 36)
    outline = Outline(html)
    assert not re.search(r"\w+://|url\(|@import|\bfetch\(|XMLHttpRequest", html)
    links = [v for _, a in outline.tags for k, v in a.items() if k in ("src", "href", "srcset", "data", "action")]
    assert links
    assert all(v is not None and v.startswith("#") for v in links)


def test_the_policy_allows_the_two_inline_blocks_and_nothing_else():
    html = told("neopvtt-b", 36)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    style, script = (re.search(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL) for tag in ("style", "script"))
    assert policy
    assert style
    assert script
    assert "default-src 'none'" in policy[1]
    assert f"style-src '{content_hash(style[1])}'" in policy[1]
    assert f"script-src '{content_hash(script[1])}'" in policy[1]
    outline = Outline(html)
    assert not [k for _, a in outline.tags for k in a if k.startswith("on") or k == "style"]


def test_pointing_at_a_mark_names_its_subject_in_every_plot():
    titles = Outline(told("neopvtt-b", 36)).titles
    subject = r"\d\d-\d\d\d"
    for kind in (
        rf"{subject}.* event on day \d+",
        rf"{subject}.* censored on day \d+",
        rf"{subject}: .* %, best response \w+",
        rf"{subject}: best response \w+, last",
        rf"{subject}: surgery, month",
        rf"{subject}: DRUG A, month [\d.]+ to",
        rf"{subject}: first P[RD], month",
        rf"{subject}: death, month",
    ):
        assert any(re.search(kind, title) for title in titles), kind


def test_hostile_names_are_text_and_nothing_else():
    frames = Cohort(4, names=(HOSTILE, "a\u202eb\x1b[31m", "<b>&amp;")).frames
    hostile = {
        "AEDECOD": pl.lit(HOSTILE),
        "AEBODSYS": pl.lit(f"{HOSTILE}2"),
    }
    events = frames["ADAE"].with_columns(**hostile) if "ADAE" in frames else None
    times = frames["ADTTE"].with_columns(EVNTDESC=pl.lit(HOSTILE))
    html = page("neopvtt-b", frames | {"ADAE": events, "ADTTE": times})
    outline = Outline(html)
    assert [tag for tag, _ in outline.tags].count("script") == 1
    assert "img" not in [tag for tag, _ in outline.tags]
    assert "{{ 7 * 7 }}" in html
    assert HOSTILE.replace("</title>", "") not in html
    assert "\u202e" not in html
    assert "\x1b" not in html
    assert any("alert(1)" in title for title in outline.titles)


def test_a_page_without_any_data_says_so_in_every_section():
    html = page("neopvtt-b", {})
    assert "<svg" not in html
    for words in (
        "Nothing to estimate: no subject of this population has a record of this endpoint.",
        "Nothing to plot: no subject has a sum of diameters after baseline.",
        "Nothing to plot: no subject has started treatment.",
        "No table of adverse events was derived.",
        "No exposure was derived.",
        "No biomarker was delivered: nothing to describe.",
        "No open finding could change an endpoint.",
    ):
        assert words in html, words


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_subjects_make_a_page(n: int):
    outline = Outline(told("neopvtt-b", n))
    assert any("Swimmer" in label for label in outline.svgs("wide"))


@pytest.mark.slow
def test_a_thousand_subjects_make_a_page_of_a_few_megabytes():
    html = told("neopvtt-b", 1000)
    assert len(html) < 8_000_000
    labels = Outline(html).svgs("wide")
    assert sum("Swimmer" in label for label in labels) == 11  # panels that fit a page of paper


def test_of_more_subjects_than_can_be_drawn_an_even_choice_is_drawn_and_the_page_says_so(monkeypatch):
    monkeypatch.setattr(endpoints, "DRAWN", 10)
    html = page("neopvtt-b", Cohort(36).frames)
    assert "There are more than 10 subjects" in html
    assert any(label.startswith("Swimmer plot, 10 of 10") for label in Outline(html).svgs("wide"))
    assert "There are more than" not in told("neopvtt-b", 36)


def test_the_same_input_gives_the_same_page_in_whatever_order_the_records_come():
    frames = Cohort(12).frames
    turned = {name: frame.sample(fraction=1, shuffle=True, seed=3) for name, frame in frames.items()}
    assert page("neopvtt-b", frames) == page("neopvtt-b", turned)


def test_the_table_shows_what_the_summary_says():
    frames = Cohort(36, pvtt=False).frames
    results = analyse(study("palhep-a"), frames)
    html = endpoint_page(study("palhep-a"), results, frames)
    for entry in results["endpoints"]:
        assert f">{entry['shown']['count']}</td>" in html
        assert entry["shown"]["estimate"] in html


def test_endpoints_that_change_with_the_reading_are_listed_with_their_subjects():
    frames = Cohort(8, pvtt=False).frames
    other = frames["ADRS"].with_columns(
        AVALC=pl.when((pl.col("PARAMCD") == "RSP") & (pl.col("SUBJID") == "01-001"))
        .then(pl.lit("N"))
        .when((pl.col("PARAMCD") == "RSP") & (pl.col("SUBJID") == "02-002"))
        .then(pl.lit("Y"))
        .otherwise("AVALC")
    )
    html = page("palhep-a", frames, frames | {"ADRS": other})
    section = html[html.index('id="sensitivity"') :]
    assert "Objective Response" in section
    assert re.search(r"<b>0[12]-00[12]</b> [YN] → [YN]", section)


def test_the_thrombus_table_colours_the_direction_of_the_shift_and_names_the_subjects():
    outline = Outline(told("neopvtt-b", 36))
    cells = [
        a
        for tag, a in outline.tags
        if tag == "td" and (a.get("class") or "").split()[:1] in (["down"], ["same"], ["up"])
    ]
    assert len([a for a in cells if (a["class"] or "").startswith("down")]) == 10
    assert any(re.search(r"\d\d-\d\d\d", a.get("data-tip") or "") for a in cells)
    assert "Thrombus</a>" not in told("palhep-a", 36)


#: names that are the same in every language, and CDISC's own words of values
NAMES = re.compile(
    r"cdiscx|endpoints\.json|Kaplan-Meier|Greenwood|log|Brookmeyer-Crowley|Clopper-Pearson|Clavien-Dindo|mRECIST|"
    r"[Cc]ombined [Pp]ositive [Ss]core|non-cr|non-pd|\bIII[ab]\b"
)


def english(html: str, frames: dict[str, pl.DataFrame]) -> list[str]:
    """What is left in English of a page's texts, once the texts of the data and the names are taken out."""
    values = {
        v for f in frames.values() for c in f.select(pl.col(pl.String)) for v in c.drop_nulls().unique().to_list()
    }
    told = sorted((v for v in values if re.search("[a-z]{3}", v)), key=len, reverse=True)
    plain = re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL)
    texts = re.split("<[^>]*>", plain) + re.findall('(?:aria-label|data-label|data-tip|title)="([^"]*)"', plain)
    left = []
    for text in dict.fromkeys(t.strip() for t in texts):
        rest = text
        for value in (v for v in told if v in rest):
            rest = rest.replace(value, "")
        cut = re.sub(r"[A-Z][\w -]*\u2026", "", NAMES.sub("", rest))  # a term that a plot has no room for
        if re.search("[a-z]{3,}", cut):
            left.append(text)
    return left


@pytest.mark.parametrize("name", ["palhep-a", "neopvtt-b"])
@pytest.mark.parametrize("n", [0, 1, 40])
def test_the_page_in_chinese_has_no_sentence_left_in_english(name: str, n: int):
    frames = Cohort(n, pvtt=name == "neopvtt-b").frames
    other = Cohort(n, pvtt=name == "neopvtt-b", seed=11).frames
    findings = [{"check_id": "MEA-014", "severity": "error", "subject": "01-001", "accepted": None}] if n else []
    results = analyse(study(name), frames, derived=other, findings=findings)
    page = endpoint_page(study(name), results, frames, version="0.1.0", lang="zh")
    assert '<html lang="zh-Hans">' in page
    assert english(page, frames) == []


def test_every_word_of_the_endpoint_page_has_its_chinese():
    from pathlib import Path

    from cdiscx.report import endpoints_swimmer
    from cdiscx.report.languages import language

    labels, room = language("zh").labels, Path(endpoints.__file__).parent
    template = (room / "templates" / "endpoints.html.j2").read_text(encoding="utf-8")
    asked = re.findall(r'\bt\("((?:[^"\\]|\\.)+)"', template)
    asked += re.findall(r'\bt\("[^"]+" if [^"]+(?:"[^"]*")? else "([^"]+)"', template)
    for file in room.glob("endpoints*.py"):
        asked += re.findall(r'(?:tongue\.label|say)\(\s*"([^"]+)"', file.read_text(encoding="utf-8"))
    asked += [words for _, _, words in endpoints_swimmer.MARKS.values()]
    assert len(set(asked)) > 110
    assert [text for text in dict.fromkeys(asked) if text not in labels] == []
    bare = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", " ", template, flags=re.DOTALL)
    assert set(re.findall("[A-Za-z]{3,}", re.sub("<[^>]*>", " ", bare))) == {"cdiscx", "Ser", "ious"}
