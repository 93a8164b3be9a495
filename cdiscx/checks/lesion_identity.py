"""A lesion stays what and where it was: class, organ, place, nodal status of an id (MEA-010)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._lesion_sets import BASELINES, segments, sides
from cdiscx.checks._shape import RELATED, nothing, union
from cdiscx.registry import check
from cdiscx.standards.organs import organ

_IDS = ("targets.LESID", "nontargets.LESID", "newlesions.LESID")
_PLACES = (
    "targets.TUORGAN",
    "nontargets.TUORGAN",
    "newlesions.TUORGAN",
    "targets.TULOC",
    "nontargets.TULOC",
    "targets.TUNODAL",
)
_SAID = {"TARGET": "a target", "NON-TARGET": "a non-target", "NEW": "a new lesion"}
_THING = ["SUBJID", "EVAL", "THING"]
_WHERE = ("TUORGAN", "TULOC", "ORGAN", "NODAL", "LIVER")


def _numbered_by_sheet() -> pl.Expr:
    """Ids without a letter are numbered anew on each sheet: 1 among the targets is not 1 among the non-targets."""
    return pl.col("LESID").str.contains(r"^[\d.]+$")


@check("MEA-010", on="readings", columns=("LESID",), needs=("targets.LESID",), uses=_IDS, silenced_by=_IDS)
def class_changed(readings: pl.LazyFrame) -> pl.LazyFrame:
    """{LESID} was {OLD} at {WAS_AT} and {NEW} at {VISIT}.

    Why: the lesions and their roles are fixed at baseline; one that changes its role leaves one sum and enters another.
    Fix: Ask the site which sheet is right; if it is another lesion, it needs its own id.
    Rule: MEA-010; R11-S-5; ruling 15.9; a post-operative baseline may choose anew
    """
    key = ["SUBJID", "EVAL", "LESID", "BASETYPE"]
    rows = _of_several(readings.filter(~_numbered_by_sheet(), pl.col("ROLE") != "PRIOR"), "LESID", pl.col("CLASS"))
    rows = rows.select(*key, "CLASS", "ROLE", "VISIT", "TABLE", "ANYDAT", "_rid").sort(
        "ANYDAT", "_rid", nulls_last=True
    )
    # the class at baseline is the reference; new lesions are told from a reused id by what came before them
    first = rows.with_columns(_base=~pl.col("ROLE").is_in(BASELINES)).sort("_base", "ANYDAT", "_rid", nulls_last=True)
    first = first.unique(key, keep="first", maintain_order=True).select(
        *key, WAS="CLASS", WAS_AT="VISIT", WAS_RID="_rid"
    )
    before = first.filter(pl.col("BASETYPE") == "PRE-TREATMENT", pl.col("WAS") != "NEW").drop("BASETYPE")
    own = rows.join(first, on=key, how="inner").filter(pl.col("CLASS") != pl.col("WAS"))
    # a new lesion after surgery must not bear the id of one of the baseline
    reused = rows.filter(pl.col("BASETYPE") == "POST-OPERATIVE", pl.col("CLASS") == "NEW")
    reused = reused.join(own.select("_rid"), on="_rid", how="anti").join(before, on=key[:3], how="inner")
    changed = pl.concat([own, reused], how="diagonal").sort("ANYDAT", "_rid", nulls_last=True)
    changed = changed.unique([*key[:3], "CLASS"], keep="first", maintain_order=True)
    return changed.select(
        *key[:3], "_rid", "VISIT", "WAS_AT", OLD=pl.col("WAS").replace(_SAID), NEW=pl.col("CLASS").replace(_SAID),
        _table="TABLE", _column=pl.lit("LESID"), _key=pl.lit("class"),
        _related=pl.concat_list(pl.struct(rid=pl.col("WAS_RID").cast(pl.UInt32), column=pl.lit("LESID"))).cast(RELATED),
    )  # fmt: skip


@check(
    "MEA-010",
    on="readings",
    columns=("LESID",),
    needs=("targets.LESID", "targets.TUORGAN"),
    uses=(*_IDS, *_PLACES),
    silenced_by=_IDS,
)
def place_changed(readings: pl.LazyFrame) -> pl.LazyFrame:
    """{LESID} was {OLD} at {WAS_AT} and {NEW} at {NEW_AT}.

    Why: an id that stands for two places stands for two lesions; their sizes cannot be compared.
    Fix: Ask the site whether the place or the lesion id is wrong; another lesion needs its own id.
    Rule: MEA-010; R11-S-5; organs rolled up, of a location only the side (left, right) is compared; another segment of
    the same side is a note. Where all later readings agree against the baseline, the baseline is named.
    """
    rows = _named(readings)
    first = rows.unique(_THING, keep="first", maintain_order=True)
    first = first.select(
        *_THING, WAS_AT="VISIT", WAS_RID="_rid", WAS_TABLE="TABLE", **{f"WAS_{c}": pl.col(c) for c in _WHERE}
    )
    later = rows.join(first, on=_THING, how="inner", maintain_order="left").filter(pl.col("_rid") != pl.col("WAS_RID"))
    other = pl.any_horizontal(pl.col(c).ne_missing(pl.col(f"WAS_{c}")) for c in _WHERE)
    # most rows repeat what the first one says: only the others are read more closely
    others = later.with_columns(_n=pl.len().over(_THING)).filter(other).collect(engine="in-memory")
    if others.is_empty():
        return nothing()
    later = others.lazy().with_columns(_described("")).with_columns(_described("WAS_"))
    found, seen = [], pl.lit(False)
    for kind, differs, old, new in _differences():
        hit = differs.fill_null(False) & ~seen
        seen = seen | differs.fill_null(False)
        found.append(_first_of(later.with_columns(_hit=hit, OLD=old, NEW=new, KIND=pl.lit(kind))))
    return union(found)


def _of_several(rows: pl.LazyFrame, thing: str, value: pl.Expr) -> pl.LazyFrame:
    """The rows of what has more than one value (none is ever null) for a reader: most things stay what they are."""
    one = [(pl.col("SEG") // 2).alias("_who"), pl.col(thing)]
    several = rows.group_by(one).agg(_a=value.min(), _b=value.max()).filter(pl.col("_a") != pl.col("_b"))
    marked = rows.with_columns(_who=pl.col("SEG") // 2)
    return marked.join(several, on=["_who", thing], how="semi", maintain_order="left").drop("_who")


def _named(readings: pl.LazyFrame) -> pl.LazyFrame:
    """Rows with THING (what bears the id) in time, without double readings (MEA-019)."""
    thing = (
        pl.when(pl.col("CLASS") == "NEW").then(pl.concat_str("CLASS", "BASETYPE", "LESID", separator="|"))
        .when(_numbered_by_sheet()).then(pl.concat_str("CLASS", "ROOT", separator="|")).otherwise("ROOT")
    )  # fmt: skip
    rows = readings.filter(pl.col("ROLE") != "PRIOR").with_columns(_thing=thing)
    rows = _of_several(rows, "_thing", pl.struct(_WHERE).hash())
    rows = rows.filter(pl.len().over("PT", "TABLE", "LESID") == 1)
    # narrow rows: a wide frame is slow to sort
    rows = rows.select("SUBJID", "EVAL", "LESID", "VISIT", "TABLE", "CLASS", "_rid", "ANYDAT", *_WHERE, THING="_thing")
    return rows.sort("ANYDAT", "_rid", nulls_last=True)


def _described(was: str) -> list[pl.Expr]:
    """ORGANS, SIDES, SEGMENTS (lists) and PLACE (text) of a row's columns, or of those of its first row (`WAS_`)."""
    place, liver = pl.col(f"{was}TULOC"), pl.col(f"{was}LIVER")
    inside = organ(pl.lit(None, dtype=pl.String), place)
    inside = pl.when(inside.is_in(["PORTAL VEIN", "HEPATIC VEIN", "LYMPH NODE"])).then(inside)
    own = pl.col(f"{was}ORGAN").str.replace_all(r"[^\p{L}\p{N}]", "")
    return [
        # `Liver, thrombus of the portal vein` and `Portal vein` are one place
        pl.concat_list(own, inside.str.replace_all(" ", "")).list.drop_nulls().alias(f"{was}ORGANS"),
        sides(place, liver).alias(f"{was}SIDES"),
        pl.when(liver).then(segments(place)).alias(f"{was}SEGMENTS"),
        pl.concat_str(f"{was}TUORGAN", place, separator=", ", ignore_nulls=True).alias(f"{was}PLACE"),
    ]


