"""What people write to turn tidy tables into an SDTM domain: blocks of targets. Frozen pydantic models, no logic trees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from cdiscx.model.dataset import VariableType
from cdiscx.model.spec_layout import Node, Number, Text, Texts_


class Rows(Node):
    """Which rows: all that are given must hold; a column of a joined table is `table.COLUMN`."""

    where: Mapping[str, Texts_] = Field({}, description="Column -> values, one of which it must have")
    unless: Mapping[str, Texts_] = Field(
        {}, description="Column -> values, none of which it may have (blank is in order)"
    )
    filled: Texts_ = Field((), description="Columns that must not be blank")
    blank: Texts_ = Field((), description="Columns that must be blank")


class Join(Rows):
    """Columns of another table beside the block's rows, as `table.COLUMN`: of its first (or last) row that fits.

    The table may also be `regimens`: the study file's regimens, one row a drug, with columns DRUG, KIND, COMPONENT, GROUP,
    UNIT and SYSTEMIC (Y or N).
    """

    table: str | None = Field(None, description="The table, where the join's name is not the table's")
    on: Mapping[str, str] = Field({"SUBJID": "SUBJID"}, description="Column of the block -> column of the joined table")
    order: Texts_ = Field((), description="Columns that say which row is the first")
    take: Literal["first", "last"] = "first"


class Target(Node):
    """How one variable is made: an algorithm, the column (or value) it takes, its options."""

    use: str = Field(description="Name of a registered algorithm")
    of: Any = Field(None, description="What stands behind the algorithm's name")
    options: Mapping[str, Any] = {}
    label: str = Field("", description="QLABEL of a supplemental qualifier; label of a sponsor's variable")
    origin: str | None = Field(None, description="Collected, Derived, Assigned or Protocol; default: the algorithm's")
    method: str = Field("", description="How it is derived, for define.xml")
    type: VariableType | None = None


class NotDone(Rows):
    """Rows without a result that become --STAT NOT DONE."""

    reason: str | None = Field(None, description="Column of --REASND")
    reason_text: str | None = Field(None, description="Text of --REASND where the column is blank")


class Implied(Rows):
    """A result that the row's other columns imply where the result itself is blank."""

    orres: Text
    stresc: Text | None = Field(None, description="Result in the standard unit; default: as `orres`")


class Test(Rows):
    """One test of a findings block: its rows, its result, its unit."""

    __test__ = False  # the word means a clinical test; pytest collects no model

    result: str | None = Field(None, description="Column of the result; blank results give no record")
    unit: str | None = Field(None, description="Column of the unit as collected")
    orresu: Text | None = Field(None, description="The unit as collected where no column has it")
    standard: Text | None = Field(None, description="Standard unit (--STRESU)")
    factors: Mapping[str, Number] = Field({}, description="Unit as collected -> factor to the standard unit")
    units: Mapping[str, Text] = Field({}, description="Unit as collected -> term of the unit codelist")
    type: Literal["number", "text"] | None = Field(None, description="Default: what the result's column holds")
    codelist: str | None = Field(None, description="Codelist of --STRESC")
    map: Mapping[str, Text] = Field({}, description="Result -> --STRESC")
    orres: Mapping[str, Text] = Field({}, description="Result -> --ORRES, where it is not shown as collected")
    low: str | None = Field(None, description="Column of the lower limit of normal")
    high: str | None = Field(None, description="Column of the upper limit of normal")
    name: str | None = Field(None, description="--TEST, where the codelist has no name for the code")
    not_done: NotDone | None = None
    implied: tuple[Implied, ...] = ()
    targets: Mapping[str, Target] = {}
    supp: Mapping[str, Target] = {}


class Block(Rows):
    """Records of a domain that come from one table: each row one record, or one record a test."""

    from_: str = Field(alias="from", description="Tidy table or view")
    join: Mapping[str, Join] = {}
    once_per: Texts_ = Field((), description="Only the first row of each combination of these columns")
    order: Texts_ = Field((), description="Columns that say which row is the first; then the row's place")
    tests: Mapping[str, Test] = Field({}, description="--TESTCD -> test")
    targets: Mapping[str, Target] = {}
    supp: Mapping[str, Target] = Field({}, description="QNAM -> target: supplemental qualifiers of the block's records")


class Baseline(Node):
    """How --LOBXFL is set (sdtm-mapping 2.5)."""

    by: Texts_ = Field(
        (), description="Variables that make one series; default: test, lesion, location, method, evaluator"
    )
    same_day: bool = Field(True, description="A result of the day of first exposure counts as before it")


class DomainMapping(Node):
    """One SDTM domain."""

    domain: str
    keys: Texts_ = Field(description="Sort order of the records, --SEQ is numbered in it")
    blocks: Mapping[str, Block]
    baseline: Baseline | None = Field(None, description="Absent: no --LOBXFL")
    epoch_by: str | None = Field(None, description="Date variable of EPOCH; default --STDTC, else --DTC")
    extend_codelists: Mapping[str, Mapping[str, Text]] = Field(
        {}, description="C-code -> value that the published list lacks -> its meaning"
    )
    label: str = ""
    comment: str = ""
    options: Mapping[str, Any] = {}


#: keys of a target that are not its algorithm's options
COMMON = ("label", "origin", "method", "type")
