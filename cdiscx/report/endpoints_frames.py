"""ADaM frames in, what the plots draw out: times of a curve, best changes, courses, lanes; subjects by their own number."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cdiscx.model.dataset import Records, some_of
from cdiscx.report.endpoints_swimmer import Lane

Frames = Mapping[str, Records]
#: parameters that hold the sum that is judged: the viable one where there is one
_SUMS = ("SUMVDIA", "SUMDIAM")
_TREATMENT = ("EXTRT", "PARCAT1", "TRT", "ATRT", "TRTP")


def subjects(adam: Frames) -> pl.DataFrame:
    """ADSL with SUBJECT, the number that people know a subject by."""
    adsl = some_of(adam.get("ADSL"))
    if "USUBJID" not in adsl.columns:
        return pl.DataFrame(schema={"USUBJID": pl.String, "SUBJECT": pl.String})
    name = pl.coalesce(pl.col(c).cast(pl.String) for c in ("SUBJID", "USUBJID") if c in adsl.columns)
    return adsl.with_columns(SUBJECT=name)


def curve_records(adam: Frames, paramcd: str, population: str) -> pl.DataFrame:
    """SUBJECT, AVAL, EVENT, WHAT of the records of a time-to-event endpoint."""
    frame = some_of(adam.get("ADTTE"), "USUBJID", "PARAMCD", "AVAL", "CNSR", "EVNTDESC")
    if not {"USUBJID", "PARAMCD", "AVAL", "CNSR"} <= set(frame.columns):
        return pl.DataFrame(schema={"SUBJECT": pl.String, "AVAL": pl.Float64, "EVENT": pl.Boolean, "WHAT": pl.String})
    who = subjects(adam)
    if population in who.columns:
        who = who.filter(pl.col(population) == "Y")
    rows = (
        frame.filter(pl.col("PARAMCD") == paramcd)
        .drop_nulls(["AVAL", "CNSR"])
        .join(who.select("USUBJID", "SUBJECT"), on="USUBJID")
    )
    what = pl.col("EVNTDESC") if "EVNTDESC" in rows.columns else pl.lit("")
    return rows.select("SUBJECT", pl.col("AVAL").cast(pl.Float64), EVENT=pl.col("CNSR") == 0, WHAT=what).sort("SUBJECT")


def best_changes(adam: Frames) -> pl.DataFrame:
    """SUBJECT, CHANGE (percent), RESPONSE of the full analysis set."""
    frame = some_of(adam.get("ADTR"), "USUBJID", "PARAMCD", "AVAL", "PCHG", "ADT", "BASETYPE", "EVALR")
    if not {"USUBJID", "PARAMCD", "AVAL"} <= set(frame.columns):
        return pl.DataFrame(schema={"SUBJECT": pl.String, "CHANGE": pl.Float64, "RESPONSE": pl.String})
    rows = frame.filter(pl.col("PARAMCD") == "BPCHG").unique("USUBJID", maintain_order=True)
    joined = _responders(adam, _analysed(adam)).join(
        rows.select("USUBJID", CHANGE=pl.col("AVAL").cast(pl.Float64)), on="USUBJID"
    )
    return joined.select("SUBJECT", "CHANGE", "RESPONSE")


def courses(adam: Frames, per_month: float) -> pl.DataFrame:
    """SUBJECT, RESPONSE, MONTH, CHANGE of every sum after baseline, against the baseline before treatment."""
    frame = some_of(adam.get("ADTR"), "USUBJID", "PARAMCD", "AVAL", "PCHG", "ADT", "BASETYPE", "EVALR")
    empty = pl.DataFrame(
        schema={"SUBJECT": pl.String, "RESPONSE": pl.String, "MONTH": pl.Float64, "CHANGE": pl.Float64}
    )
    if not {"USUBJID", "PARAMCD", "PCHG", "ADT"} <= set(frame.columns):
        return empty
    found = [code for code in _SUMS if frame.filter(pl.col("PARAMCD") == code).height]
    if not found:
        return empty
    rows = frame.filter(pl.col("PARAMCD") == found[0], pl.col("PCHG").is_not_null())
    for column, kept in (("BASETYPE", "PRE-TREATMENT"), ("EVALR", "INVESTIGATOR")):
        if column in rows.columns:
            rows = rows.filter(pl.col(column).fill_null(kept) == kept)
    who = _responders(adam, _analysed(adam))
    if "TRTSDT" not in who.columns:
        return empty
    joined = rows.join(who.select("USUBJID", "SUBJECT", "RESPONSE", "TRTSDT"), on="USUBJID")
    return joined.select(
        "SUBJECT", "RESPONSE", MONTH=_months("ADT", per_month), CHANGE=pl.col("PCHG").cast(pl.Float64)
    ).filter(pl.col("MONTH") > 0).sort("SUBJECT", "MONTH")  # fmt: skip


def lanes(adam: Frames, per_month: float, groups: Mapping[str, str]) -> list[Lane]:
    """The course of every treated subject, in months from the start of treatment.

    `groups`: drugs that are given together -> their common name (study file, `regimens.*.group`).
    """
    who = _analysed(adam)
    if "TRTSDT" not in who.columns:
        return []
    dated = {"surgery": "SURGDT", "new": "NACTDT", "death": "DTHDT"}
    words = {"surgery": "surgery", "new": "new anti-cancer therapy", "death": "death", "alive": "alive at last contact"}
    events = [
        _dated(who, column, kind, words[kind], per_month) for kind, column in dated.items() if column in who.columns
    ]
    events += _responses(adam, who, per_month)
    ends = [c for c in ("DTHDT", "LSTALVDT", "TRTEDT") if c in who.columns]
    who = who.filter(pl.col("TRTSDT").is_not_null())
    length = who.select(
        "USUBJID", "SUBJECT", END=_months_of(pl.coalesce(ends) if ends else pl.col("TRTSDT"), per_month)
    )
    alive = who.filter(pl.col("DTHDT").is_null()) if "DTHDT" in who.columns else who
    if "LSTALVDT" in alive.columns:
        events.append(_dated(alive, "LSTALVDT", "alive", words["alive"], per_month))
    listed = _by_subject(pl.concat(events)) if events else {}
    doses = _doses(adam, who, per_month, groups)
    given = _by_subject(doses)
    # a dose that goes on is known to go on after the last contact; nothing is given after death
    dosed = dict(
        doses.join(alive.select("USUBJID"), on="USUBJID", how="semi")
        .group_by("USUBJID")
        .agg(pl.col("END").max())
        .iter_rows()
    )
    return [
        Lane(subject, max(end or 0.0, dosed.get(key) or 0.0), tuple(given.get(key, ())), tuple(listed.get(key, ())))  # type: ignore[arg-type]
        for key, subject, end in length.iter_rows()
    ]


def _analysed(adam: Frames) -> pl.DataFrame:
    who = subjects(adam)
    return who.filter(pl.col("FASFL") == "Y") if "FASFL" in who.columns else who


def _responders(adam: Frames, who: pl.DataFrame) -> pl.DataFrame:
    """The same subjects with RESPONSE, their best overall response."""
    adrs = some_of(adam.get("ADRS"), "USUBJID", "PARAMCD", "AVALC", "ADT", "ANL01FL")
    if not {"USUBJID", "PARAMCD", "AVALC"} <= set(adrs.columns):
        return who.with_columns(RESPONSE=pl.lit("", pl.String))
    best = adrs.filter(pl.col("PARAMCD") == "BOR").unique("USUBJID", maintain_order=True)
    return who.join(best.select("USUBJID", RESPONSE="AVALC"), on="USUBJID", how="left")


def _responses(adam: Frames, who: pl.DataFrame, per_month: float) -> list[pl.DataFrame]:
    """First CR, PR and PD of the responses that the analysis counts (ANL01FL)."""
    adrs = some_of(adam.get("ADRS"), "USUBJID", "PARAMCD", "AVALC", "ADT", "ANL01FL")
    if not {"USUBJID", "PARAMCD", "AVALC", "ADT", "ANL01FL"} <= set(adrs.columns):
        return []
    counted = adrs.filter(
        pl.col("ANL01FL") == "Y", pl.col("PARAMCD").is_in(["OVR", "DOVR"]), pl.col("AVALC").is_in(["CR", "PR", "PD"])
    )
    first = counted.group_by("USUBJID", "AVALC").agg(pl.col("ADT").min()).sort("USUBJID", "ADT")
    joined = first.join(who.select("USUBJID", "TRTSDT"), on="USUBJID").drop_nulls(["ADT", "TRTSDT"])
    return [
        joined.select("USUBJID", KIND="AVALC", MONTH=_months("ADT", per_month), WORDS=pl.format("first {}", "AVALC"))
    ]


def _doses(adam: Frames, who: pl.DataFrame, per_month: float, groups: Mapping[str, str]) -> pl.DataFrame:
    """USUBJID, treatment, first and last month: of the exposure records that carry dates, else of the treatment period."""
    frame = some_of(adam.get("ADEXSUM"), "USUBJID", "ASTDT", "AENDT", *_TREATMENT)
    name = next((c for c in _TREATMENT if c in frame.columns), None)
    if name and {"USUBJID", "ASTDT", "AENDT"} <= set(frame.columns):
        kind = pl.col(name).cast(pl.String).replace(groups).alias("KIND")
        spans = frame.group_by("USUBJID", kind).agg(pl.col("ASTDT").min(), pl.col("AENDT").max())
        spans = spans.join(who.select("USUBJID", "TRTSDT"), on="USUBJID").drop_nulls()
    elif "TRTEDT" in who.columns:
        spans = who.select("USUBJID", "TRTSDT", KIND=pl.lit("Treatment"), ASTDT="TRTSDT", AENDT="TRTEDT").drop_nulls()
    else:
        spans = pl.DataFrame(
            schema={"USUBJID": pl.String, "KIND": pl.String, "TRTSDT": pl.Date, "ASTDT": pl.Date, "AENDT": pl.Date}
        )
    told = spans.select("USUBJID", "KIND", START=_months("ASTDT", per_month), END=_months("AENDT", per_month))
    return told.sort("USUBJID", "START", "KIND")


def _dated(who: pl.DataFrame, column: str, kind: str, words: str, per_month: float) -> pl.DataFrame:
    known = who.drop_nulls([column, "TRTSDT"])
    return known.select("USUBJID", KIND=pl.lit(kind), MONTH=_months(column, per_month), WORDS=pl.lit(words))


def _months(column: str, per_month: float) -> pl.Expr:
    return _months_of(pl.col(column), per_month)


def _months_of(date: pl.Expr, per_month: float) -> pl.Expr:
    return (date.cast(pl.Date) - pl.col("TRTSDT").cast(pl.Date)).dt.total_days() / per_month


def _by_subject(rows: pl.DataFrame) -> dict[str, list[tuple[object, ...]]]:
    found: dict[str, list[tuple[object, ...]]] = {}
    for key, *values in rows.iter_rows():
        found.setdefault(str(key), []).append(tuple(values))
    return found
