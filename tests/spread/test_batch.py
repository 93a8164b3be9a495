"""Many studies in one go: a folder each, one table, the worst status; what is wrong in one stops no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cdiscx.cli import main
from cdiscx.samples import clean, write_xlsx


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(w) for w in words])


def test_a_portfolio_is_checked_study_by_study_and_one_bad_upload_stops_no_other(tmp_path: Path) -> None:
    write_xlsx(clean("palhep-a", sites=1, subjects=2, seed=3)[0], tmp_path / "a.xlsx")
    (tmp_path / "broken.xlsx").write_bytes(b"PK\x03\x04 no")
    (tmp_path / "portfolio.yaml").write_text(
        "runs:\n"
        "  - {name: first, study: palhep-a, uploads: broken.xlsx}\n"
        "  - {name: second, study: palhep-a, uploads: [a.xlsx], cutoff: 2025-06-30}\n"
    )
    done = call("batch", tmp_path / "portfolio.yaml", "--out", tmp_path / "out", "--quiet")
    assert done.exit_code == 2, done.output
    table = (tmp_path / "out" / "summary.tsv").read_text("utf-8")
    assert done.stdout == table
    head, first, second = (line.split("\t") for line in table.splitlines())
    told = [dict(zip(head, row, strict=True)) for row in (first, second)]
    assert (told[0]["status"], told[0]["errors"]) == ("2", "0")
    assert "broken.xlsx" in told[0]["said"]
    assert told[1]["status"] in ("0", "1")
    assert (tmp_path / "out" / "second" / "report.html").is_file()
    assert not (tmp_path / "out" / "first").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\n", "a mapping with 'runs'"),
        ("runs: []\n", "a mapping with 'runs'"),
        ("runs: [{name: x}]\n", "run 1 needs name, study and uploads"),
        ("runs: [{name: ../x, study: palhep-a, uploads: a}]\n", "cannot be the name of a folder"),
        ("runs: [{name: x, study: palhep-a, uploads: 3}]\n", "uploads is a path"),
        ("runs: [{name: x, study: palhep-a, uploads: a, cutof: 3}]\n", "unknown key 'cutof'"),
        ("runs: [{name: x, study: palhep-a, uploads: a, cutoff: soon}]\n", "not a date"),
        ("runs: [\n", "portfolio.yaml:2:1"),
    ],
)
def test_a_wrong_portfolio_ends_with_2_and_says_where(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "portfolio.yaml").write_text(text)
    done = call("batch", tmp_path / "portfolio.yaml", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert said in done.stderr
    assert "Traceback" not in done.output
    assert not (tmp_path / "out").exists()


def test_a_portfolio_gives_the_same_reports_with_tables_on_disk(tmp_path: Path) -> None:
    write_xlsx(clean("palhep-a", sites=1, subjects=3, seed=3)[0], tmp_path / "a.xlsx")
    (tmp_path / "portfolio.yaml").write_text(
        "runs: [{name: one, study: palhep-a, uploads: a.xlsx, cutoff: 2025-06-30}]\n"
    )
    told = []
    for name, words in (("memory", ()), ("disk", ("--low-memory", "--partitions", "2"))):
        done = call("batch", tmp_path / "portfolio.yaml", "--out", tmp_path / name, "--quiet", *words)
        assert done.exit_code in (0, 1), done.output
        told.append((done.stdout, (tmp_path / name / "one" / "report.json").read_bytes()))
    assert told[0] == told[1]
