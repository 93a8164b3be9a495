"""SDTM tumour domains of any sponsor in; the house's lesion, response and operation tables out, which the engine judges."""

from __future__ import annotations

import polars as pl

from cdiscx.adam._context import Context
from cdiscx.adam._sources import in_words

#: RSCAT of the composite of tumour and thrombus, which has an OVRLRESP of its own (sdtm-mapping 4.6)
COMPOSITE = "PROTOCOL DEFINED RESPONSE CRITERIA"
INVESTIGATOR = "INVESTIGATOR"
POINT = ("SUBJID", "EVAL", "VISIT")
_POINT = list(POINT)
_SIZES = ("LDIAM", "LPERP", "DIAMETER", "VDIAM")
_STATES = ("TUMSTATE", "LNSTATE")
_SEEN = {
    "PRESENT": "PRESENT", "UNCHANGED": "PRESENT", "DECREASED": "PRESENT", "INCREASED": "PRESENT", "PATHOLOGICAL": "PRESENT",
    "ABSENT": "ABSENT", "NON-PATHOLOGICAL": "ABSENT",
    "UNEQUIVOCAL": "UNEQUIVOCAL PROGRESSION", "UNEQUIVOCAL PROGRESSION": "UNEQUIVOCAL PROGRESSION", "PD": "UNEQUIVOCAL PROGRESSION",
    "NE": "NOT EVALUABLE", "NOT EVALUABLE": "NOT EVALUABLE",
}  # fmt: skip


def upper(column: str) -> pl.Expr:
    """A text column, upper case and without blanks around it."""
    return pl.col(column).str.to_uppercase().str.strip_chars()


def in_upper_words(values: pl.Series) -> pl.Series:
    """A column of few words as `upper` makes it: each word is changed once, and nothing moves where all of them stay."""
    words = values.drop_nulls().unique()
    changed = words.str.to_uppercase().str.strip_chars()
    return values if (words == changed).all() else in_words(values, words, changed)


def reader(frame: pl.DataFrame, prefix: str) -> pl.Series:
    """EVAL, whose reading it is: the named assessor, else the evaluator; nobody named is the investigator (contract)."""
    named = frame.select(pl.coalesce(f"{prefix}EVALID", f"{prefix}EVAL", pl.lit(INVESTIGATOR)).alias("EVAL"))
    return in_upper_words(named.to_series())


def visit(frame: pl.DataFrame, prefix: str) -> pl.Series:
    """VISIT, the name of the time point: the visit, else its number, the link group or the date."""
    names = in_upper_words(frame["VISIT"])
    if not names.has_nulls():
        return names
    number = pl.col("VISITNUM").cast(pl.String)
    return frame.select(pl.coalesce(names, number, f"{prefix}LNKGRP", f"{prefix}DTC").alias("VISIT")).to_series()


def lesion_id(column: str) -> pl.Expr:
    """A lesion's identifier without the assessor's prefix and leading zeros, as operations list it: `R1-T04.1` -> `T4.1`."""
    bare = upper(column).str.replace(r"^(?:R\d+|INV|RAD\w*)-", "").str.replace(r"^NEW0*(\d)", "N$1")
    return bare.str.replace(r"^([A-Z]+)0+(\d)", "$1$2")


def house_tables(ctx: Context, records: pl.DataFrame) -> dict[str, pl.LazyFrame]:
    """`targets`, `nontargets`, `newlesions`, `responses`, `procedures`, `subjects` and `anchors` as the views read them.

    `records`: of `response_records`. SUBJID is USUBJID; `_rid` is the `_id` of an SDTM record and `_from` those of all
    records of the row. Lengths in mm. Without lesion records the three lesion tables have no rows.
    """
    rows = _lesion_rows(ctx)
    return {
        "targets": rows.filter(pl.col("CLASS") == "TARGET").lazy(),
        "nontargets": rows.filter(pl.col("CLASS") == "NON-TARGET").lazy(),
        "newlesions": rows.filter(pl.col("CLASS") == "NEW").lazy(),
        "responses": response_rows(ctx, records).lazy(),
        "procedures": _operations(ctx).lazy(),
        "subjects": _subjects(ctx, records).lazy(),
        "anchors": anchors(ctx).lazy(),
    }


def anchors(ctx: Context) -> pl.DataFrame:
    """SUBJID and one Date per anchor of the study file that ADSL holds; D1 is TRTSDT and SURG is SURGDT in any study."""
    names = {"D1": "TRTSDT", "SURG": "SURGDT"} | {n: a.adsl for n, a in ctx.study.anchors.items() if a.adsl}
    held = set(ctx.adsl.columns)
    dates = [
        (pl.col(v) if v in held else pl.lit(None, dtype=pl.Date)).cast(pl.Date).alias(name) for name, v in names.items()
    ]
    return ctx.adsl.select(pl.col("USUBJID").alias("SUBJID"), *dates)


