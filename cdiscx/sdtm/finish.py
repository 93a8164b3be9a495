"""What the blocks made in, a finished Dataset and its supplemental qualifiers out: keys, timing, order, --SEQ, variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from cdiscx.model.dataset import DTYPES, Dataset, Variable, VariableType
from cdiscx.model.mapping import DomainMapping
from cdiscx.sdtm.blocks import Made
from cdiscx.sdtm.here import Lost, Run
from cdiscx.sdtm.supplements import shortened, supplement
from cdiscx.sdtm.timing import DAYS, dated, days, epochs, last_before_exposure, series
from cdiscx.sdtm.values import result_values
from cdiscx.standards import guide

_DERIVED = ("Derived", "Sponsor")
_ASSIGNED = ("Assigned", "Sponsor", "")


def finish(run: Run, mapping: DomainMapping, made: Made) -> dict[str, Dataset]:
    """The domain's Dataset and, where there are any, its SUPP--; nothing when no row gives a record."""
    domain = mapping.domain
    frame = _identified(run, domain, made)
    if not frame.height:
        return {}
    frame = dated(frame, [n for d in DAYS if (n := f"{domain}{d}") in frame.columns])
    frame, numbered = days(frame, domain)
    for day, date in numbered.items():
        method = f"{date} - RFSTDTC, plus 1 from the first day on; no day 0; complete dates only."
        made.words[day] = (*_DERIVED, method)
        _rests_on(made, day, (date,), ("DM.RFSTDTC",))
    dated_by = mapping.epoch_by or next((n for n in (f"{domain}STDTC", f"{domain}DTC") if n in frame.columns), None)
    if dated_by and run.elements is not None and "EPOCH" not in frame.columns and guide.variable(domain, "EPOCH"):
        frame = epochs(frame, dated_by, run.elements)
        made.words["EPOCH"] = (*_DERIVED, f"EPOCH of the subject element (SE) in which {dated_by} lies.")
        _rests_on(made, "EPOCH", (dated_by,), ("SE.SESTDTC", "SE.SEENDTC"))
    frame = in_order(frame, [k for k in mapping.keys if k in frame.columns])
    if mapping.baseline is not None:
        frame = last_before_exposure(frame, domain, mapping.baseline)
        by = ", ".join(n for n in series(domain, frame, mapping.baseline))
        made.words[f"{domain}LOBXFL"] = (*_DERIVED, f"Y for the last result before RFXSTDTC by {by}.")
        _rests_on(made, f"{domain}LOBXFL", (f"{domain}DTC", f"{domain}ORRES"), ("DM.RFXSTDTC",))
    if guide.variable(domain, f"{domain}SEQ"):
        frame = frame.with_columns(sequence().alias(f"{domain}SEQ"))
        made.words[f"{domain}SEQ"] = (*_DERIVED, f"Number within USUBJID in the order of {', '.join(mapping.keys)}.")
        _rests_on(made, f"{domain}SEQ", tuple(mapping.keys), ())
    frame = shortened(run, domain, frame, made)
    main = _dataset(run, mapping, frame, made)
    extra = supplement(run, mapping.domain, frame, made)
    return {domain: main, **({extra.name: extra} if extra else {})}


def _identified(run: Run, domain: str, made: Made) -> pl.DataFrame:
    """Records of subjects that DM has, with STUDYID, DOMAIN, USUBJID; the others are noted and left out."""
    frame = made.frame
    if not frame.height:
        _say_lost(run, domain, Lost(0, {}))
        return frame
    people = run.people.select(_SUBJID="SUBJID", USUBJID="USUBJID", _RFSTDT="RFSTDT", _RFXSTDT="RFXSTDT", _n="_n")
    known = frame.join(people, on="_SUBJID", how="left", maintain_order="left")
    strangers = known.filter(pl.col("_n").is_null()).get_column("_SUBJID")
    names = strangers.drop_nulls().value_counts().sort("_SUBJID")
    _say_lost(run, domain, Lost(strangers.null_count(), dict(names.iter_rows())))
    known = known.drop_nulls("_n") if strangers.len() else known
    for tag, table in made.tables.items():
        made.origin.setdefault(f"{tag}/USUBJID", (f"{table}.SUBJID", "DM.SITEID"))
    own = [n for n in ("STUDYID", "DOMAIN") if n not in frame.columns]
    values = {"STUDYID": run.study.studyid, "DOMAIN": domain}
    return known.with_columns([pl.lit(values[n]).alias(n) for n in own])


def _say_lost(run: Run, domain: str, own: Lost) -> None:
    """Notes on the rows of all subjects that give no record."""
    if own.nobody or own.strangers:
        run.lost[domain] = own
    lost = own if run.lost_of_all is None else run.lost_of_all.get(domain, Lost(0, {}))
    if lost.nobody:
        run.note(f"{domain}: {lost.nobody} rows without a subject give no record")
    if names := sorted(lost.strangers):
        listed = ", ".join(names[:10]) + (" ..." if len(names) > 10 else "")
        rows = sum(lost.strangers.values())
        run.note(f"{domain}: {rows} rows of subjects without a Demographics row give no record: {listed}")


