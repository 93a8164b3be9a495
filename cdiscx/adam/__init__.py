"""SDTM frames -> ADaM datasets: one module a dataset, read top to bottom like a protocol.

A builder is a function `(ctx: Context) -> Dataset | Absent` with two decorators::

    @registry.dataset("ADRS")
    @after("ADSL", "ADTR")
    def adrs(ctx: Context) -> Dataset | Absent: ...

`Context` (`_context`) has the study, the cut-off, `domain("TR", "TRSTRESN", …)` (records on or before the cut-off, of
any sponsor: what nobody sent is null or has no rows; qualifiers merged; `--DT` = complete `--DTC` as a Date; `_from` =
`_id`s of SDTM records), `records(study.analysis.surgery, "ST")` (records the study file names), `adsl`, `made["ADTR"]`
(earlier datasets), `endpoint("PFS")` and `p("missed_assessment_rule")`. `first_by` picks a row per subject, `united`
joins and keeps both lineages. `finish` (`_finish`) adds identifiers, treatment, age, sex and population flags from ADSL,
sorts, numbers (ASEQ), casts and describes: give it one `Column(name, label, type, of=…, method=…)` per variable.
A dataset that cannot be made is `Absent(reason)`: it is left out and `Derived.reasons` says why.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping

import polars as pl

from cdiscx import registry
from cdiscx.adam._context import Absent, Context
from cdiscx.adam._conventions import conventions
from cdiscx.adam._sources import prepared
from cdiscx.model.dataset import Dataset
from cdiscx.model.errors import UploadError
from cdiscx.model.spec import Study

__all__ = ["Absent", "Context", "Derived", "conventions", "derive"]


class Derived(dict[str, Dataset]):
    """ADaM datasets by name; `reasons` says why one that was asked for is not among them."""

    reasons: Mapping[str, str]

    def __init__(self, datasets: Mapping[str, Dataset], reasons: Mapping[str, str]) -> None:
        super().__init__(datasets)
        self.reasons = reasons


def derive(
    study: Study,
    sdtm: Mapping[str, pl.DataFrame],
    *,
    cutoff: dt.date,
    only: Collection[str] = (),
    facts: Mapping[str, pl.DataFrame] | None = None,
) -> Derived:
    """Derives every ADaM dataset of the study from SDTM, cdiscx's own or another sponsor's, as of the data cut-off.

    `sdtm`: SDTM variables (text, numbers) and `_id` (u32, one number for every record of all domains; numbered here where
    it is missing). `only`: these datasets and what they rest on; none: all. `facts`: what all subjects say of a dataset, where these are
    some of them (`all_facts`). Datasets come in the order ADSL, then by name.
    Raises UploadError when DM is missing.
    """
    registry.discover("cdiscx.adam")
    sources = prepared(sdtm, cutoff)
    if "DM" not in sources or "USUBJID" not in sources["DM"].columns:
        raise UploadError("there is no DM domain with USUBJID among the SDTM datasets: ADaM starts from DM")
    builders = {n: f for n, f in registry.registered("dataset").items() if n.startswith("AD")}
    made: dict[str, Dataset] = {}
    reasons: dict[str, str] = {}
    for name in _order(builders, only or builders):
        result = builders[name](Context(study, cutoff, sources, dict(made), facts or {}))
        if isinstance(result, Dataset):
            made[name] = result
        elif isinstance(result, Absent):
            reasons[name] = result.reason
    return Derived({n: made[n] for n in sorted(made, key=lambda n: (n != "ADSL", n))}, reasons)


def _order(builders: Mapping[str, Callable[..., object]], asked: Collection[str]) -> list[str]:
    """ADSL first; every dataset after those it wants, otherwise by name."""
    out: list[str] = []

    def add(name: str, above: tuple[str, ...]) -> None:
        if name in out or name in above or name not in builders:
            return
        wants: tuple[str, ...] = getattr(builders[name], "after", ())
        for other in ("ADSL", *wants):
            if other != name:
                add(other, (*above, name))
        out.append(name)

    for name in builders:
        if name in asked:
            add(name, ())
    return out
