"""One value a subject in, a proportion with its exact interval out: responses, resections, pathology, surgical safety."""

from __future__ import annotations

from typing import Any

import polars as pl

from cdiscx.analysis import words
from cdiscx.analysis.inputs import Inputs, Population
from cdiscx.analysis.proportion import clopper_pearson
from cdiscx.analysis.summary import counted
from cdiscx.model.spec import Endpoint
from cdiscx.registry import analysis

METHOD = "n/N with exact (Clopper-Pearson) two-sided 95 % CI; {missing}."
RESPONSES = ("CR", "PR", "SD", "NON-CR/NON-PD", "NED", "PD", "NE", "MISSING")
_NO = "a subject without a value counts as {no}"
_OUT = "a subject whose status is not known is not counted"
#: values that are not a response of their own
_YES_NO = ("Y", "N")
#: parameters in which an unknown value means no, wherever they stand (trial B 8.5, 8.6)
_UNKNOWN_IS_NO = frozenset({"R0", "MPR", "PCR"})


def rate(n: int, total: int) -> dict[str, Any]:
    """n, N, fraction, exact limits, and the words `12/40 = 30.0 % (95 % CI 16.6 to 46.5)`."""
    limits = clopper_pearson(n, total)
    if limits is None:
        text = "Nothing to estimate: no subject in this population."
        return {"n": n, "N": total, "estimate": None, "ci_lower": None, "ci_upper": None, "text": text}
    part = n / total
    text = f"{n}/{total} = {words.percent(part)} ({words.interval(*limits, 1, 100)})"
    return {"n": n, "N": total, "estimate": part, "ci_lower": limits[0], "ci_upper": limits[1], "text": text}


@analysis("proportion")
def proportion(inputs: Inputs, name: str, endpoint: Endpoint, population: Population) -> dict[str, Any]:
    """One entry: responders of the population, a second denominator where the study file names one."""
    judged, skips = judged_subjects(inputs, name, endpoint, population)
    known = judged.filter(pl.col("YES").is_not_null())
    unknown = judged.height - known.height
    yes = int(known["YES"].sum())
    missing = _OUT if skips else _NO.format(no="no responder" if endpoint.kind == "response" else "no")
    entry: dict[str, Any] = {"measure": "proportion", "unit": "proportion"} | rate(yes, known.height)
    entry["method"] = METHOD.format(missing=missing)
    entry["missing"] = int(judged["VALUE"].is_null().sum())
    if skips and unknown:
        entry["notes"] = [f"{words.people(unknown)} with unknown status not counted; counted as no: "
                          f"{rate(yes, judged.height)['text']}."]  # fmt: skip
    second = inputs.option(endpoint, "second_population")
    if isinstance(second, str):
        other = inputs.population(second)
        entry["second"] = {"population": second, "label": other.label} | rate(
            int(judged_subjects(inputs, name, endpoint, other)[0]["YES"].fill_null(False).sum()), other.n
        )
    return entry


@analysis("response")
def response(inputs: Inputs, name: str, endpoint: Endpoint, population: Population) -> dict[str, Any]:
    """As `proportion`, with the number of subjects for every response and the reason of a non-response."""
    entry = proportion(inputs, name, endpoint, population)
    judged, _ = judged_subjects(inputs, name, endpoint, population)
    values = judged["VALUE"]
    if judged.height and not set(values.drop_nulls()) <= set(_YES_NO):
        entry["categories"] = counted(values, RESPONSES)
    if "REASON" in judged.columns and judged["REASON"].is_not_null().any():
        entry["reasons"] = counted(judged["REASON"].drop_nulls())
    return entry


def judged_subjects(inputs: Inputs, name: str, endpoint: Endpoint, population: Population) -> tuple[pl.DataFrame, bool]:
    """USUBJID, VALUE (text), YES (Boolean), REASON of every subject of the population; and whether unknowns are left out.

    Left out (YES null): surgical safety whose status is not known, and a yes/no that rests on a time-to-event endpoint
    that is censored before (EFS at one year). Everywhere else no value means no.
    """
    holder, rows = inputs.parameter(name)
    of = inputs.option(endpoint, "of")
    timed = isinstance(of, str) and of in inputs.study.endpoints and inputs.study.endpoints[of].kind == "time_to_event"
    skips = timed or (holder == "ADSURG" and name not in _UNKNOWN_IS_NO)
    value = pl.col("AVALC").cast(pl.String) if "AVALC" in rows.columns else pl.lit(None, pl.String)
    reason = pl.col("AVALCAT1").cast(pl.String) if "AVALCAT1" in rows.columns else pl.lit(None, pl.String)
    told = rows.select("USUBJID", VALUE=value, REASON=reason)
    joined = population.subjects.join(told, on="USUBJID", how="left").sort("USUBJID")
    asked = inputs.option(endpoint, "responders", ["CR", "PR"])
    responders = [str(r) for r in asked] if isinstance(asked, list) else ["CR", "PR"]
    yes = pl.col("VALUE").is_in(["Y", *responders])
    return joined.with_columns(YES=yes if skips else yes.fill_null(False)), skips
