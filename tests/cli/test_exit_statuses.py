"""Exit statuses and the one line on standard error, in every situation that the contract names."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path

import pytest
from command_kit import ROOT, cdiscx, cohort, shell
from openpyxl import Workbook

from cdiscx.samples import write_xlsx

FAST = ("--no-expectations", "--quiet")


def findings(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("study", ["palhep-a", "neopvtt-b"])
def test_a_workbook_without_a_defect_ends_with_0_although_it_has_notes(study: str, good: dict[str, Path]) -> None:
    done = cdiscx("validate", good[study], "--study", study, "--format", "jsonl", "--fail-on", "warning")
    assert done.status == 0
    assert {f["severity"] for f in findings(done.out)} == {"note"}


def test_errors_end_with_1_and_with_0_only_when_asked_never_to_fail(bad: dict[str, Path]) -> None:
    call = ("validate", bad["palhep-a"], "--study", "palhep-a", *FAST, "--only", "TRM-001")
    for level, status in (("error", 1), ("warning", 1), ("never", 0)):
        assert cdiscx(*call, "--fail-on", level).status == status, level


def test_open_errors_end_an_export_with_1_and_one_line_and_nothing_is_written(
    bad: dict[str, Path], tmp_path: Path
) -> None:
    for verb in ("sdtm", "adam", "export"):
        done = cdiscx(verb, bad["palhep-a"], "--study", "palhep-a", "--out", tmp_path / "out", "--quiet")
        assert done.status == 1, verb
        assert "nothing was exported" in done.complaint
        assert not (tmp_path / "out").exists()


def test_a_wrong_call_of_an_export_is_refused_before_an_upload_is_read(tmp_path: Path) -> None:
    (tmp_path / "taken" / "sdtm").mkdir(parents=True)
    (tmp_path / "taken" / "sdtm" / "notes.txt").write_text("mine", encoding="utf-8")
    wrong = {
        "no format sas7bdat": ("--out", tmp_path / "out", "--format", "xpt,sas7bdat"),
        "no format named": ("--out", tmp_path / "out", "--format", ""),
        "needs a reason": ("--out", tmp_path / "out", "--despite-errors", " "),
        "holds other files": ("--out", tmp_path / "taken"),
    }
    for said, words in wrong.items():
        done = cdiscx("sdtm", tmp_path / "absent.xlsx", "--study", "palhep-a", *words)
        assert done.status == 2, said
        assert said in done.complaint


def test_warnings_end_with_1_only_when_warnings_are_to_fail(repeated: Path) -> None:
    call = ("validate", repeated, "--study", "palhep-a", *FAST, "--only", "STR-006")
    for level, status in (("error", 0), ("warning", 1), ("never", 0)):
        assert cdiscx(*call, "--fail-on", level).status == status, level


WRONG = {
    "no such study": (["--study", "palhep-x"], ["palhep-x", "palhep-a"]),
    "no such study file": (["--study", "missing.yaml"], ["missing.yaml"]),
    "no check is left": (["--study", "palhep-a", "--only", "XYZ-*"], ["XYZ-*", "cdiscx list checks"]),
    "everything is skipped": (["--study", "palhep-a", "--skip", "*"], ["--skip"]),
    "cut-off in words": (["--study", "palhep-a", "--cutoff", "nonsense"], ["nonsense", "2024-06-30"]),
    "cut-off of no month": (["--study", "palhep-a", "--cutoff", "2024-13-01"], ["2024-13-01"]),
    "no such format": (["--study", "palhep-a", "--format", "xml"], ["xml", "jsonl"]),
    "no such level": (["--study", "palhep-a", "--fail-on", "note"], ["note", "never"]),
    "no such option": (["--study", "palhep-a", "--reprot", "x"], ["--reprot", "--report"]),
    "no study": ([], ["--study"]),
    "report onto a file": (["--study", "palhep-a", "--report", __file__], ["report"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_usage_ends_with_2_and_one_line_that_names_the_word(case: str, good: dict[str, Path]) -> None:
    words, named = WRONG[case]
    done = cdiscx("validate", good["palhep-a"], *words)
    assert done.status == 2
    for word in named:
        assert word in done.complaint


def test_an_unknown_command_and_a_missing_upload_end_with_2() -> None:
    for words in (["validat"], ["validate", "--study", "palhep-a"], ["explain", "NOPE-001"], ["list", "nothing"]):
        done = cdiscx(*words)
        assert done.status == 2, words
        assert done.complaint.startswith("cdiscx: "), words


def test_a_typo_in_the_study_file_is_told_with_line_and_column(tmp_path: Path, good: dict[str, Path]) -> None:
    text = (ROOT / "specs" / "palhep-a.yaml").read_text(encoding="utf-8")
    at = text[: text.index("\nsheets:")].count("\n") + 2
    study = tmp_path / "mine.yaml"
    study.write_text(text.replace("\nsheets:", "\nshets:", 1), encoding="utf-8")
    done = cdiscx("validate", good["palhep-a"], "--study", study)
    assert done.status == 2
    assert f"mine.yaml:{at}:1:" in done.err
    assert "shets" in done.err
    assert "sheets" in done.err
    assert not done.out


def test_a_study_file_that_is_no_yaml_is_told_with_its_line(tmp_path: Path, good: dict[str, Path]) -> None:
    study = tmp_path / "broken.yaml"
    study.write_text("id: x\ntitle: [1, 2\n", encoding="utf-8")
    done = cdiscx("validate", good["palhep-a"], "--study", study)
    assert done.status == 2
    assert "broken.yaml:" in done.complaint


def container(stream: str) -> bytes:
    """The start of the container that Excel puts a protected workbook into, its directory naming the encrypted part."""
    sector = 512
    head = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(16) + bytes.fromhex("3E000300FEFF09000600") + bytes(10)
    head += (1).to_bytes(4, "little") + (1).to_bytes(4, "little") + bytes(4) + (4096).to_bytes(4, "little")
    head += b"\xfe\xff\xff\xff" + bytes(4) + b"\xfe\xff\xff\xff" + bytes(4) + (0).to_bytes(4, "little") + b"\xff" * 432
    fat = (0xFFFFFFFD).to_bytes(4, "little") + (0xFFFFFFFE).to_bytes(4, "little") + b"\xff" * (sector - 8)

    def entry(name: str, kind: int, child: int) -> bytes:
        wide = (name + "\0").encode("utf-16-le")
        out = wide.ljust(64, b"\0") + len(wide).to_bytes(2, "little") + bytes([kind, 1]) + b"\xff" * 8
        out += child.to_bytes(4, "little") + bytes(36) + b"\xfe\xff\xff\xff" + bytes(8)
        return out

    directory = entry("Root Entry", 5, 1) + entry(stream, 2, 0xFFFFFFFF)
    return head[:sector].ljust(sector, b"\xff") + fat + directory.ljust(sector, b"\0")


def unreadable(case: str, folder: Path, good: Path) -> tuple[Path, list[str]]:
    """An upload that cannot be read, and the words that its complaint must have."""
    path = folder / "site 07.xlsx"
    if case == "missing":
        return path, ["site 07.xlsx", "not found"]
    if case == "empty folder":
        (folder / "empty").mkdir()
        return folder / "empty", ["empty", ".csv"]
    contents = {
        "empty": b"",
        "text": b"hello",
        "page": b"<html><body><table><tr><td>Subject ID</td></tr></table></body></html>",
        "truncated": good.read_bytes()[:20000],
        "half a name": good.read_bytes()[:3],
        "protected": container("EncryptedPackage"),
        "noise": bytes(range(256)) * 40,
        "another zip": _zip({"readme.txt": b"hello"}),
    }
    path.write_bytes(contents[case])
    said = {"protected": "password", "truncated": "damaged", "empty": "empty", "text": "text file"}
    return path, ["site 07.xlsx", said.get(case, "")]


def _zip(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    "case",
    [
        "missing",
        "empty folder",
        "empty",
        "text",
        "page",
        "truncated",
        "half a name",
        "protected",
        "noise",
        "another zip",
    ],
)
def test_an_unreadable_upload_ends_with_2_and_leaves_nothing(case: str, tmp_path: Path, good: dict[str, Path]) -> None:
    path, named = unreadable(case, tmp_path, good["palhep-a"])
    report = tmp_path / "report"
    done = cdiscx("validate", good["palhep-a"], path, "--study", "palhep-a", "--format", "json", "--report", report)
    assert done.status == 2
    for word in named:
        assert word in done.complaint
    assert not report.exists()
    assert not list(tmp_path.glob(".*"))


def test_the_same_upload_twice_ends_with_2(good: dict[str, Path]) -> None:
    path = good["palhep-a"]
    done = cdiscx("validate", path, path.parent / "." / path.name, "--study", "palhep-a")
    assert done.status == 2
    assert "twice" in done.complaint


def test_a_copy_of_an_upload_under_another_name_is_no_clean_run(tmp_path: Path, good: dict[str, Path]) -> None:
    again = shutil.copy(good["palhep-a"], tmp_path / "copy.xlsx")
    done = cdiscx(
        "validate", good["palhep-a"], again, "--study", "palhep-a", *FAST, "--only", "STR-005", "--format", "jsonl"
    )
    assert done.status == 1
    assert len(findings(done.out)) == 12


def headers_only(path: Path) -> Path:
    upload = cohort("palhep-a")
    book = Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    for sheet, rows in upload.sheets.items():
        book.create_sheet(sheet).append(list(rows[0]))
    book.save(path)
    return path


def strange(path: Path) -> Path:
    book = Workbook()
    book.active.append(["shopping", "list"])  # type: ignore[union-attr]
    book.save(path)
    return path


@pytest.mark.parametrize("make", [headers_only, strange])
def test_a_run_in_which_nothing_could_be_checked_is_never_0(make: object, tmp_path: Path) -> None:
    path = make(tmp_path / "site.xlsx")  # type: ignore[operator]
    for level in ("error", "never"):
        done = cdiscx("validate", path, "--study", "palhep-a", "--fail-on", level, "--format", "json")
        assert done.status == 1, level
        assert "nothing could be checked" in done.err
        assert not [c for c in json.loads(done.out)["checks"] if c["status"] == "passed"]


def test_only_checks_that_this_study_has_not_is_never_0(good: dict[str, Path]) -> None:
    done = cdiscx("validate", good["palhep-a"], "--study", "palhep-a", *FAST, "--only", "DOS-011")
    assert done.status == 1
    assert "nothing could be checked" in done.err


PLUGIN = '''
import polars as pl
from cdiscx.model.finding import Severity
from cdiscx.registry import check

@check("ZZZ-001", on="subjects", columns=("SUBJID",), title="Crashes", severity=Severity.NOTE)
def crashes(subjects: pl.LazyFrame) -> pl.LazyFrame:
    """Never said."""
    raise ZeroDivisionError("on purpose")

@check("ZZZ-002", on="subjects", columns=("SUBJID",), title="Names everybody", severity=Severity.NOTE)
def names(subjects: pl.LazyFrame) -> pl.LazyFrame:
    """Subject {SUBJID} is here."""
    return subjects.select("SUBJID", "_rid")
'''


def plug_in(folder: Path, source: str) -> dict[str, str]:
    """Installs a plug-in through the entry-point group; the environment that finds it."""
    (folder / "zz_plug.py").write_text(source, encoding="utf-8")
    info = folder / "zz_plug-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zz-plug\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[cdiscx]\nzz = zz_plug\n", encoding="utf-8")
    return plug_in_again(folder)


def test_a_check_that_crashes_ends_with_3_whatever_else_was_found(tmp_path: Path, good: dict[str, Path]) -> None:
    env = plug_in(tmp_path, PLUGIN)
    call = ("validate", good["palhep-a"], "--study", "palhep-a", *FAST, "--only", "ZZZ-*", "--fail-on", "never")
    done = shell(*call, "--format", "json", env=env)
    assert done.status == 3
    assert "ZZZ-001" in done.err
    assert "Traceback" not in done.err
    report = json.loads(done.out)
    by_id = {c["check_id"]: c for c in report["checks"]}
    assert by_id["ZZZ-001"]["status"] == "errored"
    assert "ZeroDivisionError: on purpose" in by_id["ZZZ-001"]["reason"]
    assert by_id["ZZZ-002"]["status"] == "failed"
    assert len(report["findings"]) == 12


def test_a_plug_in_that_cannot_be_loaded_ends_with_2_and_its_name(tmp_path: Path, good: dict[str, Path]) -> None:
    env = plug_in(tmp_path, "import a_module_that_nobody_has\n")
    done = shell("validate", good["palhep-a"], "--study", "palhep-a", *FAST, env=env)
    assert done.status == 2
    assert "zz_plug" in done.complaint
    assert "a_module_that_nobody_has" in done.complaint


VIEWS = '''
import polars as pl
from cdiscx.registry import check, view

@view("zz", of=("subjects",))
def zz(subjects: pl.LazyFrame) -> pl.LazyFrame:
    """Crashes."""
    raise ZeroDivisionError("in a view")

@check("ZZZ-003", on="zz", title="Rests on it")
def rests(zz: pl.LazyFrame) -> pl.LazyFrame:
    """Never said."""
    return zz
'''
CIRCLE = '''
import polars as pl
from cdiscx.registry import view

@view("hen", of=("egg",))
def hen(egg: pl.LazyFrame) -> pl.LazyFrame:
    """Waits."""
    return egg

@view("egg", of=("hen",))
def egg(hen: pl.LazyFrame) -> pl.LazyFrame:
    """Waits."""
    return hen
'''


def test_a_view_that_crashes_ends_with_3_and_the_other_checks_run(tmp_path: Path, good: dict[str, Path]) -> None:
    call = ("validate", good["palhep-a"], "--study", "palhep-a", *FAST, "--only", "ZZZ-*", "--only", "DAT-006")
    done = shell(*call, "--format", "json", env=plug_in(tmp_path, VIEWS))
    assert done.status == 3
    assert "ZZZ-003" in done.err
    by_id = {c["check_id"]: c for c in json.loads(done.out)["checks"]}
    assert "in a view" in by_id["ZZZ-003"]["reason"]
    assert by_id["DAT-006"]["status"] == "passed"


def test_a_bug_outside_the_checks_ends_with_3_and_one_line(tmp_path: Path, good: dict[str, Path]) -> None:
    call = ("validate", good["palhep-a"], "--study", "palhep-a", *FAST)
    done = shell(*call, env=plug_in(tmp_path, CIRCLE))
    assert done.status == 3
    assert "egg, hen" not in done.complaint, "the words of an error may quote what stands in a cell"
    assert "CDISCX_TRACEBACK" in done.complaint
    loud = shell(*call, env={**plug_in_again(tmp_path), "CDISCX_TRACEBACK": "1"})
    assert loud.status == 3
    assert "Traceback" in loud.err
    assert "egg, hen" in loud.err


def plug_in_again(folder: Path) -> dict[str, str]:
    """The environment of a plug-in that is installed."""
    return {"PYTHONPATH": f"{ROOT}:{folder}"}


def test_a_warning_of_one_site_is_not_lost_beside_clean_ones(tmp_path: Path, repeated: Path, folder: Path) -> None:
    other = tmp_path / "north.xlsx"
    upload = cohort("palhep-a")
    for rows in upload.sheets.values():
        for row in rows:
            row["Subject ID"] = f"9{row['Subject ID']}"
    write_xlsx(upload, other)
    call = ("validate", other, repeated, "--study", "palhep-a", *FAST, "--only", "STR-006", "--fail-on", "warning")
    done = cdiscx(*call, "--format", "jsonl")
    assert done.status == 1
    assert [f["file"] for f in findings(done.out)] == ["repeated.xlsx"]


def test_a_cutoff_before_the_first_consent_is_said_because_nothing_enters_a_derivation(
    good: dict[str, Path], tmp_path: Path
) -> None:
    call = (
        "sdtm",
        good["palhep-a"],
        "--study",
        "palhep-a",
        "--out",
        tmp_path / "out",
        "--despite-errors",
        "a trial run",
    )
    done = cdiscx(*call, "--cutoff", "2001-01-01")
    assert done.status == 0
    assert "the cut-off 2001-01-01 is before the first informed consent" in done.err
