"""Study file and prepared data -> SE, one record per element that a subject went through, without gaps.

The days on which elements begin are found by the rules of `arm.elements` in the study file (`begins:`). What is decided
here (docs/decisions.md): an element that ends on the day it began has no record, since dates carry no time and nothing
could lie in it; an element that lies out of its order is an unplanned one (UNPLAN).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from cdiscx.model.dataset import Dataset, Variable
from cdiscx.model.errors import SpecError
from cdiscx.model.spec import Arm, Begin, Element, Path, Point, Source, Study
from cdiscx.model.table import StudyData
from cdiscx.sdtm.participation import last_days, usubjid
from cdiscx.standards import guide
from cdiscx.standards.dates import read_iso, study_day

_WHO = "SUBJID"
UNPLANNED = "UNPLAN"
_GIVEN = {_WHO: pl.String, "WHAT": pl.String, "ST": pl.Date, "EN": pl.Date, "RID": pl.UInt32}
_FOUND = {_WHO: pl.String, "ORD": pl.Int64, "DAY": pl.Date, "RID": pl.UInt32}
_METHODS = {
    "SESTDTC": "Day found by the rule for the start of the element (TE.TESTRL)",
    "SEENDTC": "Start of the next element of the subject; of the last one, the end of participation",
    "SESTDY": "SESTDTC - RFSTDTC, plus 1 from the first day on; no day 0",
    "SEENDY": "SEENDTC - RFSTDTC, plus 1 from the first day on; no day 0",
}


def subject_elements(data: StudyData, dm: Dataset | None = None) -> Dataset | None:
    """SE of the run, sorted and numbered by date; None where the study file describes no elements.

    `dm`: the finished DM, whose RFSTDTC and RFPENDTC count; without it they are worked out here by the same rules.
    TAETORD counts along the planned arm (SINGLE_ARM) or along the subject's own path (BRANCHED). Source: sdtm-mapping
    4.9, trial documents section 3. Raises SpecError when `ta_model` asks for paths that the study file does not give.
    """
    study: Study = data.study
    if study.arm is None or not study.arm.elements or "anchors" not in data.tidy:
        return None
    rows = _in_order(_reached(_starts(data), data, dm))
    rows = _closed(rows).join(_identity(data, dm), on=_WHO, how="inner")
    rows = _described(rows, study)
    first = read_iso(pl.col("_first"))
    rows = rows.with_columns(
        SESTDY=study_day(read_iso(pl.col("SESTDTC")), first), SEENDY=study_day(read_iso(pl.col("SEENDTC")), first)
    )
    rows = rows.sort("USUBJID", "SESEQ").with_columns(
        STUDYID=pl.lit(study.studyid),
        DOMAIN=pl.lit("SE"),
        _from=pl.concat_list("RID").list.drop_nulls(),
        _block=pl.col("ETCD"),
    )
    return _dataset(rows, _origins(study))


def arm_of(data: StudyData) -> pl.DataFrame:
    """SUBJID, ARMCD, ARM, by SUBJID: the arm that the elements show; blank before the paths part (BRANCHED)."""
    study: Study = data.study
    arm = _arm(study)
    everybody = data.tidy["anchors"].frame.sort(_WHO)
    if not branched(study):
        return everybody.select(_WHO, ARMCD=pl.lit(arm.armcd), ARM=pl.lit(arm.arm))
    rows = _in_order(_reached(_starts(data), data, None))
    codes = {path.armcd: path.arm for path in arm.paths}
    ways = _ways(rows, study).select(_WHO, ARMCD="WAY")
    return everybody.select(_WHO).join(ways, on=_WHO, how="left", maintain_order="left").with_columns(
        ARM=pl.col("ARMCD").replace_strict(codes, default=None, return_dtype=pl.String)
    )  # fmt: skip


def branched(study: Study) -> bool:
    """Whether the study is told as one arm a path. Raises SpecError for an unknown model or one without paths."""
    model = str(study.parameters.get("ta_model", "SINGLE_ARM"))
    if model not in ("SINGLE_ARM", "BRANCHED"):
        raise SpecError(f"study {study.id}: parameters.ta_model is SINGLE_ARM or BRANCHED, not {model!r}")
    if model == "BRANCHED" and not (study.arm and study.arm.paths):
        raise SpecError(f"study {study.id}: ta_model BRANCHED needs `arm.paths`, the elements of each way")
    return model == "BRANCHED"


def paths(study: Study) -> tuple[Path, ...]:
    """The arms of the trial design: the planned arm, or one a path (BRANCHED)."""
    arm = _arm(study)
    if branched(study):
        return arm.paths
    codes = tuple(element.etcd for element in arm.elements)
    return (Path(armcd=arm.armcd, arm=arm.arm, elements=codes, of=codes[0]),)


def _arm(study: Study) -> Arm:
    if study.arm is None:
        raise SpecError(f"study {study.id}: `arm:` is not given")
    return study.arm


# --- the days on which elements begin ---------------------------------------------------------------------------------


def _starts(data: StudyData) -> pl.DataFrame:
    """One row per subject and element that began: ORD (place in `arm.elements`), DAY, RID (the row that tells it)."""
    study: Study = data.study
    given = _given(data)
    base = data.tidy["anchors"].frame.join(
        data.tidy["ends"].frame.select(_WHO, "TRTEND", "ENDDAT"), on=_WHO, how="left"
    )
    pieces = [pl.DataFrame(schema=_FOUND)]
    for number, element in enumerate(_arm(study).elements, 1):
        found = _element_start(element, data, base, given)
        pieces.append(found.with_columns(ORD=pl.lit(number, dtype=pl.Int64)).select(list(_FOUND)))
    return pl.concat(pieces)


def _given(data: StudyData) -> pl.DataFrame:
    """Stretches of days on which something was given: WHAT (drug or procedure), ST, EN, RID of the row.

    A dose of 0 is none. A running dose lasts to the end of treatment, of participation or to the cut-off.
    """
    pieces = [pl.DataFrame(schema=_GIVEN)]
    run = data.run
    assert run is not None, "prepare() comes before the mapping"
    if "dosing" in data.tidy:
        frame = data.tidy["dosing"].frame.join(data.tidy["ends"].frame, on=_WHO, how="left")
        if "EXDOSE" in frame.columns:
            frame = frame.filter((pl.col("EXDOSE") != 0).fill_null(True))
        end = pl.col("EXENDAT") if "EXENDAT" in frame.columns else pl.lit(None, dtype=pl.Date)
        if "EXONGO" in frame.columns:
            open_end = pl.max_horizontal("EXSTDAT", pl.min_horizontal("TRTEND", "ENDDAT", pl.lit(run.cutoff)))
            end = pl.coalesce(end, pl.when(pl.col("EXONGO") == "Y").then(open_end))
        pieces.append(frame.select(_WHO, WHAT="EXTRT", ST="EXSTDAT", EN=pl.coalesce(end, "EXSTDAT"), RID="_rid"))
    if "procedures" in data.tidy:
        frame = data.tidy["procedures"].frame
        end = pl.coalesce("PRENDAT", "PRSTDAT") if "PRENDAT" in frame.columns else pl.col("PRSTDAT")
        pieces.append(frame.select(_WHO, WHAT="PRTRT", ST="PRSTDAT", EN=end, RID="_rid"))
    rows = pl.concat(pieces).drop_nulls([_WHO, "WHAT", "ST"])
    return rows.with_columns(EN=pl.max_horizontal("ST", "EN"))


def _element_start(element: Element, data: StudyData, base: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    """The day of the first rule that finds one: SUBJID, DAY, RID. A day that is not settled yet is none."""
    found = pl.DataFrame(schema={_WHO: pl.String, "_day": pl.Date, "RID": pl.UInt32, "RULE": pl.Int32})
    for place, begin in enumerate(element.begins):
        days = _days(begin, data, base, given)
        if days is not None:
            days = days.drop_nulls("_day").with_columns(RULE=pl.lit(place, dtype=pl.Int32))
            found = pl.concat([found, days.select(found.columns)])
    found = found.sort(_WHO, "RULE").unique(_WHO, keep="first", maintain_order=True)
    rules = pl.DataFrame(
        {
            "RULE": range(len(element.begins)),
            "_plus": [b.plus for b in element.begins],
            "_wait": [b.settled for b in element.begins],
        },
        schema={"RULE": pl.Int32, "_plus": pl.Int64, "_wait": pl.Int64},
    )
    run = data.run
    assert run is not None
    found = found.join(rules, on="RULE").join(base.select(_WHO, "TRTEND", "ENDDAT"), on=_WHO, how="left")
    over = pl.any_horizontal(pl.col("TRTEND", "ENDDAT").is_not_null())
    waited = pl.col("_day") + pl.duration(days=pl.col("_wait")) < pl.lit(run.cutoff)
    settled = pl.col("_wait").is_null() | over | waited.fill_null(True)
    day = (pl.col("_day") + pl.duration(days=pl.col("_plus"))).cast(pl.Date)
    return found.filter(settled).select(_WHO, DAY=day, RID="RID")


def _days(begin: Begin, data: StudyData, base: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame | None:
    """`_day` and RID by one rule, before `plus`; None where the study's data lack what it names."""
    bounds = {"_from": begin.from_, "_after": begin.after, "_before": begin.before}
    named = [begin.anchor, begin.needs, begin.unless, *(b.anchor for b in bounds.values() if b)]
    if any(name is not None and name not in base.columns for name in named):
        return None
    rows = _who(begin, data, base)
    if begin.anchor is not None:
        return rows.select(_WHO, _day=begin.anchor, RID=f"{begin.anchor}_RID")
    rows = rows.select(_WHO, **{name: _point(bound) for name, bound in bounds.items()})
    rows = rows.drop_nulls([name for name, bound in bounds.items() if bound is not None])
    one = pl.duration(days=1)
    low = pl.max_horizontal("_from", (pl.col("_after") + one).cast(pl.Date))
    high = (pl.col("_before") - one).cast(pl.Date)
    days = given.filter(pl.col("WHAT").is_in([*begin.first, *begin.last])).join(rows, on=_WHO)
    days = days.with_columns(ST=pl.max_horizontal("ST", low), EN=pl.min_horizontal("EN", high))
    days = days.filter(pl.col("ST") <= pl.col("EN"))
    column, late = ("EN", True) if begin.last else ("ST", False)
    days = days.sort(column, "RID", descending=[late, False]).unique(_WHO, keep="first", maintain_order=True)
    return days.select(_WHO, _day=column, RID="RID")


