"""The datasets of one standard as a folder: files, define.xml, lineage, manifest."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from cdiscx import flow
from cdiscx.delivery.order import Order
from cdiscx.model.dataset import Codelist, Dataset
from cdiscx.model.errors import ExportError
from cdiscx.model.finding import Finding, Report
from cdiscx.model.kept import selected
from cdiscx.model.mapping_file import mapping_files
from cdiscx.model.spec_file import bundled, study_files
from cdiscx.model.table import StudyData, UploadFile

if TYPE_CHECKING:
    from cdiscx.export.lineage import Lines, Trace

ENDPOINTS = "endpoints.json"
PAGE = "endpoints.html"
FINDINGS = "export-findings.jsonl"


@dataclass(frozen=True, slots=True)
class Part:
    """The datasets of one standard with their code lists and the lineage of every value."""

    name: str
    datasets: Mapping[str, Dataset]
    codelists: Mapping[str, Codelist]
    trace: Trace
    notes: tuple[str, ...]


def sdtm_part(data: StudyData) -> Part:
    from cdiscx.export.lineage import of_sdtm

    return Part("sdtm", data.sdtm, data.results["mapped"].codelists, of_sdtm(data.sdtm, data), _conventions(data))


def adam_part(data: StudyData) -> Part:
    from cdiscx.adam import conventions
    from cdiscx.export.lineage import of_adam

    mapped = data.results.get("mapped")
    trace = of_adam(data.adam, data.results["sdtm_frames"])
    lists = mapped.codelists if mapped else {}
    assert data.run is not None, "to_adam() has the run"
    return Part("adam", data.adam, lists, trace, conventions(data.study, data.run.cutoff))


def gated(
    parts: Sequence[Part], data: StudyData, report: Report | None, order: Order
) -> tuple[Any, tuple[Finding, ...]]:
    """The decision, and what transport files spell otherwise (without the cells it comes from)."""
    from cdiscx.export.gate import gate

    order.progress("checking limits")
    found = _losses(parts, data, order, {})
    return gate(report, found, despite=order.despite), found


def _losses(parts: Sequence[Part], data: StudyData, order: Order, lines: Mapping[str, Lines]) -> tuple[Finding, ...]:
    from cdiscx.export.limits import limits

    if "xpt" not in order.formats:
        return ()
    told = (limits(part.datasets, lineage=lines.get(part.name), study=data.study.studyid) for part in parts)
    return tuple(finding for each in told for finding in each)


def write_lines(
    parts: Sequence[Part], folders: Mapping[str, Path], data: StudyData, order: Order, losses: Sequence[Finding],
    also: Sequence[Trace] = (),
) -> tuple[Finding, ...]:  # fmt: skip
    """The lineage of each part into its folder, `also` behind the last; the losses again, with their cells."""
    from cdiscx.export.lineage import write_traces

    lines = {}
    for part in parts:
        order.progress(f"writing the lineage of {part.name}")
        folders[part.name].mkdir(parents=True, exist_ok=True)
        more = also if part is parts[-1] else ()
        lines[part.name] = write_traces([part.trace, *more], folders[part.name])
    return _losses(parts, data, order, lines) if losses else ()


def write_part(part: Part, folder: Path, data: StudyData, order: Order, decision: Any) -> None:
    """Datasets, define.xml, and (SDTM) the columns of the uploads that went nowhere."""
    from cdiscx.export import write
    from cdiscx.export.define_xml import StudyFacts, write_define
    from cdiscx.export.forms import plain_form, xpt_form

    order.progress(f"writing {part.name} datasets")
    stamp, study = _stamp(data), data.study
    version = flow.package_version()
    write(part.datasets, folder, order.formats, stamp=stamp, study=study.studyid, version=version, lossy=decision.lossy)
    facts = StudyFacts(study.studyid, study.title, study.studyid, part.notes)
    order.progress("writing define.xml")
    form = xpt_form if order.formats[0] == "xpt" else plain_form
    shown = [form(dataset, lossy=decision.lossy) for dataset in part.datasets.values()]
    write_define(shown, part.codelists, facts, folder / "define.xml", stamp=stamp, suffix=order.formats[0])
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
    page = endpoint_page(data.study, told, data.adam, version=flow.package_version(), lang=lang)
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
    held = data.sdtm["DM"].held if "DM" in data.sdtm else data.results.get("sdtm_frames", {}).get("DM")
    if held is None or data.run is None or "RFICDTC" not in held.columns:
        return ()
    first = selected(held, ["RFICDTC"]).to_series().cast(pl.String).drop_nulls().min()
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
