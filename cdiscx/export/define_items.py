"""ItemGroupDef, ItemDef, ValueListDef, WhereClauseDef, MethodDef and CommentDef of one dataset after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import odmlib.define_2_1.model as odm
import polars as pl

from cdiscx.export.define_codelists import Lists
from cdiscx.export.define_types import Storage, storage
from cdiscx.export.define_values import Distinct, value_levels, values_of
from cdiscx.export.define_words import (
    NO_DATA,
    class_name,
    decode_variable,
    general_method,
    is_analysis,
    oid,
)
from cdiscx.model.dataset import Dataset, ValueLevel, Variable
from cdiscx.model.kept import pieces


@dataclass(slots=True)
class Items:
    """Collects the elements of all datasets; `standard_oids` names the guide of each dataset, `suffix` the data files."""

    lists: Lists
    standard_oids: Mapping[str, str]
    suffix: str
    #: variables whose values are one list for the whole study (EPOCH, VISITNUM): all their records
    shared: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    groups: list[Any] = field(default_factory=list)
    items: list[Any] = field(default_factory=list)
    value_lists: list[Any] = field(default_factory=list)
    where_clauses: dict[str, Any] = field(default_factory=dict)
    methods: dict[str, Any] = field(default_factory=dict)
    comments: dict[str, Any] = field(default_factory=dict)
    _method_oids: dict[tuple[str, str], str] = field(default_factory=dict)
    _comment_oids: dict[str, str] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)

    def add(self, dataset: Dataset) -> None:
        """Writes one dataset: its group, its variables and their value-level metadata."""
        distinct = Distinct(dataset)
        levels = value_levels(distinct)
        group = self._group(dataset)
        refs = []
        for number, variable in enumerate(dataset.variables, 1):
            own = tuple(v for v in levels if v.variable == variable.name)
            refs.append(self._reference(dataset, variable, number))
            self._item(distinct, variable, own)
        group.ItemRef = refs
        self.groups.append(group)

    def _group(self, dataset: Dataset) -> Any:
        analysis, empty = is_analysis(dataset.standard), dataset.held.height == 0
        parent = dataset.name[4:] if dataset.name.startswith("SUPP") and len(dataset.name) > 4 else dataset.name
        comment = dataset.comment or (NO_DATA if empty else "")
        facts = {
            "OID": oid("IG", dataset.name),
            "Name": dataset.name,
            "Repeating": "Yes" if dataset.repeating else "No",
            "IsReferenceData": "Yes" if dataset.reference else "No",
            "SASDatasetName": dataset.name,
            **({} if analysis else {"Domain": parent}),
            "Purpose": "Analysis" if analysis else "Tabulation",
            "Structure": dataset.structure,
            "ArchiveLocationID": oid("LF", dataset.name),
            **({"CommentOID": self.comment(comment, dataset.name)} if comment else {}),
            "StandardOID": self.standard_oids[dataset.standard],
            **({"HasNoData": "Yes"} if empty else {}),
        }
        group = odm.ItemGroupDef(**facts)
        group.Description = description(dataset.label)
        kind = odm.Class(Name=class_name(dataset.klass))
        if dataset.subclass:
            kind.SubClass = [odm.SubClass(Name=dataset.subclass.upper())]
        group.Class = kind
        if parent != dataset.name:
            group.Alias = [odm.Alias(Context="DomainDescription", Name=dataset.label)]
        file = f"{dataset.name.lower()}.{self.suffix}"
        group.leaf = odm.leaf(ID=oid("LF", dataset.name), href=file, title=odm.title(_content=file))
        return group

    def _reference(self, dataset: Dataset, variable: Variable, number: int) -> Any:
        analysis = is_analysis(dataset.standard)
        keys = {name: i for i, name in enumerate(dataset.keys, 1)}
        method = self.method(dataset.name, variable.name, variable.origin, variable.method)
        facts: dict[str, Any] = {
            "ItemOID": oid("IT", dataset.name, variable.name),
            "OrderNumber": number,
            "Mandatory": "Yes" if variable.core == "Req" else "No",
            **({"KeySequence": keys[variable.name]} if variable.name in keys else {}),
            **({"MethodOID": method} if method else {}),
            **({"Role": variable.role} if variable.role and not analysis else {}),
            **({"IsNonStandard": "Yes"} if not variable.core and not analysis else {}),
            **({"HasNoData": "Yes"} if _empty(dataset, variable.name) else {}),
        }
        return odm.ItemRef(**facts)

    def _item(self, distinct: Distinct, variable: Variable, levels: tuple[ValueLevel, ...]) -> None:
        dataset = distinct.dataset
        column = self._united(distinct, variable.name, variable.name).to_series()
        measure = storage(column, variable.type, name=variable.name)
        comment = variable.comment or (NO_DATA if _empty(dataset, variable.name) and dataset.held.height else "")
        item = odm.ItemDef(**self._storage(oid("IT", dataset.name, variable.name), variable.name, measure))
        if comment:
            item.CommentOID = self.comment(comment, f"{dataset.name}.{variable.name}")
        item.Description = description(variable.label)
        list_oid = self._list(distinct, variable, measure, column, narrowed=bool(levels))
        if list_oid:
            item.CodeListRef = odm.CodeListRef(CodeListOID=list_oid)
        item.Origin = [_origin(variable.origin, variable.source, variable.predecessor)]
        if levels:
            item.ValueListRef = odm.ValueListRef(ValueListOID=oid("VL", dataset.name, variable.name))
        self.items.append(item)
        if levels:
            self._value_list(distinct, variable, levels)

    def _united(self, distinct: Distinct, name: str, *columns: str) -> pl.DataFrame:
        """What values a variable has, with another's: in the dataset, or in all datasets for a shared one."""
        shared = self.shared.get(name)
        return distinct.of(*columns) if shared is None else shared.select(columns)

    def _storage(self, identifier: str, name: str, measure: Storage) -> dict[str, Any]:
        return {
            "OID": identifier,
            "Name": name,
            "DataType": measure.data_type,
            **({"Length": measure.length} if measure.length is not None else {}),
            **({"SignificantDigits": measure.decimals} if measure.decimals is not None else {}),
            "SASFieldName": name,
            **({"DisplayFormat": measure.display} if measure.display else {}),
        }

    def _list(
        self, distinct: Distinct, variable: Variable, measure: Storage, values: pl.Series, *, narrowed: bool
    ) -> str | None:
        """The variable's own list; none where value-level metadata narrow a variable that also holds other values."""
        if measure.data_type not in ("text", "integer", "float"):
            return None
        dataset, name = distinct.dataset, variable.name
        column = values.drop_nulls().unique()
        known = self.lists.find(variable.codelist)
        if narrowed and (known is None or not set(column.cast(pl.String)) <= {t.value for t in known.terms}):
            return None
        there = self.shared[name].columns if name in self.shared else dataset.held.columns
        decode = decode_variable(name, frozenset(there))
        decodes = _decodes(self._united(distinct, name, name, decode), name, decode) if decode else None
        place = (variable.name,) if variable.name in self.shared else (dataset.name, variable.name)
        data_type = "integer" if variable.type == "date" else measure.data_type
        return self.lists.refer(variable.codelist, place, variable.label, sorted(column), data_type, decodes)

    def _value_list(self, distinct: Distinct, variable: Variable, levels: tuple[ValueLevel, ...]) -> None:
        dataset = distinct.dataset
        refs = []
        for number, level in enumerate(levels, 1):
            tail = "_".join(v for _, _, values in level.where for v in values)[:60]
            item_oid = oid("IT", dataset.name, variable.name, tail)
            if item_oid in self._taken:
                item_oid = f"{item_oid}.{number}"
            self._taken.add(item_oid)
            values = values_of(distinct, level)
            measure = storage(values, level.type, name=variable.name, measured=True)
            item = odm.ItemDef(**self._storage(item_oid, variable.name, measure))
            if level.comment:
                item.CommentOID = self.comment(level.comment, item_oid.removeprefix("IT."))
            item.Description = description(level.label or variable.label)
            codelist = level.codelist or (variable.codelist if measure.data_type == "text" else None)
            place = (dataset.name, variable.name, tail)
            if codelist and measure.data_type in ("text", "integer", "float"):
                found = self.lists.refer(codelist, place, level.label, sorted(values.unique()), measure.data_type)
                if found:
                    item.CodeListRef = odm.CodeListRef(CodeListOID=found)
            item.Origin = [_origin(level.origin, level.source, variable.predecessor)]
            self.items.append(item)
            method = self.method(dataset.name, f"{variable.name}.{tail}", level.origin, level.method or variable.method)
            where = odm.WhereClauseRef(WhereClauseOID=self._where(dataset, level))
            reference = odm.ItemRef(
                ItemOID=item_oid, OrderNumber=number, Mandatory="No", **({"MethodOID": method} if method else {})
            )
            reference.WhereClauseRef = [where]
            refs.append(reference)
        value_list = odm.ValueListDef(OID=oid("VL", dataset.name, variable.name))
        value_list.ItemRef = refs
        self.value_lists.append(value_list)

    def _where(self, dataset: Dataset, level: ValueLevel) -> str:
        words = [
            x
            for name, comparator, values in level.where
            for x in (name, *([] if comparator == "EQ" else [comparator]), *values)
        ]
        identifier = oid("WC", dataset.name, *words)
        if identifier not in self.where_clauses:
            checks = []
            for name, comparator, values in level.where:
                check = odm.RangeCheck(Comparator=comparator, SoftHard="Soft", ItemOID=oid("IT", dataset.name, name))
                check.CheckValue = [odm.CheckValue(_content=v) for v in values]
                checks.append(check)
            clause = odm.WhereClauseDef(OID=identifier)
            clause.RangeCheck = checks
            self.where_clauses[identifier] = clause
        return identifier

    def method(self, dataset: str, name: str, origin: str, text: str) -> str | None:
        """OID of the method of a derived item; equal texts are one method. None for what is not derived."""
        if origin != "Derived":
            return None
        words = text or general_method(name)
        if not words:
            return None
        key = (words, "Computation")
        if key not in self._method_oids:
            identifier = oid("MT", dataset, name)
            self._method_oids[key] = identifier
            method = odm.MethodDef(OID=identifier, Name=f"Algorithm to derive {dataset}.{name}", Type="Computation")
            method.Description = description(words)
            self.methods[identifier] = method
        return self._method_oids[key]

    def comment(self, text: str, place: str) -> str:
        """OID of a comment; equal texts are one comment."""
        if text not in self._comment_oids:
            identifier = "COM.NO_DATA" if text == NO_DATA else oid("COM", place)
            self._comment_oids[text] = identifier
            comment = odm.CommentDef(OID=identifier)
            comment.Description = description(text)
            self.comments[identifier] = comment
        return self._comment_oids[text]


