"""Settings in, a page on 127.0.0.1 until Ctrl-C out: socket, secrets and private folder of one start."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import tempfile
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from cdiscx import history
from cdiscx.model.errors import UsageError
from cdiscx.model.spec import Study
from cdiscx.model.spec_file import bundled
from cdiscx.report.languages import ENGLISH, language
from cdiscx.serve.settings import ADDRESS, Choice, Settings

_PREFIX = "cdiscx-serve-"


def choices_of(named: Sequence[str], lang: str = ENGLISH) -> tuple[Choice, ...]:
    """The studies to choose from: study files of one's own first, then the bundled ones; titles in `lang` where the study
    file has them. Raises SpecError."""
    found: dict[str, Choice] = {}
    for name in [*named, *bundled()]:
        study = Study.load(name)
        own = name.lower() not in map(str.lower, bundled())
        found.setdefault(study.id, Choice(str(Path(name).resolve()) if own else name, study.id, _title(study, lang)))
    return tuple(found.values())


def ready_ledger(ledger: str | None) -> str | None:
    """The ledger as the workers find it from any folder: an absolute path, or the URL. Raises UsageError for one that is
    there and cannot be read, or whose folder is not."""
    if ledger is None:
        return None
    found = ledger if "://" in ledger else str(Path(ledger).absolute())
    if "://" in ledger or Path(found).exists():
        history.queries(found)
    elif not Path(found).parent.is_dir():
        raise UsageError(f"the folder of the ledger '{ledger}' does not exist")
    return found


def _title(study: Study, lang: str) -> str:
    return language(lang).of_study(study).texts.get(study.title, study.title)


def serve(settings: Settings, said: Callable[[str], None], *, browser: bool = True) -> None:
    """Serves the page until it is interrupted; `said` gets the lines for the person. Raises UsageError.

    Everything that was uploaded or made is removed at the end.
    """
    try:
        import uvicorn

        from cdiscx.serve.app import make_app
        from cdiscx.serve.desk import Desk
        from cdiscx.serve.guard import Lock
    except ImportError as error:
        raise UsageError(f"the page needs {error.name}; install it with: pip install 'cdiscx[serve]'") from error
    with _listening(settings.port) as listener, private_folder() as root:
        lock = Lock(listener.getsockname()[1])
        app = make_app(Desk(root, settings), lock, settings)
        config = uvicorn.Config(
            app,
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            http="h11",
            timeout_keep_alive=5,
            timeout_graceful_shutdown=1,
            limit_concurrency=64,
        )
        said(f"cdiscx: open {lock.address}")
        said("cdiscx: the address is good once, in one browser; nothing leaves this machine; stop with Ctrl-C")
        if browser:
            webbrowser.open(lock.address)
        with suppress(KeyboardInterrupt):  # Ctrl-C is how one stops it, not something that went wrong
            asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))
    stays = f"; the ledger {settings.keeps} stays" if settings.keeps else ""
    said(f"cdiscx: stopped; uploads and results were removed{stays}")


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder that only this user can read, removed at the end; what a killed start left behind is removed at the start."""
    _sweep(Path(tempfile.gettempdir()))
    made = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    before = tempfile.tempdir
    tempfile.tempdir = str(made)  # bodies of requests that are too long for memory wait here too
    try:
        yield made
    finally:
        tempfile.tempdir = before
        shutil.rmtree(made, ignore_errors=True)


def _sweep(temp: Path) -> None:
    if os.name != "posix":
        return
    for left in temp.glob(f"{_PREFIX}*"):
        pid = left.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and left.is_dir() and not left.is_symlink() and left.stat().st_uid == os.getuid() and not _alive(int(pid)):  # fmt: skip
            shutil.rmtree(left, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((ADDRESS, port))
        listener.listen()  # before the address is said: a browser may be quicker than the page
    except (OSError, OverflowError) as error:
        listener.close()
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"port {port} of {ADDRESS} cannot be used: {why}; choose another with --port") from error
    try:
        yield listener
    finally:
        listener.close()
