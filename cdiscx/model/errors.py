"""Errors made for people; anything else that is raised is our bug."""

from __future__ import annotations


class CdiscxError(Exception):
    """Base of the errors whose text is meant to be read by a person; the command line exits with `status`."""

    status = 2


class SpecError(CdiscxError):
    """The study file is wrong: for the person who writes it. `problems` holds one `file:line:column: text` each."""

    def __init__(self, problems: list[str] | str) -> None:
        given = [problems] if isinstance(problems, str) else problems
        self.problems: list[str] = [" ".join(p.splitlines()) for p in given]  # a key may hold a line break
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
