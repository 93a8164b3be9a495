"""The page in a real browser, where one is installed: it draws its lists, and no text of an upload runs."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from cdiscx.report.page import render_page

from .conftest import CONSENT, RUN, make_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OWNED = "document.documentElement.dataset.owned='yes'"
PAYLOADS = (
    f'<img src=x onerror="{OWNED}">',
    f"</script><script>{OWNED}</script>",
    f'<svg onload="{OWNED}">',
    f"javascript:{OWNED}",
    f'"><iframe srcdoc="<script>parent.{OWNED}</script>">',
    f"{{{{constructor.constructor('{OWNED}')()}}}}\u2028{OWNED}",
)


def opened(page: Path, profile: Path) -> str:
    """The page's document after its scripts ran, as the browser writes it."""
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--virtual-time-budget=3000",
        "--dump-dom",
    ]
    command = [str(CHROMIUM), *flags, f"--user-data-dir={profile}", page.as_uri() + f"#f-{CONSENT.fingerprint}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
def test_a_hostile_upload_runs_nothing_and_the_page_still_works(tmp_path: Path):
    names = ("message", "site", "subject", "visit", "file", "sheet", "column", "value", "expected", "fix")
    bad = [replace(CONSENT, **dict.fromkeys(names, text), fingerprint=f"{n:016x}") for n, text in enumerate(PAYLOADS)]
    run = RUN | {"study": PAYLOADS[1], "uploads": [{"name": PAYLOADS[0], "sha256": PAYLOADS[1], "bytes": 1}]}
    report = make_report(*bad, replace(CONSENT, message=PAYLOADS[0]), run=run, notes=PAYLOADS)
    page = tmp_path / "report.html"
    page.write_text(render_page(report, dict.fromkeys(PAYLOADS, PAYLOADS[3])), encoding="utf-8")
    dom = opened(page, tmp_path / "profile")
    head = dom[: dom.index(">", dom.index("<html")) + 1]
    assert "data-owned" not in head
    assert dom.count('class="row"') == 1  # the finding that the address names, and its detail
    assert dom.count('class="detail"') == 1
    assert not re.search(r"<(img|svg|iframe)\b", dom)
    assert 'href="javascript' not in dom
