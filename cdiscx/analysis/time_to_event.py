"""ADTTE in, one time-to-event endpoint out: curve, median, rates, censoring, follow-up, delayed entry, literal reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from cdiscx.analysis import survival, words
from cdiscx.analysis.inputs import Inputs, Population
from cdiscx.model.spec import Endpoint
from cdiscx.registry import analysis

METHOD = (
    "Kaplan-Meier product limit (at tied times events precede censorings), Greenwood variance, pointwise 95 % CI on the "
    "log(-log) scale with z = 1.959964; median with midpoint rule, its 95 % CI by inversion of that band "
    "(Brookmeyer-Crowley); days = date - start + 1, months = days / {per_month}."
)
_DELAYED = (
    "As above, with delayed entry (left truncation): at risk at t are subjects with entry < t <= exit; entry = {what}."
)
_ONE_YEAR, _TWO_YEARS = 365, 730


@dataclass(frozen=True, slots=True)
class Times:
    """One row a subject: USUBJID, TIME (days), EVENT (Boolean), and for delayed entry ENTER (days)."""

    frame: pl.DataFrame
    per_month: float

    def curve(self, *, swapped: bool = False) -> survival.Curve:
        """The product-limit curve; `swapped`: censoring is the event (reverse Kaplan-Meier)."""
        event = self.frame["EVENT"].to_numpy()
        entry = self.frame["ENTER"].to_numpy() if "ENTER" in self.frame.columns else None
        return survival.product_limit(self.frame["TIME"].to_numpy(), ~event if swapped else event, entry)


@analysis("time_to_event")
def time_to_event(inputs: Inputs, name: str, endpoint: Endpoint, population: Population) -> dict[str, Any]:
    """One entry of the endpoint summary: n (subjects with a record), events, censored by reason, estimates, curve."""
    rows = _rows(inputs, name, population)
    per_month = _per_month(inputs)
    times = Times(_times(rows), per_month)
    method = METHOD.format(per_month=f"{per_month:g}")
    landmarks = _landmark_days(inputs, endpoint, times)
    entry = {"n": rows.height} | _counts(rows) | _estimates(times, landmarks, method)
    if rows.is_empty():
        text = "Nothing to estimate: no subject of this population has a record of this endpoint."
        return entry | {"estimate": None, "ci_lower": None, "ci_upper": None, "text": text}
    asked = bool(_asked(inputs, endpoint))
    entry |= _headline(entry, by_rate=endpoint.primary and asked, asked=_asked(inputs, endpoint))
    if set(endpoint.events) == {"death"}:
        entry["follow_up"] = _follow_up(times)
    anchor = inputs.option(endpoint, "delayed_entry")
    if isinstance(anchor, str) and inputs.study.parameters.get("delayed_entry_os", True):
        entry["delayed_entry"] = _delayed(inputs, rows, anchor, landmarks, times.per_month)
    literal = _rows(inputs, f"{name}LIT", population)
    if literal.height:
        entry["literal"] = _literal(Times(_times(literal), per_month), landmarks, method)
    short = population.n - rows.height
    if short > 0:
        entry["notes"] = [f"{words.people(short)} of the population without a record of {name}: not in the curve."]
    return entry


def _rows(inputs: Inputs, name: str, population: Population) -> pl.DataFrame:
    frame = inputs.frame("ADTTE", "USUBJID", "PARAMCD", "AVAL", "CNSR", "EVNTDESC", "STARTDT")
    if not {"USUBJID", "PARAMCD", "AVAL", "CNSR"} <= set(frame.columns):
        return pl.DataFrame(schema={"USUBJID": pl.String, "AVAL": pl.Float64, "CNSR": pl.Int64, "EVNTDESC": pl.String})
    rows = frame.filter(pl.col("PARAMCD") == name, pl.col("AVAL").is_not_null(), pl.col("CNSR").is_not_null())
    rows = rows.join(population.subjects, on="USUBJID", how="semi").sort("USUBJID")
    return rows if "EVNTDESC" in rows.columns else rows.with_columns(EVNTDESC=pl.lit(None, pl.String))


def _times(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select("USUBJID", TIME=pl.col("AVAL").cast(pl.Float64), EVENT=pl.col("CNSR") == 0)


def _per_month(inputs: Inputs) -> float:
    return float(inputs.study.parameters.get("days_per_month", 30.4375))


def _counts(rows: pl.DataFrame) -> dict[str, Any]:
    """Events by description, censorings by reason (CNSR and its words)."""
    told = rows.group_by("CNSR", "EVNTDESC").len("n").sort("CNSR", "EVNTDESC", nulls_last=True)
    listed = [(int(c), d or ("EVENT" if c == 0 else "CENSORED"), int(n)) for c, d, n in told.iter_rows()]
    return {
        "events": sum(n for code, _, n in listed if code == 0),
        "events_by_type": [{"description": d, "n": n} for code, d, n in listed if code == 0],
        "censored": sum(n for code, _, n in listed if code),
        "censored_by_reason": [{"cnsr": code, "reason": d, "n": n} for code, d, n in listed if code],
    }


def _asked(inputs: Inputs, endpoint: Endpoint) -> list[int]:
    found = inputs.option(endpoint, "landmark_days", [])
    return [int(day) for day in found] if isinstance(found, list) else []


def _landmark_days(inputs: Inputs, endpoint: Endpoint, times: Times) -> list[int]:
    """Days of the landmark rates: the study file's, one year, and two years where somebody is followed that long."""
    year = int(inputs.study.parameters.get("one_year_days", _ONE_YEAR))
    longest = times.frame["TIME"].max() if times.frame.height else 0
    two = [_TWO_YEARS] if isinstance(longest, float) and longest >= _TWO_YEARS else []
    return sorted({year, *_asked(inputs, endpoint), *two})


