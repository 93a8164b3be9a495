"""What a response that is not the derived one changes: first progression, best response, the primary endpoint (MEA-014)."""

from __future__ import annotations

import polars as pl

from cdiscx.model.spec import Study
from cdiscx.standards.best_response import best_response
from cdiscx.standards.dates import earliest

_KEY = ("SCENE", "SUBJID")


def _scenes(bad: pl.LazyFrame, assessments: pl.LazyFrame, cutoff: pl.Expr) -> pl.LazyFrame:
    """Every differing visit twice over all assessments of its subject: SITE as recorded, DERIVED with that one visit changed.

    SCENE is the row id of the differing visit; dates as R11-X-2: earliest scan for PD, latest otherwise.
    """
    scenes = bad.select("SUBJID", "EVAL", SCENE="RSRID", DERIVED="DOVRLRESP")
    rows = assessments.filter(pl.col("OVRLRESP").is_not_null()).select(
        "SUBJID", "EVAL", "RSRID", "OVRLRESP", "FIRSTDAT", "LASTDAT", "RSDAT", "TP"
    )
    pairs = scenes.join(rows, on=["SUBJID", "EVAL"])
    changed = pl.when(pl.col("RSRID") == pl.col("SCENE")).then("DERIVED").otherwise("OVRLRESP")
    both = pl.concat(
        [
            pairs.with_columns(KIND=pl.lit("SITE"), RESP=pl.col("OVRLRESP")),
            pairs.with_columns(KIND=pl.lit("DERIVED"), RESP=changed),
        ]
    )
    by_pd = pl.when(pl.col("RESP") == "PD").then("FIRSTDAT").otherwise("LASTDAT")
    dated = both.with_columns(DATE=pl.coalesce(by_pd, "RSDAT"))
    return dated.filter(pl.col("RESP").is_not_null(), pl.col("DATE").is_not_null(), pl.col("DATE") <= cutoff)


def _first_pd(scenes: pl.LazyFrame) -> pl.LazyFrame:
    found = scenes.group_by(*_KEY, "KIND").agg(_pd=pl.col("DATE").filter(pl.col("RESP") == "PD").min())
    sides = [
        found.filter(pl.col("KIND") == k).select("SCENE", pl.col("_pd").alias(f"PD_{k}")) for k in ("SITE", "DERIVED")
    ]
    return sides[0].join(sides[1], on="SCENE", how="full", coalesce=True)


