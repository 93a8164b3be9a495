"""Algorithms of tumour records: where a lesion lies, how it was imaged, under which criterion it was judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from cdiscx.registry import algorithm
from cdiscx.sdtm.here import Here, meanings
from cdiscx.sdtm.links import lesion_link
from cdiscx.standards import terminology
from cdiscx.standards.locations import location_direction, location_side, location_term
from cdiscx.standards.organs import organ as rolled_up


def _texts(here: Here, column: str, organ: str) -> tuple[pl.Expr, pl.Expr]:
    """Texts of organ and place; a study may ask for one of them alone."""
    place = here.text(column) if here.has(column) or not here.has(organ) else pl.lit(None, pl.String)
    return here.text(organ) if here.has(organ) or not here.has(column) else pl.lit(None, pl.String), place


def _by_place(
    here: Here, column: str, organ: str, told: Callable[[pl.Expr, pl.Expr], pl.Expr]
) -> dict[str, str | None]:
    """What `told` says of every distinct organ and place of the rows, by their joined text (see `_place`)."""
    said_organ, place = _texts(here, column, organ)
    rows = here.rows_of.frame.select(organ=said_organ, place=place, both=_place(here, column, organ)).unique(
        maintain_order=True
    )
    said = rows.select("both", said=told(pl.col("organ"), pl.col("place")))
    return dict(said.iter_rows())


def _place(here: Here, column: str, organ: str) -> pl.Expr:
    said_organ, place = _texts(here, column, organ)
    return pl.concat_str(said_organ.fill_null(""), pl.lit("\n"), place.fill_null(""))


def _looked_up(here: Here, column: str, organ: str, words: Mapping[str, str | None]) -> pl.Expr:
    if not words:
        return pl.lit(None, pl.String)
    return _place(here, column, organ).replace_strict(words, default=None, return_dtype=pl.String)


@algorithm("anatomic_location")
def anatomic_location(here: Here, column: str, *, organ: str) -> pl.Expr:
    """Organ and place as collected -> the published anatomical location; an organ that is in no list is kept and noted."""
    here.collected_by_site()
    here.method = "Organ and place as collected, by the published term; liver segments are those of Couinaud."
    words = _by_place(here, column, organ, location_term)
    known = terminology.codelist(here.codelist() or "")
    published = {term.value for term in known.terms} if known else set()
    unknown = sorted({word for word in words.values() if word is not None and word not in published})
    if unknown:
        here.run.note(f"{here.domain}/{here.block}: {here.variable} is not published: {', '.join(unknown)}")
    return _looked_up(here, column, organ, words)


@algorithm("anatomic_side")
def anatomic_side(here: Here, column: str, *, organ: str) -> pl.Expr:
    """LEFT, RIGHT or BILATERAL where the text says so and the published location does not hold it."""
    here.collected_by_site()
    return _looked_up(here, column, organ, _by_place(here, column, organ, location_side))


@algorithm("anatomic_direction")
def anatomic_direction(here: Here, column: str, *, organ: str) -> pl.Expr:
    """The direction that belongs to the published location (superior mesenteric vein)."""
    here.collected_by_site()
    return _looked_up(here, column, organ, _by_place(here, column, organ, location_direction))


@algorithm("organ_of")
def organ_of(here: Here, column: str, *, location: str) -> pl.Expr:
    """The organ that counts for the selection of targets (R11-S-2), from organ and place as collected."""
    here.derived(
        "Organ as collected, rolled up: all lymph nodes are one organ; from the place where no organ is given."
    )
    return _looked_up(here, location, column, _by_place(here, location, column, rolled_up))


@algorithm("lymph_node")
def lymph_node(here: Here, column: str, *, organ: str, location: str) -> pl.Expr:
    """Y or N as collected; where that is blank, or not asked for, by the organ."""
    here.collected_by_site()
    by_organ = _looked_up(here, location, organ, _by_place(here, location, organ, rolled_up)) == "LYMPH NODE"
    told = pl.when(by_organ).then(pl.lit("Y")).when(by_organ.not_()).then(pl.lit("N"))
    return pl.coalesce(here.text(column), told) if here.has(column) else told


@algorithm("lesion_in")
def lesion_in(here: Here, organ: str, *, of: str, evaluator: str) -> pl.Expr:
    """Link of the subject's lesion in an organ (`PORTAL VEIN`) among those of a lesion table: the reader's first one."""
    held = here.run.data.tidy.get(of)
    if held is None or not {"LESID", "EVAL", "TUORGAN", "TULOC", "TRDAT"} <= set(held.frame.columns):
        here.missing.append(f"{of}.LESID")
        return pl.lit(None, pl.String)
    there = held.frame.filter(rolled_up(pl.col("TUORGAN"), pl.col("TULOC")) == organ).drop_nulls("LESID")
    there = there.sort("TRDAT", "_rid", nulls_last=True).unique(["SUBJID", "EVAL"], keep="first", maintain_order=True)
    name, rows = f"_{here.variable}.LESID", f"_{here.variable}._from"
    first = there.select(
        "SUBJID", pl.col("EVAL").alias(evaluator), pl.col("LESID").alias(name), pl.col("_from").alias(rows)
    )
    kept = here.rows_of.frame.drop(name, rows, strict=False)
    here.rows_of.frame = kept.join(first, on=["SUBJID", evaluator], how="left", maintain_order="left")
    here.rows_of.origin[name] = (f"{of}.LESID", f"{of}.TUORGAN", f"{of}.TULOC")
    here.rows[here.variable] = pl.col(rows)
    return lesion_link(here, name, evaluator=evaluator)


@algorithm("scan_method")
def scan_method(
    here: Here, column: str, *, map: Mapping[str, str], arterial: str, arterial_map: Mapping[str, str]
) -> pl.Expr:
    """Method of a scan: `arterial_map` where the column `arterial` is Y, else `map`; terms of the method's codelist."""
    here.collected_by_site()
    text = here.text(column)
    codelist = here.codelist()

    def worded(words: Mapping[str, str]) -> pl.Expr:
        found = meanings(here.distinct(text), words, codelist, here.run)
        return text.replace_strict(found, default=None, return_dtype=pl.String) if found else text

    if not here.has(arterial):
        return worded(map)
    phased = (here.col(arterial) == "Y").fill_null(False)
    return pl.when(phased).then(worded({**map, **arterial_map})).otherwise(worded(map))


@algorithm("by_criterion")
def by_criterion(here: Here, words: Mapping[str, str]) -> pl.Expr:
    """The text that stands for the study's response criterion; RECIST 1.1 where the study file names none."""
    name = here.study.criterion.name if here.study.criterion else "RECIST 1.1"
    word = words.get(name, name)
    return pl.lit(meanings([word], {}, here.codelist(), here.run)[word])


@algorithm("assign_where")
def assign_where(here: Here, column: str, *, where: Mapping[str, tuple[str, ...]]) -> pl.Expr:
    """The column's text in rows where every named column has one of the listed values, else null."""
    here.collected_by_site()
    holds = [here.text(name).is_in(list(values)).fill_null(False) for name, values in where.items()]
    return pl.when(pl.all_horizontal(holds)).then(here.text(column))
