"""The page in a real browser, where one is installed: by mouse, by keyboard, on a phone, with a hostile workbook."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .browser import CHROMIUM, Browser, browser
from .conftest import HOSTILE, small_workbook

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")]
NAME = "<img src=x onerror=document.documentElement.dataset.owned=1>.xlsx"
NARROW = "document.documentElement.scrollWidth <= 390"
OWNED = "document.documentElement.dataset.owned === undefined"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The printed address of a program that is stopped with Ctrl-C and leaves nothing."""
    with served(tmp_path) as found:
        yield found


@contextmanager
def served(tmp_path: Path, *options: str) -> Iterator[str]:
    """The same, of a program started with options."""
    temp = tmp_path / "temp"
    temp.mkdir()
    command = [sys.executable, "-m", "cdiscx.cli", "serve", "--port", "0", "--no-browser", *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, bufsize=1, env=os.environ | {"TMPDIR": str(temp)}
    )
    assert process.stdout is not None
    found = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", process.stdout.readline())
    assert found
    yield found[0]
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert "were removed" in process.stdout.read()
    process.stdout.close()
    assert not list(temp.glob("cdiscx-serve-*"))


def narrow(page: Browser) -> bool:
    """Nothing of the page sticks out on a phone."""
    page.size(390, 800)
    fits = bool(page.ask(NARROW))
    page.size(1280)
    return fits


def test_a_dropped_workbook_is_checked_and_read_and_runs_nothing(address: str, tmp_path: Path):
    workbook = tmp_path / NAME.replace("/", "")
    workbook.write_bytes(small_workbook())
    with browser(tmp_path / "profile") as page:
        page.size(1280)
        page.open(address, "!!document.getElementById('send')")
        assert "token" not in page.ask("location.href")
        assert page.ask("document.cookie") == ""  # scripts do not see the session
        assert narrow(page)
        page.drop("#drop", [workbook])
        assert NAME in page.ask("document.getElementById('chosen').textContent")
        page.ask("document.querySelector('input[value=palhep-a]').click()")
        page.ask("document.querySelector('#send [type=submit]').click()")
        page.wait("location.pathname.startsWith('/runs/') && !!document.getElementById('now')")
        assert page.ask("document.getElementById('now').getAttribute('aria-live')") == "polite"
        page.wait("document.querySelectorAll('.door').length === 4", 180)
        run = page.ask("location.href")
        assert narrow(page)
        page.ask("document.querySelector('.door').click()")
        page.wait("document.querySelectorAll('.row').length > 0")
        page.ask("document.querySelector('.row').click()")
        assert "What to do" in page.ask("document.querySelector('.detail').textContent")
        assert page.ask(f"document.body.textContent.includes({HOSTILE!r})")
        page.ask("document.querySelector('nav a').click()")
        page.wait(f"location.href === {run!r}")
        page.open(f"{run}/lesions")
        assert narrow(page)
        page.ask("document.querySelector('#subjects a').click()")
        page.wait("location.pathname.endsWith('/lesions/0')")
        assert page.ask("document.querySelectorAll('svg.plot').length") == 2
        assert page.ask("document.querySelector('.differs').textContent") == "SDdiffers"
        assert narrow(page)
        assert page.ask(OWNED)
        assert page.ask("document.querySelectorAll('img').length") == 0
        assert page.complaints() == []
        assert page.asked() == {address.split("/")[2]}


def test_everything_is_reached_and_pressed_with_the_keyboard(address: str, tmp_path: Path):
    (tmp_path / "site.xlsx").write_bytes(b"this is no workbook")
    with browser(tmp_path / "profile") as page:
        page.size(1280)
        page.open(address, "!!document.getElementById('send')")
        order = []
        for _ in range(5):
            page.press("Tab")
            order.append(page.ask("document.activeElement.id || document.activeElement.name || document.activeElement.textContent"))  # fmt: skip
        assert order[:4] == ["Skip to the content", "cdiscx", "files", "study"]
        assert page.ask("[...document.querySelectorAll('input')].every((i) => i.labels.length === 1)")
        found = page.call("Runtime.evaluate", expression="document.getElementById('files')")["result"]
        page.call("DOM.setFileInputFiles", files=[str(tmp_path / "site.xlsx")], objectId=found["objectId"])
        page.ask("document.querySelector('input[name=study]').focus()")
        page.press(" ")
        page.press("ArrowDown")
        assert page.ask("document.querySelector('input[name=study]:checked').value") == "palhep-a"
        while page.ask("document.activeElement.type") != "submit":
            page.press("Tab")
        page.press("Enter")
        page.wait("document.querySelectorAll('[role=alert]').length === 1", 120)
        said = page.ask("document.querySelector('[role=alert]').textContent")
        assert "site.xlsx" in said
        assert page.ask("document.querySelector('a.button').textContent") == "Send another workbook"
        assert page.complaints() == []


def test_the_page_in_chinese_shows_the_life_of_queries_and_no_english_sentence(tmp_path: Path):
    workbook, ledger = tmp_path / "site.xlsx", tmp_path / "queries.sqlite"
    workbook.write_bytes(small_workbook())
    sentence = re.compile(r"[a-z]{3,} [a-z]{2,} [a-z]{3,}")
    with (
        served(tmp_path, "--lang", "zh", "--ledger", str(ledger)) as address,
        browser(tmp_path / "profile") as page,
    ):
        page.size(1280)
        page.open(address, "!!document.getElementById('send')")
        assert page.ask("document.documentElement.lang") == "zh-Hans"
        assert not sentence.search(page.ask("document.body.innerText"))
        page.drop("#drop", [workbook])
        page.ask("document.querySelector('input[value=palhep-a]').click()")
        page.ask("document.querySelector('#send [type=submit]').click()")
        page.wait("document.querySelectorAll('.door').length === 4", 240)
        assert narrow(page)
        assert not sentence.search(page.ask("document.body.innerText"))
        new = int(page.ask("document.querySelector('.queries .new span b').textContent"))
        assert new > 5
        run = page.ask("location.href")
        page.ask("document.querySelector('.queries .new a').click()")
        page.wait("document.querySelectorAll('.row').length > 0")
        assert page.ask("document.querySelectorAll('.row').length") == new
        assert page.ask("document.getElementById('filters').since.value") == "new"
        page.open(f"{run}/lesions/0")
        page.ask("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        assert not sentence.search(page.ask("document.body.innerText"))
        assert narrow(page)
        assert page.complaints() == []
    assert ledger.is_file()
