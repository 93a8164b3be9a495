"""The entries on disk: a table that only grows, each row sealed over the one before, and a head that counts them.

SQLite by default, any database that SQLAlchemy knows by its URL. One transaction writes a run or nothing.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import NullPool

from cdiscx.model.errors import UsageError

T = TypeVar("T")
Addition = tuple[str, dict[str, Any]]

#: what the first entry is sealed over
GENESIS = "cdiscx ledger 1"
_TIMES, _WAIT, _LOCK = 5, 60, 0x63646973

_META = sa.MetaData()
ENTRIES = sa.Table(
    "cdiscx_ledger",
    _META,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("seal", sa.String(64), nullable=False),
)
HEAD = sa.Table(
    "cdiscx_ledger_head",
    _META,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("entries", sa.Integer, nullable=False),
    sa.Column("seal", sa.String(64), nullable=False),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the ledger."""

    seq: int
    kind: str
    body: dict[str, Any]
    seal: str


@dataclass(frozen=True, slots=True)
class Book:
    """A ledger as read: its entries, and what is wrong with it (nothing, where nobody changed it)."""

    entries: tuple[Entry, ...]
    problems: tuple[str, ...] = ()

    @property
    def head(self) -> str:
        """`COUNT:HASH` of the last entry."""
        return f"{len(self.entries)}:{self.entries[-1].seal if self.entries else sealed('', 0, '', GENESIS)}"


def sealed(previous: str, seq: int, kind: str, body: str) -> str:
    """SHA-256 over the seal before, the number, the kind and the body of an entry, each with its length."""
    parts = [part.encode() for part in (previous, str(seq), kind, body)]
    return hashlib.sha256(b"".join(b"%d:%s" % (len(part), part) for part in parts)).hexdigest()


