"""Records with dates in; study days, EPOCH and the last record before exposure out (sdtm-mapping 2.4 to 2.6)."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from cdiscx.model.mapping import Baseline
from cdiscx.standards import guide
from cdiscx.standards.dates import earliest, latest, read_iso, study_day

#: date variable -> its study day, by what stands behind the two letters of the domain
DAYS = {"DTC": "DY", "STDTC": "STDY", "ENDTC": "ENDY"}


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
    columns = [study_day(read_iso(pl.col(source)), pl.col("_RFSTDT")).alias(name) for name, source in made.items()]
    return frame.with_columns(columns), made


def epochs(frame: pl.DataFrame, date: str, elements: pl.DataFrame) -> pl.DataFrame:
    """Adds EPOCH: of the element in which the date lies, of a partial date only where every possible day has the same one.

    An element covers the days from its start to before its end, the last one its end too. `elements`: USUBJID, EPOCH,
    SESTDTC, SEENDTC.
    """
    spans = (
        elements.select("USUBJID", "EPOCH", _st=read_iso(pl.col("SESTDTC")), _en=read_iso(pl.col("SEENDTC")))
        .drop_nulls("_st")
        .sort("USUBJID", "_st")
    )
    last = pl.int_range(pl.len()).over("USUBJID") == pl.len().over("USUBJID") - 1
    # an element without an end runs on; an element that starts later ends it, so only the last one can lack it
    spans = spans.with_columns(_end=pl.when(last).then(pl.col("_en").fill_null(pl.date(9999, 1, 1)) + pl.duration(days=1)).otherwise("_en"),
                               _n=pl.int_range(pl.len()).over("USUBJID"))  # fmt: skip
    counts = spans.group_by("USUBJID").len().get_column("len").to_list()
    most = max(counts, default=0) - 1
    wide = spans.select("USUBJID").unique()
    for n in range(most + 1):
        piece = spans.filter(pl.col("_n") == n).select(
            "USUBJID", pl.col("_st").alias(f"_st{n}"), pl.col("_end").alias(f"_en{n}"), pl.col("EPOCH").alias(f"_ep{n}")
        )
        wide = wide.join(piece, on="USUBJID", how="left")

    def at(day: pl.Expr) -> pl.Expr:
        found = [
            pl.when((day >= pl.col(f"_st{n}")) & (day < pl.col(f"_en{n}"))).then(pl.col(f"_ep{n}"))
            for n in range(most + 1)
        ]
        return pl.coalesce(found) if found else pl.lit(None, pl.String)

    text = pl.col(date)
    joined = frame.join(wide, on="USUBJID", how="left", maintain_order="left")
    complete = not frame.select(((text.str.len_bytes() < 10) & text.is_not_null()).any()).item()
    if complete:
        epoch = at(read_iso(text))
    else:
        lo, hi = at(earliest(text)), at(latest(text))
        epoch = pl.when(lo == hi).then(lo)
    return joined.with_columns(epoch.alias("EPOCH")).select(*frame.columns, "EPOCH")


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
    day = read_iso(pl.col(date))
    before = day < pl.col("_RFXSTDT")
    if baseline.same_day:
        before = before | (day == pl.col("_RFXSTDT"))
    done = pl.any_horizontal([pl.col(c).is_not_null() for c in results]) if results else pl.lit(True)
    if f"{domain}STAT" in frame.columns:
        done = done & pl.col(f"{domain}STAT").is_null()
    keys = ["USUBJID", *series(domain, frame, baseline)]
    rows = frame.with_row_index("_at").filter((before & done).fill_null(False))
    last = rows.select(*keys, "_at", _day=day).sort("_day", "_at").group_by(keys).agg(pl.col("_at").last())
    flagged = pl.int_range(pl.len(), dtype=pl.UInt32).is_in(last.get_column("_at").implode())
    return frame.with_columns(pl.when(flagged).then(pl.lit("Y")).alias(name))
