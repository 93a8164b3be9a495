"""Prepared study data in, SDTM datasets out: DM, then SE, then every mapped domain, SV, RELREC and the trial design."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from cdiscx import registry
from cdiscx.model.dataset import Codelist, Dataset
from cdiscx.model.kept import Kept, changed
from cdiscx.model.mapping_file import load_mappings
from cdiscx.model.table import StudyData
from cdiscx.sdtm.blocks import build
from cdiscx.sdtm.design import trial_design
from cdiscx.sdtm.elements import subject_elements
from cdiscx.sdtm.finish import finish
from cdiscx.sdtm.here import PEOPLE, Lost, Run
from cdiscx.sdtm.participation import usubjid
from cdiscx.sdtm.subject_visits import subject_visits
from cdiscx.sdtm.terms import used_codelists
from cdiscx.sdtm.unused import SHAPE, unused_columns
from cdiscx.standards.dates import read_iso

_CLASSES = ("Trial Design", "Special-Purpose", "Interventions", "Events", "Findings", "Findings About", "Relationship")


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a mapping run made.

    `datasets`: by name, in the order of define.xml, each with `_id` (u32, dense over all of them), `_from`, `_block`.
    `unused`: cells of the uploads that went nowhere, by sheet, column and reason (see `unused`). `notes`: what a person should
    know: skipped blocks, values outside codelists, left out rows. `codelists`: by id, with the terms in use.
    """

    datasets: Mapping[str, Dataset]
    unused: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SHAPE))
    notes: tuple[str, ...] = ()
    codelists: Mapping[str, Codelist] = field(default_factory=dict)


def map_study(data: StudyData, mappings: Path | None = None) -> Mapped:
    """Maps prepared data (`flow.prepare`) by the house's mappings and the study's own; `mappings`: a further folder of them.

    Nothing that a site typed makes it fail. Raises SpecError for a mapping that is wrong.
    """
    run, made = begin(data, mappings)
    for name in sorted(set(run.mappings) - {"DM"}):
        made |= map_domain(run, name)
    visits = subject_visits(data, made)
    if visits is not None:
        made["SV"] = visits
    return finished(run, made)


def finished(run: Run, made: dict[str, Dataset]) -> Mapped:
    """The datasets of subjects in; with the trial design, links, numbers, code lists and what was not used out."""
    data = run.data
    if data.run is not None:
        made |= trial_design(data.study, data.run, data.tidy, data.results)
    from cdiscx.sdtm.relrec import relrec

    related = relrec(made)
    if related is not None:
        made["RELREC"] = related
    datasets = _numbered(made)
    mapped = run.mapped | {s for d in datasets.values() for sources in d.origin.values() for s in sources}
    codelists = used_codelists(run, datasets.values())
    return Mapped(datasets, unused_columns(data, run.used, mapped, datasets), tuple(run.notes), codelists)


def begin(
    data: StudyData, mappings: Path | None = None, lost: Mapping[str, Lost] | None = None
) -> tuple[Run, dict[str, Dataset]]:
    """A run with its mappings, subjects and elements, and DM and SE, which every other domain rests on.

    `lost`: rows of all subjects that give no record, where these are some of them only.
    """
    registry.discover("cdiscx.sdtm")
    domains, extended = load_mappings(data.study, registry.registered("algorithm"), mappings, set(data.tidy))
    run = Run(data, domains, extended, people=_people(data), lost_of_all=lost)
    made = map_domain(run, "DM") if "DM" in domains else {}
    run.people = _with_dates(run.people, made.get("DM"))
    elements = subject_elements(data, made.get("DM"))
    if elements is not None:
        made["SE"] = elements
        run.elements = elements.frame.join(run.people.select("USUBJID", "_n"), on="USUBJID", how="left")
    return run, made


def map_domain(run: Run, name: str) -> dict[str, Dataset]:
    """One mapped domain and its SUPP--; nothing when no row gives a record."""
    mapping = run.mappings[name]
    return finish(run, mapping, build(run, mapping))


def _people(data: StudyData) -> pl.DataFrame:
    """One row a subject of Demographics (its first row), with USUBJID."""
    held = data.tidy.get("subjects")
    if held is None:
        return pl.DataFrame(schema=PEOPLE)
    first = held.frame.drop_nulls("SUBJID").sort("_rid").unique("SUBJID", keep="first", maintain_order=True)
    site = first if "SITEID" in first.columns else first.with_columns(SITEID=pl.lit(None, pl.String))
    none = pl.lit(None, pl.Date)
    named = site.select("SUBJID", USUBJID=usubjid(data.study.studyid), RFSTDT=none, RFXSTDT=none)
    return named.sort("USUBJID", "SUBJID").with_columns(_n=pl.int_range(pl.len(), dtype=pl.UInt32)).select(list(PEOPLE))


def _with_dates(people: pl.DataFrame, dm: Dataset | None) -> pl.DataFrame:
    if dm is None:
        return people
    dates = dm.frame.select("USUBJID", RFSTDT=read_iso(pl.col("RFSTDTC")), RFXSTDT=read_iso(pl.col("RFXSTDTC")))
    return people.drop("RFSTDT", "RFXSTDT").join(dates, on="USUBJID", how="left").select(list(PEOPLE))


def _numbered(made: Mapping[str, Dataset]) -> dict[str, Dataset]:
    """The datasets in order of class and name, SUPP-- last, with `_id` dense over all of them."""

    def place(dataset: Dataset) -> tuple[int, bool, str]:
        known = _CLASSES.index(dataset.klass) if dataset.klass in _CLASSES else len(_CLASSES)
        return known, dataset.name != "DM", dataset.name

    out: dict[str, Dataset] = {}
    first = 0
    for dataset in sorted(made.values(), key=place):
        out[dataset.name] = dataset.with_(frame=_with_ids(dataset, first))
        first += dataset.held.height
    return out


def _with_ids(dataset: Dataset, first: int) -> pl.DataFrame | Kept:
    """The records with `_id` from `first` on, `_from` and `_block` behind the variables; on disk where they were."""
    names = [v.name for v in dataset.variables]

    def numbered(frame: pl.DataFrame, start: int) -> pl.DataFrame:
        if "_from" not in frame.columns:
            frame = frame.with_columns(pl.lit([], pl.List(pl.UInt32)).alias("_from"))
        if "_block" not in frame.columns:
            frame = frame.with_columns(pl.lit(dataset.name.lower()).alias("_block"))
        ids = (pl.int_range(pl.len(), dtype=pl.UInt32) + start).cast(pl.UInt32).alias("_id")
        rest = [c for c in frame.columns if c.startswith("_") and c not in ("_id", "_from", "_block")]
        return frame.with_columns(ids).select(*names, "_id", "_from", "_block", *rest)

    held = dataset.held
    if isinstance(held, pl.DataFrame):
        return numbered(held, first)
    return changed(held, numbered, first)