def lesion_records(ctx: Context) -> pl.DataFrame:
    """TR records of sizes and states with SUBJID, EVAL, VISIT, TEST, RESULT and what TU says of the lesion (CLASS, place)."""
    tr = ctx.domain(
        "TR", "TREVAL", "TREVALID", "TRLNKID", "TRLNKGRP", "TRGRPID", "TRTESTCD", "TRORRES", "TRSTRESC", "TRSTRESN", "TRSTAT",
        "TRREASND", "TRMETHOD", "VISIT", "VISITNUM", "TRDTC", "TRDT", "TRSEQ", "TRARTPH", "TRTYPENH",
    )  # fmt: skip
    rows = tr.filter(
        pl.col("TRLNKID").is_not_null(), upper("TRTESTCD").is_in([*_SIZES, *_STATES]) | pl.col("TRTESTCD").is_null()
    )
    readings = rows.with_columns(
        reader(rows, "TR"), visit(rows, "TR"), SUBJID="USUBJID", TEST=upper("TRTESTCD"), RESULT=upper("TRSTRESC")
    )
    known = _identities(ctx)
    return readings.join(known, on=["SUBJID", "EVAL", "TRLNKID"], how="left", maintain_order="left").with_columns(
        CLASS=pl.coalesce("CLASS", upper("TRGRPID"))
    )


def _lesion_rows(ctx: Context) -> pl.DataFrame:
    """One row per lesion and time point, in the columns of the lesion sheets, with CLASS."""
    readings = lesion_records(ctx)
    size = pl.col("TRSTRESN")
    nodal = pl.col("TEST") == "LPERP"
    rows = readings.group_by(*_POINT, "TRLNKID", maintain_order=True).agg(
        pl.col("CLASS", "TUORGAN", "TULOC", "TUNODAL", "TUCERT", "TUTYPENH", "TULOC_").first(),
        TRDAT=pl.col("TRDT").max(),
        TRDATC=pl.col("TRDTC").max(),
        LDIAM=size.filter(pl.col("TEST").is_in(["LDIAM"])).first(),
        DIAMETER=size.filter(pl.col("TEST") == "DIAMETER").first(),
        SAXIS=size.filter(nodal).first(),
        VDIAM=size.filter(pl.col("TEST") == "VDIAM").first(),
        PERPENDICULAR=nodal.any(),
        SMALL=pl.col("TRORRES").str.to_uppercase().str.contains("TOO SMALL").any(),
        STATE=pl.col("RESULT").filter(pl.col("TEST").is_in(_STATES)).first(),
        NOTDONE=(upper("TRSTAT") == "NOT DONE").any(),
        TRREAS=pl.col("TRREASND").drop_nulls().first(),
        TUMETHOD=upper("TRMETHOD").drop_nulls().first(),
        ARTPHASE=pl.col("TRARTPH").drop_nulls().first(),
        TYPENH=pl.col("TRTYPENH").drop_nulls().first(),
        _rid=pl.col("_id").min(),
        _from=pl.col("_from").list.explode(keep_nulls=False, empty_as_null=False),
        _more=pl.col("_tu").first(),
    )
    return _in_house_words(rows)


def _in_house_words(rows: pl.DataFrame) -> pl.DataFrame:
    nodal = pl.coalesce(pl.col("TUNODAL") == "Y", pl.when("PERPENDICULAR").then(True)).fill_null(False)
    node = nodal | pl.col("TUORGAN").str.contains("LYMPH").fill_null(False)
    rows = rows.with_columns(
        TUNODAL=pl.when(node).then(pl.lit("Y")).otherwise(pl.col("TUNODAL")),
        SAXIS=pl.coalesce("SAXIS", pl.when(node).then("DIAMETER")),
        LDIAM=pl.coalesce("LDIAM", pl.when(~node).then("DIAMETER")),
    )
    gone = pl.min_horizontal("LDIAM", "SAXIS") == 0
    value = pl.coalesce("LDIAM", "SAXIS", "VDIAM")
    merged = pl.col("TRREAS").str.to_uppercase().str.contains("MERG")
    target = (
        pl.when(merged.fill_null(False)).then(pl.lit("MERGED"))
        .when(pl.col("SMALL").fill_null(False)).then(pl.lit("TOO SMALL"))
        .when(gone.fill_null(False)).then(pl.lit("ABSENT"))
        .when(value.is_not_null()).then(pl.lit("MEASURED"))
        .otherwise(pl.lit("NOT EVALUABLE"))
    )  # fmt: skip
    state = pl.col("STATE").replace_strict(list(_SEEN), list(_SEEN.values()), default=None, return_dtype=pl.String)
    other = pl.when(pl.col("NOTDONE")).then(pl.lit("NOT EVALUABLE")).otherwise(state)
    certain = pl.when(pl.col("STATE").is_in(["UNEQUIVOCAL", "EQUIVOCAL"])).then("STATE")
    return rows.with_columns(
        LESID=lesion_id("TRLNKID"),
        TRSTATUS=pl.when(pl.col("CLASS") == "NON-TARGET").then(other).otherwise(target),
        CERTAIN=pl.coalesce(certain, "TUCERT"),
        TYPENH=pl.coalesce("TYPENH", "TUTYPENH"),
        TULOC=pl.coalesce("TULOC_", "TULOC"),
        _from=pl.concat_list("_from", pl.col("_more").fill_null(pl.lit([], dtype=pl.List(pl.UInt32)))),
    ).drop("TULOC_", "_more")


