"""Errors made for people; anything else that is raised is our bug."""

from __future__ import annotations


class CdiscxError(Exception):
    """Base of the errors whose text is meant to be read by a person; the command line exits with `status`."""

    status = 2


_LONGEST = 1000


def _one_line(text: str) -> str:
    """A problem in one line of bounded length: a key may hold a line break, or be thousands of characters long."""
    line = " ".join(text.splitlines())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 200]} … {line[-197:]}"


class SpecError(CdiscxError):
    """The study file is wrong: for the person who writes it. `problems` holds one `file:line:column: text` each."""

    def __init__(self, problems: list[str] | str) -> None:
        given = [problems] if isinstance(problems, str) else problems
        self.problems: list[str] = [_one_line(p) for p in given]
        super().__init__("\n".join(self.problems))


class UploadError(CdiscxError):
    """The upload cannot be read at all: for the person who sent it."""


class ExportError(CdiscxError):
    """What was asked for cannot be written: for the person who runs the export."""


class GateError(ExportError):
    """Findings stand against the export: the call was right, the data are not, as after `validate`."""

    status = 1


class UsageError(CdiscxError):
    """The words of the call make no sense together: for the person at the keyboard."""
