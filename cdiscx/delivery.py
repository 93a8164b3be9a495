"""What a submission team asks for: uploads or SDTM in, a folder of datasets, define.xml, lineage and manifest out."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from cdiscx import flow
from cdiscx.model.dataset import Codelist, Dataset
from cdiscx.model.errors import ExportError, UsageError
from cdiscx.model.finding import Finding, Report
from cdiscx.model.folder import whole_folder, write_whole
from cdiscx.model.mapping_file import mapping_files
from cdiscx.model.spec import Study
from cdiscx.model.spec_file import bundled, study_files
from cdiscx.model.table import StudyData, UploadFile

FORMATS = ("xpt",)
ENDPOINTS = "endpoints.json"
PAGE = "endpoints.html"
FINDINGS = "export-findings.jsonl"


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted: study file as named, formats, where own mappings lie, why open errors do not stop it.

    `stamp` of the files is the data cut-off, or SOURCE_DATE_EPOCH where that is set: the same input makes the same bytes.
    """

    study: str
    formats: tuple[str, ...] = FORMATS
    cutoff: dt.date | None = None
    mappings: Path | None = None
    despite: str | None = None
    progress: flow.Progress = field(default=flow._quiet)


@dataclass(frozen=True, slots=True)
class Delivered:
    """What was made: the folder, its files, and sentences for the person who asked."""

    folder: Path
    files: tuple[Path, ...]
    notes: tuple[str, ...]


def deliver_sdtm(uploads: Sequence[str | Path], order: Order, folder: Path) -> Delivered:
    """Uploads -> `folder/sdtm`: datasets, define.xml, lineage.parquet, unused-columns.tsv; manifest-sdtm.json beside. Raises ExportError."""
    _refuse_early(order, folder / "sdtm")
    files, data, report = _from_uploads(uploads, order, expectations=False)
    return _alone(folder / "sdtm", order, data, report, files, _sdtm_part(data))


def deliver_adam(uploads: Sequence[str | Path], sdtm: Path | None, order: Order, folder: Path) -> Delivered:
    """Uploads, or a folder of anybody's SDTM datasets -> `folder/adam`, with the same files. Raises ExportError."""
    if (sdtm is None) == (not uploads):
        raise UsageError("name uploads, or a folder of SDTM datasets with --sdtm, one of the two")
    _refuse_early(order, folder / "adam")
    if sdtm is None:
        files, data, report = _from_uploads(uploads, order, expectations=False)
        data = flow.to_adam(data, progress=order.progress)
        return _alone(folder / "adam", order, data, report, files, _adam_part(data))
    from cdiscx.read.datasets import dataset_files, read_datasets

    order.progress("reading SDTM")
    frames = read_datasets(sdtm)
    data = flow.to_adam(frames, Study.load(order.study), cutoff=order.cutoff, progress=order.progress)
    return _alone(folder / "adam", order, data, None, tuple(dataset_files(sdtm)), _adam_part(data))


def deliver_all(uploads: Sequence[str | Path], order: Order, folder: Path) -> Delivered:
    """Uploads -> `folder` with report/, sdtm/, adam/, endpoints.json, endpoints.html and manifest.json. Raises ExportError."""
    _refuse_early(order, folder)
    files, data, report = _from_uploads(uploads, order, expectations=True)
    data = flow.analyse(flow.to_adam(data, progress=order.progress), report, progress=order.progress)
    return write_all(data, report, files, order, folder)


def _refuse_early(order: Order, folder: Path) -> None:
    """What is wrong with the call itself is said before the first upload is read. Raises UsageError, ExportError."""
    from cdiscx.export.files import known_formats
    from cdiscx.export.gate import reason_given
    from cdiscx.export.manifest import EXPORT
    from cdiscx.model.folder import refuse_foreign

    known_formats(order.formats)
    reason_given(order.despite)
    refuse_foreign(folder.resolve(), folder, EXPORT)


