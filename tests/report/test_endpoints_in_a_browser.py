"""The endpoint page in a real browser, where one is installed: no text of the data runs, and every plot is there."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from cdiscx.analysis import analyse
from cdiscx.model.spec import Study
from cdiscx.report.endpoints import endpoint_page

from .endpoint_kit import Cohort
from .test_page_in_a_browser import CHROMIUM, PAYLOADS, opened


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
def test_hostile_data_run_nothing_and_every_plot_is_drawn(tmp_path: Path):
    frames = Cohort(len(PAYLOADS), names=PAYLOADS).frames
    for name, column in (("ADTTE", "EVNTDESC"), ("ADEXSUM", "PARCAT1"), ("ADRS", "AVALC"), ("ADBM", "PARAM")):
        texts = pl.Series([PAYLOADS[i % len(PAYLOADS)] for i in range(frames[name].height)])
        frames[name] = frames[name].with_columns(texts.alias(column))
    study = Study.load("neopvtt-b")
    page = tmp_path / "endpoints.html"
    page.write_text(endpoint_page(study, analyse(study, frames), frames), encoding="utf-8")
    dom = opened(page, tmp_path / "profile")
    assert "data-owned" not in dom[: dom.index(">", dom.index("<html")) + 1]
    assert dom.count("<svg") == page.read_text(encoding="utf-8").count("<svg") > 10
    assert "<iframe" not in dom
    assert "<img" not in dom