def _who(begin: Begin, data: StudyData, base: pl.DataFrame) -> pl.DataFrame:
    """The subjects that a rule speaks of."""
    if begin.needs is not None:
        base = base.filter(pl.col(begin.needs).is_not_null())
    if begin.unless is not None:
        base = base.filter(pl.col(begin.unless).is_null())
    if begin.where is not None:
        base = base.join(_having(begin.where, data.tidy), on=_WHO, how="semi")
    return base


def _having(source: Source, tidy: Mapping[str, object]) -> pl.DataFrame:
    """Subjects with a row that a `Source` means; none where the table or a column is not there."""
    table, _, column = source.of.partition(".")
    frame = getattr(tidy.get(table), "frame", None)
    names = {column, *source.where, *source.unless}
    if not isinstance(frame, pl.DataFrame) or not names <= set(frame.columns):
        return pl.DataFrame(schema={_WHO: pl.String})
    frame = frame.filter(pl.col(column).is_not_null())
    for name, values in source.where.items():
        frame = frame.filter(pl.col(name).is_in(list(values)))
    for name, values in source.unless.items():
        frame = frame.filter(~pl.col(name).is_in(list(values)).fill_null(False))
    return frame.select(_WHO).drop_nulls().unique()


def _point(bound: Point | None) -> pl.Expr:
    if bound is None:
        return pl.lit(None, dtype=pl.Date)
    return (pl.col(bound.anchor) + pl.duration(days=bound.offset)).cast(pl.Date)


