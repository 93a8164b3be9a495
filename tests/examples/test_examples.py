"""The examples run as they stand, and the files for other programs are what those read."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from outside_kit import EXAMPLES, ROOT, python, workbook
from ruamel.yaml import YAML


def test_the_plain_script_stops_at_errors(tmp_path: Path) -> None:
    done = python(
        EXAMPLES / "plain_script.py", workbook(tmp_path / "s.xlsx", defects=True), "palhep-a", tmp_path / "out"
    )
    assert done.status == 1, done.err
    assert "DAT-006 s.xlsx!Adverse Events!" in done.out
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_plain_script_exports_what_is_clean(tmp_path: Path) -> None:
    done = python(
        EXAMPLES / "plain_script.py", workbook(tmp_path / "s.xlsx", defects=False), "palhep-a", tmp_path / "out"
    )
    assert done.status == 0, done.err
    assert (tmp_path / "out" / "adam" / "adtte.xpt").is_file()


def test_frames_need_no_workbook() -> None:
    done = python(EXAMPLES / "frames.py")
    assert done.status == 0, done.err
    assert any(line.split()[2] == "102" for line in done.out.splitlines())


def test_the_dagster_example_is_sound_python_and_names_only_what_the_house_has() -> None:
    """Dagster is no dependency: where it is installed, the next test runs the example."""
    tree = ast.parse((EXAMPLES / "dagster_checks.py").read_text(encoding="utf-8"))
    import cdiscx

    used = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and getattr(n.value, "id", "") == "cdiscx"}
    assert {"Study", "read", "tidy", "validate", "Severity", "Report"} <= used <= set(cdiscx.__all__)


@pytest.mark.skipif(importlib.util.find_spec("dagster") is None, reason="dagster is not installed")
def test_the_dagster_example_runs_as_asset_checks(tmp_path: Path) -> None:
    upload = workbook(tmp_path / "s.xlsx", defects=True)
    code = """
import sys; sys.path.insert(0, sys.argv[1])
import dagster, dagster_checks as example
made = example.defs.resolve_implicit_global_asset_job_def().execute_in_process(
    instance=dagster.DagsterInstance.ephemeral(), raise_on_error=False)
outcomes = {e.check_name: e.passed for e in made.get_asset_check_evaluations()}
assert made.success and len(outcomes) >= 110, outcomes
assert not outcomes["TRM_001"] and not outcomes["DAT_006"] and outcomes["STR_001"], outcomes
"""
    done = python("-W", "ignore", "-c", code, EXAMPLES, CDISCX_UPLOAD=str(upload), CDISCX_STUDY="palhep-a")
    assert done.status == 0, done.err[-3000:]


def test_the_pre_commit_hooks_call_verbs_that_exist() -> None:
    from cdiscx.cli import main

    hooks = YAML(typ="safe").load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert {"cdiscx-validate", "cdiscx-lint"} == {hook["id"] for hook in hooks}
    for hook in hooks:
        program, verb, *options = hook["entry"].split()
        assert program == "cdiscx"
        known = {o for p in main.commands[verb].params for o in p.opts}
        assert set(options) <= known
        assert {"id", "name", "entry", "language", "files"} <= set(hook)


@pytest.mark.slow
def test_pre_commit_runs_the_hook_on_a_repository(tmp_path: Path) -> None:
    """What pre-commit does: the entry, the args of the user's configuration, the changed files."""
    hook = next(
        h
        for h in YAML(typ="safe").load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
        if h["id"] == "cdiscx-validate"
    )
    _, *words = hook["entry"].split()
    call = [sys.executable, "-m", "cdiscx.cli", *words, "--study", "palhep-a"]
    for defects, status in ((True, 1), (False, 0)):
        path = workbook(tmp_path / f"site-{status}.xlsx", defects=defects)
        around = {**os.environ, "PYTHONPATH": str(ROOT)}
        assert subprocess.run([*call, str(path)], capture_output=True, env=around, check=False).returncode == status


def test_every_file_of_the_examples_is_named_in_their_readme() -> None:
    said = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for path in EXAMPLES.iterdir():
        if path.name not in ("README.md", "__pycache__"):
            assert f"`{path.name}{'/' if path.is_dir() else ''}`" in said, path.name
