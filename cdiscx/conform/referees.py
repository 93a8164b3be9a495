"""Outside referees of finished datasets: CDISC CORE in its own environment, pointblank's SDTMIG rules; absent ones are skipped."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import polars as pl

from cdiscx.model.finding import Status
from cdiscx.model.kept import Kept

#: environment variable that says how CORE is started
CORE_COMMAND: Final = "CDISCX_CORE"
#: what is put behind a command that has no `{folder}` of its own
_ARGUMENTS: Final = "{folder} -s {standard} -v {version} --json {out}"
_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class Remark:
    """What a referee found: its rule, the dataset, in how many records, in its words; `example` one value."""

    rule: str
    dataset: str
    records: int
    message: str
    example: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one referee said. `rules`: how many it ran. A referee that is not there is SKIPPED, one that broke ERRORED."""

    referee: str
    status: Status
    reason: str | None = None
    rules: int = 0
    remarks: tuple[Remark, ...] = ()


def referees(
    folder: Path,
    frames: Mapping[str, pl.DataFrame | Kept],
    *,
    analysis: bool,
    define: Path | None = None,
    core_command: str | None = None,
) -> tuple[Verdict, ...]:
    """Asks every referee. `core_command`: how CORE is started, else the environment variable CDISCX_CORE.

    The command may name `{folder}`, `{standard}`, `{version}`, `{define}` and `{out}` (a JSON file to write); a command
    without `{folder}` gets `FOLDER -s sdtmig -v 3-4 --json OUT` (and `--define FILE`) behind it.
    """
    command = core_command or os.environ.get(CORE_COMMAND, "")
    return core(folder, command, analysis=analysis, define=define), pointblank(frames, analysis=analysis, define=define)


def core(folder: Path, command: str, *, analysis: bool, define: Path | None) -> Verdict:
    """CDISC CORE by subprocess; its findings of every rule and dataset."""
    name = "CDISC CORE"
    if not command.strip():
        return Verdict(name, Status.SKIPPED, f"not set up: {CORE_COMMAND} does not say how to start it")
    with TemporaryDirectory() as scratch:
        out = Path(scratch) / "core.json"
        words = _words(command, folder, out, analysis=analysis, define=define)
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=_SECONDS, check=False)
        except FileNotFoundError:
            return Verdict(name, Status.SKIPPED, f"{words[0]} is not installed")
        except subprocess.TimeoutExpired:
            return Verdict(name, Status.ERRORED, f"gave no answer within {_SECONDS} seconds")
        written = next((p for p in (out, out.with_name("core.json.json")) if p.exists()), None)
        if written is None:
            said = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
            return Verdict(name, Status.ERRORED, f"exit status {done.returncode}: {said}")
        answer = json.loads(written.read_text(encoding="utf-8"))
    ran, remarks = read_core(answer)
    return Verdict(name, Status.FAILED if remarks else Status.PASSED, None, ran, remarks)


def _words(command: str, folder: Path, out: Path, *, analysis: bool, define: Path | None) -> list[str]:
    text = command if "{folder}" in command else f"{command} {_ARGUMENTS}" + (" --define {define}" if define else "")
    facts = {
        "folder": str(folder),
        "standard": "adamig" if analysis else "sdtmig",
        "version": "1-3" if analysis else "3-4",
        "define": str(define or ""),
        "out": str(out),
    }
    return [word.format(**facts) for word in shlex.split(text)]


def read_core(answer: Mapping[str, Any]) -> tuple[int, tuple[Remark, ...]]:
    """Rules that ran and remarks, from CORE's own JSON report or from one with `ran` and `rows`."""
    if "rows" in answer:
        rows = [
            Remark(r["rule"], r["dataset"], int(r["n"]), _line(r["message"]), _example(r.get("examples")))
            for r in answer["rows"]
        ]
        return len(answer.get("ran", ())), tuple(sorted(rows, key=lambda r: (r.dataset, r.rule)))
    summary = answer.get("Issue_Summary", ())
    rows = [
        Remark(r["core_id"], Path(str(r["dataset"])).stem.upper(), int(r["issues"]), _line(r["message"]))
        for r in summary
    ]
    ran = sum(str(r.get("status", "")).upper() in ("SUCCESS", "ISSUE REPORTED") for r in answer.get("Rules_Report", ()))
    return ran, tuple(sorted(rows, key=lambda r: (r.dataset, r.rule)))


def _line(text: object) -> str:
    return " ".join(str(text).split())


def _example(examples: Iterable[Mapping[str, Any]] | None) -> str:
    first = next(iter(examples or ()), None)
    return "" if first is None else _line(json.dumps(first.get("value"), ensure_ascii=False, default=str))


def pointblank(frames: Mapping[str, pl.DataFrame | Kept], *, analysis: bool, define: Path | None) -> Verdict:
    """pointblank's SDTMIG 3.4 rules, where the package is installed (extra `conform`)."""
    name = "pointblank"
    if analysis:
        return Verdict(name, Status.SKIPPED, "it has no rules for ADaM")
    if find_spec("pointblank") is None:
        return Verdict(name, Status.SKIPPED, "not installed (extra `conform`)")
    package = import_module("pointblank")
    if not hasattr(package, "validate_sdtmig"):
        return Verdict(name, Status.SKIPPED, f"version {package.__version__} has no SDTMIG rules")
    if any(isinstance(frame, Kept) for frame in frames.values()):
        return Verdict(name, Status.SKIPPED, "it needs all datasets in memory; ask for it with --in-memory")
    public = {n: f.select(pl.exclude(r"^_.*$")) for n, f in frames.items() if isinstance(f, pl.DataFrame)}
    report = package.validate_sdtmig(public, define_xml=None if define is None else str(define))
    outcomes = Counter(str(rule.status) for rule in report.rules())
    found = report.findings_df()
    rows = found.group_by("rule_id", "dataset", maintain_order=True).agg(
        pl.len().alias("n"), pl.col("description").first(), pl.col("checked_value").first()
    )
    remarks = [
        Remark(r["rule_id"], r["dataset"], r["n"], _line(r["description"]), r["checked_value"] or "")
        for r in rows.iter_rows(named=True)
    ]
    seen = {(r.rule, r.dataset) for r in remarks}
    remarks += [
        Remark(rule.rule_id, rule.dataset or "", int(rule.n_issues or 1), _line(rule.message or rule.description))
        for rule in report.rules()
        if rule.status in ("fail", "error") and (rule.rule_id, rule.dataset) not in seen
    ]
    ran = outcomes["pass"] + outcomes["fail"]
    ordered = tuple(sorted(remarks, key=lambda r: (r.dataset, r.rule)))
    return Verdict(name, Status.FAILED if ordered else Status.PASSED, None, ran, ordered)