def export(
    data: StudyData,
    folder: str | Path,
    *,
    report: Report | None = None,
    formats: Sequence[str] = FORMATS,
    despite: str | None = None,
) -> list[Path]:
    """Data of `tidy`, `to_sdtm`, `to_adam` or `analyse` -> a folder with everything (see `deliver_all`); its files.

    What is still to be made is made. `report`: of `validate`, run here when not given; open errors stop the export with
    ExportError unless `despite` says why. `formats`: of `cdiscx list formats`.
    """
    said = report or flow.validate(data)
    if not data.upload.files:
        raise UsageError("export starts from uploads; write datasets that were made of frames with cdiscx adam --sdtm")
    ready = data if "endpoints" in data.results else flow.analyse(flow.to_adam(data) if not data.adam else data, said)
    order = Order(study=ready.study.id, formats=tuple(formats), despite=despite)
    return list(write_all(ready, said, ready.upload.files, order, Path(folder)).files)


def write_all(data: StudyData, report: Report, files: Sequence[UploadFile], order: Order, folder: Path) -> Delivered:
    """Analysed data and the report on it -> the folder of `deliver_all`."""
    from cdiscx.export.manifest import EXPORT

    parts = [_sdtm_part(data), _adam_part(data)]
    decision, losses = _gated(parts, data, report, order)
    with whole_folder(folder, EXPORT) as made:
        order.progress("writing reports")
        flow.write_reports(report, files, made / "report", data.study)
        for part in parts:
            _write_part(part, made / part.name, data, order, decision)
        order.progress("writing the endpoint page")
        _write_endpoints(made, data)
        told = _manifest(made, data, report, files, order, decision, losses)
        (made / "manifest.json").write_text(told, encoding="utf-8", newline="\n")
        names = [p.relative_to(made) for p in sorted(made.rglob("*")) if p.is_file()]
    return Delivered(folder, tuple(folder / n for n in names), _notes(data, losses))


@dataclass(frozen=True, slots=True)
class _Part:
    """The datasets of one standard with their code lists and the lineage of every value."""

    name: str
    datasets: Mapping[str, Dataset]
    codelists: Mapping[str, Codelist]
    lines: pl.DataFrame
    notes: tuple[str, ...]


def _sdtm_part(data: StudyData) -> _Part:
    from cdiscx.export.lineage import lineage

    return _Part("sdtm", data.sdtm, data.results["mapped"].codelists, lineage(data.sdtm, data), _conventions(data))


def _adam_part(data: StudyData) -> _Part:
    from cdiscx.adam import conventions
    from cdiscx.export.lineage import lineage_adam

    mapped = data.results.get("mapped")
    lines = lineage_adam(data.adam, data.results["sdtm_frames"])
    lists = mapped.codelists if mapped else {}
    assert data.run is not None, "to_adam() has the run"
    return _Part("adam", data.adam, lists, lines, conventions(data.study, data.run.cutoff))


def _from_uploads(
    uploads: Sequence[str | Path], order: Order, *, expectations: bool
) -> tuple[tuple[UploadFile, ...], StudyData, Report]:
    study = Study.load(order.study)
    files = flow.read(*uploads, progress=order.progress)
    tidied = flow.tidy(study, files, progress=order.progress)
    report = flow.validate(tidied, cutoff=order.cutoff, expectations=expectations, progress=order.progress)
    data = flow.to_sdtm(tidied, cutoff=order.cutoff, mappings=order.mappings, progress=order.progress)
    return files, data, report


def _alone(
    folder: Path,
    order: Order,
    data: StudyData,
    report: Report | None,
    inputs: Sequence[UploadFile | Path],
    part: _Part,
) -> Delivered:
    """One kind of datasets in a folder of its own; ADaM brings the lineage of the SDTM that it was made of along."""
    from cdiscx.export.lineage import lineage
    from cdiscx.export.manifest import EXPORT

    decision, losses = _gated([part], data, report, order)
    if part.name == "adam" and data.sdtm:
        part = replace(part, lines=pl.concat([part.lines, lineage(data.sdtm, data)]))
    with whole_folder(folder, EXPORT) as made:
        _write_part(part, made, data, order, decision)
        told = _manifest(made, data, report, inputs, order, decision, losses)
        names = [p.relative_to(made) for p in sorted(made.rglob("*")) if p.is_file()]
        # beside the folder: whoever reads every .json in it takes it for a folder of datasets and nothing else;
        # the earlier one goes first, so that no manifest ever stands beside datasets that it does not speak of
        beside = folder.with_name(f"manifest-{part.name}.json")
        beside.unlink(missing_ok=True)
    write_whole(beside, told)
    return Delivered(folder, (*(folder / n for n in names), beside), _notes(data, losses))


