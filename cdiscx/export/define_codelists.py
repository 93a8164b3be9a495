"""Code lists of define.xml: published lists (all terms of small closed ones, else those used), sponsor lists, dictionaries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import odmlib.define_2_1.model as odm

from cdiscx.export.define_words import oid
from cdiscx.model.dataset import Codelist, Term
from cdiscx.standards import terminology

#: a closed list with at most so many terms is written in full; of longer and of extensible ones the terms used are
SMALL: Final = 12
#: closed lists that the guide opens for several values of one qualifier (SDTMIG 3.4, 4.2.8.3)
MULTIPLE: Final = "MULTIPLE"
#: variables whose values are those of a dictionary that define.xml names but does not list
_DICTIONARIES: Final[Mapping[str, Codelist]] = {
    "COUNTRY": Codelist("ISO3166", "ISO 3166-1 alpha-3 Country Code", package=("ISO 3166", "2020")),
}


@dataclass(slots=True)
class Lists:
    """Collects the lists that items refer to; equal subsets of one list are one CodeList element."""

    given: Mapping[str, Codelist]
    standard_oids: Mapping[tuple[str, str], str]
    elements: dict[str, Any] = field(default_factory=dict)
    _known: dict[tuple[object, ...], str] = field(default_factory=dict)
    #: (list id, name, value) of values that a closed list does not have
    strangers: list[tuple[str, str, str]] = field(default_factory=list)

    def find(self, codelist_id: str | None) -> Codelist | None:
        """A list by id: the published one with the run's own terms behind it, or a sponsor's list."""
        if not codelist_id:
            return None
        own, published = self.given.get(codelist_id), terminology.codelist(codelist_id)
        if own is None or published is None:
            return own or published
        known = {term.value for term in published.terms}
        return replace(published, terms=(*published.terms, *(t for t in own.terms if t.value not in known)))

    def refer(
        self,
        codelist_id: str | None,
        place: tuple[str, ...],
        label: str,
        values: Iterable[object],
        data_type: str,
        decodes: Mapping[str, str] | None = None,
    ) -> str | None:
        """OID of the CodeList for the values of one item at `place` (dataset, variable, …); None where no list applies."""
        used = tuple(dict.fromkeys(_text(v) for v in values))
        known = self._part(self.find(codelist_id), used) or (_DICTIONARIES.get(place[-1]) if used else None)
        if known is None and decodes is None:
            return None
        if known is None:
            known = Codelist("", label, tuple(Term(v, (decodes or {}).get(v, "")) for v in used))
        if not known.terms and known.package:
            return self._dictionary(known, *known.package)
        terms, whole = self._terms(known, used, place)
        if not terms:
            return None
        if decodes:
            terms = tuple(replace(t, decode=decodes.get(t.value, t.decode)) for t in terms)
        key = (known.id, known.name, data_type, tuple((t.value, t.decode) for t in terms))
        if key not in self._known:
            name, title = self._naming(known, terms, place, whole=whole, own_decodes=bool(decodes))
            self._known[key] = name
            self.elements[name] = self._element(name, title, known, terms, data_type)
        return self._known[key]

    def _naming(
        self, known: Codelist, terms: tuple[Term, ...], place: tuple[str, ...], *, whole: bool, own_decodes: bool
    ) -> tuple[str, str]:
        """OID and name: of the whole list, of a short subset by its values, of a long one by the place of its first use."""
        words = [t.value for t in terms]
        by_values = bool(known.id) and len(words) <= 3 and len("".join(words)) <= 30
        tail = words if by_values else place
        name = (
            oid("CL", known.id)
            if whole and known.id and not own_decodes
            else oid("CL", *filter(None, (known.id, *tail)))
        )
        while name in self.elements:
            name += "_"
        subset = "" if whole or len(place) == 1 else f" ({', '.join(words) if by_values else '.'.join(place)})"
        return name, known.name + subset

    def _part(self, known: Codelist | None, used: tuple[str, ...]) -> Codelist | None:
        """Of a united list the published part that holds all values, else the union."""
        if known is None or known.id not in terminology.UNITED or not used:
            return known
        parts = [c for code in terminology.UNITED[known.id][1] if (c := self.find(code))]
        return next((c for c in parts if set(used) <= {t.value for t in c.terms}), known)

    def _terms(self, known: Codelist, used: tuple[str, ...], place: tuple[str, ...]) -> tuple[tuple[Term, ...], bool]:
        """The terms to write, and whether they are the whole list."""
        by_value = {t.value for t in known.terms}
        published = known.package is not None
        foreign = tuple(Term(v, extended=published) for v in used if v not in by_value)
        if published and not known.extensible:
            self.strangers += [(known.id, ".".join(place[:2]), t.value) for t in foreign if t.value != MULTIPLE]
        in_full = not published or (not known.extensible and len(known.terms) <= SMALL and not place[-1].endswith("FL"))
        if in_full:
            return (*known.terms, *foreign), not foreign
        kept = tuple(t for t in known.terms if t.value in set(used))
        return (*kept, *foreign), len(kept) == len(known.terms) and not foreign

    def _element(self, name: str, title: str, known: Codelist, terms: tuple[Term, ...], data_type: str) -> Any:
        standard = self.standard_oids.get(known.package) if known.package else None
        owner = {"StandardOID": standard} if standard else {"IsNonStandard": "Yes"}
        element = odm.CodeList(OID=name, Name=title, DataType=data_type, **owner)
        decoded = all(t.decode for t in terms)
        items = [_item(term, decoded, known.package is not None) for term in terms]
        if decoded:
            element.CodeListItem = items
        else:
            element.EnumeratedItem = items
        if known.ccode:
            element.Alias = [odm.Alias(Context="nci:ExtCodeID", Name=known.ccode)]
        return element

    def _dictionary(self, known: Codelist, dictionary: str, number: str) -> str:
        name = oid("CL", known.id)
        if name not in self.elements:
            element = odm.CodeList(OID=name, Name=known.name, DataType="text", IsNonStandard="Yes")
            element.ExternalCodeList = odm.ExternalCodeList(
                Dictionary=dictionary, **({"Version": number} if number else {})
            )
            self.elements[name] = element
        return name


def _item(term: Term, decoded: bool, published: bool) -> Any:
    extra = {"ExtendedValue": "Yes"} if published and (term.extended or term.ccode is None) else {}
    if decoded:
        text = odm.TranslatedText(lang="en", _content=term.decode)
        item: Any = odm.CodeListItem(CodedValue=term.value, **extra)
        item.Decode = odm.Decode(TranslatedText=[text])
    else:
        item = odm.EnumeratedItem(CodedValue=term.value, **extra)
    if term.ccode:
        item.Alias = [odm.Alias(Context="nci:ExtCodeID", Name=term.ccode)]
    return item


def _text(value: object) -> str:
    """A coded value as text: `5.0` of a float column is `5`."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