def _differences() -> list[tuple[str, pl.Expr, pl.Expr, pl.Expr]]:
    """(kind, differs, old, new), the gravest first: organ, nodal status, side, segment."""

    def apart(column: str) -> pl.Expr:
        one, two = pl.col(column), pl.col(f"WAS_{column}")
        return (one.list.len() > 0) & (two.list.len() > 0) & (one.list.set_intersection(two).list.len() == 0)

    place = (pl.col("WAS_PLACE"), pl.col("PLACE"))
    said_organ = pl.col("TUORGAN").is_not_null()
    node = [pl.when(c).then(pl.lit("a lymph node")).otherwise(pl.lit("not nodal")) for c in ("WAS_NODAL", "NODAL")]
    nodal = (
        (pl.col("NODAL") != pl.col("WAS_NODAL")) & (pl.col("CLASS") == "TARGET") & (pl.col("WAS_TABLE") == "targets")
    )
    return [
        ("organ", apart("ORGANS") & said_organ, *place),
        ("nodal", nodal, node[0], node[1]),
        ("side", apart("SIDES"), *place),
        ("segment", apart("SEGMENTS"), *place),
    ]


def _first_of(later: pl.LazyFrame) -> pl.LazyFrame:
    """The first row of each new value; the baseline where two or more later readings all agree against it."""
    hits = later.filter("_hit").with_columns(
        _same=(pl.col("NEW").n_unique() == 1).over(_THING), _hits=pl.len().over(_THING)
    )
    baseline = pl.col("_same") & (pl.col("_hits") == pl.col("_n")) & (pl.col("_n") >= 2)
    first = hits.unique([*_THING, "NEW"], keep="first", maintain_order=True)
    organ_cell = pl.col("KIND") == "organ"
    cell = pl.when(organ_cell).then(pl.lit("TUORGAN")).otherwise(pl.lit("LESID"))
    other = pl.when(baseline).then("_rid").otherwise("WAS_RID")
    note = pl.lit(
        "{LESID} lies in {OLD} at {WAS_AT} and in {NEW} at {NEW_AT}, of the same side. Is it the same lesion?"
    )
    return first.select(
        "SUBJID", "LESID", "OLD", "NEW", "WAS_AT",
        NEW_AT="VISIT", VISIT=pl.when(baseline).then("WAS_AT").otherwise("VISIT"),
        _say=pl.when(pl.col("KIND") == "segment").then(note),
        _rid=pl.when(baseline).then("WAS_RID").otherwise("_rid"), _table=pl.when(baseline).then("WAS_TABLE").otherwise("TABLE"),
        _column=cell, _key=pl.concat_str("KIND", "EVAL", separator="|"),
        _severity=pl.when(pl.col("KIND") == "segment").then(pl.lit("note")),
        _related=pl.concat_list(pl.struct(rid=other.cast(pl.UInt32), column=cell)).cast(RELATED),
    )  # fmt: skip
