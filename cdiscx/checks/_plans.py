"""Checks that a study file gives a drug or a visit to (`plan_check`, `judged_by`): why they do not belong to a study."""

from __future__ import annotations

from collections.abc import Callable

from cdiscx.model.spec import Study


def drugs_of(check_id: str) -> Callable[[Study], str | None]:
    """Rule: some regimen names the check as its `plan_check`."""

    def rule(study: Study) -> str | None:
        named = any(regimen.plan_check == check_id for regimen in study.regimens.values())
        return None if named else f"no regimen has the plan_check {check_id}"

    return rule


def visit_of(check_id: str) -> Callable[[Study], str | None]:
    """Rule: some visit of the schedule is `judged_by` the check."""

    def rule(study: Study) -> str | None:
        named = any(visit.judged_by == check_id for visit in study.schedule)
        return None if named else f"no visit of the schedule is judged by {check_id}"

    return rule
