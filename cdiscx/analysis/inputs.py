"""A study and its ADaM frames in, the subjects of a population and the records of a parameter out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from cdiscx.model.dataset import Records, scanned, some_of
from cdiscx.model.spec import Endpoint, Study

#: words for the house's population flags; others have theirs in the study file (`analysis.exposed`)
POPULATIONS: Mapping[str, str] = {
    "ENRLFL": "Enrolled subjects",
    "SAFFL": "Safety set: any protocol treatment",
    "FASFL": "Full analysis set: enrolled and treated",
    "EVALFL": "Response-evaluable subjects",
    "RESFL": "Subjects with hepatectomy",
    "PATFL": "Subjects with hepatectomy and an evaluable specimen",
    "RSP": "Responders (best overall response CR or PR)",
}
#: rules of `population_rule` that take another flag, or only some residual tumour classes, instead of the population
_RULE_FLAGS: Mapping[str, str] = {"EVALUABLE": "EVALFL"}
_RULE_RESIDUAL: Mapping[str, tuple[str, ...]] = {"R0": ("R0",), "R0_R1": ("R0", "R1")}
#: parameter of the thrombus class that was read
THROMBUS_CLASS = "PVTTCLS"
#: where records of one value a subject are looked for, in this order
_HOLDERS = ("ADRS", "ADSURG", "ADTR", "ADTTE")
#: what is asked of such a record
_OF_PARAMETER = (
    "USUBJID", "PARAMCD", "ADT", "ASEQ", "ANL02FL", "AVAL", "AVALC", "AVALCAT1", "CNSR", "EVNTDESC",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Population:
    """Who counts: flag, words, and the subjects (column USUBJID, sorted)."""

    flag: str
    label: str
    subjects: pl.DataFrame

    @property
    def n(self) -> int:
        """Number of subjects."""
        return self.subjects.height


@dataclass(frozen=True, slots=True)
class Inputs:
    """What every analysis reads: the study, and ADaM datasets or their frames by name (upper case)."""

    study: Study
    adam: Mapping[str, Records]

    def frame(self, name: str, *columns: str) -> pl.DataFrame:
        """Those of the columns that a dataset has (none named: all); without any where it was not derived."""
        return some_of(self.adam.get(name), *columns)

    def columns(self, name: str) -> list[str]:
        """The columns of a dataset."""
        return scanned(self.adam.get(name)).collect_schema().names()

    @property
    def subjects(self) -> pl.DataFrame:
        """ADSL; at least a column USUBJID."""
        found = self.frame("ADSL")
        return found if "USUBJID" in found.columns else pl.DataFrame(schema={"USUBJID": pl.String})

    def option(self, endpoint: Endpoint, name: str, otherwise: object = None) -> object:
        """An option of an endpoint; several values as a list."""
        value = endpoint.options.get(name, otherwise)
        return list(value) if isinstance(value, tuple) else value

    def population(self, flag: str, endpoint: Endpoint | None = None) -> Population:
        """Subjects whose ADSL flag is Y, or (RSP) whose ADRS parameter of that name is Y; `population_rule` counts."""
        rule = str(self.option(endpoint, "population_rule", "")) if endpoint else ""
        flag = _RULE_FLAGS.get(rule, flag)
        adsl = self.subjects
        if flag in adsl.columns:
            chosen = adsl.filter(pl.col(flag) == "Y")
        else:
            _, rows = self.parameter(flag)
            yes = rows.filter(pl.col("AVALC") == "Y").select("USUBJID") if "AVALC" in rows.columns else rows
            chosen = adsl.join(yes, on="USUBJID", how="semi") if yes.height else adsl.clear()
        label = self._label(flag)
        if rule in _RULE_RESIDUAL and "RSTAT" in adsl.columns:
            classes = _RULE_RESIDUAL[rule]
            chosen, label = chosen.filter(pl.col("RSTAT").is_in(classes)), f"{label}, {' or '.join(classes)}"
        return Population(flag, label, chosen.select("USUBJID").unique().sort("USUBJID"))

    def parameter(self, paramcd: str) -> tuple[str, pl.DataFrame]:
        """Dataset and records of a parameter, one a subject: the selected one (ANL02FL) where a selection was made."""
        for name in _HOLDERS:
            frame = scanned(self.adam.get(name), *_OF_PARAMETER)
            if "PARAMCD" not in (has := frame.collect_schema().names()):
                continue
            rows = self._records(frame, has, paramcd).collect()
            if rows.is_empty():
                continue
            by = [c for c in ("USUBJID", "ADT", "ASEQ") if c in rows.columns]
            return name, rows.sort(by).unique("USUBJID", keep="last", maintain_order=True)
        return "", pl.DataFrame(schema={"USUBJID": pl.String})

    def _records(self, frame: pl.LazyFrame, has: list[str], paramcd: str) -> pl.LazyFrame:
        """Records of a parameter. Of a composite response and its components only the selected assessment counts (ANL02FL);
        it stands under the derived parameter (D and its name) where the study uses derived responses."""
        if paramcd not in self._selected or "ANL02FL" not in has:
            return frame.filter(pl.col("PARAMCD") == paramcd)
        return frame.filter(pl.col("PARAMCD").is_in([paramcd, f"D{paramcd}"[:8]]), pl.col("ANL02FL") == "Y")

    @property
    def _selected(self) -> set[str]:
        """Parameters with a record for every assessment, of which one a subject is selected."""
        found = {THROMBUS_CLASS}
        for name, endpoint in self.study.endpoints.items():
            if "components" in endpoint.options:
                found |= {name, *map(str, endpoint.options["components"])}
        return found

    def _label(self, flag: str) -> str:
        if flag in POPULATIONS:
            return POPULATIONS[flag]
        exposed = self.study.analysis.exposed.get(flag)
        return exposed.label.removesuffix(" Flag") if exposed else f"Subjects with {flag} = Y"
