"""One test of a findings block in, the columns of its results out: as collected, in the standard unit, or not done."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from cdiscx.model.mapping import Test
from cdiscx.sdtm.here import RowSet, Run, as_text, meanings, number_text, replaced
from cdiscx.sdtm.rows import condition
from cdiscx.sdtm.typed import as_collected
from cdiscx.standards import guide, terminology

_COLLECTED = ("Collected", "Investigator", "")


@dataclass
class Found:
    """Columns of one test, and what they rest on; `present`: the row gives a record."""

    columns: dict[str, pl.Expr]
    origin: dict[str, tuple[str, ...]]
    words: dict[str, tuple[str, str, str]]
    present: pl.Expr = field(default_factory=lambda: pl.lit(True))


def test_rows(test: Test, rows: RowSet, found: Found) -> tuple[pl.Expr, list[str]]:
    """Rows that give a record of the test: those of the test that have a result, imply one, or say it was not done."""
    keep, missing = condition(test, rows.frame.schema)
    return keep & found.present, missing


def findings(run: Run, domain: str, tag: str, code: str, test: Test, rows: RowSet) -> Found | None:
    """The result columns of one test over the block's rows; None where the study has no such result."""
    column = test.result
    if column is None:
        found = Found({}, {}, {})
    elif column not in rows.frame.columns:
        run.note(f"{domain}/{tag}: this study has no {column}; the test is skipped")
        return None
    elif test.type == "text" or (test.type is None and rows.frame.schema[column] != pl.Float64):
        found = _text_result(run, domain, column, test, rows)
    else:
        found = _number_result(run, domain, tag, column, test, rows)
    names = _named(run, domain, code, test)
    found.columns |= names
    found.origin |= dict.fromkeys(names, tuple(s for c in test.where for s in rows.origin.get(c, ())))
    return _not_done(run, domain, column, test, rows, found)


def _named(run: Run, domain: str, code: str, test: Test) -> dict[str, pl.Expr]:
    known = guide.variable(domain, f"{domain}TESTCD")
    codelist = known.codelist if known else None
    name = test.name or (terminology.test_name(codelist, code) if codelist else None)
    lists = terminology.UNITED.get(codelist or "", ("", (codelist or "",)))[1]
    name = name or next(
        (run.extended[c][code] for c in (codelist or "", *lists) if code in run.extended.get(c, {})), code
    )
    return {f"{domain}TESTCD": pl.lit(code), f"{domain}TEST": pl.lit(name)}


def _text_result(run: Run, domain: str, column: str, test: Test, rows: RowSet) -> Found:
    text = as_text(pl.col(column), rows.frame.schema[column])
    values = rows.frame.select(text.alias("x")).get_column("x").drop_nulls().unique().sort().to_list()
    shown = {terminology.key(k): v for k, v in test.orres.items()}
    orres = {v: shown.get(terminology.key(v), v) for v in values}
    stresc = meanings(values, test.map, test.codelist, run)
    origin = rows.origin.get(column, ())
    columns = {f"{domain}ORRES": replaced(text, orres), f"{domain}STRESC": replaced(text, stresc)}
    columns |= (
        {f"{domain}STRESN": _as_number(columns[f"{domain}STRESC"])} if test.type is None and test.standard else {}
    )
    return Found(columns, dict.fromkeys(columns, origin), dict.fromkeys(columns, _COLLECTED), text.is_not_null())


def _as_number(text: pl.Expr) -> pl.Expr:
    return text.cast(pl.Float64, strict=False)


