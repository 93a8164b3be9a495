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