def _identities(ctx: Context) -> pl.DataFrame:
    """SUBJID, EVAL, TRLNKID -> CLASS, place and what was said when the lesion was first identified; `_tu`: its records."""
    tu = ctx.domain(
        "TU", "TUEVAL", "TUEVALID", "TULNKID", "TUSTRESC", "TUORRES", "TULOC", "TUORGAN", "TUNODAL", "TUCERT", "TUTYPENH",
        "TULOCTXT", "TUSEQ",
    )  # fmt: skip
    place = upper("TULOC")
    named = tu.filter(pl.col("TULNKID").is_not_null())
    return (
        named.with_columns(
            reader(named, "TU"), SUBJID="USUBJID", CLASS=pl.coalesce(upper("TUSTRESC"), upper("TUORRES"))
        )
        .sort("TUSEQ", nulls_last=True, maintain_order=True)
        .group_by("SUBJID", "EVAL", pl.col("TULNKID").alias("TRLNKID"), maintain_order=True)
        .agg(
            pl.col("CLASS").filter(pl.col("CLASS").is_in(["TARGET", "NON-TARGET", "NEW"])).first(),
            TUORGAN=pl.coalesce(upper("TUORGAN"), place).first(),
            TULOC=place.first(),
            TULOC_=pl.col("TULOCTXT").first(),
            TUNODAL=upper("TUNODAL").first(),
            TUCERT=upper("TUCERT").first(),
            TUTYPENH=upper("TUTYPENH").first(),
            _tu=pl.col("_from").list.explode(keep_nulls=False, empty_as_null=False),
        )
    )


def response_records(ctx: Context) -> pl.DataFrame:
    """RS records with SUBJID, EVAL, VISIT, TEST and RESULT (upper case)."""
    rs = ctx.domain(
        "RS", "RSEVAL", "RSEVALID", "RSTESTCD", "RSCAT", "RSORRES", "RSSTRESC", "RSLNKGRP", "VISIT", "VISITNUM", "RSDTC",
        "RSDT", "RSSEQ", "RSSTAT",
    )  # fmt: skip
    done = rs if rs["RSSTAT"].null_count() == rs.height else rs.filter(pl.col("RSSTAT").is_null())
    return done.select(
        reader(done, "RS"), visit(done, "RS"), SUBJID="USUBJID", TEST=in_upper_words(done["RSTESTCD"]),
        RESULT=in_upper_words(done["RSSTRESC"]), RSCAT="RSCAT",
        RSORRES="RSORRES", VISITNUM="VISITNUM", RSDT="RSDT", RSSEQ="RSSEQ", _id="_id",
    )  # fmt: skip


def of_criterion(records: pl.DataFrame) -> pl.DataFrame:
    """The records of the response criterion itself, without the composite's."""
    return records.filter(pl.col("RSCAT").is_null() | (pl.col("RSCAT") != COMPOSITE))


def response_rows(ctx: Context, rs: pl.DataFrame) -> pl.DataFrame:
    """One row per time point with a response record: the columns of the Response sheet; `_rid` of the overall response.

    An indicator of new lesions stands as Y or N, also where the form asked how certain they are (NEWLPROG).
    """
    own = of_criterion(rs)
    names = ["OVRLRESP", "TRGRESP", "NTRGRESP", "SYMPTDTR", "NEWLIND"]
    new = pl.col("RESULT").replace_strict(
        ["Y", "N", "UNEQUIVOCAL", "EQUIVOCAL"], ["Y", "N", "Y", "N"], default=None, return_dtype=pl.String
    )
    said = {n: own.filter(pl.col("TEST") == n) for n in names}
    said["NEWLIND"] = own.filter(pl.col("TEST").is_in(["NEWLIND", "NEWLPROG"])).with_columns(RESULT=new)
    both = rs.filter(pl.col("RSCAT") == COMPOSITE)
    said["COMPRESP"] = both.filter(pl.col("TEST") == "OVRLRESP")
    said["PVTTRESP"] = both.filter(pl.col("TEST") == "PVTTRESP")
    said["PVTTCLS"] = _later_classes(ctx, own)
    said["FLOWREST"] = _flow(ctx)
    out: pl.DataFrame | None = None
    for name, rows in said.items():
        if rows.is_empty() and (out is not None or name != "OVRLRESP"):
            continue
        piece = _once(rows, name)
        out = piece if out is None else _merged(out, piece)
    assert out is not None
    absent = [n for n in said if n not in out.columns]
    return out.with_columns(pl.lit(None, dtype=pl.String).alias(n) for n in absent)


