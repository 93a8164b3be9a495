"""No command speaks to the network, and what it says on its way names cells and not what stands in them."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from cdiscx.samples import clean, write_xlsx

ROOT = Path(__file__).parents[2]

#: what runs before the command: a connection, something sent, a name looked up is a crash (a socket that is made and bound
#: to ::1, as urllib3 does on import to see whether there is IPv6, speaks to nobody); so is a file opened for writing
#: outside the folder of the test
GUARD = """
import os, sys
allowed = os.path.realpath(sys.argv[1])
def hear(event, args):
    local = event == "socket.bind" and args[1][:2] == ("::1", 0)
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname") and not local:
        os.write(2, f"NETWORK {event} {args[1:]}\\n".encode()); os._exit(99)
    if event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR) and isinstance(args[0], str):
        place = os.path.realpath(args[0])
        if not place.startswith(allowed) and not place.startswith("/dev/"):
            os.write(2, f"WRITES {place}\\n".encode()); os._exit(98)
sys.dont_write_bytecode = True
sys.addaudithook(hear)
from cdiscx.cli import main
main(sys.argv[2:])
"""


def guarded(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    env = {
        **os.environ,
        "TMPDIR": str(scratch),
        "PYTHONPATH": str(ROOT),
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-c", GUARD, str(folder), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False, cwd=folder, timeout=600)
    assert not list(scratch.iterdir()), "a temporary file was left"
    return done


SECRET = ("ZQXWVK", "1951-07-23", "23JUL1951")


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    """Two subjects, with a text and a date of birth that nobody else has."""
    made = clean("palhep-a", sites=1, subjects=2, seed=3)[0]
    made.sheets["Adverse Events"][0]["AE Term"] = SECRET[0]
    made.sheets["Demographics"][0]["Sex"] = SECRET[0]
    made.sheets["Demographics"][1]["Birth Date"] = date(1951, 7, 23)
    path = tmp_path / "site-01.xlsx"
    write_xlsx(made, path)
    return path


VERBS = {
    "validate": ("validate", "UPLOAD", "--study", "palhep-a", "--report", "out", "--ledger", "ledger.db"),
    "list": ("list", "checks"),
    "explain": ("explain", "MEA-001"),
    "help": ("--help",),
    "version": ("--version",),
    "sdtm": ("sdtm", "UPLOAD", "--study", "palhep-a", "--out", "out", "--despite-errors", "a test"),
    "adam": ("adam", "UPLOAD", "--study", "palhep-a", "--out", "out", "--despite-errors", "a test"),
    "export": ("export", "UPLOAD", "--study", "palhep-a", "--out", "out", "--despite-errors", "a test"),
    "demo": ("demo", "--out", "out"),
}
_LONG = ("adam", "export", "demo")


@pytest.mark.parametrize("verb", [pytest.param(v, marks=pytest.mark.slow) if v in _LONG else v for v in VERBS])
def test_no_command_opens_a_socket_or_writes_elsewhere_or_logs_what_a_cell_holds(
    verb: str, upload: Path, tmp_path: Path
) -> None:
    words = [str(upload) if w == "UPLOAD" else w for w in VERBS[verb]]
    done = guarded(tmp_path, *words)
    assert done.returncode in (0, 1), done.stderr
    for secret in SECRET:
        assert secret not in done.stderr
        assert verb == "validate" or secret not in done.stdout


def test_a_refusal_names_the_cell_or_the_file_and_not_what_stands_in_it(upload: Path, tmp_path: Path) -> None:
    done = guarded(tmp_path, "export", upload, "--study", "palhep-a", "--out", "out")
    assert done.returncode == 1, done.stderr
    assert len(done.stderr.splitlines()) == 1
    for secret in SECRET:
        assert secret not in done.stderr + done.stdout
