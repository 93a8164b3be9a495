"""cdiscx: checks what clinical sites send in, cell by cell. The names of this module are the whole public surface."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cdiscx.delivery import export
    from cdiscx.flow import analyse, read, tidy, to_adam, to_sdtm, trace, validate
    from cdiscx.model.finding import Finding, Report, Severity
    from cdiscx.model.spec import Study

__all__ = [
    "Finding",
    "Report",
    "Severity",
    "Study",
    "analyse",
    "export",
    "read",
    "tidy",
    "to_adam",
    "to_sdtm",
    "trace",
    "validate",
]

_HOMES = {
    "Study": "cdiscx.model.spec",
    "Report": "cdiscx.model.finding",
    "Finding": "cdiscx.model.finding",
    "Severity": "cdiscx.model.finding",
    "export": "cdiscx.delivery",
    **dict.fromkeys(("read", "tidy", "validate", "to_sdtm", "to_adam", "analyse", "trace"), "cdiscx.flow"),
}


def _name(name: str) -> property:
    """A public name, imported when first asked for. Rooms share the names of verbs (`read`, `tidy`, `validate`): importing

    a room must not put its module in the verb's place, so what the import system sets here is left aside.
    """
    return property(lambda _: getattr(import_module(_HOMES[name]), name), lambda _, __: None)


class _Cdiscx(ModuleType):
    """The package as a module whose public names are always the verbs and nouns, never a room of the same name."""

    Study, Report, Finding, Severity = _name("Study"), _name("Report"), _name("Finding"), _name("Severity")
    read, tidy, validate = _name("read"), _name("tidy"), _name("validate")
    to_sdtm, to_adam, analyse, export, trace = map(_name, ("to_sdtm", "to_adam", "analyse", "export", "trace"))


sys.modules[__name__].__class__ = _Cdiscx