def shared_values(datasets: Sequence[Dataset]) -> dict[str, pl.DataFrame]:
    """EPOCH, and VISITNUM with VISIT, of all datasets that have them."""
    found = {}
    for name, decode in (("EPOCH", None), ("VISITNUM", "VISIT")):
        columns = [name, *([decode] if decode else [])]
        frames = [
            piece.unique(maintain_order=True)
            for d in datasets
            if set(columns) <= set(d.held.columns)
            for piece in pieces(d.held, columns)
        ]
        if frames:
            found[name] = pl.concat(frames, how="vertical_relaxed").unique(maintain_order=True)
    return found


def description(text: str) -> Any:
    """A Description with one English text."""
    return odm.Description(TranslatedText=[odm.TranslatedText(lang="en", _content=text)])


def _origin(kind: str, source: str, predecessor: str | None) -> Any:
    """Predecessors name the variable they copy; only collected, derived and assigned values have a source."""
    if kind == "Predecessor":
        origin = odm.Origin(Type=kind)
        if predecessor:
            origin.Description = description(predecessor)
        return origin
    sourced = kind in ("Collected", "Derived", "Assigned", "Protocol") and source
    return odm.Origin(Type=kind, **({"Source": "Sponsor" if kind == "Protocol" else source} if sourced else {}))


def _empty(dataset: Dataset, name: str) -> bool:
    return all(piece.to_series().null_count() == piece.height for piece in pieces(dataset.held, [name]))


def _decodes(frame: pl.DataFrame, code: str, decode: str) -> dict[str, str]:
    """Code -> decode as the data pair them, the first in sorted order where several do."""
    pairs = frame.select(code, decode).drop_nulls().unique().sort(code, decode, descending=[False, True])
    texts = pairs.with_columns(pl.col(code).cast(pl.String).str.replace(r"\.0$", ""), pl.col(decode).cast(pl.String))
    return dict(texts.iter_rows())
