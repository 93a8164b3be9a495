"""Records with dates in; study days, EPOCH and the last record before exposure out (sdtm-mapping 2.4 to 2.6)."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from cdiscx.model.mapping import Baseline
from cdiscx.standards import guide
from cdiscx.standards.dates import earliest, latest, read_iso, study_day

#: date variable -> its study day, by what stands behind the two letters of the domain
DAYS = {"DTC": "DY", "STDTC": "STDY", "ENDTC": "ENDY"}


def dated(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Adds `_lo:X` and `_hi:X` (Date): the first and last day that an ISO text X can mean; each text is read once.

    They are equal where the date is complete.
    """
    for column in columns:
        texts = frame.select(pl.col(column).unique()).drop_nulls()
        days = texts.select(
            column, earliest(pl.col(column)).alias(f"_lo:{column}"), latest(pl.col(column)).alias(f"_hi:{column}")
        )
        frame = frame.join(days, on=column, how="left", maintain_order="left")
    return frame


def day_of(column: str) -> pl.Expr:
    """The Date of a column that `dated` has read, null where it is partial."""
    return pl.when(pl.col(f"_lo:{column}") == pl.col(f"_hi:{column}")).then(pl.col(f"_lo:{column}"))


def days(frame: pl.DataFrame, domain: str) -> tuple[pl.DataFrame, dict[str, str]]:
    """Adds a study day beside every date; answers which date each came from. `frame` has `_RFSTDT` (Date).

    Only days that the guide has for the domain (MH has no MHSTDY).
    """
    known = {v.name for v in guide.variables(domain)}
    allowed = known or {f"{domain}{day}" for day in DAYS.values()}
    made: dict[str, str] = {}
    for date, day in DAYS.items():
        name, source = f"{domain}{day}", f"{domain}{date}"
        if source in frame.columns and name not in frame.columns and name in allowed:
            made[name] = source
    columns = [study_day(day_of(source), pl.col("_RFSTDT")).alias(name) for name, source in made.items()]
    return frame.with_columns(columns), made


#: a subject's number times this, plus a day shifted by _SHIFT, is one number that sorts by subject and day
_STEP, _SHIFT = 8_000_000, 1_000_000


def _place(subject: pl.Expr, day: pl.Expr) -> pl.Expr:
    return subject.cast(pl.Int64) * _STEP + day.cast(pl.Int32).cast(pl.Int64) + _SHIFT


def epochs(frame: pl.DataFrame, date: str, elements: pl.DataFrame) -> pl.DataFrame:
    """Adds EPOCH: of the element in which the date lies, of a partial date only where every possible day has the same one.

    An element covers the days from its start to before its end, the last one its end too. `elements`: `_n` (the subject's
    number, as in `frame`), EPOCH, SESTDTC, SEENDTC; `dated` has read the date.
    """
    spans = elements.select("_n", "EPOCH", st=read_iso(pl.col("SESTDTC")), en=read_iso(pl.col("SEENDTC")))
    spans = spans.drop_nulls(["_n", "st"]).sort("_n", "st")
    if not spans.height:
        return frame.with_columns(pl.lit(None, pl.String).alias("EPOCH"))
    last = (pl.col("_n") != pl.col("_n").shift(-1)).fill_null(True)
    # an element without an end runs on; the last one covers its end too
    end = pl.when(last).then(pl.col("en").fill_null(pl.date(9999, 1, 1)) + pl.duration(days=1)).otherwise("en")
    spans = spans.select("EPOCH", begin=_place(pl.col("_n"), pl.col("st")), end=_place(pl.col("_n"), end))

    def at(day: str) -> pl.Series:
        here = frame.select(_place(pl.col("_n"), pl.col(day)).alias("k")).get_column("k")
        before = spans.get_column("begin").search_sorted(here.fill_null(-1), side="right").cast(pl.Int64) - 1
        found = spans.select(pl.col("EPOCH", "end").gather(before.clip(lower_bound=0)))
        inside = (before >= 0) & (here < found.get_column("end"))
        return found.get_column("EPOCH").set(~inside.fill_null(False), None)

    low = at(f"_lo:{date}")
    partial = frame.select((pl.col(f"_lo:{date}") != pl.col(f"_hi:{date}")).any()).item()
    epoch = low.set((low != at(f"_hi:{date}")).fill_null(True), None) if partial else low
    return frame.with_columns(epoch.alias("EPOCH"))


def series(domain: str, frame: pl.DataFrame, baseline: Baseline) -> list[str]:
    """Variables that make one series of results for --LOBXFL."""
    given = [*baseline.by] or [
        f"{domain}{name}" for name in ("TESTCD", "CAT", "LNKID", "LOC", "SPEC", "METHOD", "EVAL", "EVALID", "REFID")
    ]
    return [name for name in given if name in frame.columns]


def last_before_exposure(frame: pl.DataFrame, domain: str, baseline: Baseline) -> pl.DataFrame:
    """Adds --LOBXFL: Y on the last result of a series before first exposure (RFXSTDTC), else null.

    Only done, non-missing results with a complete date count; of several on the last day the last record in order.
    """
    name, date = f"{domain}LOBXFL", f"{domain}DTC"
    if date not in frame.columns:
        return frame
    results: Sequence[str] = [c for c in (f"{domain}STRESC", f"{domain}ORRES") if c in frame.columns]
    day = day_of(date)
    before = day < pl.col("_RFXSTDT")
    if baseline.same_day:
        before = before | (day == pl.col("_RFXSTDT"))
    done = pl.any_horizontal([pl.col(c).is_not_null() for c in results]) if results else pl.lit(True)
    if f"{domain}STAT" in frame.columns:
        done = done & pl.col(f"{domain}STAT").is_null()
    keys = ["_n", *series(domain, frame, baseline)]
    rows = frame.with_row_index("_at").filter((before & done).fill_null(False))
    last = rows.select(*keys, "_at", _day=day).sort("_day", "_at").group_by(keys).agg(pl.col("_at").last())
    flagged = pl.int_range(pl.len(), dtype=pl.UInt32).is_in(last.get_column("_at").implode())
    return frame.with_columns(pl.when(flagged).then(pl.lit("Y")).alias(name))
