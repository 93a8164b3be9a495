"""A study and its ADaM frames in, the subjects of a population and the records of a parameter out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from cdiscx.model.spec import Endpoint, Study

#: words for the house's population flags; a flag that is not listed is described by the study file's own anchor
POPULATIONS: Mapping[str, str] = {
    "ENRLFL": "Enrolled subjects",
    "SAFFL": "Safety set: any protocol treatment",
    "FASFL": "Full analysis set: enrolled and treated",
    "EVALFL": "Response-evaluable subjects",
    "RESFL": "Subjects with hepatectomy",
    "PATFL": "Subjects with hepatectomy and an evaluable specimen",
    "RSP": "Responders (best overall response CR or PR)",
}
#: ADSL variable that holds the date of a house anchor (adam-derivations 2.2)
ANCHOR_DATES: Mapping[str, str] = {
    "CONSENT": "RFICDT",
    "ENROL": "ENRLDT",
    "DIAG": "DIAGDT",
    "D1": "TRTSDT",
    "DURVA1": "DUR1DT",
    "SURG": "SURGDT",
    "DISCH": "DISCHDT",
}
#: rules of `population_rule` that take another flag, or only some residual tumour classes, instead of the population
_RULE_FLAGS: Mapping[str, str] = {"EVALUABLE": "EVALFL"}
_RULE_RESIDUAL: Mapping[str, tuple[str, ...]] = {"R0": ("R0",), "R0_R1": ("R0", "R1")}
#: where records of one value a subject are looked for, in this order
_HOLDERS = ("ADRS", "ADSURG", "ADTR", "ADTTE")


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
    """What every analysis reads: the study, and ADaM frames by name (upper case)."""

    study: Study
    adam: Mapping[str, pl.DataFrame]

    def frame(self, name: str) -> pl.DataFrame:
        """A dataset's frame; without any column where it was not derived."""
        return self.adam.get(name, pl.DataFrame())

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
        label = self._label(flag, endpoint)
        if rule in _RULE_RESIDUAL and "RSTAT" in adsl.columns:
            classes = _RULE_RESIDUAL[rule]
            chosen, label = chosen.filter(pl.col("RSTAT").is_in(classes)), f"{label}, {' or '.join(classes)}"
        return Population(flag, label, chosen.select("USUBJID").unique().sort("USUBJID"))

    def parameter(self, paramcd: str) -> tuple[str, pl.DataFrame]:
        """Dataset and records of a parameter, one a subject: the selected one (ANL02FL) where a selection was made."""
        for name in _HOLDERS:
            frame = self.frame(name)
            if "PARAMCD" not in frame.columns:
                continue
            rows = frame.filter(pl.col("PARAMCD") == paramcd)
            if rows.is_empty():
                continue
            if "ANL02FL" in rows.columns and (rows["ANL02FL"] == "Y").any():
                rows = rows.filter(pl.col("ANL02FL") == "Y")
            by = [c for c in ("USUBJID", "ADT", "ASEQ") if c in rows.columns]
            return name, rows.sort(by).unique("USUBJID", keep="last", maintain_order=True)
        return "", pl.DataFrame(schema={"USUBJID": pl.String})

    def _label(self, flag: str, endpoint: Endpoint | None) -> str:
        if flag in POPULATIONS:
            return POPULATIONS[flag]
        anchor = self.study.anchors.get(endpoint.start or "") if endpoint else None
        return f"Subjects with {anchor.label}" if anchor else f"Subjects with {flag} = Y"
