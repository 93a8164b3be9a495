"""The findings of a validation in, the decision whether an export may be made out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cdiscx.model.errors import GateError, UsageError
from cdiscx.model.finding import Finding, Report, Severity


@dataclass(frozen=True, slots=True)
class Gate:
    """`passed`: nothing stood against the export; else `reason` says why somebody made it nevertheless.

    `errors`: check -> open errors; `warnings`, `notes`, `accepted`: how many findings; `crashed`: checks that did not run
    through; `losses`: EXP-XPT id -> values that a transport file cannot hold as they are.
    """

    passed: bool
    reason: str | None = None
    errors: dict[str, int] = field(default_factory=dict)
    warnings: int = 0
    notes: int = 0
    accepted: int = 0
    crashed: tuple[str, ...] = ()
    #: None: there was no validation (datasets were given)
    checked: bool | None = None
    losses: dict[str, int] = field(default_factory=dict)
    #: errors among the losses: the values are cut or left out
    lossy: bool = False

    @property
    def decision(self) -> str:
        """In words: passed, not validated, or exported despite errors."""
        if not self.passed:
            return "exported despite errors"
        return "not validated" if self.checked is None else "passed"

    def to_dict(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            "decision": self.decision,
            "reason": self.reason,
            "open_errors": sum(self.errors.values()),
            "open_errors_by_check": dict(sorted(self.errors.items())),
            "open_warnings": self.warnings,
            "notes": self.notes,
            "accepted": self.accepted,
            "checks_that_crashed": list(self.crashed),
            "anything_checked": self.checked,
            "transport_file_findings": dict(sorted(self.losses.items())),
            "values_cut_or_left_out": self.lossy,
        }


def gate(report: Report | None, losses: Sequence[Finding] = (), *, despite: str | None = None) -> Gate:
    """Decides on a validation and on the findings of `limits`.

    Open errors (those the study file does not accept), a check that crashed, a run that checked nothing, and values that
    no transport file holds stop the export with GateError, unless `despite` gives a reason. `report` None: datasets
    that were not validated here (`--sdtm`). Raises UsageError for a reason without words.
    """
    reason_given(despite)
    found = report.open if report is not None else ()
    errors = Counter(f.check_id for f in found if f.severity is Severity.ERROR)
    severe = Counter(f.check_id for f in losses if f.severity is Severity.ERROR)
    crashed = tuple(c.check_id for c in report.checks if c.status.value == "errored") if report is not None else ()
    checked = report.checked if report is not None else None
    against = _against(errors + severe, crashed, checked)
    if against and despite is None:
        raise GateError(
            f"{against}: nothing was exported; correct the data, accept a finding in the study file, "
            "or say why it is exported nevertheless with --despite-errors REASON"
        )
    return Gate(
        passed=not against,
        reason=despite.strip() if against and despite else None,
        errors=dict(errors),
        warnings=sum(f.severity is Severity.WARNING for f in found),
        notes=sum(f.severity is Severity.NOTE for f in found),
        accepted=len(report) - len(found) if report is not None else 0,
        crashed=crashed,
        checked=checked,
        losses=dict(Counter(f.check_id for f in losses)),
        lossy=bool(severe),
    )


def reason_given(despite: str | None) -> None:
    """Raises UsageError for a reason without words."""
    if despite is not None and not despite.strip():
        raise UsageError("--despite-errors needs a reason, which the manifest will state")


def _against(errors: Counter[str], crashed: Sequence[str], checked: bool | None) -> str:
    """What stands against the export, as the beginning of a sentence; empty where nothing does."""
    said = []
    if errors:
        number = sum(errors.values())
        most = ", ".join(f"{check} {n}" for check, n in sorted(errors.items(), key=lambda e: (-e[1], e[0]))[:6])
        more = ", …" if len(errors) > 6 else ""
        said.append(f"{number} open error{'s' if number != 1 else ''} ({most}{more})")
    if crashed:
        said.append(f"checks that crashed ({', '.join(crashed[:6])})")
    if checked is False:
        said.append("a validation in which nothing could be checked")
    return " and ".join(said)
