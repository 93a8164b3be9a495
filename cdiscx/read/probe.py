"""Old binary workbooks are opened by a process of their own first: their parser trusts the counts that a file states.

A damaged .xls can make the native parser ask for more memory than there is, or follow a chain of sectors in circles; either
ends the whole process, and no exception can be caught. A process with bounds of memory and time finds out.
"""

from __future__ import annotations

import subprocess
import sys

from cdiscx.model.errors import UploadError

MEMORY, SECONDS = 4 * 1024**3, 120

_OPENS = f"""
import io, sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
    resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except ImportError:
    pass
import python_calamine
try:
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
    for meta in book.sheets_metadata:
        if meta.typ == python_calamine.SheetTypeEnum.WorkSheet:
            book.get_sheet_by_name(meta.name)
except MemoryError:
    sys.exit(9)
except Exception:
    pass
except BaseException:  # a panic, which would print its story
    sys.exit(9)
"""


def probe(data: bytes, name: str) -> None:
    """Opens every sheet elsewhere. Raises UploadError where that process did not live; what it complained of is no matter here."""
    command = [sys.executable, "-I", "-c", _OPENS]
    try:
        done = subprocess.run(command, input=data, capture_output=True, check=False, timeout=4 * SECONDS)
        lived = done.returncode == 0
    except subprocess.TimeoutExpired:
        lived = False
    if not lived:
        raise UploadError(f"{name} is damaged; open it, save it again and upload the new file")
