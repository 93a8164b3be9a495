"""Readings of one source in; per subject best response, response, control, response in a window, progression, last assessment."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cdiscx.adam._context import Context
from cdiscx.adam._readings import flag, people
from cdiscx.model.spec import Endpoint
from cdiscx.standards.best_response import best_response

#: columns of every parameter that has one row a subject
SUBJECT_ROW = ("SUBJID", "PARAMCD", "ADT", "AVALC", "AVALCAT1", "RULEID")
_NO_DATE = pl.lit(None, dtype=pl.Date)
_NO_TEXT = pl.lit(None, dtype=pl.String)


def population(ctx: Context, endpoint: Endpoint) -> pl.DataFrame:
    """ADSL of the endpoint's population, with SUBJID; `population_rule: EVALUABLE` asks for EVALFL as well."""
    name = endpoint.population
    adsl = people(ctx)
    held = adsl.filter(pl.col(name) == "Y") if name in adsl.columns else adsl.clear()
    rule = str(endpoint.options.get("population_rule", ""))
    return held.filter(pl.col("EVALFL") == "Y") if rule == "EVALUABLE" else held


def row(code: str, answer: pl.Expr, *, date: pl.Expr = _NO_DATE, why: pl.Expr = _NO_TEXT, rule: pl.Expr = _NO_TEXT) -> tuple[pl.Expr, ...]:  # fmt: skip
    """The columns of SUBJECT_ROW."""
    return (
        pl.col("SUBJID"), pl.lit(code).alias("PARAMCD"), date.cast(pl.Date).alias("ADT"), answer.alias("AVALC"),
        why.alias("AVALCAT1"), rule.alias("RULEID"),
    )  # fmt: skip


def yes(met: pl.Expr) -> pl.Expr:
    """Y or N; unknown counts as N."""
    return pl.when(met.fill_null(False)).then(pl.lit("Y")).otherwise(pl.lit("N"))


def window(ctx: Context, rows: pl.DataFrame, *, before_surgery: bool) -> pl.DataFrame:
    """Readings that count for best response (1.7): up to first PD, before new therapy, and before surgery where the
    response of the resected tumour is not the treatment's."""
    limits = people(ctx).select("SUBJID", _nact="NACTDT", _ref="TRTSDT")
    date = pl.col("ADT")
    inside = rows.filter("ANL01", pl.col("RESP").is_not_null())
    if before_surgery:
        inside = inside.filter((date < pl.col("SURG")).fill_null(True))
    beside = limits.select("_nact", "_ref")[inside["SUBJID"]]  # SUBJID is the row in ADSL
    inside = pl.concat([inside, beside], how="horizontal")
    return inside.filter((date < pl.col("_nact")).fill_null(True))


def derive_param_best(ctx: Context, rows: pl.DataFrame) -> list[pl.DataFrame]:
    """BOR and CBOR (R11-B, R11-F) of the study file, then what is answered by them (RSP, CRSP, DCR): one row a subject."""
    best = {n: e for n, e in ctx.study.endpoints.items() if e.kind == "response" and "sd_min_days" in e.options}
    out: list[pl.DataFrame] = []
    for setting, names in _settings(ctx, best).items():
        sd, conf, before = setting
        inside = window(ctx, rows, before_surgery=before)
        found = best_response(
            inside.lazy().select("SUBJID", "EVAL", DATE="OWNDT", OVRLRESP="RESP", REF="_ref"),
            sd_min_days=sd, conf_days=conf, max_ne=int(ctx.p("conf_max_ne", 1)), max_sd=int(ctx.p("conf_max_sd", 1)),
        ).collect(engine="in-memory")  # fmt: skip
        found = _at_first_sight(found, inside)
        first = inside.filter(pl.col("RESP").is_in(["CR", "PR"])).group_by("SUBJID").agg(_first=pl.col("ADT").min())
        found = found.join(first, on="SUBJID", how="left")
        for name in names:
            prefix = "CBOR" if "conf_days" in best[name].options else "BOR"
            joined = (
                population(ctx, best[name]).select("SUBJID").join(found, on="SUBJID", how="left", maintain_order="left")
            )
            answer = pl.col(prefix).fill_null("MISSING")
            out.append(joined.select(row(name, answer, date=pl.col(f"{prefix}DT"), rule=pl.col(f"{prefix}RULE"))))
            out += _answered(ctx, name, prefix, joined)
    return out


def _at_first_sight(found: pl.DataFrame, inside: pl.DataFrame) -> pl.DataFrame:
    """BORDT and CBORDT of a progression that is dated back (R11-L-2). Readings are put in the order of their own days,
    so that the response at the first sight of the lesion stays."""
    moved = inside.filter("PD", pl.col("ADT") < pl.col("OWNDT")).select("SUBJID", _own="OWNDT", _sight="ADT")
    dated = found.join(moved.unique("SUBJID", keep="first", maintain_order=True), on="SUBJID", how="left")
    back = {d: pl.when(pl.col(d) == pl.col("_own")).then("_sight").otherwise(d) for d in ("BORDT", "CBORDT")}
    return dated.with_columns(**back).drop("_own", "_sight")


