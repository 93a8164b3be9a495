"""Checks on a million rows of visits and doses: cdiscx, pandera on pandas and Great Expectations on pandas, side by side.

Ten rules that all can say, on the same data with the same share of defects (1 %): required values, ranges, lists,
patterns, and pairs of dates. All report every offending row. They take turns; the best of the rounds counts. The libraries
may be given a share of the rows only (`--share 0.1`): their time is then multiplied, which flatters none of them as long as
the frames are large (their cost grows with the rows), and the table says so.
Run: python benchmarks/checks.py [ROWS] [ROUNDS] [--share SHARE]
"""

from __future__ import annotations

import argparse
import datetime as dt
import time
import warnings
from collections.abc import Callable

import polars as pl

from cdiscx.model.spec import Study
from cdiscx.model.table import RunContext
from cdiscx.registry import checks, views
from cdiscx.tidy.frames import tidy_frames
from cdiscx.validate.engine import Engine

STUDY = Study.load("palhep-a")


def data(rows: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Visits and doses of rows / 20 subjects, with 1 % of each defect."""
    n = pl.int_range(rows, eager=True)
    subject = (n // 20).cast(pl.String).str.zfill(6)
    day = pl.Series([dt.date(2023, 1, 1)] * rows).dt.offset_by((n % 700).cast(pl.String) + "d")
    bad = [(n * 7919 + 13 * k) % 100 == 0 for k in range(10)]
    null_day = pl.Series([None] * rows, dtype=pl.Date)
    visits = pl.DataFrame(
        {
            "SUBJID": subject,
            "VISIT": "WEEK " + (n % 20).cast(pl.String),
            "VISDAT": day.zip_with(~bad[0], null_day),
            "VISDONE": pl.Series(["Y"] * rows).zip_with(~bad[1], pl.Series([None] * rows, dtype=pl.String)),
            "WEIGHT": (60.0 + (n % 30)).zip_with(~bad[2], pl.Series([500.0] * rows)),
            "ECOG": (n % 2).cast(pl.Float64).zip_with(~bad[3], pl.Series([9.0] * rows)),
            "CONSENT": day.dt.offset_by("-5d").zip_with(~bad[4], day.dt.offset_by("5d")),
        }
    )
    doses = pl.DataFrame(
        {
            "SUBJID": subject,
            "EXTRT": pl.Series(["LENVATINIB"] * rows).zip_with(~bad[5], pl.Series(["ASPIRIN"] * rows)),
            "EXSTDAT": day,
            "EXENDAT": day.dt.offset_by("3d").zip_with(~bad[6], day.dt.offset_by("-3d")),
            "EXDOSE": pl.Series([8.0] * rows).zip_with(~bad[7], pl.Series([0.0] * rows)),
            "EXDOSFRQ": pl.Series(["QD"] * rows).zip_with(~bad[8], pl.Series(["TWICE"] * rows)),
            "EXDOSU": pl.Series(["mg"] * rows).zip_with(~bad[9], pl.Series([None] * rows, dtype=pl.String)),
        }
    )
    return visits, doses


RULES: dict[str, tuple[str, pl.Expr]] = {
    "visit date given": ("visits", pl.col("VISDAT").is_null()),
    "visit done given": ("visits", pl.col("VISDONE").is_null()),
    "weight 20 to 300": ("visits", ~pl.col("WEIGHT").is_between(20, 300)),
    "ECOG 0 to 4": ("visits", ~pl.col("ECOG").is_between(0, 4)),
    "visit not before consent": ("visits", pl.col("VISDAT") < pl.col("CONSENT")),
    "drug in the list": ("doses", ~pl.col("EXTRT").is_in(["LENVATINIB", "DURVALUMAB"])),
    "end not before start": ("doses", pl.col("EXENDAT") < pl.col("EXSTDAT")),
    "dose above 0": ("doses", pl.col("EXDOSE") <= 0),
    "frequency in the list": ("doses", ~pl.col("EXDOSFRQ").is_in(["QD", "QOD", "ONCE"])),
    "dose unit given": ("doses", pl.col("EXDOSU").is_null()),
}
GX = {
    "visits": [
        ("expect_column_values_to_not_be_null", {"column": "VISDAT"}),
        ("expect_column_values_to_not_be_null", {"column": "VISDONE"}),
        ("expect_column_values_to_be_between", {"column": "WEIGHT", "min_value": 20, "max_value": 300}),
        ("expect_column_values_to_be_between", {"column": "ECOG", "min_value": 0, "max_value": 4}),
        ("expect_column_pair_values_a_to_be_greater_than_b",
         {"column_A": "VISDAT", "column_B": "CONSENT", "or_equal": True, "ignore_row_if": "either_value_is_missing"}),
    ],
    "doses": [
        ("expect_column_values_to_be_in_set", {"column": "EXTRT", "value_set": ["LENVATINIB", "DURVALUMAB"]}),
        ("expect_column_pair_values_a_to_be_greater_than_b",
         {"column_A": "EXENDAT", "column_B": "EXSTDAT", "or_equal": True, "ignore_row_if": "either_value_is_missing"}),
        ("expect_column_values_to_be_between", {"column": "EXDOSE", "min_value": 0, "strict_min": True}),
        ("expect_column_values_to_be_in_set", {"column": "EXDOSFRQ", "value_set": ["QD", "QOD", "ONCE"]}),
        ("expect_column_values_to_not_be_null", {"column": "EXDOSU"}),
    ],
}  # fmt: skip


def timed(function: Callable[[], int]) -> tuple[float, int]:
    """Seconds and findings of one run."""
    start = time.perf_counter()
    found = function()
    return time.perf_counter() - start, found


def with_cdiscx(visits: pl.DataFrame, doses: pl.DataFrame) -> int:
    """The ten rules as lazy queries that return the offending rows with their subject, as the engine's checks do."""
    frames = {"visits": visits.lazy().with_row_index("_rid"), "doses": doses.lazy().with_row_index("_rid")}
    queries = [frames[t].filter(rule).select("_rid", "SUBJID", check=pl.lit(name)) for name, (t, rule) in RULES.items()]
    return sum(frame.height for frame in pl.collect_all(queries))


def with_expectations(visits: pl.DataFrame, doses: pl.DataFrame) -> int:
    """The same ten rules as expectation suites, with the index of every unexpected row."""
    from cdiscx.validate.suite_library import batch_definition, great_expectations

    gx = great_expectations()
    found = 0
    for name, frame in (("visits", visits), ("doses", doses)):
        items = [{"type": kind, "kwargs": kwargs} for kind, kwargs in GX[name]]
        suite = gx.ExpectationSuite(name=name, expectations=items)
        batch = batch_definition().get_batch({"dataframe": frame.to_pandas()})
        detail = {"result_format": "COMPLETE", "unexpected_index_column_names": ["SUBJID"]}
        for result in batch.validate(suite, result_format=detail).results:
            found += len(result.to_json_dict()["result"].get("unexpected_index_list") or [])
    return found


def with_pandera(visits: pl.DataFrame, doses: pl.DataFrame) -> int:
    """The same ten rules as pandera schemas of pandas frames, lazily, with every failure case."""
    import pandera.pandas as pa

    columns: dict[str, dict[str, object]] = {
        "visits": {
            "VISDAT": pa.Column(nullable=False),
            "VISDONE": pa.Column(nullable=False),
            "WEIGHT": pa.Column(checks=pa.Check.in_range(20, 300)),
            "ECOG": pa.Column(checks=pa.Check.in_range(0, 4)),
        },
        "doses": {
            "EXTRT": pa.Column(checks=pa.Check.isin(["LENVATINIB", "DURVALUMAB"])),
            "EXDOSE": pa.Column(checks=pa.Check.gt(0)),
            "EXDOSFRQ": pa.Column(checks=pa.Check.isin(["QD", "QOD", "ONCE"])),
            "EXDOSU": pa.Column(nullable=False),
        },
    }
    pairs = {"visits": ("VISDAT", "CONSENT"), "doses": ("EXENDAT", "EXSTDAT")}
    found = 0
    for name, frame in (("visits", visits), ("doses", doses)):
        later, earlier = pairs[name]
        rule = pa.Check(lambda f, a=later, b=earlier: (f[a] >= f[b]) | f[a].isna() | f[b].isna(), name="order")
        schema = pa.DataFrameSchema(columns[name], checks=rule)
        try:
            schema.validate(frame.to_pandas(), lazy=True)
        except pa.errors.SchemaErrors as error:
            cases = error.failure_cases
            found += len(cases[cases["check"] != "order"]) + cases[cases["check"] == "order"]["index"].nunique()
    return found


SIDES = {"cdiscx": with_cdiscx, "pandera on pandas": with_pandera, "Great Expectations on pandas": with_expectations}


def whole_engine(rows: int) -> tuple[float, int, int]:
    """All checks of the catalogue that run on visits and doses of this size, findings with their cells included."""
    visits, doses = data(rows)
    subjects = (
        doses.select("SUBJID")
        .unique(maintain_order=True)
        .with_columns(
            SITEID=pl.lit("1"),
            RFICDAT=pl.lit(dt.date(2022, 12, 1)),
            ENRLDAT=pl.lit(dt.date(2022, 12, 5)),
            WEIGHT=pl.lit(61.0),
        )
    )
    given = {"subjects": subjects, "visits": visits.drop("CONSENT"), "dosing": doses}
    from cdiscx.views import with_views

    context = RunContext(dt.date(2026, 1, 1), dt.date(2025, 6, 30), True)
    prepared = with_views(tidy_frames(STUDY, given, complete=True), context)
    chosen = [c for c in checks().values() if c.family in ("VIS", "DOS")]
    start = time.perf_counter()
    outcome = Engine(prepared, context, views()).validate(chosen)
    return time.perf_counter() - start, len(outcome.findings), len(chosen)


def main() -> None:
    """Prints the table."""
    warnings.simplefilter("ignore")
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("rows", nargs="?", type=int, default=1_000_000)
    options.add_argument("rounds", nargs="?", type=int, default=2)
    options.add_argument("--share", type=float, default=1.0, help="share of the rows that the libraries are given")
    given = options.parse_args()
    visits, doses = data(given.rows // 2)
    few = [frame.head(int(frame.height * given.share)) for frame in (visits, doses)]
    best: dict[str, float] = {}
    counts: dict[str, int] = {}
    for side in SIDES.values():
        side(visits.head(100), doses.head(100))
    for _ in range(given.rounds):
        for name, side in SIDES.items():
            frames = (visits, doses) if name == "cdiscx" else few
            seconds, found = timed(lambda side=side, frames=frames: side(*frames))  # type: ignore[misc]
            best[name], counts[name] = min(seconds, best.get(name, seconds)), found
    shared = {with_cdiscx(*few), *(n for name, n in counts.items() if name != "cdiscx")}
    print(f"{given.rows:,} rows (half visits, half doses), {len(RULES)} rules, {counts['cdiscx']:,} offending cells")
    print("all find the same" if len(shared) == 1 else f"THEY DIFFER: {counts} {shared}")
    print(f"  {'cdiscx (polars queries)':<32} {best['cdiscx']:8.3f} s")
    for name in list(SIDES)[1:]:
        whole = best[name] / given.share
        said = f"   ({best[name]:.1f} s for {given.share:.0%} of the rows)" if given.share < 1 else ""
        print(f"  {name:<32} {whole:8.3f} s   {whole / best['cdiscx']:.0f} times as long{said}")
    seconds, found, n = whole_engine(min(given.rows, 200_000) // 2)
    print(
        f"  whole VIS and DOS families ({n} checks) on {min(given.rows, 200_000):,} rows: {seconds:.2f} s, {found:,} findings with cells"
    )


if __name__ == "__main__":
    main()
