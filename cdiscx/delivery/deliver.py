"""What a submission team asks for: uploads or SDTM in, a folder of datasets, define.xml, lineage and manifest out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cdiscx import flow
from cdiscx.delivery.order import FORMATS, Delivered, Order
from cdiscx.delivery.parts import (
    Part,
    adam_part,
    folder_manifest,
    gated,
    notes_of,
    sdtm_part,
    write_endpoints,
    write_lines,
    write_part,
)
from cdiscx.model.errors import UsageError
from cdiscx.model.finding import Report
from cdiscx.model.folder import whole_folder, write_whole
from cdiscx.model.spec import Study
from cdiscx.model.table import StudyData, UploadFile


def deliver_sdtm(uploads: Sequence[str | Path], order: Order, folder: Path) -> Delivered:
    """Uploads -> `folder/sdtm`: datasets, define.xml, lineage.parquet, unused-columns.tsv; manifest-sdtm.json beside. Raises ExportError."""
    _refuse_early(order, folder / "sdtm")
    files, data, report = _from_uploads(uploads, order, expectations=False)
    return _alone(folder / "sdtm", order, data, report, files, sdtm_part(data))


def deliver_adam(uploads: Sequence[str | Path], sdtm: Path | None, order: Order, folder: Path) -> Delivered:
    """Uploads, or a folder of anybody's SDTM datasets -> `folder/adam`, with the same files. Raises ExportError."""
    if (sdtm is None) == (not uploads):
        raise UsageError("name uploads, or a folder of SDTM datasets with --sdtm, one of the two")
    _refuse_early(order, folder / "adam")
    if sdtm is None:
        files, data, report = _from_uploads(uploads, order, expectations=False)
        data = flow.to_adam(data, progress=order.progress, **order.spread)
        return _alone(folder / "adam", order, data, report, files, adam_part(data))
    from cdiscx.read.datasets import dataset_files
    from cdiscx.read.datasets_on_disk import open_datasets

    order.progress("reading SDTM")
    frames = open_datasets(sdtm, low_memory=order.low_memory, partitions=order.partitions)
    data = flow.to_adam(frames, Study.load(order.study), cutoff=order.cutoff, progress=order.progress, **order.spread)
    return _alone(folder / "adam", order, data, None, tuple(dataset_files(sdtm)), adam_part(data))


def deliver_all(uploads: Sequence[str | Path], order: Order, folder: Path) -> Delivered:
    """Uploads -> `folder` with report/, sdtm/, adam/, endpoints.json, endpoints.html and manifest.json. Raises ExportError."""
    _refuse_early(order, folder)
    files, data, report = _from_uploads(uploads, order, expectations=True)
    data = flow.analyse(flow.to_adam(data, progress=order.progress, **order.spread), report, progress=order.progress)
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

    parts = [sdtm_part(data), adam_part(data)]
    decision, losses = gated(parts, data, report, order)
    with whole_folder(folder, EXPORT) as made:
        order.progress("writing reports")
        flow.write_reports(flow.translated(report, order.lang, data.study), files, made / "report", data.study)
        losses = write_lines(parts, {p.name: made / p.name for p in parts}, data, order, losses)
        for part in parts:
            write_part(part, made / part.name, data, order, decision)
        order.progress("writing the endpoint page")
        write_endpoints(made, data, order.lang)
        told = folder_manifest(made, data, report, files, order, decision, losses)
        (made / "manifest.json").write_text(told, encoding="utf-8", newline="\n")
        names = [p.relative_to(made) for p in sorted(made.rglob("*")) if p.is_file()]
    return Delivered(folder, tuple(folder / n for n in names), notes_of(data, losses))


def _from_uploads(
    uploads: Sequence[str | Path], order: Order, *, expectations: bool
) -> tuple[tuple[UploadFile, ...], StudyData, Report]:
    study = Study.load(order.study)
    step, spread = order.progress, order.spread
    files = flow.read(*uploads, low_memory=order.low_memory, progress=step)
    tidied = flow.tidy(study, files, partitions=order.partitions, progress=step)
    report = flow.validate(tidied, cutoff=order.cutoff, expectations=expectations, progress=step, **spread)
    data = flow.to_sdtm(tidied, cutoff=order.cutoff, mappings=order.mappings, progress=step, **spread)
    return files, data, report


def _alone(
    folder: Path,
    order: Order,
    data: StudyData,
    report: Report | None,
    inputs: Sequence[UploadFile | Path],
    part: Part,
) -> Delivered:
    """One kind of datasets in a folder of its own; ADaM brings the lineage of the SDTM that it was made of along."""
    from cdiscx.export.lineage import of_sdtm
    from cdiscx.export.manifest import EXPORT

    decision, losses = gated([part], data, report, order)
    also = [of_sdtm(data.sdtm, data)] if part.name == "adam" and data.sdtm else []
    with whole_folder(folder, EXPORT) as made:
        losses = write_lines([part], {part.name: made}, data, order, losses, also)
        write_part(part, made, data, order, decision)
        told = folder_manifest(made, data, report, inputs, order, decision, losses)
        names = [p.relative_to(made) for p in sorted(made.rglob("*")) if p.is_file()]
        # beside the folder: whoever reads every .json in it takes it for a folder of datasets and nothing else;
        # the earlier one goes first, so that no manifest ever stands beside datasets that it does not speak of
        beside = folder.with_name(f"manifest-{part.name}.json")
        beside.unlink(missing_ok=True)
    write_whole(beside, told)
    return Delivered(folder, (*(folder / n for n in names), beside), notes_of(data, losses))
