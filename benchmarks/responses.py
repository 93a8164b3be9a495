"""A million lesion measurements of 20,000 subjects: derived responses, and all MEA checks, with time and peak memory.

The data are synthetic histories (two targets and one non-target lesion, sixteen time points a subject), in the house's
words, so that neither reading nor writing is measured. Run: python benchmarks/responses.py [SUBJECTS]
"""

from __future__ import annotations

import datetime as dt
import resource
import sys
import time

import polars as pl

from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext, StudyData
from cdiscx.registry import checks, views
from cdiscx.tidy.frames import tidy_frames
from cdiscx.validate.engine import Engine
from cdiscx.views import with_views

POINTS = 16


def frames(subjects: int) -> dict[str, pl.DataFrame]:
    """Demographics, doses, lesions and responses; one subject in ten has a reading that breaks a rule."""
    grid = pl.DataFrame({"s": range(subjects)}).join(pl.DataFrame({"tp": range(POINTS)}), how="cross")
    grid = grid.with_columns(
        SUBJID=pl.col("s").cast(pl.String).str.zfill(6),
        VISIT=pl.when(pl.col("tp") == 0).then(pl.lit("SCREENING")).otherwise(
            pl.concat_str(pl.lit("TUMOR ASSESSMENT "), pl.col("tp").cast(pl.String))
        ),
        TRDAT=pl.lit(dt.date(2022, 1, 1)).dt.offset_by(pl.concat_str((56 * pl.col("tp")).cast(pl.String), pl.lit("d"))),
        size=(60 - 2 * pl.col("tp") + (pl.col("s") * 7 + pl.col("tp") * 3) % 5).cast(pl.Float64),
    )  # fmt: skip
    lesion = {"TUORGAN": pl.lit("Liver"), "TUMETHOD": pl.lit("CT"), "EVAL": pl.lit("INVESTIGATOR")}
    targets = pl.concat(
        [
            grid.select("SUBJID", "VISIT", "TRDAT", LESID=pl.lit(f"T{k}"), LDIAM=pl.col("size") / k, TRSTATUS=pl.lit("MEASURED"),
                        TULOC=pl.lit("Segment VIII"), SLTHICK=pl.lit(5.0), **lesion)
            for k in (1, 2)
        ]
    )  # fmt: skip
    others = grid.select(
        "SUBJID",
        "VISIT",
        "TRDAT",
        LESID=pl.lit("NT1"),
        TRSTATUS=pl.lit("PRESENT"),
        TULOC=pl.lit("Segment II"),
        **lesion,
    )
    total = pl.col("size") * 1.5
    base = total.filter(pl.col("tp") == 0).first().over("SUBJID")
    nadir = total.cum_min().shift(1).over("SUBJID")
    wrong = (pl.col("s") % 10 == 0) & (pl.col("tp") == 5)
    responses = grid.with_columns(
        SUMDIAM=pl.when(wrong).then(total + 9).otherwise(total), PCBSD=100 * (total - base) / base, PCNSD=100 * (total - nadir) / nadir,
        TRGRESP=pl.when(10 * (base - total) >= 3 * base).then(pl.lit("PR")).otherwise(pl.lit("SD")),
    ).filter(pl.col("tp") > 0)  # fmt: skip
    responses = responses.select(
        "SUBJID", "VISIT", "SUMDIAM", "PCBSD", "PCNSD", "TRGRESP", RSDAT="TRDAT", NTRGRESP=pl.lit("NON-CR/NON-PD"),
        NEWLIND=pl.lit("N"), OVRLRESP="TRGRESP", EVAL=pl.lit("INVESTIGATOR"),
    )  # fmt: skip
    people = grid.filter(pl.col("tp") == 0).select(
        "SUBJID", SITEID=pl.lit("1"), RFICDAT=pl.lit(dt.date(2021, 12, 20)), BCLC=pl.lit("B")
    )
    doses = people.select(
        "SUBJID", EXTRT=pl.lit("LENVATINIB"), EXSTDAT=pl.lit(dt.date(2022, 1, 5)), EXDOSE=pl.lit(12.0)
    )
    return {"subjects": people, "dosing": doses, "targets": targets, "nontargets": others, "responses": responses}


Clock = tuple[float, float]


def now() -> Clock:
    """Seconds on the wall, and of processor time over all threads (what a busy machine does not change)."""
    return time.perf_counter(), time.process_time()


def timed(what: str, start: Clock) -> Clock:
    """Prints seconds since `start` and the peak memory so far; the time now."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    wall, processor = (b - a for a, b in zip(start, now(), strict=True))
    print(f"  {what:<48} {wall:7.2f} s   {processor:7.2f} s of processor   peak {peak:,.0f} MB")
    return now()


def main() -> None:
    """Prints the table."""
    subjects = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    study = Study.load("palhep-a")
    given = frames(subjects)
    rows = sum(given[t].height for t in ("targets", "nontargets"))
    print(f"{subjects:,} subjects, {rows:,} lesion rows, {given['responses'].height:,} responses")
    start = now()
    data: StudyData = tidy_frames(study, given, complete=True)
    start = timed("frames taken in", start)
    context = RunContext(dt.date(2026, 1, 1), dt.date(2025, 6, 30), True)
    data = with_views(data, context)
    start = timed("time points and derived responses", start)
    chosen = [c for c in checks().values() if c.family == "MEA"]
    outcome = Engine(data, context, views()).validate(chosen)
    timed(f"all {len(chosen)} MEA checks, {len(outcome.findings):,} findings", start)
    slow = sorted(outcome.runs, key=lambda r: -r.seconds)[:5]
    print("  slowest: " + ", ".join(f"{r.check_id} {r.seconds:.1f} s" for r in slow))
    crashed = [r.check_id for r in outcome.runs if r.traceback]
    print(f"  crashed: {crashed or 'none'}")


if __name__ == "__main__":
    main()