def _number_result(run: Run, domain: str, tag: str, column: str, test: Test, rows: RowSet) -> Found:
    origin = rows.origin.get(column, ())
    numeric = rows.frame.schema[column] == pl.Float64
    value = pl.col(column) if numeric else _as_number(pl.col(column))
    typed = (
        pl.col(f"{column}C")
        if f"{column}C" in rows.frame.columns
        else as_text(pl.col(column), rows.frame.schema[column])
    )
    orres, operator, cell_unit = as_collected(rows, column, value, typed)
    factor, unit_origin = _factor(run, domain, tag, test, rows)
    scaled = _standard(value, test, factor)
    plain = scaled if operator is None else pl.when(operator.is_null()).then(scaled)
    shown = number_text(scaled) if operator is None else operator.fill_null("") + number_text(scaled)
    stresc = pl.coalesce(shown, pl.when(value.is_null()).then(orres))
    columns = {f"{domain}ORRES": orres, f"{domain}STRESC": stresc, f"{domain}STRESN": plain}
    sources = dict.fromkeys(columns, (*origin, *unit_origin) if factor is not None else origin)
    sources[f"{domain}ORRES"] = origin
    unit = _unit(run, domain, test, rows)
    if unit is not None and not test.factors:
        unit = _unit_of_cell(test, unit, cell_unit, (orres, value))
    if unit is not None:
        columns[f"{domain}ORRESU"] = unit
        sources[f"{domain}ORRESU"] = unit_origin if test.factors else tuple(dict.fromkeys((*unit_origin, *origin)))
    if test.standard:
        columns[f"{domain}STRESU"] = pl.when(
            columns[f"{domain}STRESN"].is_not_null()
            | (operator if operator is not None else pl.lit(None)).is_not_null()
        ).then(pl.lit(test.standard))
        sources[f"{domain}STRESU"] = ()
    found = Found(columns, sources, dict.fromkeys(columns, _COLLECTED), typed.is_not_null() | value.is_not_null())
    _limits(domain, test, rows, value, factor, operator, found)
    return found


def _standard(value: pl.Expr, test: Test, factor: pl.Expr | None) -> pl.Expr:
    """The value in the standard unit. It is rounded also where every unit of these rows is the standard one: those of other
    subjects must not decide how a number is written."""
    return (value if factor is None else value * factor).round(9) if test.factors else value


def _factor(run: Run, domain: str, tag: str, test: Test, rows: RowSet) -> tuple[pl.Expr | None, tuple[str, ...]]:
    if test.unit is None or test.unit not in rows.frame.columns:
        return None, ()
    origin = rows.origin.get(test.unit, ())
    run.used.update(origin)
    if not test.factors:
        return None, origin
    keep, _ = condition(test, rows.frame.schema)
    seen = rows.frame.filter(keep).get_column(test.unit).drop_nulls().unique().sort().to_list()
    factors = {terminology.key(u): f for u, f in test.factors.items()}
    known = {u: factors[terminology.key(u)] for u in seen if terminology.key(u) in factors}
    if lost := [u for u in seen if u not in known]:
        run.note(f"{domain}/{tag}: no factor to {test.standard} for {', '.join(lost)}; the standard result stays blank")
    if (
        all(f == 1 for f in known.values())
        and not lost
        and not rows.frame.filter(keep).get_column(test.unit).null_count()
    ):
        return None, origin
    unit = pl.col(test.unit)
    return unit.replace_strict(known, default=None, return_dtype=pl.Float64) if known else pl.lit(
        None, pl.Float64
    ), origin


def _unit(run: Run, domain: str, test: Test, rows: RowSet) -> pl.Expr | None:
    if test.unit is not None and test.unit in rows.frame.columns:
        seen = rows.frame.get_column(test.unit).drop_nulls().unique().sort().to_list()
        known = guide.variable(domain, f"{domain}ORRESU")
        words = meanings([str(u) for u in seen], test.units, known.codelist if known else None, run)
        return replaced(pl.col(test.unit), words)
    return pl.lit(test.orresu) if test.orresu else None


def _unit_of_cell(test: Test, unit: pl.Expr, cell: pl.Expr | None, read: tuple[pl.Expr, pl.Expr]) -> pl.Expr:
    """The unit a result was written in, where tidy brought it to the standard unit: that of its own cell before any other.

    `read`: the number as collected and its amount in the standard unit; where the two are the same, the cell held the
    standard unit, whatever another cell of the row says.
    """
    shown, value = read
    if test.unit is not None and test.standard is not None:
        same = ((_as_number(shown) == value) & (value != 0)).fill_null(False)
        unit = pl.when(same).then(pl.lit(test.standard)).otherwise(unit)
    return unit if cell is None else pl.coalesce(cell, unit)


