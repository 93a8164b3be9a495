"""What people write: one study as data. Frozen pydantic models; a typo is an error with file, line and suggestion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from cdiscx.model.errors import SpecError
from cdiscx.model.spec_analysis import Analysis, Baseline, Exposed, Records
from cdiscx.model.spec_design import Arm, Begin, Element, Path, TrialFact
from cdiscx.model.spec_layout import (
    Column,
    ColumnType,
    Day,
    Node,
    Number,
    SeverityName,
    Sheet,
    Text,
    Texts,
    Texts_,
)
from cdiscx.model.spec_plan import (
    Anchor,
    Assessments,
    Component,
    DoseLevel,
    Phase,
    Point,
    Regimen,
    Source,
    Visit,
)

__all__ = [
    "Accepted",
    "Analysis",
    "Anchor",
    "Arm",
    "Assessments",
    "Baseline",
    "Begin",
    "CheckSetting",
    "Column",
    "ColumnType",
    "Component",
    "Criterion",
    "Day",
    "DoseLevel",
    "Element",
    "Eligibility",
    "Endpoint",
    "Expectation",
    "Exposed",
    "Node",
    "Number",
    "Path",
    "Phase",
    "Point",
    "Records",
    "Regimen",
    "SeverityName",
    "Sheet",
    "Source",
    "Study",
    "Text",
    "Texts",
    "Texts_",
    "TrialFact",
    "Visit",
]


class Criterion(Node):
    """Response criterion and its parameters by name (see standards.recist)."""

    name: Literal["RECIST 1.1", "MRECIST"]
    overrides: Mapping[str, bool | int | float] = Field({}, description="Names of standards.criterion -> value")
    rebaseline_after_surgery: bool = True
    pvtt: bool = False


class Eligibility(Node):
    """One inclusion or exclusion criterion: text for TI; with `column` or `rule` END-018 tests it at baseline."""

    text: str
    severity: SeverityName
    category: Literal["INCLUSION", "EXCLUSION"] = "INCLUSION"
    column: str | None = Field(None, description="`subjects.COLUMN` judged")
    one_of: Texts_ = ()
    min: Number | None = None
    max: Number | None = None
    rule: Literal["measurable_lesion", "no_extrahepatic", "consent"] | None = None


class Endpoint(Node):
    """An endpoint as protocol text; see the ADaM room for the words."""

    kind: Literal["time_to_event", "response", "proportion", "descriptive"]
    label: str
    primary: bool = False
    start: str | None = None
    events: Texts_ = ()
    censors: Texts_ = ()
    population: str = "FASFL"
    options: Mapping[str, Any] = {}


class Expectation(Node):
    """One expectation in Great Expectations' own words over one house table."""

    id: str
    table: str
    type: str
    kwargs: Mapping[str, Any] = {}
    severity: SeverityName = "note"
    message: str
    fix: str = ""
    group_by: str | None = Field(None, description="Judge each group (e.g. SITEID) on its own")
    min_rows: int = Field(1, description="Fewer rows than this: not judged")

    @property
    def template(self) -> str:
        """The message, with the site named at its end where each site is judged and the message does not name it."""
        alone = self.group_by != "SITEID" or "{group}" in self.message
        return self.message if alone else f"{self.message} (site {{group}})"


class Accepted(Node):
    """A finding that somebody accepted; shown as accepted, never hidden."""

    check: str
    subject: str | None = None
    fingerprint: str | None = None
    reason: str
    who: str
    when: Day


class CheckSetting(Node):
    """A study's own word on one check."""

    severity: SeverityName | None = None
    off: str | None = Field(None, description="Why the check does not belong to this study")


