"""The one door to Define-XML 2.1: datasets and code lists in, a valid `define.xml` with stylesheet and page out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import odmlib.define_2_1.model as odm
from lxml import etree
from odmlib.schema_manager import get_schema_path

from cdiscx.export.define_codelists import Lists
from cdiscx.export.define_items import Items, shared_values
from cdiscx.export.define_words import general_method, is_analysis, oid
from cdiscx.model.dataset import Codelist, Dataset
from cdiscx.model.errors import ExportError
from cdiscx.model.finding import Finding, Severity

STYLESHEET: Final = "define2-1.xsl"
DEFINE_VERSION: Final = "2.1.7"
_DEF: Final = "{http://www.cdisc.org/ns/def/v2.1}"
_NAMESPACES: Final[Mapping[str, str]] = {
    "xmlns": "http://www.cdisc.org/ns/odm/v1.3",
    "xmlns:def": "http://www.cdisc.org/ns/def/v2.1",
    "xmlns:xlink": "http://www.w3.org/1999/xlink",
}


@dataclass(frozen=True, slots=True)
class Document:
    """A file that define.xml links: `annotated` for an annotated CRF, else a supplemental document."""

    href: str
    title: str
    annotated: bool = False


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """What define.xml says of the study itself. `notes`: conventions that hold for all datasets (cut-off, imputation, windows)."""

    studyid: str
    title: str
    protocol: str = ""
    notes: tuple[str, ...] = ()
    documents: tuple[Document, ...] = ()


def write_define(
    datasets: Sequence[Dataset],
    codelists: Mapping[str, Codelist],
    study: StudyFacts,
    path: Path,
    *,
    stamp: datetime,
    suffix: str = "xpt",
    page: bool = True,
) -> Path:
    """Writes `path` (define.xml), the stylesheet beside it and, with `page`, the same as `define.html`.

    Validated against the XSD and for references without a target before anything is written; the same input gives the
    same bytes. `suffix`: ending of the data files that the leafs link. Browsers do not apply stylesheets to local files,
    therefore the page. Raises ExportError.
    """
    content = define_bytes(datasets, codelists, study, stamp=stamp, suffix=suffix)
    problems = [*schema_problems(content), *dangling(content)]
    if problems:
        raise ExportError(f"{path.name} would not be valid Define-XML 2.1: " + "; ".join(problems[:10]))
    sheet = files("cdiscx.export").joinpath("data", STYLESHEET).read_bytes()
    path.write_bytes(content)
    path.with_name(STYLESHEET).write_bytes(sheet)
    if page:
        path.with_suffix(".html").write_bytes(define_page(content))
    return path


def define_bytes(
    datasets: Sequence[Dataset],
    codelists: Mapping[str, Codelist],
    study: StudyFacts,
    *,
    stamp: datetime,
    suffix: str = "xpt",
) -> bytes:
    """The document as indented UTF-8 text with its stylesheet instruction; not yet validated."""
    if not datasets:
        raise ExportError("define.xml needs at least one dataset")
    guides, packages = _standards(datasets, codelists)
    lists = Lists(codelists, packages)
    items = Items(lists, guides, suffix, shared_values(datasets))
    for dataset in datasets:
        items.add(dataset)
    tree = _document(datasets, study, items, stamp).to_xml()
    for name, uri in _NAMESPACES.items():
        tree.set(name, uri)
    try:
        root = etree.fromstring(ElementTree.tostring(tree, encoding="unicode"))
    except etree.XMLSyntaxError as error:
        raise ExportError(f"define.xml cannot hold a text of the data (a control character?): {error}") from error
    etree.indent(root, space="  ")
    instruction = f'<?xml version="1.0" encoding="UTF-8"?>\n<?xml-stylesheet type="text/xsl" href="{STYLESHEET}"?>\n'
    text: str = etree.tostring(root, encoding="unicode")
    return f"{instruction}{text}\n".encode()


def _standards(
    datasets: Sequence[Dataset], codelists: Mapping[str, Codelist]
) -> tuple[dict[str, str], dict[tuple[str, str], str]]:
    """Guide of the datasets -> OID, and (publishing set, version) of the code lists that they use -> OID."""
    guides = {d.standard: oid("STD", *d.standard.split()) for d in datasets}
    used = {v.codelist for d in datasets for v in d.variables} | {v.codelist for d in datasets for v in d.values}
    lists = Lists(codelists, {})
    packages = sorted({c.package for i in used if (c := lists.find(i)) and c.package and c.terms})
    return guides, {p: oid("STD", "CT", *p) for p in packages}


def _document(datasets: Sequence[Dataset], study: StudyFacts, items: Items, stamp: datetime) -> Any:
    kind = "ADaM" if is_analysis(datasets[0].standard) else "SDTM"
    names = odm.GlobalVariables()
    names.StudyName = odm.StudyName(_content=study.studyid)
    names.StudyDescription = odm.StudyDescription(_content=study.title)
    names.ProtocolName = odm.ProtocolName(_content=study.protocol or study.studyid)
    meta = odm.MetaDataVersion(
        OID=oid("MDV", study.studyid, kind),
        Name=f"Study {study.studyid}, {kind} Data Definitions",
        Description=f"Data definitions for {kind} datasets of study {study.studyid}",
        DefineVersion=DEFINE_VERSION,
        **({"CommentOID": items.comment("\n".join(study.notes), "STUDY")} if study.notes else {}),
    )
    meta.Standards = _standard_elements(items)
    _link_documents(meta, study)
    meta.ValueListDef = items.value_lists
    meta.WhereClauseDef = list(items.where_clauses.values())
    meta.ItemGroupDef = items.groups
    meta.ItemDef = items.items
    meta.CodeList = [items.lists.elements[key] for key in sorted(items.lists.elements)]
    meta.MethodDef = list(items.methods.values())
    meta.CommentDef = list(items.comments.values())
    root = odm.ODM(
        FileType="Snapshot",
        FileOID=oid("DEFINE", study.studyid, kind),
        CreationDateTime=stamp.replace(microsecond=0).isoformat(),
        ODMVersion="1.3.2",
        Originator="cdiscx",
        SourceSystem="cdiscx",
        SourceSystemVersion=version("cdiscx"),
        Context="Submission",
    )
    root.Study = odm.Study(OID=oid("ST", study.studyid))
    root.Study.GlobalVariables = names
    root.Study.MetaDataVersion = meta
    return root


def _standard_elements(items: Items) -> Any:
    found = []
    for standard, identifier in items.standard_oids.items():
        name, _, number = standard.partition(" ")
        found.append(odm.Standard(OID=identifier, Name=name, Type="IG", Version=number, Status="Final"))
    for (publishing, number), identifier in items.lists.standard_oids.items():
        found.append(
            odm.Standard(
                OID=identifier, Name="CDISC/NCI", Type="CT", PublishingSet=publishing, Version=number, Status="Final"
            )
        )
    standards = odm.Standards()
    standards.Standard = found
    return standards


def _link_documents(meta: Any, study: StudyFacts) -> None:
    leaves = [(d, f"LF.DOC{number}") for number, d in enumerate(study.documents, 1)]
    meta.leaf = [odm.leaf(ID=i, href=d.href, title=odm.title(_content=d.title)) for d, i in leaves]
    for document, identifier in leaves:
        if document.annotated:
            meta.AnnotatedCRF = odm.AnnotatedCRF(DocumentRef=odm.DocumentRef(leafID=identifier))
    others = [odm.DocumentRef(leafID=i) for d, i in leaves if not d.annotated]
    if others:
        meta.SupplementalDoc = odm.SupplementalDoc(DocumentRef=others)


@cache
def _schema() -> Any:
    return etree.XMLSchema(etree.parse(get_schema_path("define", "2.1")))


def schema_problems(content: bytes) -> list[str]:
    """`line 12: …` for every violation of the Define-XML 2.1 XSD; empty when valid."""
    schema = _schema()
    tree = etree.fromstring(content).getroottree()
    return [] if schema.validate(tree) else [f"line {e.line}: {e.message}" for e in schema.error_log]


def dangling(content: bytes) -> list[str]:
    """References whose target is not in the document; empty when all resolve."""
    root = etree.fromstring(content)
    targets = {e.get(name) for e in root.iter() for name in ("OID", "ID") if e.get(name)}
    return [
        f"{reference} is referred to but not defined" for reference in _references(root) if reference not in targets
    ]


def _references(root: Any) -> Iterator[str]:
    names = ("ItemOID", "MethodOID", "CodeListOID", "ValueListOID", "WhereClauseOID", "leafID")
    prefixed = ("ItemOID", "CommentOID", "StandardOID", "ArchiveLocationID")
    for element in root.iter(etree.Element):
        for name in (*names, *(_DEF + p for p in prefixed)):
            value = element.get(name)
            if value:
                yield value


def define_page(content: bytes) -> bytes:
    """The document as one HTML page, made by the stylesheet."""
    sheet = etree.XSLT(etree.fromstring(files("cdiscx.export").joinpath("data", STYLESHEET).read_bytes()))
    page: bytes = etree.tostring(sheet(etree.fromstring(content)), method="html", encoding="utf-8")
    return page + b"\n"


def define_findings(datasets: Sequence[Dataset], codelists: Mapping[str, Codelist]) -> list[Finding]:
    """What define.xml cannot say well: derived variables without a method, labels, values outside closed lists."""
    found: list[Finding] = []
    guides, packages = _standards(datasets, codelists)
    items = Items(Lists(codelists, packages), guides, "xpt")
    for dataset in datasets:
        items.add(dataset)
        for v in dataset.variables:
            if v.origin == "Derived" and not (v.method or general_method(v.name)):
                found.append(_finding("DEF-001", dataset.name, v.name, f"{v.name} is derived but no method is given"))
            if v.origin == "Predecessor" and not v.predecessor:
                found.append(_finding("DEF-002", dataset.name, v.name, f"{v.name} copies a variable that is not named"))
            if not v.label or len(v.label) > 40:
                found.append(
                    _finding(
                        "DEF-003", dataset.name, v.name, f"the label of {v.name} is empty or longer than 40 characters"
                    )
                )
            if v.codelist and items.lists.find(v.codelist) is None:
                found.append(
                    _finding("DEF-005", dataset.name, v.name, f"code list {v.codelist} of {v.name} is not known")
                )
    for codelist, place, value in dict.fromkeys(items.lists.strangers):
        name, _, variable = place.partition(".")
        said = f"'{value}' is not in the closed code list {codelist} of {variable}"
        found.append(_finding("DEF-004", name, variable, said, value, Severity.ERROR))
    return found


def _finding(
    check: str,
    dataset: str,
    variable: str,
    message: str,
    value: str | None = None,
    severity: Severity = Severity.WARNING,
) -> Finding:
    return Finding(check, "DEF", severity, message, file=dataset, sheet=dataset, column=variable, value=value)
