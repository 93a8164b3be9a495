"""A process of our own loads its libraries without the parts that cdiscx does not use: what is found stays the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OWN = "from cdiscx.cli import main; main()"
GUEST = "from cdiscx.cli import main; main.main()"
SPARED = "import atexit, sys; atexit.register(lambda: print(*(m for m in ('sqlalchemy', 'hypothesis') if m in sys.modules), file=sys.stderr)); "


def run(code: str, *args: str) -> tuple[int, str, str]:
    env = {**os.environ, "PYTHONWARNINGS": "default"}
    done = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, env=env, cwd=ROOT)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("study", ["palhep-a", "neopvtt-b"])
def test_the_command_and_a_host_program_find_the_same(study: str) -> None:
    uploads = sorted(str(p) for p in (ROOT / "sample_exports" / study / "uploads").glob("*.xlsx"))
    args = ("validate", *uploads, "--study", study, "--format", "json", "--quiet")
    own, guest = run(SPARED + OWN, *args), run(SPARED + GUEST, *args)
    assert own[:2] == guest[:2]
    assert own[0] == 1
    judged = [
        c
        for c in json.loads(own[1])["checks"]
        if c["check_id"].startswith("EXP") and c["status"] in ("passed", "failed")
    ]
    assert judged, "Great Expectations judged the uploads"
    assert "sqlalchemy" in guest[2].split()
    assert "sqlalchemy" not in own[2].split(), "what is registered to run at the end runs, and the library was spared"


@pytest.mark.skipif(os.name == "nt", reason="a shell of Unix closes the streams")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_command_whose_outputs_are_closed_ends_with_its_own_status(closed: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" --version {closed}', sys.executable, OWN], capture_output=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


def test_every_verb_ends_at_once_with_the_status_it_gives() -> None:
    """`validate` gives its status by SystemExit: it ends the fast way as well, and what is registered for the end runs."""
    told = (
        "import os, atexit; end = os._exit; atexit.register(lambda: print('registered', flush=True)); "
        "os._exit = lambda status: (print('at once', status, flush=True), end(status)); "
    )
    upload = next((ROOT / "sample_exports" / "palhep-a" / "uploads").glob("*.xlsx"))
    status, out, _ = run(
        told + OWN, "validate", str(upload), "--study", "palhep-a", "--quiet", "--only", "STR-*", "--fail-on", "never"
    )
    assert status == 0
    assert out.splitlines()[-2:] == ["registered", "at once 0"]