def _rests_on(made: Made, name: str, variables: tuple[str, ...], others: tuple[str, ...]) -> None:
    """The origin of a variable that the engine adds: that of the variables it is made of, and other datasets' variables."""
    for tag in made.tables:
        own = [s for v in variables for s in made.origin.get(f"{tag}/{v}", ())]
        if own or any(f"{tag}/{v}" in made.origin for v in variables):
            made.origin.setdefault(f"{tag}/{name}", tuple(dict.fromkeys((*own, *others))))


def in_order(frame: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """The records sorted by the keys, nulls last, ties by their place in the upload and then by block.

    Every key becomes its values' places in their order, all of them one number, so that one column is sorted.
    """
    columns = [("_n" if key == "USUBJID" else key) for key in keys] + ["_rid", "_block"]
    total, size = pl.lit(0, pl.Int64), 1
    for column in dict.fromkeys(columns):
        place, count = _places(frame.get_column(column))
        total, size = total * (count + 1) + place, size * (count + 1)
    if size >= 2**62:
        return frame.sort([k for k in keys if k in frame.columns] + ["_rid", "_block"], nulls_last=True)
    order = frame.select(total.arg_sort()).to_series()
    return frame.select(pl.all().gather(order))


def _places(values: pl.Series) -> tuple[pl.Series, int]:
    """Each value's place among the distinct values in their order, nulls behind all of them; how many there are."""
    if values.dtype.is_integer():
        low, high = values.min(), values.max()
        if isinstance(low, int) and isinstance(high, int) and high - low < 2**40:
            return (values.cast(pl.Int64) - low).fill_null(high - low + 1), high - low + 1
    known = values.drop_nulls().unique().sort()
    if values.dtype == pl.String:
        place = values.cast(pl.Enum(known)).to_physical().cast(pl.Int64)
    else:
        place = known.search_sorted(values.fill_null(known[0]), side="left").cast(pl.Int64) if known.len() else values
        place = place.set(values.is_null(), None)
    return place.cast(pl.Int64).fill_null(known.len()), known.len()


def sequence() -> pl.Expr:
    """1, 2, 3 … within each subject of a frame in order of subjects."""
    at = pl.int_range(pl.len(), dtype=pl.Int64)
    first = pl.when((pl.col("_n") != pl.col("_n").shift()).fill_null(True)).then(at).forward_fill()
    return at - first + 1


def _variables(run: Run, mapping: DomainMapping, frame: pl.DataFrame, made: Made) -> list[Variable]:
    """The guide's variables that are required, expected or filled, in its order; then what the guide does not have."""
    domain = mapping.domain
    known = guide.variables(domain)
    # a date that is filled has its study day beside it, even where every one of them is partial
    filled = [n for n in frame.columns if n.endswith("DTC") and frame.get_column(n).null_count() < frame.height]
    kept = {f"{domain}{DAYS[n[2:]]}" for n in filled if n[2:] in DAYS} & set(frame.columns)
    out = []
    for variable in known:
        empty = variable.name not in frame.columns or frame.get_column(variable.name).null_count() == frame.height
        if variable.core == "Perm" and empty and variable.name not in kept:
            continue
        out.append(_described(variable, made, domain))
    names = {v.name for v in known}
    for name in frame.columns:
        if name.startswith(("_", "supp:")) or name in names:
            continue
        if known:
            run.note(f"{domain}.{name} is not a variable of the guide")
        dtype = frame.schema[name]
        kind: VariableType = "integer" if dtype.is_integer() else "float" if dtype.is_float() else "text"
        out.append(_described(Variable(name, name, kind), made, domain))
    return out


def _described(variable: Variable, made: Made, domain: str) -> Variable:
    plain: Mapping[str, tuple[str, str, str]] = {
        "STUDYID": _ASSIGNED,
        "DOMAIN": _ASSIGNED,
        "USUBJID": (*_DERIVED, "STUDYID, SITEID and SUBJID joined by hyphens."),
    }
    origin, source, method = made.words.get(variable.name) or plain.get(variable.name, _ASSIGNED)
    codelist = variable.codelist
    if variable.name == f"{domain}STRESC" and made.tests:
        codelist = None  # a list of each test: see the value-level metadata
    return replace(variable, origin=origin, source=source, method=method, codelist=codelist)


def _dataset(run: Run, mapping: DomainMapping, frame: pl.DataFrame, made: Made) -> Dataset:
    domain = mapping.domain
    facts = guide.dataset(domain)
    variables = _variables(run, mapping, frame, made)
    columns = [
        (pl.col(v.name) if v.name in frame.columns else pl.lit(None)).cast(DTYPES[v.type], strict=False).alias(v.name)
        for v in variables
    ]
    private = ["_from", "_block", *[c for c in frame.columns if c.startswith("_from:")]]
    finished = frame.select(*columns, *private)
    return Dataset(
        name=domain,
        label=mapping.label or (facts.label if facts else domain),
        klass=facts.klass if facts else "Findings",
        structure=facts.structure if facts else "One record per record of the upload",
        keys=("STUDYID", *mapping.keys),
        variables=tuple(variables),
        frame=finished,
        values=result_values(domain, finished, made),
        origin=made.origin,
        comment=mapping.comment,
        repeating=domain != "DM",
    )