# --- elements -> records ----------------------------------------------------------------------------------------------


def _reached(starts: pl.DataFrame, data: StudyData, dm: Dataset | None) -> pl.DataFrame:
    """The elements that began while the subject took part, with `_end`, the last day of participation."""
    return starts.join(_last_day(data, dm), on=_WHO, how="left").filter(
        (pl.col("DAY") <= pl.col("_end")).fill_null(True)
    )


def _last_day(data: StudyData, dm: Dataset | None) -> pl.DataFrame:
    if dm is not None and "RFPENDTC" in dm.frame.columns:
        day = pl.col("RFPENDTC").str.head(10).str.to_date("%Y-%m-%d", strict=False)
        return dm.frame.select(_WHO, _end=day, _endtext="RFPENDTC")
    days = last_days(data)
    return days.select(_WHO, _end="DAY", _endtext=pl.col("DAY").dt.to_string("iso"))


def _in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Without elements that ended on the day they began; OUT marks those that lie out of their order.

    The element that disagrees with most others is the one out of order (of two that disagree, the later one).
    """
    rows = rows.with_columns(OUT=pl.lit(False))
    while True:
        inside = rows.filter(~pl.col("OUT"))
        pairs = inside.join(inside.select(_WHO, _ord="ORD", _day="DAY"), on=_WHO)
        wrong = pairs.filter((pl.col("ORD") < pl.col("_ord")) != (pl.col("DAY") < pl.col("_day")))
        wrong = wrong.filter(pl.col("DAY") != pl.col("_day"))
        if wrong.is_empty():
            break
        count = wrong.group_by(_WHO, "ORD").len().sort("len", "ORD", descending=True)
        worst = count.unique(_WHO, keep="first", maintain_order=True).select(_WHO, "ORD", _worst=pl.lit(True))
        rows = rows.join(worst, on=[_WHO, "ORD"], how="left")
        rows = rows.with_columns(OUT=pl.col("OUT") | pl.col("_worst").fill_null(False)).drop("_worst")
    rows = rows.sort(_WHO, "DAY", "OUT", "ORD", descending=[False, False, True, False])
    return rows.unique([_WHO, "DAY"], keep="last", maintain_order=True)


def _closed(rows: pl.DataFrame) -> pl.DataFrame:
    """SESEQ, SESTDTC, SEENDTC: an element lasts until the next one, the last until the end of participation."""
    text = pl.col("DAY").dt.to_string("iso")
    return rows.with_columns(
        SESEQ=pl.int_range(1, pl.len() + 1).over(_WHO).cast(pl.Int64),
        SESTDTC=text,
        SEENDTC=pl.coalesce(text.shift(-1).over(_WHO), "_endtext"),
    )


def _identity(data: StudyData, dm: Dataset | None) -> pl.DataFrame:
    """SUBJID -> USUBJID and `_first`, the date of first treatment (RFSTDTC)."""
    if dm is not None:
        return dm.frame.select(_WHO, "USUBJID", _first="RFSTDTC")
    who = data.tidy["subjects"].frame.filter(pl.col(_WHO).is_not_null()).unique(_WHO, keep="first", maintain_order=True)
    anchors = data.tidy["anchors"].frame
    first = pl.col("D1").dt.to_string("iso") if "D1" in anchors.columns else pl.lit(None, dtype=pl.String)
    named = who.select(_WHO, USUBJID=usubjid(data.study.studyid))
    return named.join(anchors.select(_WHO, _first=first), on=_WHO, how="left")


def _ways(rows: pl.DataFrame, study: Study) -> pl.DataFrame:
    """SUBJID, WAY: ARMCD of the path that the subject's elements show, null before the paths part."""
    codes = {n: e.etcd for n, e in enumerate(_arm(study).elements, 1)}
    named = rows.filter(~pl.col("OUT")).with_columns(_code=pl.col("ORD").replace_strict(codes, return_dtype=pl.String))
    has = named.group_by(_WHO, maintain_order=True).agg(_has=pl.col("_code"))
    way: pl.Expr = pl.lit(None, dtype=pl.String)
    for path in reversed(paths(study)):
        way = pl.when(pl.col("_has").list.contains(path.of)).then(pl.lit(path.armcd)).otherwise(way)
    return has.select(_WHO, WAY=way)


