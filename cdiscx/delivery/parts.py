"""The datasets of one standard as a folder: files, define.xml, lineage, manifest."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from cdiscx import flow
from cdiscx.delivery.order import Order
from cdiscx.model.dataset import Codelist, Dataset
from cdiscx.model.errors import ExportError
from cdiscx.model.finding import Finding, Report
from cdiscx.model.mapping_file import mapping_files
from cdiscx.model.spec_file import bundled, study_files
from cdiscx.model.table import StudyData, UploadFile

ENDPOINTS = "endpoints.json"
PAGE = "endpoints.html"
FINDINGS = "export-findings.jsonl"


@dataclass(frozen=True, slots=True)
class Part:
    """The datasets of one standard with their code lists and the lineage of every value."""

    name: str
    datasets: Mapping[str, Dataset]
    codelists: Mapping[str, Codelist]
    lines: pl.DataFrame
    notes: tuple[str, ...]


def sdtm_part(data: StudyData) -> Part:
    from cdiscx.export.lineage import lineage

    return Part("sdtm", data.sdtm, data.results["mapped"].codelists, lineage(data.sdtm, data), _conventions(data))


def adam_part(data: StudyData) -> Part:
    from cdiscx.adam import conventions
    from cdiscx.export.lineage import lineage_adam

    mapped = data.results.get("mapped")
    lines = lineage_adam(data.adam, data.results["sdtm_frames"])
    lists = mapped.codelists if mapped else {}
    assert data.run is not None, "to_adam() has the run"
    return Part("adam", data.adam, lists, lines, conventions(data.study, data.run.cutoff))


def gated(
    parts: Sequence[Part], data: StudyData, report: Report | None, order: Order
) -> tuple[Any, tuple[Finding, ...]]:
    from cdiscx.export.gate import gate
    from cdiscx.export.limits import limits

    order.progress("checking limits")
    found: list[Finding] = []
    for part in parts if "xpt" in order.formats else ():
        found += limits(part.datasets, lineage=part.lines, study=data.study.studyid)
    return gate(report, found, despite=order.despite), tuple(found)


def write_part(part: Part, folder: Path, data: StudyData, order: Order, decision: Any) -> None:
    """Datasets, define.xml, lineage, and (SDTM) the columns of the uploads that went nowhere."""
    from cdiscx.export import write
    from cdiscx.export.define_xml import StudyFacts, write_define
    from cdiscx.export.forms import plain_form, xpt_form
    from cdiscx.export.lineage import write_lineage

    order.progress(f"writing {part.name} datasets")
    stamp, study = _stamp(data), data.study
    version = flow.package_version()
    write(part.datasets, folder, order.formats, stamp=stamp, study=study.studyid, version=version, lossy=decision.lossy)
    facts = StudyFacts(study.studyid, study.title, study.studyid, part.notes)
    order.progress("writing define.xml")
    form = xpt_form if order.formats[0] == "xpt" else plain_form
    shown = [form(dataset, lossy=decision.lossy) for dataset in part.datasets.values()]
    write_define(shown, part.codelists, facts, folder / "define.xml", stamp=stamp, suffix=order.formats[0])
    write_lineage(part.lines, folder)
    if part.name == "sdtm":
        data.results["mapped"].unused.write_csv(folder / "unused-columns.tsv", separator="\t")


def _conventions(data: StudyData) -> tuple[str, ...]:
    """What define.xml of SDTM says for all datasets."""
    return (f"Data cut-off {data.run.cutoff.isoformat()}.",) if data.run else ()


def _stamp(data: StudyData) -> dt.datetime:
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch.isdigit():
        return dt.datetime.fromtimestamp(int(epoch), dt.UTC).replace(tzinfo=None)
    if data.run is None:
        raise ExportError("the data have no cut-off: call flow.prepare first")
    return dt.datetime.combine(data.run.cutoff, dt.time())


def write_endpoints(folder: Path, data: StudyData, lang: str = "en") -> None:
    """endpoints.json, and the page of it in a language."""
    from cdiscx.report.endpoints import endpoint_page

    told = data.results["endpoints"]
    text = json.dumps(told, ensure_ascii=False, indent=1, default=str) + "\n"
    (folder / ENDPOINTS).write_text(text, encoding="utf-8", newline="\n")
    frames = {name: d.public for name, d in data.adam.items()}
    page = endpoint_page(data.study, told, frames, version=flow.package_version(), lang=lang)
    (folder / PAGE).write_text(page, encoding="utf-8", newline="\n")


def folder_manifest(
    folder: Path,
    data: StudyData,
    report: Report | None,
    inputs: Sequence[UploadFile | Path],
    order: Order,
    decision: Any,
    losses: Sequence[Finding],
) -> str:
    """Text of the manifest of a folder, after export-findings.jsonl (what transport files spell otherwise) is in it."""
    from cdiscx.export.manifest import manifest

    if losses:
        lines = [json.dumps(f.to_dict(), ensure_ascii=False, default=str) for f in losses]
        (folder / FINDINGS).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    run = report.run if report else flow.run_facts(data)
    used = [p for paths in mapping_files(data.study, order.mappings).values() for p in paths] if data.sdtm else []
    unused = data.results["mapped"].unused.to_dicts() if "mapped" in data.results else []
    more = {
        "formats": list(order.formats),
        "notes": list(notes_of(data)),
        "not_derived": data.results.get("absent", {}),
        "unused_columns": unused,
    }
    told = manifest(folder, run=run, gate=decision, inputs=inputs, specs=_specs(order.study), mappings=used, more=more)
    return json.dumps(told, ensure_ascii=False, indent=1, default=str) + "\n"


def _specs(name: str) -> list[Path]:
    """The files of the study; none where a program made the study of a file that it does not name here."""
    return study_files(name) if name.lower() in map(str.lower, bundled()) or Path(name).is_file() else []


def _before_everything(data: StudyData) -> tuple[str, ...]:
    """A cut-off before the first consent is a slip of the pen more often than a wish: nothing enters a derivation."""
    frame = data.sdtm["DM"].frame if "DM" in data.sdtm else data.results.get("sdtm_frames", {}).get("DM")
    if frame is None or data.run is None or "RFICDTC" not in frame.columns:
        return ()
    first = frame["RFICDTC"].cast(pl.String).drop_nulls().min()
    cutoff = data.run.cutoff.isoformat()
    if not isinstance(first, str) or cutoff >= first:
        return ()
    return (f"the cut-off {cutoff} is before the first informed consent ({first}): no subject enters a derivation",)


def notes_of(data: StudyData, losses: Sequence[Finding] = ()) -> tuple[str, ...]:
    mapped = data.results.get("mapped")
    absent = data.results.get("absent", {})
    said = [f"{len(losses)} texts are spelled otherwise in transport files; {FINDINGS} names them"] if losses else []
    return (
        *_before_everything(data),
        *(mapped.notes if mapped else ()),
        *(f"{name} was not derived: {why}" for name, why in absent.items()),
        *said,
    )