def _once(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """The first record of each time point; time points are compared as one number."""
    codes = rows.select(pl.col(_POINT).cast(pl.Categorical).to_physical().cast(pl.UInt64))
    readers, visits = (pl.col(c).max() + 1 for c in _POINT[1:])
    key = codes.select((pl.col("SUBJID") * readers + pl.col("EVAL")) * visits + pl.col("VISIT")).to_series()
    kept = rows if key.n_unique() == rows.height else rows.filter(key.is_first_distinct())
    return kept.select(*_POINT, "VISITNUM", "RSSEQ", RSDAT="RSDT", _rid="_id").with_columns(kept["RESULT"].alias(name))


def _merged(out: pl.DataFrame, piece: pl.DataFrame) -> pl.DataFrame:
    shared = ["RSDAT", "VISITNUM", "_rid", "RSSEQ"]
    wide = out.join(piece, on=_POINT, how="full", coalesce=True, suffix="_b", maintain_order="left_right")
    return wide.with_columns(pl.coalesce(c, f"{c}_b").alias(c) for c in shared).drop(f"{c}_b" for c in shared)


def _later_classes(ctx: Context, rs: pl.DataFrame) -> pl.DataFrame:
    """Cheng classes after the first treatment; the subtype letter is kept where it was collected."""
    start = ctx.adsl.select(SUBJID="USUBJID", _start="TRTSDT")
    rows = rs.filter(pl.col("TEST") == "CHENGCLS").join(start, on="SUBJID", how="left", maintain_order="left")
    return rows.filter((pl.col("RSDT") > pl.col("_start")).fill_null(False)).with_columns(RESULT=cheng_class())


def cheng_class() -> pl.Expr:
    """The class with its letter: collected text where it is a class (`IIa`), else the standardised result."""
    said = pl.col("RSORRES").str.strip_chars()
    return (
        pl.when(said.str.contains(r"(?i)^(NONE|I|II|III|IV)[ab]?$")).then(said.str.to_uppercase()).otherwise("RESULT")
    )


def _flow(ctx: Context) -> pl.DataFrame:
    tr = ctx.domain(
        "TR", "TREVAL", "TREVALID", "TRTESTCD", "TRSTRESC", "TRLNKGRP", "VISIT", "VISITNUM", "TRDTC", "TRDT"
    )
    rows = tr.filter(upper("TRTESTCD") == "PVFLWIND")
    return rows.with_columns(
        reader(rows, "TR"), visit(rows, "TR"), SUBJID="USUBJID", RESULT=upper("TRSTRESC"), RSDT="TRDT", RSSEQ=pl.lit(None, dtype=pl.Float64)
    )  # fmt: skip


def _operations(ctx: Context) -> pl.DataFrame:
    """SUBJID, PRSTDAT, RESLES (list): what operations took away, from the supplemental qualifier PRRESLES."""
    pr = ctx.domain("PR", "PRSTDT", "PRRESLES").filter(pl.col("PRRESLES").is_not_null())
    listed = pl.col("PRRESLES").str.to_uppercase().str.replace_all(r"[,，；、\s]+", ";")
    names = listed.str.replace_all(r"\b([A-Z]+)0+(\d)", "$1$2").str.replace_all(r"\bNEW(\d)", "N$1").str.split(";")
    return pr.select(
        SUBJID="USUBJID", PRSTDAT="PRSTDT", RESLES=names.list.filter(pl.element() != ""), _rid="_id", _from="_from"
    )


def _subjects(ctx: Context, records: pl.DataFrame) -> pl.DataFrame:
    """SUBJID, `_rid`, PVTTCLS: the class at baseline, the last one on or before the first treatment."""
    start = ctx.adsl.select(SUBJID="USUBJID", _start="TRTSDT")
    rows = of_criterion(records).filter(pl.col("TEST") == "CHENGCLS", pl.col("EVAL") == INVESTIGATOR)
    early = rows.join(start, on="SUBJID", how="left").filter(pl.col("RSDT") <= pl.col("_start"))
    last = early.sort("RSDT", "_id").unique("SUBJID", keep="last", maintain_order=True)
    base = last.select("SUBJID", PVTTCLS=cheng_class(), _rid="_id")
    return start.select("SUBJID").join(base, on="SUBJID", how="left", maintain_order="left")