class Store:
    """The ledger at a path (SQLite) or a database URL."""

    def __init__(self, where: str | Path, *, must_exist: bool = False) -> None:
        self.where = str(where)
        self.path = None if "://" in self.where else Path(where)
        if self.path is not None:
            if must_exist and not self.path.is_file():
                raise UsageError(f"there is no ledger '{self.where}'; cdiscx validate --ledger makes one")
            if not self.path.parent.is_dir():
                raise UsageError(f"the folder of the ledger '{self.where}' does not exist")
        try:
            self.engine = _engine(self.path, self.where)
        except (ArgumentError, NoSuchModuleError, ImportError) as error:
            said = " ".join(str(error).split())
            raise UsageError(f"the ledger '{_shown(self.where)}' cannot be opened: {said}") from error

    def read(self) -> Book:
        """All entries, and whatever proves that they are not as they were written."""
        with self._told(), self.engine.connect().execution_options(reads=True) as connection:
            return self._read(connection)

    def append(self, make: Callable[[Book], tuple[list[Addition], Callable[[str], T]]]) -> T:
        """Reads the ledger, adds what `make(book)` wants added, all under one lock and in one transaction.

        `make` gives (list of (kind, body), answer); the answer is called with the new book's head and returned.
        Raises UsageError where the ledger is damaged: nothing is added to a book that somebody changed.
        """
        with self._told():
            for turn in range(_TIMES):
                try:
                    with self.engine.begin() as connection:
                        return self._append(connection, make)
                except (IntegrityError, OperationalError):  # somebody else was first: read again
                    if turn == _TIMES - 1:
                        raise
                    time.sleep(0.2 * (turn + 1))
        raise AssertionError("unreachable")

    def _append(
        self, connection: sa.Connection, make: Callable[[Book], tuple[list[Addition], Callable[[str], T]]]
    ) -> T:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if not sa.inspect(connection).has_table(HEAD.name):
            self._create(connection)
        book = self._read(connection)
        if book.problems:
            raise UsageError(
                f"the ledger '{_shown(self.where)}' was changed, nothing is added to it: {book.problems[0]}"
            )
        additions, answer = make(book)
        rows = []
        seq, previous = len(book.entries), book.head.partition(":")[2]
        for kind, body in additions:
            seq += 1
            said = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode(
                "utf-8", "backslashreplace"
            )
            text = said.decode()
            seal = sealed(previous, seq, kind, text)
            rows.append({"seq": seq, "kind": kind, "body": text, "previous": previous, "seal": seal})
            previous = seal
        if rows:
            connection.execute(ENTRIES.insert(), rows)
            connection.execute(HEAD.update().values(entries=seq, seal=previous))
        return answer(f"{seq}:{previous}")

    def _create(self, connection: sa.Connection) -> None:
        if self.path is not None and sa.inspect(connection).get_table_names():
            raise UsageError(f"'{self.where}' is a database of something else; name another file for the ledger")
        _META.create_all(connection)
        connection.execute(HEAD.insert(), {"id": 1, "entries": 0, "seal": sealed("", 0, "", GENESIS)})

    def _read(self, connection: sa.Connection) -> Book:
        problems = list(_structure(connection, alone=self.path is not None))
        if problems:
            return Book((), tuple(problems))
        heads = connection.execute(sa.select(HEAD.c.id, HEAD.c.entries, HEAD.c.seal)).all()
        columns = (ENTRIES.c.seq, ENTRIES.c.kind, ENTRIES.c.body, ENTRIES.c.previous, ENTRIES.c.seal)
        rows = connection.execute(sa.select(*columns).order_by(ENTRIES.c.seq))
        return _judged([tuple(row) for row in rows], [tuple(head) for head in heads])

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What a database says, in one line for the person at the keyboard."""
        try:
            yield
        except DatabaseError as error:
            said = " ".join(str(error.orig or error).split())
            raise UsageError(f"the ledger '{_shown(self.where)}' cannot be read or written: {said}") from error


def _engine(path: Path | None, where: str) -> sa.Engine:
    url = sa.URL.create("sqlite", database=str(path)) if path is not None else sa.make_url(where)
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, poolclass=NullPool)
    engine = sa.create_engine(url, poolclass=NullPool, connect_args={"timeout": _WAIT})

    @event.listens_for(engine, "connect")
    def _ours(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin on its own: the lock comes first

    @event.listens_for(engine, "begin")
    def _locked(connection: sa.Connection) -> None:
        reads = connection.get_execution_options().get("reads")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _structure(connection: sa.Connection, *, alone: bool) -> Iterator[str]:
    """Damage below the entries: tables that are gone or strange, pages that do not fit together."""
    names = set(sa.inspect(connection).get_table_names())
    for table in (ENTRIES, HEAD):
        if table.name not in names:
            yield f"the table {table.name} is gone"
    if not alone:
        return
    master = connection.exec_driver_sql("SELECT type, name FROM sqlite_master").all()
    ours = {("table", ENTRIES.name), ("table", HEAD.name)}
    strange = [f"{kind} {name}" for kind, name in master if (kind, name) not in ours and kind != "index"]
    if strange:
        yield f"it holds what cdiscx did not put there: {', '.join(strange)}"
    said = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar()
    if said != "ok":
        yield f"its pages are damaged: {' '.join(str(said).split())}"


def _judged(rows: Sequence[tuple[Any, ...]], heads: Sequence[tuple[Any, ...]]) -> Book:
    """Entries whose seals hold, and the first thing that does not."""
    entries: list[Entry] = []
    previous = sealed("", 0, "", GENESIS)
    for at, (seq, kind, body, before, seal) in enumerate(rows, start=1):
        if seq != at:
            return Book(tuple(entries), (f"entry {at} is missing: after {at - 1} comes {seq}",))
        if not all(isinstance(text, str) for text in (kind, body, before, seal)):
            return Book(tuple(entries), (f"entry {at} was changed: a text is no text any more",))
        if before != previous or sealed(previous, at, kind, body) != seal:
            return Book(tuple(entries), (f"entry {at} ({kind}) was changed: its seal does not fit",))
        entries.append(Entry(at, kind, json.loads(body), seal))
        previous = seal
    if heads != [(1, len(entries), previous)]:
        said = f"{heads[0][1]} entries" if len(heads) == 1 else "nothing of use"
        return Book(
            tuple(entries),
            (f"the end was cut off or the head changed: the head says {said}, {len(entries)} are there",),
        )
    return Book(tuple(entries))


def _shown(where: str) -> str:
    """The place without a password."""
    try:
        return sa.make_url(where).render_as_string(hide_password=True) if "://" in where else where
    except ArgumentError:
        return where.partition("://")[0] + "://…"
