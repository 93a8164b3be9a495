"""A guard in every process a command starts, and an upload in which whatever can be a secret is one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from xlsxwriter import Workbook

from cdiscx.samples import SampleUpload, clean

ROOT = Path(__file__).parents[2]

#: runs first in every Python process that a command starts, and in those that these start (`sitecustomize`): a connection,
#: something sent, a name looked up is a crash (a socket that is made and bound to ::1, as urllib3 does on import to see
#: whether there is IPv6, speaks to nobody); so is a file opened for writing outside the folder of the test. With a third
#: word of CDISCX_GUARD a server may listen on 127.0.0.1.
GUARD = """
import json, os, sys
folder, *serves = json.loads(os.environ["CDISCX_GUARD"])
allowed = os.path.realpath(folder)
LOCAL = ("socket.bind", "socket.getaddrinfo")
def hear(event, args):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        own = event == "socket.bind" and args[1][:2] == ("::1", 0)
        served = serves and event in LOCAL and (args[1] if event == "socket.bind" else args)[0] == "127.0.0.1"
        if not own and not served:
            os.write(2, f"NETWORK {event} {args[1:]}\\n".encode()); os._exit(99)
    if event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR) and isinstance(args[0], str):
        place = os.path.realpath(args[0])
        if not place.startswith((allowed, "/dev/")):
            os.write(2, f"WRITES {place}\\n".encode()); os._exit(98)
sys.dont_write_bytecode = True
sys.addaudithook(hear)
"""


def around(folder: Path, *, serves: bool = False) -> dict[str, str]:
    """The environment of a guarded command; its temporary files go to `folder`/scratch."""
    (folder / "scratch").mkdir(exist_ok=True)
    (folder / "guard").mkdir(exist_ok=True)
    (folder / "guard" / "sitecustomize.py").write_text(GUARD)
    return {
        **os.environ,
        "TMPDIR": str(folder / "scratch"),
        "PYTHONPATH": f"{folder / 'guard'}:{ROOT}",
        "CDISCX_GUARD": json.dumps([str(folder), *(["serves"] if serves else [])]),
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
    }


def guarded(folder: Path, words: Sequence[object]) -> subprocess.CompletedProcess[str]:
    """A command in that environment, from within the folder; it leaves no temporary file."""
    command = [sys.executable, "-m", "cdiscx.cli", *map(str, words)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=around(folder), check=False, cwd=folder, timeout=600
    )
    assert not list((folder / "scratch").iterdir()), "a temporary file was left"
    return done


def served(folder: Path, words: Sequence[object]) -> tuple[str, subprocess.Popen[str]]:
    """A server in that environment, when it has said its address: the address and the process."""
    command = [sys.executable, "-u", "-m", "cdiscx.cli", *map(str, words)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=around(folder, serves=True), cwd=folder
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "http://127.0.0.1:" in line, line
    return line.split()[-1], process


def stopped(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """The server after Ctrl-C: status, and what it said."""
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


SECRET = ("ZQXWVK", "1951-07-23", "23JUL1951", "23.07.1951", "23/07/1951")


def telling() -> SampleUpload:
    """Two subjects, with a text and a date of birth that nobody else has."""
    made = clean("palhep-a", sites=1, subjects=2, seed=3)[0]
    made.sheets["Adverse Events"][0]["AE Term"] = SECRET[0]
    made.sheets["Demographics"][0]["Sex"] = SECRET[0]
    made.sheets["Demographics"][1]["Birth Date"] = date(1951, 7, 23)
    return made


def planted(mode: int, study: str = "palhep-a") -> SampleUpload:
    """Two subjects in which a cell of every kind is the secret: `mode` 0 texts, 1 dates, 2 numbers, 3 subjects; of the
    others, one row in four; 4: in every sheet a row of each."""
    made = clean(study, sites=1, subjects=2, seed=3)[0]
    for rows in made.sheets.values():
        for n, row in enumerate(rows):
            for header, value in row.items():
                kind = 3 if header == "Subject ID" else _kind(value)
                if kind is not None and (kind == mode or (mode == 4 and kind == n % 4)):
                    row[header] = f"{SECRET[0]} {n}" if n % 3 else f"{SECRET[0]}\u4e2d\x07é" + "x" * 300
    return made


def plain(made: SampleUpload, path: Path) -> None:
    """The sheets as they are, whatever stands in them."""
    with Workbook(str(path)) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for name, rows in made.sheets.items():
            page = book.add_worksheet(name)
            for n, line in enumerate([list(rows[0]) if rows else [], *(list(row.values()) for row in rows)]):
                for column, value in enumerate(line):
                    if isinstance(value, date):
                        page.write_datetime(n, column, datetime(value.year, value.month, value.day), day)
                    elif isinstance(value, int | float):
                        page.write_number(n, column, value)
                    elif value is not None:
                        page.write_string(n, column, str(value))


def _kind(value: object) -> int | None:
    if isinstance(value, str):
        return 0
    if isinstance(value, date):
        return 1
    return 2 if isinstance(value, int | float) else None


def shows(text: str) -> list[str]:
    """The secrets that a text gives away."""
    return [secret for secret in SECRET if secret in text]
