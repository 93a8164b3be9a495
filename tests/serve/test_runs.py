"""Runs: uploads that cannot be read, limits, cancelling, forgetting; every way of ending is said in words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from cdiscx.samples import write_demo
from cdiscx.serve import door
from cdiscx.serve.app import make_app
from cdiscx.serve.desk import Desk
from cdiscx.serve.guard import Lock
from cdiscx.serve.settings import Settings

from .browser import until
from .conftest import HOME, PORT, Page, small_workbook


def test_what_is_no_workbook_is_refused_in_words_and_is_never_run(page: Page):
    marker = page.desk.root / "ran"
    code = f"open({str(marker)!r}, 'w')\n".encode() + b"\x00\x01"
    run = page.send(("polars.py", code), ("sitecustomize.py", code))
    assert page.finished(run) == "failed"
    text = page.client.get(run).text
    assert "polars.py" in text
    assert "Traceback" not in text
    assert "Send another workbook" in text
    assert not marker.exists()


def test_a_form_that_is_not_filled_in_says_what_is_missing(page: Page):
    def sent(**fields: str) -> str:
        answer = page.client.post("/runs", data=fields, files={"files": ("a.csv", b"a")}, headers={"Origin": HOME})
        assert answer.status_code == 400
        return str(answer.text)

    assert "Choose the study" in sent(study="no such study")
    assert "not a date" in sent(study="palhep-a", cutoff="31.12.2024")
    nothing = page.client.post(
        "/runs", data={"study": "palhep-a"}, files={"files": ("", b"")}, headers={"Origin": HOME}
    )
    assert (nothing.status_code, "at least one workbook" in nothing.text) == (400, True)
    assert page.desk.runs == {}


def test_a_run_can_be_cancelled_and_its_process_is_gone(page: Page):
    run = page.send(("a.xlsx", small_workbook()))
    process = page.desk.runs[run.rpartition("/")[2]].jobs["check"].process
    assert page.post(f"{run}/cancel") == 303
    assert page.states(run)["check"] == "cancelled"
    assert process.poll() is not None
    assert "The run was cancelled" in page.client.get(run).text
    assert page.client.get(f"{run}/report/").status_code == 404


def test_no_more_runs_at_a_time_and_no_more_kept_than_allowed(page: Page):
    first, second = page.send(("a.xlsx", small_workbook())), page.send(("b.xlsx", small_workbook()))
    third = page.client.post("/runs", data={"study": "palhep-a"}, files={"files": ("c.xlsx", b"c")}, headers={"Origin": HOME})  # fmt: skip
    assert (third.status_code, "2 runs are going already" in third.text) == (429, True)
    page.post(f"{first}/cancel")
    page.post(f"{second}/cancel")
    folder = page.desk.runs[first.rpartition("/")[2]].task.folder
    last = page.send(("d.xlsx", small_workbook()))
    page.post(f"{last}/cancel")
    assert not folder.exists()
    gone = page.client.get(first)
    assert (gone.status_code, "only the latest are kept" in gone.text) == (404, True)
    assert page.post(f"{last}/forget") == 303
    assert len(page.desk.runs) == 1


@pytest.mark.parametrize(
    ("limit", "words"), [({"memory": 1}, "of memory and was stopped"), ({"seconds": 0}, "minutes and was stopped")]
)
def test_a_run_beyond_its_bounds_is_stopped_and_says_which(tmp_path: Path, limit: dict[str, int], words: str):
    settings = Settings(door.choices_of(()), port=PORT, **limit)
    lock = Lock(PORT)
    desk = Desk(tmp_path, settings)
    with TestClient(make_app(desk, lock, settings), base_url=HOME) as client:
        page = Page(client, lock, desk)
        page.sign_in()
        run = page.send(("a.xlsx", small_workbook()))
        assert page.finished(run) == "failed"
        assert words in client.get(run).text


def test_a_worker_that_dies_without_a_word_is_told_as_such(page: Page):
    run = page.send(("a.xlsx", small_workbook()))
    page.desk.runs[run.rpartition("/")[2]].jobs["check"].process.kill()
    assert page.finished(run) == "failed"
    assert "ended without a word" in page.client.get(run).text


def test_a_worker_ends_when_the_program_that_waits_for_it_ends(page: Page):
    run = page.send(("a.xlsx", small_workbook()))
    process = page.desk.runs[run.rpartition("/")[2]].jobs["check"].process
    assert process.stdin is not None
    process.stdin.close()
    until(lambda: process.poll() is not None, 60)
    assert process.returncode == 5


def test_the_private_folder_is_private_and_goes_with_what_killed_starts_left(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left, alive = tmp_path / "cdiscx-serve-99999999-x", tmp_path / f"cdiscx-serve-{os.getppid()}-x"
    left.mkdir()
    alive.mkdir()
    with door.private_folder() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (left.exists(), alive.exists()) == (False, True)
        (folder / "upload").write_text("subject data")
    assert not folder.exists()


def test_only_the_loopback_address_listens():
    with door._listening(0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


@pytest.mark.slow
def test_a_wrong_study_is_named(page: Page, tmp_path: Path):
    site = next(iter(write_demo(tmp_path / "demo").clean["neopvtt-b"]))
    run = page.send((site.name, site.read_bytes()), study="palhep-a")
    assert page.finished(run) == "done"
    assert "fit neopvtt-b much better than palhep-a" in page.client.get(run).text
