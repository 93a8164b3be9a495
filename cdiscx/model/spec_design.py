"""Design of the trial in a study file: elements and the days on which they begin, arms, facts of the trial summary."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cdiscx.model.spec_layout import Node, Texts_
from cdiscx.model.spec_plan import Point, Source


class Begin(Node):
    """One way to find the day on which an element begins; of several the first that gives a day counts.

    Either `anchor` (its date), or `first` or `last`: the first or last day within the bounds on which one of these drugs
    or procedures was given. A dosing interval counts with each of its days, a running one up to the end of treatment,
    the end of participation or the data cut-off.
    """

    anchor: str | None = None
    first: Texts_ = Field((), description="House terms of Dosing Drug and Procedures Procedure")
    last: Texts_ = Field((), description="House terms of Dosing Drug and Procedures Procedure")
    from_: Point | None = Field(None, alias="from", description="On or after this day")
    after: Point | None = Field(None, description="After this day")
    before: Point | None = Field(None, description="Before this day")
    plus: int = Field(0, description="So many days later")
    needs: str | None = Field(None, description="Only in subjects that have this anchor")
    unless: str | None = Field(None, description="Only in subjects that do not have this anchor")
    where: Source | None = Field(None, description="Only in subjects that have such a row")
    settled: int | None = Field(
        None,
        description="Only when treatment or participation is over, or so many days have gone by since at the cut-off: "
        "until then another element may still follow",
    )


class Element(Node):
    """One element of the trial design (TE, TA), and how to find the day on which it begins in a subject (SE)."""

    etcd: str = Field(max_length=8)
    element: str
    epoch: str
    start: str = Field(description="Text of TESTRL")
    end: str = Field(description="Text of TEENRL")
    duration: str | None = Field(None, description="TEDUR, an ISO 8601 duration")
    transition: str = Field("", description="Text of TATRANS (ta_model SINGLE_ARM)")
    begins: tuple[Begin, ...] = Field((), description="Ways to find the day; the first that gives one counts")


class Path(Node):
    """One arm of `ta_model: BRANCHED`: the elements of one way through the trial."""

    armcd: str = Field(max_length=20)
    arm: str
    elements: Texts_ = Field(description="ETCDs in their order")
    of: str = Field(description="ETCD: a subject who has this element, and of no path above, is on this one")
    branch: str = Field(default="", description="Text of TABRANCH at the element after which the paths part")


class Arm(Node):
    """The planned arm; `paths` only where the study offers `ta_model: BRANCHED`."""

    armcd: str = Field(max_length=20)
    arm: str
    elements: tuple[Element, ...] = ()
    paths: tuple[Path, ...] = ()


class TrialFact(Node):
    """One parameter of the trial summary (TS): one value, several, or a null flavor."""

    TSPARMCD: str = Field(max_length=8)
    TSPARM: str | None = Field(None, description="Name of a parameter that is not in the published list")
    TSVAL: str | Texts_ | None = None
    TSVALNF: str | None = Field(None, description="Null flavor where there is no value (ISO 21090)")
    TSVALCD: str | None = Field(None, description="Code of the value where it is not one of controlled terminology")
    TSVCDREF: str | None = None
    TSVCDVER: str | None = None
    TSGRPID: str | None = None
    from_: Literal["first_consent", "cutoff"] | None = Field(
        None, alias="from", description="Taken from the data; TSVAL or TSVALNF where they do not tell"
    )
