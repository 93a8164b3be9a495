"""What SDTMIG 3.4 and ADaMIG 1.3 say of datasets and variables: order, label, type, role, core, codelist, keys.

Facts of the guides, read from `data/sdtmig-3.4.tsv` and `data/adamig-1.3.tsv` (OCCDS 1.1 for occurrences). Only the domains
that cdiscx makes are there. The keys are those of the project's mapping rules, not the guide's examples.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, cast

from cdiscx.model.dataset import Variable, VariableType
from cdiscx.standards.blocks import cell, read_blocks

SDTMIG: Final = "SDTMIG 3.4"
ADAMIG: Final = "ADaMIG 1.3"
_SDTM_FILE: Final = "sdtmig-3.4.tsv"
_ADAM_FILE: Final = "adamig-1.3.tsv"
_CORE: Final = {"R": "Req", "E": "Exp", "P": "Perm"}
_ROLE: Final = {
    "ID": "Identifier",
    "TOPIC": "Topic",
    "TIME": "Timing",
    "REC": "Record Qualifier",
    "VAR": "Variable Qualifier",
    "SYN": "Synonym Qualifier",
    "RES": "Result Qualifier",
    "GRP": "Grouping Qualifier",
    "RULE": "Rule",
}
#: variables of the model (SDTM 2.0) that the guide's table of a domain leaves out and that its conformance rules ask for
FROM_MODEL: Final = {"MH": ("MHSTDY",)}
#: what stands for a number or a letter in the names of ADaM variables: `TRTxxP`, `CRITyFL`, `ANLzzFL`
_INDEX: Final = {"xx": r"(?P<xx>\d\d)", "zz": r"(?P<zz>\d\d)", "y": r"(?P<y>\d{1,2})", "w": r"(?P<w>\d)"}


@dataclass(frozen=True, slots=True)
class GuideDataset:
    """One dataset of the guide: `klass` as in the guide (Findings, Events, Special-Purpose …), `keys` without DOMAIN."""

    name: str
    label: str
    klass: str
    structure: str
    keys: tuple[str, ...] = ()


@cache
def dataset(name: str) -> GuideDataset | None:
    """Facts of one SDTM dataset (`TU`, `SUPPAE`, `RELREC`), or None where the guide's table has none of that name."""
    supplement = name.startswith("SUPP") and len(name) == 6
    block = read_blocks(_SDTM_FILE).get("SUPPQUAL" if supplement else name)
    if block is None:
        return None
    label, klass, structure, keys = block.head
    if supplement:
        label = label.replace("[domain name]", name[4:])
    return GuideDataset(name, label, klass, structure, tuple(keys.split()))


def datasets() -> tuple[str, ...]:
    """Names of the datasets that are known, supplemental qualifiers as `SUPPQUAL`."""
    return tuple(read_blocks(_SDTM_FILE))


@cache
def variables(domain: str) -> tuple[Variable, ...]:
    """Variables of one SDTM dataset in the guide's order, with those of FROM_MODEL; empty where it is not known.

    Where the guide names several codelists (DSDECOD, RSCAT, RSTESTCD, RSTEST), `codelist` is the variable's name: the
    united list of that id in `cdiscx.standards.terminology`.
    """
    supplement = domain.startswith("SUPP") and len(domain) == 6
    block = read_blocks(_SDTM_FILE).get("SUPPQUAL" if supplement else domain)
    if block is None:
        return ()
    return tuple(
        Variable(
            name=row[0],
            label=row[1],
            type=cast(VariableType, row[2]),
            core=_CORE[row[3]],
            role=_ROLE[row[4]],
            codelist=cell(row, 5) or None,
        )
        for row in block.rows
    )


@cache
def variable(domain: str, name: str) -> Variable | None:
    """One variable of one SDTM dataset, or None."""
    return next((v for v in variables(domain) if v.name == name), None)


@cache
def adam_dataset(structure: str) -> GuideDataset | None:
    """Label, class (words of Define-XML) and structure of `ADSL`, `BDS`, `TTE` or `OCCDS`, or None."""
    block = read_blocks(_ADAM_FILE).get(structure)
    if block is None:
        return None
    label, klass, sentence = block.head
    return GuideDataset(structure, label, klass, sentence)


@cache
def adam_variables(structure: str) -> tuple[Variable, ...]:
    """Variables of `ADSL`, `BDS`, `TTE` (BDS and the time-to-event variables) or `OCCDS`, as the guide lists them.

    `role` is the guide's group (Identifier, Timing, …). Names hold the guide's indices (`TRTxxP`, `CRITyFL`): see
    `adam_variable`. Empty for another structure.
    """
    blocks = read_blocks(_ADAM_FILE)
    rows = [
        row
        for name in (("BDS", "TTE") if structure == "TTE" else (structure,))
        if name in blocks
        for row in blocks[name].rows
    ]
    return tuple(
        Variable(
            name=row[0],
            label=row[1],
            type=cast(VariableType, row[2]),
            core=row[3],
            role=row[4],
            codelist=cell(row, 5) or None,
        )
        for row in rows
    )


@cache
def adam_variable(structure: str, name: str) -> Variable | None:
    """One ADaM variable by its real name: `TRT01P` is the guide's `TRTxxP`, with the index put into the label."""
    for known in adam_variables(structure):
        if known.name == name:
            return known
    for known in adam_variables(structure):
        found = _pattern(known.name).fullmatch(name)
        if found and found.groupdict():
            label = known.label
            for index, number in found.groupdict().items():
                label = re.sub(rf"\b{index}\b", str(int(number)) if index in ("y", "w") else number, label)
            return replace(known, name=name, label=label)
    return None


@cache
def _pattern(name: str) -> re.Pattern[str]:
    pieces = re.split(r"(xx|zz|y|w)", name)
    return re.compile("".join(_INDEX.get(piece, re.escape(piece)) for piece in pieces))
