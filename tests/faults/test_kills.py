"""A run that is killed never leaves results that look whole and are not, and the next run works and clears up."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fault_kit import DYING, ROOT, cdiscx, contents, dying, hidden, run, whole

from cdiscx.model.folder import Kind, whole_folder
from cdiscx.samples import clean, write_xlsx

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a word of POSIX")

EXPORT = ".cdiscx-export"


@pytest.fixture(scope="module")
def upload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("upload") / "site-01.xlsx"
    write_xlsx(clean("palhep-a", sites=1, subjects=2, seed=3)[0], path)
    return path


def earlier(target: Path) -> dict[str, bytes]:
    """A folder of an earlier run."""
    with whole_folder(target, Kind("export", "the export", EXPORT)) as made:
        (made / "a.txt").write_text("earlier")
    return contents(target)


@pytest.mark.parametrize("before", [False, True])
def test_at_whatever_change_a_run_is_killed_the_folder_is_the_old_one_the_new_one_or_not_there(
    before: bool, tmp_path: Path
) -> None:
    changes = 0
    for last in range(100):
        target = tmp_path / str(last) / "out"
        target.parent.mkdir()
        old = earlier(target) if before else {}
        done = dying(last, "--folder", target, "new")
        if last == 0:
            changes = done.changes
            assert done.status == 0
        assert done.killed == (1 <= last <= changes)
        if target.exists():
            assert whole(target, EXPORT)
            assert contents(target) == old or (target / "deep" / "c.txt").read_text() == "new"
        with whole_folder(target, Kind("export", "the export", EXPORT)) as made:
            (made / "a.txt").write_text("next")
        assert whole(target, EXPORT)
        assert [p.name for p in target.parent.iterdir()] == ["out"]
        if last > changes:
            break
    assert changes >= 7


def test_an_earlier_folder_that_was_moved_aside_comes_back_when_the_next_run_fails(tmp_path: Path) -> None:
    target = tmp_path / "out"
    old = earlier(target)
    target.rename(tmp_path / ".out.0123abcd.old")

    def failing() -> None:
        with whole_folder(target, Kind("export", "the export", EXPORT)):
            raise KeyError("a bug")

    with pytest.raises(KeyError):
        failing()
    assert contents(target) == old
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_what_a_living_run_is_filling_is_left_alone_by_another(tmp_path: Path) -> None:
    kind = Kind("export", "the export", EXPORT)
    with whole_folder(tmp_path / "out", kind) as slow:
        (slow / "slow.txt").write_text("slow")
        with whole_folder(tmp_path / "out", kind) as quick:
            (quick / "quick.txt").write_text("quick")
        assert (slow / "slow.txt").exists()
    assert set(contents(tmp_path / "out")) == {"slow.txt", EXPORT}


def test_hidden_files_of_other_people_are_not_leftovers(tmp_path: Path) -> None:
    for name in (".out.partial", ".out.zzzzzzzz.partial", ".other.0123abcd.partial", "out.0123abcd.old"):
        (tmp_path / name).mkdir()
    before = {p.name for p in tmp_path.iterdir()}
    earlier(tmp_path / "out")
    assert {p.name for p in tmp_path.iterdir()} == before | {"out"}


FORKED = Path(__file__).with_name("forked_kills.py")
VERBS = {
    "validate": (("--no-expectations", "--fail-on", "never", "--report"), "", ".cdiscx-report"),
    "sdtm": (("--despite-errors", "test", "--out"), "sdtm", EXPORT),
    "export": (("--despite-errors", "test", "--out"), "", EXPORT),
}


def killed_and_repeated(verb: str, upload: Path, where: Path, last: int, twice: bool) -> None:
    """One run killed at a change; then what stands there is checked, and the run is repeated."""
    words, part, marker = VERBS[verb]
    out = where / "out"
    call = (verb, upload, "--study", "palhep-a", "--quiet", *words, out)
    made = out / part if part else out
    done = dying(last, *call)
    assert done.killed, (last, done.err)
    if made.exists():
        assert whole(made, marker)
    beside = out / f"manifest-{part}.json"
    assert not (part and beside.exists() and not made.exists()), "a manifest of datasets that are not there"
    if twice:
        again = dying(0, *call)
        assert again.status == 0, again.err
        assert whole(made, marker)
        assert not hidden(where)


@pytest.mark.parametrize("verb", VERBS)
def test_a_command_that_is_killed_leaves_nothing_that_looks_whole_and_works_again(
    verb: str, upload: Path, tmp_path: Path
) -> None:
    chance = random.Random(verb)
    most = 40
    if verb == "validate":  # it changes the file system some thirty times
        killed_and_repeated(verb, upload, tmp_path, chance.randrange(2, 6), twice=False)
        most = 26
    killed_and_repeated(verb, upload, tmp_path, chance.randrange(6, most), twice=verb != "export")


@pytest.fixture(scope="module")
def derived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that a report and an export are written from."""
    folder = tmp_path_factory.mktemp("derived")
    done = run(FORKED, "make", folder)
    assert done.status == 0, done.err
    return folder


@pytest.mark.parametrize(
    ("what", "kills", "seed"),
    [
        ("report", 12, 0),
        *(pytest.param("report", 55, n, marks=pytest.mark.slow) for n in (1, 2)),
        *(pytest.param("export", 28, n, marks=pytest.mark.slow) for n in (1, 2, 3, 4)),
    ],
)
def test_kills_at_any_change_and_any_moment_leave_nothing_half_written(
    what: str, kills: int, seed: int, derived: Path, tmp_path: Path
) -> None:
    """222 in the nightly run, beside the 200 of the ledger in tests/ledger."""
    shutil.copy(derived / "all.pickle", tmp_path)
    shutil.copy(derived / "site-01.xlsx", tmp_path)
    done = run(FORKED, what, tmp_path, kills, f"{what} {seed}")
    assert done.status == 0, done.err
    told = json.loads(done.out)
    assert told["changes"] >= 20
    assert told["died"] >= kills * 0.5
    assert told["stood"] >= 1


@pytest.mark.slow
def test_kills_at_any_moment_of_an_export(upload: Path, tmp_path: Path) -> None:
    chance = random.Random(5)
    words = ("export", upload, "--study", "palhep-a", "--quiet", "--despite-errors", "test", "--out", tmp_path / "out")
    start = time.perf_counter()
    assert cdiscx(*words).status == 0
    length = time.perf_counter() - start
    command = [sys.executable, str(DYING), "0", *map(str, words)]
    for _ in range(20):
        process = subprocess.Popen(command, env={"PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0, length))
        process.kill()
        process.wait()
        if (tmp_path / "out").exists():
            assert whole(tmp_path / "out", EXPORT)
    assert cdiscx(*words).status == 0
    assert whole(tmp_path / "out", EXPORT)
    assert not hidden(tmp_path)