def _estimates(times: Times, landmarks: list[int], method: str) -> dict[str, Any]:
    curve = times.curve()
    quantiles = {
        name: _quantile(curve, p, times.per_month) for name, p in (("q25", 0.25), ("median", 0.5), ("q75", 0.75))
    }
    rates = [_landmark(curve, day, times.per_month) for day in landmarks]
    return quantiles | {"landmarks": rates, "curve": _steps(curve, times.per_month), "method": method}


def _quantile(curve: survival.Curve, p: float, per_month: float) -> dict[str, Any]:
    found = survival.quantile(curve, p)
    days = {"estimate": found.value, "lower": found.lower, "upper": found.upper}
    months = {k: None if v is None else v / per_month for k, v in days.items()}
    shown = words.number(months["estimate"], 1, words.NOT_REACHED)
    unit = " months" if months["estimate"] is not None else ""
    text = f"{shown}{unit} ({words.interval(months['lower'], months['upper'], 1)})"
    return {"days": days, "months": months, "text": text}


def _landmark(curve: survival.Curve, day: int, per_month: float) -> dict[str, Any]:
    rate = survival.at(curve, day)
    label = f"{day / per_month:.0f} months"
    text = f"{words.percent(rate.survival)} ({words.interval(rate.lower, rate.upper, 1, 100)}) at {label}"
    if not curve.n:
        text = "Nothing to estimate."
    elif not rate.reached:
        text += f"; nobody is followed that long: the value is that of day {curve.last:.0f}"
    return {
        "days": day,
        "label": label,
        "estimate": rate.survival if curve.n else None,
        "std_error": rate.std_error,
        "ci_lower": rate.lower,
        "ci_upper": rate.upper,
        "at_risk": rate.at_risk,
        "reached": rate.reached,
        "text": text,
    }


