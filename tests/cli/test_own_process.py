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
SPARED = "import atexit, sys; atexit.register(lambda: print(*(m for m in ('sqlalchemy', 'great_expectations.datasource.fluent.sql_datasource', 'hypothesis') if m in sys.modules), file=sys.stderr)); "


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
    assert guest[2].split() == ["sqlalchemy", "great_expectations.datasource.fluent.sql_datasource"]
    assert own[2].split() == [], "what is registered to run at the end runs, and the libraries were spared"


def test_every_expectation_of_the_library_can_be_named_though_none_is_loaded_with_it() -> None:
    """`column values to be unique` stands in no bundled study: it is loaded when a study names it."""
    code = (
        "from cdiscx.model.process import PROCESS; PROCESS.own = True; import polars as pl, sys; "
        "from cdiscx.model.spec import Expectation; from cdiscx.validate import expectations as e; "
        "e.great_expectations(); name = 'great_expectations.expectations.core.expect_column_values_to_be_unique'; "
        "before = name in sys.modules; item = Expectation(id='EXP-1', table='labs', type=name.rpartition('.')[2], "
        "kwargs={'column': 'N'}, severity='note', message='', fix=''); "
        "rows = pl.DataFrame({'_rid': [1, 2, 3], 'SUBJID': ['A', 'B', 'C'], 'N': [1, 1, 2]}); "
        "found = e.validate_frame(rows, [item])['EXP-1']['result']['unexpected_count']; "
        "print(before, name in sys.modules, found)"
    )
    status, out, err = run(code)
    assert (status, out.split()) == (0, ["False", "True", "2"]), err


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