def _gated(
    parts: Sequence[_Part], data: StudyData, report: Report | None, order: Order
) -> tuple[Any, tuple[Finding, ...]]:
    from cdiscx.export.gate import gate
    from cdiscx.export.limits import limits

    order.progress("checking limits")
    found: list[Finding] = []
    for part in parts if "xpt" in order.formats else ():
        found += limits(part.datasets, lineage=part.lines, study=data.study.studyid)
    return gate(report, found, despite=order.despite), tuple(found)


def _write_part(part: _Part, folder: Path, data: StudyData, order: Order, decision: Any) -> None:
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


def _write_endpoints(folder: Path, data: StudyData) -> None:
    from cdiscx.report.endpoints import endpoint_page

    told = data.results["endpoints"]
    text = json.dumps(told, ensure_ascii=False, indent=1, default=str) + "\n"
    (folder / ENDPOINTS).write_text(text, encoding="utf-8", newline="\n")
    frames = {name: d.public for name, d in data.adam.items()}
    page = endpoint_page(data.study, told, frames, version=flow.package_version())
    (folder / PAGE).write_text(page, encoding="utf-8", newline="\n")


def _manifest(
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
        "notes": list(_notes(data)),
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


def _notes(data: StudyData, losses: Sequence[Finding] = ()) -> tuple[str, ...]:
    mapped = data.results.get("mapped")
    absent = data.results.get("absent", {})
    said = [f"{len(losses)} texts are spelled otherwise in transport files; {FINDINGS} names them"] if losses else []
    return (
        *_before_everything(data),
        *(mapped.notes if mapped else ()),
        *(f"{name} was not derived: {why}" for name, why in absent.items()),
        *said,
    )


def conform(
    folder: Path, study: str | None = None, *, progress: flow.Progress = flow._quiet
) -> tuple[Report, tuple[Any, ...]]:
    """Finished SDTM or ADaM datasets of a folder -> the report of the project's own rules, and what each referee says.

    What define.xml declares (keys, code lists) is read where it lies beside them; ADaM is compared with the SDTM of a
    sibling folder `sdtm`. Raises UploadError for what is no folder of datasets.
    """
    from cdiscx.conform import conformance, referees
    from cdiscx.export.define_read import declared
    from cdiscx.read.datasets import read_datasets

    progress("reading datasets")
    frames = read_datasets(folder)
    define = folder / "define.xml"
    told = declared(define) if define.is_file() else None
    beside = folder.parent / "sdtm"
    source = read_datasets(beside) if folder.name != "sdtm" and beside.is_dir() else None
    progress("checking conformance")
    report = conformance(
        frames,
        Study.load(study) if study else None,
        codelists=told.codelists if told else None,
        keys=told.keys if told else None,
        source=source,
    )
    progress("asking the referees")
    analysis = report.run["standard"] == "ADaM"
    return report, referees(folder, frames, analysis=analysis, define=define if told else None)


def demo(folder: Path, progress: flow.Progress = flow._quiet) -> list[str]:
    """Sample uploads of both studies: the clean ones exported, those with planted defects reported; lines that say so."""
    from cdiscx.samples import write_demo

    try:
        made = write_demo(folder)
    except OSError as error:
        raise ExportError(f"the samples cannot be written to {folder}: {error.strerror or error}") from error
    lines = []
    for name, paths in made.clean.items():
        delivered = deliver_all(paths, Order(name, progress=progress), folder / name / "export")
        datasets = sorted(p.stem.upper() for p in delivered.files if p.suffix == ".xpt")
        counts = _said(json.loads((delivered.folder / "report" / "report.json").read_text("utf-8"))["summary"])
        lines.append(
            f"{name} clean: {len(paths)} uploads, {counts}; {len(datasets)} datasets and the endpoints; "
            f"open {delivered.folder / PAGE}"
        )
    for name, paths in made.planted.items():
        plan = Study.load(name)
        files = flow.read(*paths, progress=progress)
        report = flow.validate(flow.tidy(plan, files, progress=progress), progress=progress)
        target = folder / name / "report-planted"
        flow.write_reports(report, files, target, plan)
        lines.append(f"{name} planted: {len(files)} uploads, {_said(report.summary())}; open {target / 'report.html'}")
    return lines


def _said(summary: Mapping[str, Any]) -> str:
    return ", ".join(f"{n} {level}{'s' if n != 1 else ''}" for level, n in summary["by_severity"].items())
