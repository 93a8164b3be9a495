"""Nobody changes a ledger unseen: every entry is sealed over the one before, and the head counts them."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from ledger_kit import day, finding, report

from cdiscx.ledger import book
from cdiscx.ledger.store import GENESIS, Store, sealed
from cdiscx.model.errors import UsageError

A, B = finding("VIS-001", "101"), finding("VIS-001", "102")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A ledger of three runs and nine entries."""
    path = tmp_path / "queries.db"
    for on, made in enumerate((report(A, B), report(A, upload="b"), report(A, B, upload="c")), start=1):
        book.record(made.to_dict(), path, who="ana", when=day(on))
    return path


def sql(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as base:
        for statement in statements:
            base.execute(statement)
    base.close()


def test_an_untouched_ledger_is_whole_and_every_entry_stands_in_order(file: Path) -> None:
    found, problems = book.verify(file)
    assert not problems
    assert [e.kind for e in found.entries] == ["run", "new", "new", "run", "resolved", "run", "reopened"]
    assert found.head == f"7:{found.entries[-1].seal}"


@pytest.mark.parametrize("column", ["kind", "body", "previous", "seal"])
@pytest.mark.parametrize("seq", [1, 4, 7])
def test_a_changed_text_of_any_entry_is_found(column: str, seq: int, file: Path) -> None:
    sql(file, f"UPDATE cdiscx_ledger SET {column} = replace({column}, substr({column}, 3, 1), 'Z') WHERE seq = {seq}")
    assert book.verify(file)[1][0].startswith(f"entry {seq}")


@pytest.mark.parametrize(
    ("tampering", "said"),
    [
        ("DELETE FROM cdiscx_ledger WHERE seq = 3", "entry 3 is missing"),
        ("DELETE FROM cdiscx_ledger WHERE seq >= 6", "the end was cut off"),
        ("DELETE FROM cdiscx_ledger", "the end was cut off"),
        ("UPDATE cdiscx_ledger_head SET entries = 6", "the end was cut off or the head changed"),
        ("DELETE FROM cdiscx_ledger_head", "the end was cut off or the head changed"),
        ("INSERT INTO cdiscx_ledger SELECT 8, kind, body, previous, seal FROM cdiscx_ledger WHERE seq = 7", "entry 8"),
        ("UPDATE cdiscx_ledger SET body = CAST(body AS BLOB) WHERE seq = 2", "entry 2"),
        ("UPDATE cdiscx_ledger SET seq = -1 WHERE seq = 2", "entry 1 is missing"),
        ("DROP TABLE cdiscx_ledger", "the table cdiscx_ledger is gone"),
        ("CREATE TRIGGER t AFTER INSERT ON cdiscx_ledger BEGIN DELETE FROM cdiscx_ledger; END", "did not put there"),
    ],
)
def test_entries_taken_away_added_or_moved_are_found(tampering: str, said: str, file: Path) -> None:
    sql(file, tampering)
    assert said in book.verify(file)[1][0]
    with pytest.raises(UsageError):
        book.record(report(A, upload="d").to_dict(), file, who="ana", when=day(9))


def test_entries_that_changed_places_are_found(file: Path) -> None:
    swap = "UPDATE cdiscx_ledger SET seq = {} WHERE seq = {}"
    sql(file, swap.format(99, 2), swap.format(2, 3), swap.format(3, 99))
    assert book.verify(file)[1][0].startswith("entry 2")


def test_a_changed_byte_of_the_file_is_found_or_carries_nothing(file: Path, tmp_path: Path) -> None:
    whole, _ = book.verify(file)
    data = file.read_bytes()
    found = 0
    for at in range(0, len(data), 61):
        copy = tmp_path / "copy.db"
        copy.write_bytes(data[:at] + bytes([data[at] ^ 0x15]) + data[at + 1 :])
        try:
            seen, problems = book.verify(copy)
        except UsageError:
            found += 1
            continue
        found += bool(problems)
        assert problems or seen == whole, f"byte {at} changed an entry and nobody saw it"
    assert found > 30


def test_a_ledger_rewritten_with_new_seals_is_found_only_with_a_head_noted_before(file: Path) -> None:
    noted = book.verify(file)[0].head
    keep = book.verify(file)[0].entries[:5]
    sql(
        file,
        "DELETE FROM cdiscx_ledger WHERE seq > 5",
        f"UPDATE cdiscx_ledger_head SET entries = 5, seal = '{keep[-1].seal}'",
    )
    assert book.verify(file)[1] == [], "inside the file nothing tells of what was cut off"
    assert "that was noted is not in it" in book.verify(file, [noted])[1][0]
    assert not book.verify(file, [f"5:{keep[-1].seal}", f"2:{keep[1].seal}", f"0:{sealed('', 0, '', GENESIS)}"])[1]
    with pytest.raises(UsageError, match="COUNT:HASH"):
        book.verify(file, ["soon"])


def test_the_head_of_an_earlier_run_stays_in_the_ledger(file: Path) -> None:
    heads = [book.record(report(upload=name).to_dict(), file, who="ana", when=day(5)).standings.head for name in "xyz"]
    assert not book.verify(file, heads)[1]


def test_what_is_no_ledger_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    base, text, away = tmp_path / "other.db", tmp_path / "text.db", tmp_path / "no" / "q.db"
    sql(base, "CREATE TABLE mine (a)")
    text.write_text("years of work " * 100, encoding="utf-8")
    before = base.read_bytes(), text.read_bytes()
    for path, said in ((base, "database of something else"), (text, "cannot be read"), (away, "does not exist")):
        with pytest.raises(UsageError, match=said):
            book.record(report(A).to_dict(), path, who="ana", when=day(1))
    assert (base.read_bytes(), text.read_bytes()) == before
    with pytest.raises(UsageError, match="there is no ledger"):
        book.verify(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("url", ["nosuch://host/base", "postgresql+nosuch://ana:secret@host/base"])
def test_a_database_nobody_can_open_is_one_line_without_the_password(url: str) -> None:
    with pytest.raises(UsageError) as error:
        Store(url)
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


def test_hostile_texts_come_back_as_they_were(file: Path) -> None:
    odd = finding("VIS-001", "101", value="\x00 ' ; DROP TABLE x; -- 中心 \ud800 \u2028")
    book.record(report(odd, upload="h").to_dict(), file, who="anä", when=day(6))
    assert not book.verify(file)[1]
    assert book.queries(file)[0]["value"] == odd.value


def test_a_ledger_that_may_only_be_read_can_be_verified(file: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(file, tmp_path / "read-only.db"))
    copy.chmod(0o444)
    assert not book.verify(copy)[1]
