"""Check an upload, stop at errors, else map, derive, analyse and export: `python plain_script.py UPLOAD STUDY FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

import cdiscx


def run(upload: Path, study: str, folder: Path) -> int:
    """0 where everything was exported, 1 where errors are open."""
    plan = cdiscx.Study.load(study)
    data = cdiscx.tidy(plan, cdiscx.read(upload))
    report = cdiscx.validate(data)
    for finding in report.open:
        if finding.severity is cdiscx.Severity.ERROR:
            print(f"{finding.check_id} {finding.place}: {finding.message}")
    print(report.to_polars().group_by("severity").len().sort("severity"))
    if not report.ok("error"):
        return 1
    analysed = cdiscx.analyse(cdiscx.to_adam(cdiscx.to_sdtm(data)), report)
    print(f"SDTM: {', '.join(analysed.sdtm)}; ADaM: {', '.join(analysed.adam)}")
    files = cdiscx.export(analysed, folder, report=report, formats=("xpt", "parquet"))
    print(f"{len(files)} files in {folder}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(run(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