def _best(scenes: pl.LazyFrame, anchors: pl.LazyFrame, therapy: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """BOR_SITE and BOR_DERIVED over the window of R11-B: from D1 to surgery and to new therapy, both excluded."""
    has = anchors.collect_schema().names()
    dates = anchors.select(
        "SUBJID", *(pl.col(a) if a in has else pl.lit(None, dtype=pl.Date).alias(a) for a in ("D1", "SURG"))
    )
    inside = scenes.join(dates, on="SUBJID", how="left").join(therapy, on="SUBJID", how="left")
    stop = pl.min_horizontal("SURG", "NEWTRT")
    window = inside.filter(
        (pl.col("DATE") > pl.col("D1")).fill_null(True), stop.is_null() | (pl.col("DATE") < stop)
    ).select(SUBJID=pl.col("SCENE").cast(pl.String), EVAL="KIND", DATE="DATE", OVRLRESP="RESP", REF="D1")
    judged = best_response(
        window, sd_min_days=study.p("sd_min_days"), conf_days=study.p("conf_days"), max_ne=study.p("conf_max_ne")
    ).select(pl.col("SUBJID").cast(pl.UInt32).alias("SCENE"), "EVAL", "BOR")
    sides = [
        judged.filter(pl.col("EVAL") == k).select("SCENE", pl.col("BOR").alias(f"BOR_{k}")) for k in ("SITE", "DERIVED")
    ]
    return sides[0].join(sides[1], on="SCENE", how="full", coalesce=True)


def _landmark(scenes: pl.LazyFrame, anchors: pl.LazyFrame, study: Study) -> pl.LazyFrame:
    """RSP_SITE and RSP_DERIVED: responder (Y, N) at the landmark of a primary response endpoint; nulls where there is none."""
    empty = pl.LazyFrame(schema={"SCENE": pl.UInt32, "RSP_SITE": pl.String, "RSP_DERIVED": pl.String})
    has = anchors.collect_schema().names()
    for endpoint in study.endpoints.values():
        options = endpoint.options
        if not (
            endpoint.primary and endpoint.kind == "response" and "target_days" in options and endpoint.start in has
        ):
            continue
        start = anchors.select("SUBJID", _start=endpoint.start)
        target, window = int(options["target_days"]), int(options.get("window_days", 0))
        away = ((pl.col("DATE") - pl.col("_start")).dt.total_days() - target).abs()
        rows = scenes.join(start, on="SUBJID").with_columns(_away=away)
        pd_date = pl.col("DATE").filter(pl.col("RESP") == "PD").min().over(*_KEY, "KIND")
        rows = rows.with_columns(_early=(pd_date < pl.col("DATE")).fill_null(False)).filter(pl.col("_away") <= window)
        chosen = rows.sort("_away", "DATE", "RSRID").group_by("SCENE", "KIND", maintain_order=True).first()
        good = pl.col("RESP").is_in(list(options.get("responders", ["CR", "PR"]))) & ~pl.col("_early")
        said = chosen.select("SCENE", "KIND", RSP=pl.when(good).then(pl.lit("Y")).otherwise(pl.lit("N")))
        sides = [
            said.filter(pl.col("KIND") == k).select("SCENE", pl.col("RSP").alias(f"RSP_{k}"))
            for k in ("SITE", "DERIVED")
        ]
        return sides[0].join(sides[1], on="SCENE", how="full", coalesce=True)
    return empty


def first_therapy(survival: pl.LazyFrame) -> pl.LazyFrame:
    """SUBJID, NEWTRT: first day on which a new anti-cancer therapy may have begun."""
    if "NACTDATC" not in survival.collect_schema().names():
        return pl.LazyFrame(schema={"SUBJID": pl.String, "NEWTRT": pl.Date})
    dated = survival.filter(pl.col("NACTDATC").is_not_null(), pl.col("SUBJID").is_not_null())
    return dated.group_by("SUBJID").agg(NEWTRT=earliest(pl.col("NACTDATC")).min())


def with_consequences(
    bad: pl.LazyFrame,
    assessments: pl.LazyFrame,
    anchors: pl.LazyFrame,
    survival: pl.LazyFrame,
    study: Study,
    cutoff: pl.Expr,
) -> pl.LazyFrame:
    """Adds CHANGES: in words what the derived response at this one visit would change; empty where nothing.

    `bad`: SUBJID, EVAL, RSRID, DOVRLRESP. Only the investigator's reading feeds the endpoints.
    """
    scenes = _scenes(bad.filter(pl.col("EVAL") == "INVESTIGATOR"), assessments, cutoff).cache()
    sides = (
        _first_pd(scenes),
        _best(scenes, anchors, first_therapy(survival), study),
        _landmark(scenes, anchors, study),
    )
    joined = bad
    for side in sides:
        joined = joined.join(side.rename({"SCENE": "RSRID"}), on="RSRID", how="left")

    def from_to(name: str, words: str, blank: str) -> pl.Expr:
        was, now = (pl.col(f"{name}_{kind}").cast(pl.String).fill_null(blank) for kind in ("SITE", "DERIVED"))
        known = pl.any_horizontal(pl.col(f"{name}_{kind}").is_not_null() for kind in ("SITE", "DERIVED"))
        return pl.when(known & (was != now)).then(pl.lit(f"{words} from ") + was + pl.lit(" to ") + now)

    primary = next((n for n, e in study.endpoints.items() if e.primary and e.kind == "response"), "response")
    parts = [
        from_to("PD", "the date of the first progression", "none"),
        from_to("RSP", f"the primary endpoint ({primary})", "N"),
        from_to("BOR", "the best overall response", "none"),
    ]
    listed = pl.concat_list(p.cast(pl.String) for p in parts).list.drop_nulls()
    return joined.with_columns(CHANGES=listed.list.join(" and "))
