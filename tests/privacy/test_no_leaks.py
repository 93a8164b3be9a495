"""What a command says on its way and when it fails names files, sheets and cells, and never what stands in one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from privacy_kit import SECRET, plain, planted, shows

from cdiscx import cli, flow

DESPITE = ("--despite-errors", "a test", "--out", "out")
MODES = ("texts", "dates", "numbers", "subjects", "mixed")


def called(*words: object) -> Result:
    return CliRunner().invoke(cli.main, [str(w) for w in words])


def says_nothing(done: Result, capfd: pytest.CaptureFixture[str]) -> None:
    """Of a subject, on standard error: neither the command nor a library beneath it."""
    native = capfd.readouterr()
    assert not shows(done.stderr + native.out + native.err), done.stderr[:500]
    assert done.exit_code in (0, 1, 2), done.stderr


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("study", ["palhep-a", pytest.param("neopvtt-b", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "mode", [pytest.param(n, id=w, marks=() if w == "mixed" else pytest.mark.slow) for n, w in enumerate(MODES)]
)
def test_an_upload_full_of_secrets_gives_none_away_on_any_way_through(
    mode: int, study: str, place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    plain(planted(mode, study), place / "site.xlsx")
    refused = called("export", "site.xlsx", "--study", study, "--out", "none")
    says_nothing(refused, capfd)
    assert refused.exit_code == 1
    assert not shows(refused.stdout)
    says_nothing(called("validate", "site.xlsx", "--study", study, "--report", "report", "--ledger", "q.db"), capfd)
    done = called("export", "site.xlsx", "--study", study, "--format", "xpt,json,ndjson,parquet,csv", *DESPITE)
    says_nothing(done, capfd)
    assert not shows(done.stdout)
    drafted = called("new", "study", "MINE-1", "--from", "site.xlsx", "--out", "mine.yaml")
    says_nothing(drafted, capfd)
    assert not shows(drafted.stdout)
    if (place / "out" / "sdtm").is_dir():
        says_nothing(called("conform", place / "out" / "sdtm"), capfd)
        says_nothing(called("trace", "sdtm.AE", "nobody", "AETERM", "--in", "out"), capfd)


ROWS = [["Subject ID", "Visit", "Visit Date"], [SECRET[0], SECRET[0], SECRET[0]], ["A-2", SECRET[1], SECRET[2]]]


def _csv(text: str, encoding: str = "utf-8") -> Callable[[Path], Path]:
    def made(folder: Path) -> Path:
        (folder / "site.csv").write_bytes(text.encode(encoding, "surrogateescape"))
        return folder / "site.csv"

    return made


def _cut(by: float) -> Callable[[Path], Path]:
    """A workbook that stopped on its way."""

    def made(folder: Path) -> Path:
        plain(planted(4), folder / "site.xlsx")
        data = (folder / "site.xlsx").read_bytes()
        (folder / "site.xlsx").write_bytes(data[: int(len(data) * by)])
        return folder / "site.xlsx"

    return made


_LINES = "\n".join(",".join(row) for row in ROWS)
BROKEN: dict[str, Callable[[Path], Path]] = {
    "a quote that is never closed": _csv(_LINES.replace(SECRET[1], f'"{SECRET[1]}')),
    "a row longer than its heading": _csv(f"{_LINES}\nA-3,{SECRET[0]},{SECRET[1]},{SECRET[2]}"),
    "bytes of no encoding": _csv(f"{_LINES}\n{SECRET[0]},\udcff\udcfe\udc81"),
    "a null byte": _csv(f"{_LINES}\n{SECRET[0]}\0,x"),
    "no heading": _csv("\n".join(_LINES.splitlines()[1:])),
    "a heading twice": _csv(_LINES.replace("Visit Date", "Visit")),
    "nothing but a text": _csv(SECRET[0]),
    "one cell larger than a sheet allows": _csv(f"{_LINES}\nA-3,{SECRET[0] * 30_000},x"),
    "a workbook cut in half": _cut(0.5),
    "a workbook without its end": _cut(0.99),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_file_that_cannot_be_read_is_refused_without_its_content(
    how: str, place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = BROKEN[how](place)
    for words in (("validate",), ("export", "--out", "out")):
        says_nothing(called(words[0], path, "--study", "palhep-a", "--quiet", *words[1:]), capfd)
    (place / "many.yaml").write_text(f"runs:\n  - {{name: a, study: palhep-a, uploads: {path.name}}}\n")
    batch = called("batch", "many.yaml", "--out", "batch")
    says_nothing(batch, capfd)
    assert not shows(batch.stdout)


def test_datasets_that_are_broken_are_refused_without_their_content(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    head = '{"datasetJSONVersion": "1.1.0", "name": "DM", "label": "x", "records": 1, "columns": ['
    column = '{"itemOID": "A", "name": "AGE", "label": "A", "dataType": "integer"}'
    contents = {
        "dm.json": f'{head}{column}], "rows": [["{SECRET[0]}"], [3, "{SECRET[0]}"]]}}',
        "ae.json": f'{head}{column}], "rows": [["{SECRET[0]}"',
        "vs.ndjson": f'{head}{column}]}}\n["{SECRET[0]}"]\n["{SECRET[0]}\n',
        "lb.csv": f'USUBJID,LBSEQ\n"{SECRET[0]},1\n{SECRET[0]},2,3\n',
        "cm.xpt": "HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!000000000000000000000000000000  " + SECRET[0] * 99,
        "ex.parquet": "PAR1" + SECRET[0] * 20 + "PAR1",
        "define.xml": f"<ODM><ItemDef OID='{SECRET[0]}'></ODM>",
    }
    for name, text in contents.items():
        folder = place / name.replace(".", "-")
        folder.mkdir()
        (folder / name).write_text(text)
        if name == "define.xml":
            (folder / "dm.csv").write_text("USUBJID\n1\n")
        done = called("conform", folder)
        says_nothing(done, capfd)
        assert name == "define.xml" or done.exit_code == 2, (name, done.output)
        shutil.rmtree(folder)


def test_a_bug_is_told_by_its_kind_and_place(
    place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A library's message may quote a cell: only who sets CDISCX_TRACEBACK sees it."""
    plain(planted(4), place / "site.xlsx")

    def broken(*_: object, **__: object) -> None:
        raise ValueError(f"conversion from `str` to `date` failed for: [{SECRET[0]!r}]")

    monkeypatch.setattr(flow, "tidy", broken)
    monkeypatch.delenv("CDISCX_TRACEBACK", raising=False)
    done = called("sdtm", "site.xlsx", "--study", "palhep-a", "--out", "out", "--quiet")
    assert done.exit_code == 3
    assert not shows(done.stderr + done.stdout + "".join(capfd.readouterr()))
    assert "ValueError, test_no_leaks.py" in done.stderr
    assert len(done.stderr.splitlines()) == 1