def _limits(
    domain: str,
    test: Test,
    rows: RowSet,
    value: pl.Expr,
    factor: pl.Expr | None,
    operator: pl.Expr | None,
    found: Found,
) -> None:
    """Limits of normal as collected and in the standard unit, and where the result lies (C78736)."""
    bounds: dict[str, pl.Expr] = {}
    for word, column in (("LO", test.low), ("HI", test.high)):
        if column is None or column not in rows.frame.columns:
            continue
        bound = pl.col(column)
        typed = pl.col(f"{column}C") if f"{column}C" in rows.frame.columns else number_text(bound)
        shown, _, _ = as_collected(rows, column, bound, typed)
        bounds[word] = bound
        origin = rows.origin.get(column, ())
        made = {
            f"{domain}ORNR{word}": shown,
            f"{domain}STNR{word}": _standard(bound, test, factor),
        }
        found.columns |= made
        found.origin |= dict.fromkeys(made, origin)
        found.words |= dict.fromkeys(made, _COLLECTED)
    if not bounds:
        return
    sure = pl.lit(True) if operator is None else operator.is_null()
    inside = [bounds[w].is_null() | ((value >= bounds[w]) if w == "LO" else (value <= bounds[w])) for w in bounds]
    some = pl.any_horizontal([b.is_not_null() for b in bounds.values()])
    low = (value < bounds["LO"]) if "LO" in bounds else pl.lit(False)
    high = (value > bounds["HI"]) if "HI" in bounds else pl.lit(False)
    indicator = pl.when(low.fill_null(False)).then(pl.lit("LOW")).when(high.fill_null(False)).then(pl.lit("HIGH"))
    within = indicator.when(pl.all_horizontal(inside) & some).then(pl.lit("NORMAL"))
    name = f"{domain}NRIND"
    found.columns[name] = pl.when(sure & value.is_not_null()).then(within)
    columns = [c for c in (test.result, test.low, test.high) if c]
    found.origin[name] = tuple(dict.fromkeys(o for c in columns for o in rows.origin.get(c, ())))
    found.words[name] = ("Derived", "Sponsor", "The result compared with the collected limits of normal.")


def _not_done(run: Run, domain: str, column: str | None, test: Test, rows: RowSet, found: Found) -> Found:
    """Blank results that other columns explain: an implied value, or NOT DONE with its reason (2.8)."""
    if column is None:
        return found
    names, empty = rows.frame.schema, found.present.not_()
    orres, stresc = f"{domain}ORRES", f"{domain}STRESC"
    for implied in test.implied:
        says, missing = condition(implied, names)
        if missing:
            continue
        sources = [s for c in (*implied.where, *implied.unless, *implied.filled) for s in rows.origin.get(c, ())]
        run.used.update(sources)
        when = empty & says
        standard = implied.stresc if implied.stresc is not None else implied.orres
        number = _number(standard)
        new = {orres: pl.lit(implied.orres), stresc: pl.lit(standard)}
        if f"{domain}STRESN" in found.columns:
            new[f"{domain}STRESN"] = pl.lit(number, pl.Float64)
        if test.standard and number is not None:
            new[f"{domain}STRESU"] = pl.lit(test.standard)
        if f"{domain}ORRESU" in found.columns and _number(implied.orres) is None:
            new[f"{domain}ORRESU"] = pl.lit(None, pl.String)
        for name, value in new.items():
            old = found.columns.get(name, pl.lit(None, pl.String))
            found.columns[name] = pl.when(when).then(value).otherwise(old)
            found.origin[name] = tuple(dict.fromkeys((*found.origin.get(name, ()), *sources)))
        found.present = found.present | when
        empty = empty & when.not_()
    if test.not_done is not None:
        _stated(run, domain, test, rows, found, empty)
    return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _stated(run: Run, domain: str, test: Test, rows: RowSet, found: Found, empty: pl.Expr) -> None:
    said = test.not_done
    assert said is not None
    says, missing = condition(said, rows.frame.schema)
    if missing:
        return
    sources = [s for c in (*said.where, *said.unless, *said.filled, *said.blank) for s in rows.origin.get(c, ())]
    run.used.update(sources)
    when = empty & says
    found.columns[f"{domain}STAT"] = pl.when(when).then(pl.lit("NOT DONE"))
    found.origin[f"{domain}STAT"] = tuple(dict.fromkeys(sources))
    reason: pl.Expr = pl.lit(said.reason_text, pl.String)
    if said.reason and said.reason in rows.frame.columns:
        reason = pl.coalesce(as_text(pl.col(said.reason), rows.frame.schema[said.reason]), reason)
        found.origin[f"{domain}REASND"] = rows.origin.get(said.reason, ())
    found.columns[f"{domain}REASND"] = pl.when(when).then(reason)
    found.words[f"{domain}STAT"] = found.words[f"{domain}REASND"] = _COLLECTED
    for name in (f"{domain}ORRES", f"{domain}ORRESU", f"{domain}STRESC", f"{domain}STRESN", f"{domain}STRESU"):
        if name in found.columns:
            found.columns[name] = pl.when(when.not_()).then(found.columns[name])
    found.present = found.present | when
