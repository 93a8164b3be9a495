"""No command speaks to the network, and what it says on its way names cells and not what stands in them."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from privacy_kit import guarded, served, shows, stopped, telling

from cdiscx.cli import main
from cdiscx.samples import write_xlsx

FAST = ("--study", "palhep-a", "--only", "DAT-006", "--only", "TRM-001", "--no-expectations")
DESPITE = ("--study", "palhep-a", "--despite-errors", "a test")
PORTFOLIO = "runs:\n  - {name: first, study: palhep-a, uploads: site-01.xlsx}\n"

#: every verb with words that make it work; the folder has the upload, a ledger, a report and finished datasets
WORDS: dict[str, tuple[str, ...]] = {
    "validate": ("site-01.xlsx", "--study", "palhep-a", "--report", "out", "--ledger", "new.db"),
    "sdtm": ("site-01.xlsx", *DESPITE, "--out", "out"),
    "adam": ("site-01.xlsx", *DESPITE, "--out", "out"),
    "export": ("site-01.xlsx", *DESPITE, "--out", "out"),
    "conform": ("made/sdtm",),
    "trace": ("sdtm.AE", "001", "1", "AETERM", "--in", "made"),
    "list": ("checks",),
    "explain": ("MEA-001",),
    "demo": ("--out", "out"),
    "ledger verify": ("queries.db",),
    "ledger show": ("queries.db",),
    "ledger accept": ("queries.db", "QUERY", "--reason", "a test"),
    "ledger withdraw": ("queries.db", "QUERY", "--reason", "a test"),
    "diff": ("site-01.xlsx", "site-01.xlsx", "--study", "palhep-a"),
    "serve": ("--no-browser",),
    "new study": ("MINE-1", "--from", "site-01.xlsx", "--out", "mine.yaml"),
    "lint": ("palhep-a",),
    "schema": ("palhep-a",),
    "batch": ("portfolio.yaml", "--out", "out", "--workers", "2"),
    "suite": ("palhep-a",),
}
#: what prints subjects' data because that is what it was asked for
PRINTS = {"validate", "trace", "ledger show", "diff"}
SLOW = {"demo", "adam"}


def verbs(group: click.Group, before: str = "") -> Iterator[str]:
    """Every verb of the command line, those of groups within it too."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from verbs(command, f"{before}{name} ")
        else:
            yield before + name


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an upload that has something to ask, the ledger that it was asked in, and its datasets."""
    folder = tmp_path_factory.mktemp("ready")
    write_xlsx(telling(), folder / "site-01.xlsx")
    (folder / "portfolio.yaml").write_text(PORTFOLIO)
    words: tuple[tuple[str, ...], ...] = (
        ("validate", "site-01.xlsx", *FAST, "--ledger", "queries.db", "--report", "report", "--fail-on", "never"),
        ("sdtm", "site-01.xlsx", *DESPITE, "--out", "made"),
    )
    for call in words:
        done = guarded(folder, [*call, "--quiet"])
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def place(ready: Path, tmp_path: Path) -> Path:
    """A copy of it for one command."""
    return Path(shutil.copytree(ready, tmp_path / "place"))


def test_the_guard_hears_a_connection_of_any_process_that_is_started(place: Path) -> None:
    """Or nothing below is worth anything."""
    trap = "import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', {!r}]).returncode)"
    for what, status in (
        ("import socket; socket.create_connection(('192.0.2.1', 80), 1)", 99),
        ("import socket; socket.getaddrinfo('localhost', 80)", 99),
        ("import socket; socket.socket().bind(('127.0.0.1', 0))", 99),
        ("open('/proc/self/comm', 'r+')", 98),
        ("import socket; socket.socket()", 0),
    ):
        (place / "guard").mkdir(exist_ok=True)
        done = _python(place, trap.format(what))
        assert done == status, what


def _python(place: Path, program: str) -> int:
    import subprocess
    import sys

    from privacy_kit import around

    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=around(place), capture_output=True, check=False).returncode


def test_every_verb_is_tried_here() -> None:
    assert set(verbs(main)) == set(WORDS)


@pytest.mark.parametrize(
    "verb", [pytest.param(v, marks=pytest.mark.slow) if v in SLOW else v for v in sorted(WORDS.keys() - {"serve"})]
)
def test_no_command_opens_a_socket_or_writes_elsewhere_or_logs_what_a_cell_holds(verb: str, place: Path) -> None:
    words = [*verb.split(), *WORDS[verb]]
    if "QUERY" in words:
        told = json.loads((place / "report" / "report.json").read_text("utf-8"))
        words[words.index("QUERY")] = told["findings"][0]["fingerprint"]
    if verb == "ledger withdraw":
        assert guarded(place, ["ledger", "accept", *words[2:]]).returncode == 0
    done = guarded(place, words)
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
    assert not shows(done.stderr)
    assert verb in PRINTS or not shows(done.stdout)


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_the_command_without_a_verb_opens_no_socket_either(word: str, tmp_path: Path) -> None:
    assert guarded(tmp_path, [word]).returncode == 0


def test_the_page_listens_on_this_machine_only_and_logs_nothing_of_a_subject(place: Path) -> None:
    address, process = served(place, ["serve", *WORDS["serve"]])
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor())
    home = address.split("?")[0].rstrip("/")
    try:
        with opener.open(address, timeout=30) as answer:
            assert answer.status == 200
        run = _sent(opener, home, (place / "site-01.xlsx").read_bytes())
        page = _finished(opener, home, run)
    finally:
        status, out, err = stopped(process)
    assert page["check"] == "done", page
    assert status == 0, err
    assert "NETWORK" not in err
    assert "Traceback" not in err
    assert not shows(out + err)
    assert not list((place / "scratch").iterdir()), "uploads were left"


def _sent(opener: urllib.request.OpenerDirector, home: str, data: bytes) -> str:
    edge = "edge-of-the-test"
    parts = [f'--{edge}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in (("study", "palhep-a"), ("cutoff", ""))]  # fmt: skip
    head = f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="site-01.xlsx"\r\n\r\n'
    body = "".join([*parts, head]).encode() + data + f"\r\n--{edge}--\r\n".encode()
    request = urllib.request.Request(
        f"{home}/runs", body, {"Content-Type": f"multipart/form-data; boundary={edge}", "Origin": home}
    )
    with opener.open(request, timeout=60) as answer:
        return str(answer.url)


def _finished(opener: urllib.request.OpenerDirector, home: str, run: str) -> dict[str, str]:
    import time

    for _ in range(600):
        with opener.open(f"{run.rstrip('/')}/status", timeout=30) as answer:
            states = dict(json.load(answer)["states"])
        if states["check"] != "running":
            return states
        time.sleep(0.2)
    raise AssertionError("the run does not end")


def test_a_refusal_names_the_cell_or_the_file_and_not_what_stands_in_it(place: Path) -> None:
    done = guarded(place, ["export", "site-01.xlsx", "--study", "palhep-a", "--out", "out"])
    assert done.returncode == 1, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not shows(done.stderr + done.stdout)
