"""A command that is told to end (SIGTERM) leaves no private folder with subjects' data behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

WAITING = """
import sys, time
import click, polars as pl
from cdiscx.cli import main
from cdiscx.model.kept import Scratch

@main.command()
def waits():
    kept = [Scratch().keep(pl.DataFrame({"SUBJID": ["A-01"]})) for _ in range(2)]
    print("ready", flush=True)
    for _ in range(600):
        time.sleep(0.1)

main(["waits"])
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without asking it")
def test_a_command_that_is_told_to_end_removes_its_private_folders(tmp_path: Path) -> None:
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", WAITING], env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert len(list(tmp_path.glob("cdiscx-*"))) == 2
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == -signal.SIGTERM
    assert list(tmp_path.iterdir()) == []