class Study(Node):
    """One study: everything cdiscx needs to know about it."""

    id: str
    studyid: str
    title: str
    extend: Texts_ = ()
    parameters: Mapping[str, Any] = Field({}, description="Every numeric parameter and switch by name")
    sheets: Mapping[str, Sheet] = {}
    anchors: Mapping[str, Anchor] = {}
    schedule: tuple[Visit, ...] = ()
    assessments: Assessments | None = None
    regimens: Mapping[str, Regimen] = {}
    components: Mapping[str, Component] = {}
    criterion: Criterion | None = None
    eligibility: Mapping[str, Eligibility] = {}
    endpoints: Mapping[str, Endpoint] = {}
    analysis: Analysis = Field(Analysis(), description="What ADaM derivations need to know, in SDTM's words")
    expectations: tuple[Expectation, ...] = ()
    checks: Mapping[str, CheckSetting] = {}
    accepted: tuple[Accepted, ...] = ()
    arm: Arm | None = None
    trial_summary: tuple[TrialFact, ...] = Field((), description="Trial summary parameters (TS)")
    missing_words: Texts_ = Field((), description="Cell texts that mean: nothing here")
    ignore_sheets: Texts_ = ()
    unscheduled: Texts_ = Field(("UNSCHEDULED",), description="First words of unscheduled visits: `UNSCHEDULED 5.1`")
    date_order: Literal["DMY", "MDY", "YMD"] | None = None
    extract_date: Day | None = None
    subject_id_regex: str = "^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$"
    options: Mapping[str, Any] = {}
    translations: Mapping[Literal["zh"], Mapping[str, str]] = Field(
        {}, description="This file's own texts in other languages: text as it stands here -> text; `{slots}` stay"
    )

    def texts(self) -> tuple[str, ...]:
        """What this file says to people, each once: the keys that `translations` may have."""
        said = [self.title]
        said += [part.label for parts in (self.anchors, self.components, self.endpoints) for part in parts.values()]
        said += [criterion.text for criterion in self.eligibility.values()]
        said += [setting.off for setting in self.checks.values() if setting.off]
        said += [exposed.label for exposed in self.analysis.exposed.values()]
        said += [text for item in self.expectations for text in (item.message, item.fix)]
        return tuple(dict.fromkeys(text for text in said if text))

    def sheet_of(self, table: str) -> tuple[str, Sheet] | None:
        """Canonical sheet name and sheet that holds a table, or None."""
        return self._indexed()[0].get(table)

    def sheet_name(self, table: str) -> str:
        """Canonical sheet name of a table, or the table's own name."""
        found = self.sheet_of(table)
        return found[0] if found else table

    def header(self, table: str, column: str) -> str:
        """Canonical header of a house column, or the column's own name."""
        found = self._indexed()[1].get((table, column))
        return found[0] if found else column

    def column(self, table: str, column: str) -> Column | None:
        """The column's description, or None."""
        found = self._indexed()[1].get((table, column))
        return found[1] if found else None

    def _indexed(self) -> tuple[dict[str, tuple[str, Sheet]], dict[tuple[str, str], tuple[str, Column]]]:
        """Sheets by table, columns by table and house name, the first of each; made once for the sheets as they are."""
        known = self.__dict__.get("_index")
        if known is None or known[0] is not self.sheets:  # a copy with other sheets
            tables: dict[str, tuple[str, Sheet]] = {}
            columns: dict[tuple[str, str], tuple[str, Column]] = {}
            for name, sheet in self.sheets.items():
                if sheet.holds in tables:
                    continue
                tables[sheet.holds] = (name, sheet)
                for header, column in sheet.columns.items():
                    columns.setdefault((sheet.holds, column.is_), (header, column))
            known = self.__dict__["_index"] = (self.sheets, (tables, columns))
        return known[1]

    def p(self, name: str) -> Any:
        """A parameter by name; SpecError when the study file does not give it."""
        if name not in self.parameters:
            raise SpecError(f"study {self.id}: parameter '{name}' is not given under `parameters:`")
        return self.parameters[name]

    @classmethod
    def load(cls, name: str) -> Study:
        """A bundled study's name in any case, or a path to a study file. Raises SpecError."""
        from cdiscx.model.spec_file import load_study

        return load_study(name)