def _steps(curve: survival.Curve, per_month: float) -> dict[str, list[float | int | None]]:
    """The curve as columns, times in days; it starts on day 0 at 1. `monthly_at_risk`: from month 0 on, for a plot."""

    def numbers(values: survival.Floats) -> list[float | int | None]:
        return [None if np.isnan(v) else float(v) for v in values]

    months = np.arange(0, int(curve.last / per_month) + 2)
    return {
        "monthly_at_risk": list(survival.at_risk(curve, months * per_month)),
        "days": numbers(curve.time),
        "at_risk": [int(v) for v in curve.at_risk],
        "events": [int(v) for v in curve.events],
        "censored": [int(v) for v in curve.censored],
        "survival": numbers(curve.survival),
        "std_error": numbers(curve.std_error),
        "lower": numbers(curve.lower),
        "upper": numbers(curve.upper),
    }


def _headline(entry: Mapping[str, Any], *, by_rate: bool, asked: list[int]) -> dict[str, Any]:
    """The one estimate of the endpoint: the first rate asked for where it is primary, else the median in months."""
    if by_rate:
        rate = next(r for r in entry["landmarks"] if r["days"] == min(asked))
        limits = {"ci_lower": rate["ci_lower"], "ci_upper": rate["ci_upper"]}
        return (
            {"measure": f"rate at {rate['label']}", "unit": "proportion", "estimate": rate["estimate"]}
            | limits
            | {"text": rate["text"]}
        )
    months = entry["median"]["months"]
    text = f"median {entry['median']['text']}"
    if not entry["events"]:
        text = "median NR: no event so far, an interval is not defined"
    limits = {"ci_lower": months["lower"], "ci_upper": months["upper"]}
    return {"measure": "median", "unit": "months", "estimate": months["estimate"]} | limits | {"text": text}


def _follow_up(times: Times) -> dict[str, Any]:
    found = _quantile(times.curve(swapped=True), 0.5, times.per_month)
    return found | {"method": "Reverse Kaplan-Meier: censoring is the event, death is censored."}


def _delayed(inputs: Inputs, rows: pl.DataFrame, anchor: str, landmarks: list[int], per_month: float) -> dict[str, Any]:
    """The same endpoint with subjects at risk only from the anchor's date on."""
    named = inputs.study.anchors.get(anchor)
    column = (named.adsl if named else None) or ""
    what = f"date of {named.label if named else anchor} - start date"
    adsl = inputs.subjects
    if column not in adsl.columns or "STARTDT" not in rows.columns:
        return {"n": 0, "text": f"Nothing to estimate: no date of {anchor}."}
    dated = rows.join(adsl.select("USUBJID", _ENTER=pl.col(column)).unique("USUBJID"), on="USUBJID", how="left")
    entry = (pl.col("_ENTER") - pl.col("STARTDT")).dt.total_days().cast(pl.Float64).clip(lower_bound=0.0)
    timed = _times(dated).with_columns(dated.select(ENTER=entry)["ENTER"])
    usable = timed.filter(pl.col("ENTER") < pl.col("TIME"))
    times = Times(usable, per_month)
    found = _estimates(times, landmarks, _DELAYED.format(what=what))
    lost = timed.height - usable.height
    notes = [f"{words.people(lost)} without an entry date before the end of observation: left out."] if lost else []
    curve = times.curve()
    thin = curve.time[(curve.events > 0) & (curve.at_risk == curve.events)]
    if thin.size and thin[0] < curve.last:
        notes.append(
            f"On day {thin[0]:.0f} everybody at risk had the event, so the curve is 0 from there on although others "
            "entered later: the risk set is too thin there to be read."
        )
    median = found["median"]
    events = int(usable["EVENT"].sum())
    return {"n": usable.height, "events": events} | found | {"notes": notes, "text": f"median {median['text']}"}


def _literal(times: Times, landmarks: list[int], method: str) -> dict[str, Any]:
    found = _estimates(times, landmarks, method)
    note = "Literal reading of the protocol, last follow-up counted as an event: the curve measures follow-up, not survival."
    return {"n": times.frame.height} | found | {"notes": [note], "text": f"median {found['median']['text']}"}