def _settings(ctx: Context, best: Mapping[str, Endpoint]) -> dict[tuple[int, int, bool], list[str]]:
    """(sd_min_days, conf_days, before_surgery) -> endpoints: both kinds of one setting are found in one go."""
    known = {
        (int(e.options["sd_min_days"]), bool(e.options.get("before_surgery"))): int(e.options["conf_days"])
        for e in best.values()
        if "conf_days" in e.options
    }
    out: dict[tuple[int, int, bool], list[str]] = {}
    for name, e in best.items():
        sd, before = int(e.options["sd_min_days"]), bool(e.options.get("before_surgery"))
        conf = int(e.options.get("conf_days", known.get((sd, before), ctx.p("conf_days", 28))))
        out.setdefault((sd, conf, before), []).append(name)
    return out


def _answered(ctx: Context, of: str, prefix: str, found: pl.DataFrame) -> list[pl.DataFrame]:
    """RSP, CRSP, DCR: Y where the best response is one of the responders; dated at the first CR or PR, else at the best."""
    out = []
    for name, e in ctx.study.endpoints.items():
        if e.options.get("of") != of or "responders" not in e.options:
            continue
        met = pl.col(prefix).is_in(list(e.options["responders"])).fill_null(False)
        early = prefix == "BOR" and set(e.options["responders"]) <= {"CR", "PR"}
        date = pl.col("_first") if early else pl.col(f"{prefix}DT")
        members = population(ctx, e).select("SUBJID").join(found, on="SUBJID", how="left", maintain_order="left")
        out.append(members.select(row(name, yes(met), date=pl.when(met).then(date))))
    return out


def derive_param_window(ctx: Context, rows: pl.DataFrame) -> list[pl.DataFrame]:
    """Response in a window after an anchor (trial-a 8.1): the reading closest to the target day, a tie to the earlier."""
    out = []
    for name, e in ctx.study.endpoints.items():
        anchor = ctx.study.anchors.get(e.start or "")
        if (
            "target_days" not in e.options
            or anchor is None
            or anchor.adsl is None
            or anchor.adsl not in ctx.adsl.columns
        ):
            continue
        middle, width = int(e.options["target_days"]), int(e.options["window_days"])
        members = population(ctx, e).select("SUBJID", "DTHDT", _start=anchor.adsl)
        # by the day of the scans themselves: a progression that is dated back moves no assessment (R11-L-2)
        day = (pl.col("OWNDT") - pl.col("_start")).dt.total_days()
        seen = rows.filter(
            pl.col("RESP").is_not_null(), "ANL01", (pl.col("OWNDT") < pl.col("SURG")).fill_null(True)
        ).join(members.select("SUBJID", "_start"), on="SUBJID")  # fmt: skip
        seen = seen.with_columns(_off=(day - middle).abs()).filter(pl.col("_off") <= width)
        chosen = seen.sort("_off", "OWNDT", "TP").unique("SUBJID", keep="first", maintain_order=True)
        grown = rows.filter("ANL01", "PD").group_by("SUBJID").agg(_pd=pl.col("ADT").min())
        found = members.join(chosen.select("SUBJID", "ADT", "RESP"), on="SUBJID", how="left", maintain_order="left")
        found = found.join(grown, on="SUBJID", how="left", maintain_order="left")
        out.append(found.select(*_window_row(name, e, middle + width)))
    return out


def _window_row(name: str, e: Endpoint, last: int) -> tuple[pl.Expr, ...]:
    met = pl.col("RESP").is_in(list(e.options["responders"]))
    closes = pl.col("_start").dt.offset_by(f"{last}d")
    died = (pl.col("DTHDT") <= closes).fill_null(False)
    opens_after_pd = (pl.col("_pd") <= closes).fill_null(False)
    why = (
        pl.when(pl.col("RESP") == "NE").then(pl.lit("NOT EVALUABLE"))
        .when(met).then(pl.lit("RESPONDER"))
        .when(pl.col("RESP").is_not_null() | opens_after_pd).then(pl.lit("NON-RESPONDER"))
        .when(died).then(pl.lit("DIED"))
        .otherwise(pl.lit("NO ASSESSMENT IN WINDOW"))
    )  # fmt: skip
    return row(name, yes(met), date=pl.col("ADT"), why=why)


def derive_param_course(ctx: Context, rows: pl.DataFrame) -> list[pl.DataFrame]:
    """PD (first progression), LSTA (last evaluable assessment before it) and DEATH of the full analysis set."""
    members = people(ctx).filter(pl.col("FASFL") == "Y").select("SUBJID", "DTHDT", "DTHFL")
    grown = rows.filter("ANL01", "PD").group_by("SUBJID").agg(_pd=pl.col("ADT").min())
    progressed = members.join(grown, on="SUBJID", how="left", maintain_order="left")
    before = (pl.col("ADT") < pl.col("PDDT")).fill_null(True)
    evaluable = rows.filter("ANL01", "EVALUABLE", before).select("SUBJID", "ADT", "TP", "RESP")
    latest = evaluable.group_by("SUBJID").agg(pl.col("ADT").max())
    last = (
        evaluable.join(latest, on=["SUBJID", "ADT"], how="semi")
        .sort("SUBJID", "TP")
        .unique("SUBJID", keep="last", maintain_order=True)
        .join(members, on="SUBJID", how="semi", maintain_order="left")
    )
    died = flag(pl.col("DTHFL") == "Y").fill_null("N")
    return [
        progressed.select(row("PD", yes(pl.col("_pd").is_not_null()), date=pl.col("_pd"))),
        last.select(row("LSTA", pl.col("RESP").fill_null("POST-OPERATIVE BASELINE"), date=pl.col("ADT"))),
        members.select(row("DEATH", died, date=pl.col("DTHDT"))),
    ]
