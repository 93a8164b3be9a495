"""What the derivations need to know of a study, in SDTM's words: which records are the treatment, the operation, a baseline."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from cdiscx.model.spec_layout import Node, Texts_


class Records(Node):
    """Records of one SDTM domain in which every named variable holds one of the listed values (case aside)."""

    of: str = Field(description="SDTM domain, e.g. PR")
    where: Mapping[str, Texts_] = Field(default={}, description="Variable (or supplemental qualifier) -> values")


class Exposed(Node):
    """A population of subjects who had one of some drugs, and the variable that holds the first date of it."""

    drugs: Texts_ = Field(description="EXTRT values")
    label: str = Field(description="Label of the flag, at most 40 characters")
    first: str = Field(description="Name of the variable of the first date")
    first_label: str = Field(description="Label of that variable, at most 40 characters")


class Baseline(Node):
    """A baseline value: last non-missing result on or before the first treatment."""

    of: str = Field(description="SDTM domain")
    where: Mapping[str, Texts_] = {}
    value: str = Field(description="Variable that holds the value; numeric when its name ends in STRESN")
    label: str = Field(description="Label, at most 40 characters")


class Analysis(Node):
    """Facts of the study that ADaM derivations rest on (adam-derivations 2)."""

    treatment: tuple[Records, ...] = Field(
        default=(Records(of="EX"), Records(of="PR", where={"PRCAT": ("LOCAL THERAPY", "RADIOTHERAPY")})),
        description="Protocol treatment: TRTSDT, TRTEDT, SAFFL",
    )
    last_dose: tuple[Records, ...] = Field(
        default=(),
        description="What ends the treatment-emergent window; none: systemic regimens in EX and radiotherapy in PR",
    )
    radiotherapy: tuple[Records, ...] = (Records(of="PR", where={"PRCAT": ("RADIOTHERAPY",)}),)
    surgery: tuple[Records, ...] = Field(
        default=(Records(of="PR", where={"PRCAT": ("SURGERY",)}),), description="The index operation: SURGDT, RESFL"
    )
    reoperation: tuple[Records, ...] = (Records(of="PR", where={"PRCAT": ("REOPERATION",)}),)
    readmission: tuple[Records, ...] = (Records(of="HO", where={"HOCAT": ("READMISSION",)}),)
    new_therapy: tuple[Records, ...] = Field(
        default=(
            Records(of="CM", where={"CMCAT": ("NEW ANTI-CANCER THERAPY",)}),
            Records(of="PR", where={"PRCAT": ("NEW ANTI-CANCER THERAPY",)}),
        ),
        description="Anti-cancer therapy outside the protocol: NACTDT",
    )
    diagnosis: tuple[Records, ...] = Field(
        default=(Records(of="MH", where={"MHEVDTYP": ("INITIAL DIAGNOSIS",)}),),
        description="Diagnosis of the disease: DIAGDT",
    )
    viable: Texts_ = Field(default=("VIABTUM",), description="MITESTCD of the percentage of viable tumour")
    r_status: tuple[Records, ...] = Field(
        default=(Records(of="RS", where={"RSTESTCD": ("AJCC105",)}),), description="Residual tumour: R0, R1, R2, RX"
    )
    phase_before_surgery: str = Field(
        default="COMBINATION", description="APHASE of adverse events before the operation"
    )
    biomarkers: tuple[Records, ...] = Field(
        default=(
            Records(of="LB", where={"LBCAT": ("TUMOR MARKERS",)}),
            Records(of="MI", where={"MITESTCD": ("PDL1", "BIOMRKR")}),
        ),
        description="Exploratory markers: ADBM, described at baseline and at the operation",
    )
    exposed: Mapping[str, Exposed] = Field(default={}, description="Population flag, e.g. DURFL -> who belongs to it")
    baseline: Mapping[str, Baseline] = Field(
        default={}, description="Variable of ADSL, e.g. ECOGBL -> where it comes from"
    )