def _described(rows: pl.DataFrame, study: Study) -> pl.DataFrame:
    """ETCD, ELEMENT, TAETORD, EPOCH, SEUPDES. Before the paths part an element has its place in the first path."""
    elements = pl.DataFrame(
        [(n, e.etcd, e.element, e.epoch) for n, e in enumerate(_arm(study).elements, 1)],
        schema={"ORD": pl.Int64, "ETCD": pl.String, "ELEMENT": pl.String, "EPOCH": pl.String},
        orient="row",
    )
    places = [(p.armcd, code, n) for p in paths(study) for n, code in enumerate(p.elements, 1)]
    order = pl.DataFrame(places, schema={"WAY": pl.String, "ETCD": pl.String, "TAETORD": pl.Int64}, orient="row")
    rows = rows.join(elements, on="ORD").join(_ways(rows, study), on=_WHO, how="left")
    rows = rows.with_columns(pl.col("WAY").fill_null(places[0][0])).join(order, on=["WAY", "ETCD"], how="left")
    odd = pl.col("OUT") | pl.col("TAETORD").is_null()
    said = pl.col("ELEMENT") + pl.lit(" out of its planned order")
    return rows.with_columns(
        SEUPDES=pl.when(odd).then(said),
        ETCD=pl.when(odd).then(pl.lit(UNPLANNED)).otherwise("ETCD"),
        **{name: pl.when(~odd).then(name) for name in ("ELEMENT", "TAETORD", "EPOCH")},
    )


