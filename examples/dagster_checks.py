"""An upload as a Dagster asset and every check of cdiscx as one of its asset checks.

CDISCX_UPLOAD=site-01.xlsx CDISCX_STUDY=palhep-a dagster dev -f dagster_checks.py
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetKey,
    Definitions,
    MaterializeResult,
    asset,
    multi_asset_check,
)

import cdiscx
from cdiscx import registry

KEY = AssetKey("site_upload")


def specs() -> list[AssetCheckSpec]:
    """One asset check for every check of the catalogue (`STR-001` is named `STR_001` here)."""
    return [
        AssetCheckSpec(check_id.replace("-", "_"), asset=KEY, description=check.title)
        for check_id, check in registry.checks().items()
    ]


def report() -> cdiscx.Report:
    """The report on the upload that the environment names."""
    study = cdiscx.Study.load(os.environ["CDISCX_STUDY"])
    return cdiscx.validate(cdiscx.tidy(study, cdiscx.read(os.environ["CDISCX_UPLOAD"])), expectations=False)


@asset(key=KEY)
def site_upload() -> MaterializeResult[None]:
    """The upload as read: its hash and its rows."""
    (file,) = cdiscx.read(os.environ["CDISCX_UPLOAD"])
    rows = sum(sheet.text.height for sheet in file.sheets)
    return MaterializeResult(metadata={"file": file.name, "sha256": file.sha256, "rows": rows})


@multi_asset_check(specs=specs())
def checks() -> Iterator[AssetCheckResult]:
    """Open errors and warnings fail a check; a check that could not run fails too, with its reason, as a warning."""
    said = report()
    for run in said.checks:
        found = [f for f in said.open if f.check_id == run.check_id]
        bad = [f for f in found if f.severity is not cdiscx.Severity.NOTE]
        errors = any(f.severity is cdiscx.Severity.ERROR for f in bad) or run.status.value == "errored"
        metadata: dict[str, Any] = {"status": run.status.value, "rows": run.rows, "findings": len(found)}
        if run.reason:
            metadata["reason"] = run.reason
        if found:
            metadata["first"] = "\n".join(f"{f.place}: {f.message}" for f in found[:20])
        yield AssetCheckResult(
            asset_key=KEY,
            check_name=run.check_id.replace("-", "_"),
            passed=run.status.value in ("passed", "failed") and not bad,
            severity=AssetCheckSeverity.ERROR if errors else AssetCheckSeverity.WARN,
            metadata=metadata,
        )


defs = Definitions(assets=[site_upload], asset_checks=[checks])
