"""What a define.xml declares of its datasets (also one that cdiscx did not write): keys and codelists with the sponsor's terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from lxml import etree

from cdiscx.model.dataset import Codelist, Term
from cdiscx.model.errors import UploadError

_NS: Final = {
    "o": "http://www.cdisc.org/ns/odm/v1.3",
    "d": "http://www.cdisc.org/ns/def/v2.1",
    "d0": "http://www.cdisc.org/ns/def/v2.0",
}


@dataclass(frozen=True, slots=True)
class Declared:
    """`keys`: dataset -> variables by KeySequence. `codelists`: by C-code, sponsor's lists by the variable that uses them."""

    keys: Mapping[str, tuple[str, ...]]
    codelists: Mapping[str, Codelist]


def declared(path: Path) -> Declared:
    """Reads a define.xml of version 2.0 or 2.1. Raises UploadError for what is no such document."""
    try:
        root = etree.parse(path, etree.XMLParser(resolve_entities=False, no_network=True)).getroot()
    except (etree.XMLSyntaxError, OSError) as error:
        raise UploadError(f"{path.name} is no XML document: {' '.join(str(error).split())[:200]}") from error
    if etree.QName(root).namespace != _NS["o"]:
        raise UploadError(f"{path.name} is no Define-XML document")
    items = {item.get("OID"): item for item in root.iterfind(".//o:ItemDef", _NS)}
    try:
        return Declared(_keys(root, items), _codelists(root, items))
    except _IncompleteError as error:
        raise UploadError(
            f"{path.name} is no complete Define-XML document: {error}; have it written again by the program that made it"
        ) from error


class _IncompleteError(Exception):
    """An element without an attribute that every such element has."""


def _said(element: Any, attribute: str) -> str:
    """What an attribute says that may not be absent."""
    said: str | None = element.get(attribute)
    if said is None:
        raise _IncompleteError(f"a {etree.QName(element).localname} in line {element.sourceline} has no {attribute}")
    return said


def _place(reference: Any) -> int:
    """The whole number of a KeySequence."""
    said = _said(reference, "KeySequence")
    if not (said.isascii() and said.isdigit() and len(said) < 10):
        raise _IncompleteError(f"the KeySequence in line {reference.sourceline} is no whole number")
    return int(said)


def _keys(root: Any, items: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    found = {}
    for group in root.iterfind(".//o:ItemGroupDef", _NS):
        refs = [r for r in group.iterfind("o:ItemRef", _NS) if r.get("KeySequence") and r.get("ItemOID") in items]
        refs.sort(key=_place)
        if refs:
            found[_said(group, "Name").upper()] = tuple(_said(items[r.get("ItemOID")], "Name") for r in refs)
    return found


def _codelists(root: Any, items: Mapping[str, Any]) -> dict[str, Codelist]:
    lists = {element.get("OID"): element for element in root.iterfind(".//o:CodeList", _NS)}
    codes = {oid: _code(element) for oid, element in lists.items()}
    found: dict[str, Codelist] = {}
    for item in items.values():
        reference = item.find("o:CodeListRef", _NS)
        element = lists.get(reference.get("CodeListOID")) if reference is not None else None
        if element is None:
            continue
        code = codes[element.get("OID")]
        name = code or _said(item, "Name")
        old = found.get(name, Codelist(name, _said(element, "Name"), ccode=code))
        known = {t.value for t in old.terms}
        found[name] = replace(old, terms=(*old.terms, *(t for t in _terms(element) if t.value not in known)))
    return found


def _terms(element: Any) -> list[Term]:
    terms = []
    for item in (*element.iterfind("o:CodeListItem", _NS), *element.iterfind("o:EnumeratedItem", _NS)):
        extended = any(item.get(f"{{{_NS[prefix]}}}ExtendedValue") == "Yes" for prefix in ("d", "d0"))
        decode = item.findtext("o:Decode/o:TranslatedText", "", _NS)
        terms.append(Term(_said(item, "CodedValue"), decode or "", _code(item), extended))
    return terms


def _code(element: Any) -> str | None:
    alias = element.find("o:Alias[@Context='nci:ExtCodeID']", _NS)
    name: str | None = alias.get("Name") if alias is not None else None
    return name
