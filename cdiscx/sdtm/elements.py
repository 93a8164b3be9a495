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
from cdiscx.model.spec import Arm, Begin, Path, Study
from cdiscx.model.table import StudyData
from cdiscx.sdtm.element_starts import element_starts
from cdiscx.sdtm.participation import last_days, usubjid
from cdiscx.standards import guide
from cdiscx.standards.dates import read_iso, study_day

_WHO = "SUBJID"
UNPLANNED = "UNPLAN"
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
    rows = _in_order(_reached(element_starts(data), data, dm))
    rows = _closed(rows).join(_identity(data, dm), on=_WHO, how="inner")
    rows = _described(rows, study)
    first = read_iso(pl.col("_first"))
    rows = rows.with_columns(
        SESTDY=study_day(read_iso(pl.col("SESTDTC")), first), SEENDY=study_day(read_iso(pl.col("SEENDTC")), first)
    )
    rows = rows.sort("USUBJID", "SESEQ").with_columns(
        STUDYID=pl.lit(study.studyid),
        DOMAIN=pl.lit("SE"),
        _from="ROWS",
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
    rows = _in_order(_reached(element_starts(data), data, None))
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
    """Columns that a rule reads: of its anchors, and of what was given."""
    given = ("dosing.EXSTDAT", "dosing.EXENDAT", "procedures.PRSTDAT", "procedures.PRENDAT")
    bounds = [bound.anchor for bound in (begin.from_, begin.after, begin.before) if bound]
    names: list[str] = list(given) if begin.anchor is None else []
    for name in [*([begin.anchor] if begin.anchor else []), *bounds]:
        anchor = study.anchors[name]
        names += [source.of for source in anchor.sources]
        names += [source.of for source in study.anchors[anchor.otherwise].sources] if anchor.otherwise else []
    return names


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
