"""3,000,000 source rows to a findings domain: transposed, with --SEQ, --DY, EPOCH and baseline flag; beside plain pandas.

The source is a wide table in the house's words (a row a subject and visit, two measurements, one of them filled), so that
reading is not measured. The pandas side makes the same records with its own words and no lineage. Each side runs in a process
of its own; what is shown is its wall and CPU time for the mapping alone, and its peak memory.
Run: python benchmarks/sdtm.py [ROWS]
"""

from __future__ import annotations

import datetime as dt
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

VISITS = 100
MAPPING = """
domain: VS
keys: [USUBJID, VSTESTCD, VSDTC]
baseline: {same_day: true}
blocks:
  vitals:
    from: visits
    targets:
      VISIT: {visit: VISIT}
      VSDTC: {assign_datetime: VISDAT}
    tests:
      WEIGHT: {result: WEIGHT, orresu: kg, standard: kg}
      HR:     {result: ECOG, orresu: beats/min, standard: beats/min}
"""


def source(rows: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Subjects, doses and the wide table: every hundredth row of the table is another subject's first."""
    people = rows // VISITS
    ids = pl.int_range(people, eager=True).cast(pl.String).str.zfill(6)
    start = pl.date(2022, 1, 1) + pl.duration(days=pl.int_range(pl.len()) % 300)
    subjects = pl.DataFrame({"SUBJID": ids}).with_columns(
        SITEID=pl.lit("01"), SEX=pl.lit("M"), RFICDAT=start - pl.duration(days=20), ENRLDAT=start - pl.duration(days=5)
    )
    doses = pl.DataFrame({"SUBJID": ids}).with_columns(
        EXTRT=pl.lit("DURVALUMAB"), EXSTDAT=start, EXENDAT=start, EXDOSE=pl.lit(1500.0), EXDOSU=pl.lit("mg")
    )
    number = pl.int_range(pl.len()) % VISITS
    day = pl.date(2021, 12, 20) + pl.duration(days=(pl.int_range(pl.len()) // VISITS) % 300 + number * 7)
    value = (100 + (pl.int_range(pl.len()) * 7919) % 600 / 10).round(1)
    vitals = pl.DataFrame({"_rid": pl.int_range(rows, dtype=pl.UInt32, eager=True)}).with_columns(
        SUBJID=(pl.int_range(pl.len()) // VISITS).cast(pl.String).str.zfill(6),
        VISIT=pl.when(number == 0).then(pl.lit("SCREENING")).otherwise(
            pl.lit("CONTINUATION CYCLE ") + (number % 30 + 1).cast(pl.String)
        ),
        VISDAT=day,
        WEIGHT=pl.when(number % 2 == 0).then(value),
        ECOG=pl.when(number % 2 == 1).then(value),
    )  # fmt: skip
    return subjects, doses, vitals


def with_cdiscx(rows: int) -> dict[str, float]:
    """The mapping of the house's engine."""
    from cdiscx.flow import prepare
    from cdiscx.model.spec import Study
    from cdiscx.model.table import Table
    from cdiscx.sdtm.engine import begin, map_domain
    from cdiscx.tidy.frames import tidy_frames

    subjects, doses, vitals = source(rows)
    data = prepare(
        tidy_frames(Study.load("palhep-a"), {"subjects": subjects, "dosing": doses}), cutoff=dt.date(2026, 1, 1)
    )
    origin = {c: (f"visits.{c}",) for c in vitals.columns if not c.startswith("_")}
    table = Table("visits", vitals.with_columns(_from=pl.concat_list("_rid")), origin)
    with tempfile.TemporaryDirectory() as folder:
        house = "\n".join(f"  {name}: null" for name in _house_blocks())
        (Path(folder) / "vs.yaml").write_text(MAPPING + house + "\n", encoding="utf-8")
        run, _ = begin(data, Path(folder))
        run.data = data.with_(tidy={**data.tidy, "visits": table})
        start, cpu = time.perf_counter(), time.process_time()
        made = map_domain(run, "VS")
        took, used = time.perf_counter() - start, time.process_time() - cpu
    frame = made["VS"].frame
    return _facts(took, used, frame.height, int(frame.get_column("VSDY").sum()), int((frame["VSLOBXFL"] == "Y").sum()))


def _house_blocks() -> list[str]:
    from ruamel.yaml import YAML

    from cdiscx.model.spec_file import data_folder

    return list(YAML(typ="safe").load((data_folder("mappings") / "_house" / "vs.yaml").read_text("utf-8"))["blocks"])


def with_pandas(rows: int) -> dict[str, float]:
    """The same records by plain pandas: melt, merge, sort, cumcount, groupby; without lineage, notes and codelists."""
    import pandas as pd

    subjects, doses, vitals = (f.to_pandas() for f in source(rows))
    begin, cpu = time.perf_counter(), time.process_time()
    long = vitals.melt(["SUBJID", "VISIT", "VISDAT"], ["WEIGHT", "ECOG"], "VSTESTCD", "VSSTRESN").dropna(
        subset=["VSSTRESN"]
    )
    long["VSTESTCD"] = long["VSTESTCD"].replace("ECOG", "HR")
    first = doses.groupby("SUBJID")["EXSTDAT"].min().rename("RFSTDT")
    long = long.merge(first, left_on="SUBJID", right_index=True).merge(subjects[["SUBJID", "SITEID"]], on="SUBJID")
    long["STUDYID"], long["DOMAIN"] = "PALHEP-A", "VS"
    long["USUBJID"] = "PALHEP-A-" + long["SITEID"] + "-" + long["SUBJID"]
    long["VSTEST"] = long["VSTESTCD"].map({"WEIGHT": "Weight", "HR": "Heart Rate"})
    long["VSORRES"] = long["VSSTRESN"].map(lambda v: f"{v:g}")
    long["VSSTRESC"] = long["VSORRES"]
    long["VSORRESU"] = long["VSSTRESU"] = long["VSTESTCD"].map({"WEIGHT": "kg", "HR": "beats/min"})
    long["VSDTC"] = long["VISDAT"].astype("datetime64[s]").dt.strftime("%Y-%m-%d")
    days = (pd.to_datetime(long["VISDAT"]) - pd.to_datetime(long["RFSTDT"])).dt.days
    long["VSDY"] = days.where(days < 0, days + 1)
    number = long["VISIT"].str.extract(r"(\d+)$")[0].astype("float64")
    long["VISITNUM"] = (19 + number).where(long["VISIT"] != "SCREENING", 1)
    long["EPOCH"] = "TREATMENT"
    long.loc[days < 0, "EPOCH"] = "SCREENING"
    long = long.sort_values(["USUBJID", "VSTESTCD", "VSDTC"], kind="stable").reset_index(drop=True)
    long["VSSEQ"] = long.groupby("USUBJID").cumcount() + 1
    before = long[pd.to_datetime(long["VISDAT"]) <= pd.to_datetime(long["RFSTDT"])]
    last = before.groupby(["USUBJID", "VSTESTCD"])["VSSEQ"].idxmax()
    long["VSLOBXFL"] = None
    long.loc[last, "VSLOBXFL"] = "Y"
    took, used = time.perf_counter() - begin, time.process_time() - cpu
    return _facts(took, used, len(long), int(long["VSDY"].sum()), int((long["VSLOBXFL"] == "Y").sum()))


def _facts(took: float, used: float, records: int, days: int, flags: int) -> dict[str, float]:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": took, "cpu": used, "MB": peak, "records": records, "sum of --DY": days, "flags": flags}


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 3_000_000
    if len(sys.argv) > 2:
        print(json.dumps({"cdiscx": with_cdiscx, "pandas": with_pandas}[sys.argv[2]](count)))
    else:
        found = {}
        for side in ("cdiscx", "pandas"):
            run = subprocess.run(
                [sys.executable, __file__, str(count), side], capture_output=True, text=True, check=True
            )
            found[side] = json.loads(run.stdout.splitlines()[-1])
        print(f"{count} source rows   {'cdiscx':>14} {'pandas':>14}")
        for fact in found["cdiscx"]:
            print(f"{fact:<20} {found['cdiscx'][fact]:>14.1f} {found['pandas'][fact]:>14.1f}")