# --- metadata ---------------------------------------------------------------------------------------------------------


def _origins(study: Study) -> dict[str, tuple[str, ...]]:
    """`ETCD/SESTDTC` -> the columns that its rules read."""
    origin: dict[str, tuple[str, ...]] = {
        "USUBJID": ("DM.USUBJID",),
        "SEENDTC": ("SE.SESTDTC", "DM.RFPENDTC"),
        "SESTDY": ("SE.SESTDTC", "DM.RFSTDTC"),
        "SEENDY": ("SE.SEENDTC", "DM.RFSTDTC"),
    }
    every: list[str] = []
    for element in _arm(study).elements:
        names = [name for begin in element.begins for name in _columns(begin, study)]
        origin[f"{element.etcd}/SESTDTC"] = tuple(dict.fromkeys(names))
        every += names
    origin[f"{UNPLANNED}/SESTDTC"] = tuple(dict.fromkeys(every))
    return origin


def _columns(begin: Begin, study: Study) -> Sequence[str]:
    if begin.anchor is None:
        return ("dosing.EXSTDAT", "dosing.EXENDAT", "procedures.PRSTDAT", "procedures.PRENDAT")
    anchor = study.anchors[begin.anchor]
    other = [s.of for s in study.anchors[anchor.otherwise].sources] if anchor.otherwise else []
    return [*(source.of for source in anchor.sources), *other]


def _dataset(rows: pl.DataFrame, origin: Mapping[str, tuple[str, ...]]) -> Dataset:
    about = guide.dataset("SE")
    assert about is not None
    variables = tuple(
        _told(v)
        for v in guide.variables("SE")
        if v.core != "Perm" or (v.name in rows.columns and rows.get_column(v.name).null_count() < rows.height)
    )
    return Dataset(
        name="SE",
        label=about.label,
        klass=about.klass,
        structure=about.structure,
        keys=about.keys,
        variables=variables,
        frame=rows.select([v.name for v in variables] + ["_from", "_block"]),
        origin=origin,
    )


def _told(variable: Variable) -> Variable:
    method = _METHODS.get(variable.name, "")
    return replace(variable, origin="Derived" if method or variable.name == "SESEQ" else "Assigned", method=method)
