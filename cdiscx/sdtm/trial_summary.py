"""Study file and run -> the rows of TS: names and codes from controlled terminology, values from the protocol or the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cdiscx.model.errors import SpecError
from cdiscx.model.spec import Study, TrialFact
from cdiscx.model.table import RunContext, Table
from cdiscx.sdtm.elements import branched, paths
from cdiscx.standards import terminology

#: parameter -> codelist of its value (SDTMIG 3.4 7.4.2, CDISC Protocol terminology)
VALUE_LISTS: Final = {
    "STYPE": "C99077",
    "TTYPE": "C66739",
    "TINDTP": "C66736",
    "TPHASE": "C66737",
    "TBLIND": "C66735",
    "INTMODEL": "C99076",
    "INTTYPE": "C99078",
    "RANDOM": "C66742",
    "ADDON": "C66742",
    "ADAPT": "C66742",
    "HLTSUBJI": "C66742",
    "RDIND": "C66742",
    "PDSTIND": "C66742",
    "PIPIND": "C66742",
    "EXTTIND": "C66742",
}
_PIECE: Final = 200


def trial_summary(
    study: Study, run: RunContext, tidy: Mapping[str, Table]
) -> tuple[list[dict[str, Any]], dict[str, tuple[str, ...]]]:
    """The rows of TS by TSPARMCD and TSSEQ, and the origin of values that come from the data.

    A parameter without value gets its null flavor; one with neither is a SpecError, for nothing may be invented. Values
    of more than 200 characters go on in TSVAL1 and so on.
    """
    rows: list[dict[str, Any]] = []
    numbers: dict[str, int] = {}
    for fact in study.trial_summary:
        values, found = _values(study, fact, run, tidy)
        if not values and not fact.TSVALNF:
            raise SpecError(f"study {study.id}: trial_summary: {fact.TSPARMCD} has neither TSVAL nor TSVALNF")
        for value in values or (None,):
            numbers[fact.TSPARMCD] = numbers.get(fact.TSPARMCD, 0) + 1
            rows.append({"TSSEQ": numbers[fact.TSPARMCD], **_row(study, fact, value), "_from": found or []})
            rows[-1]["_block"] = fact.TSPARMCD if found else "protocol"
    origin: dict[str, tuple[str, ...]] = {
        f"{fact.TSPARMCD}/TSVAL": ("subjects.RFICDAT",) for fact in study.trial_summary if fact.from_ == "first_consent"
    }
    return sorted(rows, key=lambda row: (row["TSPARMCD"], row["TSSEQ"])), origin


def _values(study: Study, fact: TrialFact, run: RunContext, tidy: Mapping[str, Table]) -> tuple[list[str], list[int]]:
    """The values of a parameter, and the rows they come from."""
    if fact.TSPARMCD == "NARMS" and branched(study):
        return [str(len(paths(study)))], []
    stated = [fact.TSVAL] if isinstance(fact.TSVAL, str) else list(fact.TSVAL or ())
    if fact.from_ == "cutoff" and not stated:
        return [run.cutoff.isoformat()], []
    if fact.from_ == "first_consent" and "subjects" in tidy:
        frame = tidy["subjects"].frame.drop_nulls("RFICDAT").sort("RFICDAT", "_rid").head(1)
        if frame.height:
            return [frame.item(0, "RFICDAT").isoformat()], [frame.item(0, "_rid")]
    return stated, []


def _row(study: Study, fact: TrialFact, value: str | None) -> dict[str, Any]:
    name = fact.TSPARM or _name_of(fact.TSPARMCD)
    if name is None:
        raise SpecError(
            f"study {study.id}: trial_summary: {fact.TSPARMCD} is not a published parameter; give its name as TSPARM"
        )
    coded = fact.TSVALCD, fact.TSVCDREF, fact.TSVCDVER
    published = VALUE_LISTS.get(fact.TSPARMCD)
    if value is not None and not any(coded) and published:
        term = terminology.term(published, value)
        if term is not None and term.ccode:
            value, coded = term.value, (term.ccode, "CDISC CT", terminology.PACKAGE[1])
    pieces: Sequence[str | None] = _pieces(value) if value is not None else (None,)
    return {
        "TSGRPID": fact.TSGRPID,
        "TSPARMCD": fact.TSPARMCD,
        "TSPARM": name,
        "TSVAL": pieces[0],
        **{f"TSVAL{i}": piece for i, piece in enumerate(pieces) if i},
        "TSVALNF": fact.TSVALNF if value is None else None,
        **dict(zip(("TSVALCD", "TSVCDREF", "TSVCDVER"), coded, strict=True)),
    }


def _name_of(code: str) -> str | None:
    known = terminology.codelist("C66738")
    return next((term.decode for term in known.terms if term.value == code), None) if known else None


def _pieces(text: str) -> Sequence[str]:
    """A text in pieces of at most 200 characters, parted between words."""
    pieces = []
    while len(text) > _PIECE:
        cut = text.rfind(" ", 0, _PIECE + 1)
        cut = cut if cut > 0 else _PIECE
        pieces.append(text[:cut])
        text = text[cut:].lstrip()
    return [*pieces, text]
