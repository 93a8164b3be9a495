"""Datasets in, their files in a folder out, every file read back by a second reader."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

from cdiscx import registry
from cdiscx.export.facts import Facts
from cdiscx.export.forms import plain_form, xpt_form
from cdiscx.export.verify import verify
from cdiscx.model.dataset import Dataset
from cdiscx.model.errors import ExportError, UsageError

Exporter = Callable[[Dataset, Path, Facts], None]


def formats() -> dict[str, Exporter]:
    """Name, which is the file's extension -> exporter, plug-ins included."""
    registry.discover("cdiscx.export")
    return cast(dict[str, Exporter], registry.registered("exporter"))


def write(
    datasets: Mapping[str, Dataset],
    folder: Path,
    formats: Sequence[str],
    *,
    stamp: dt.datetime,
    study: str = "",
    version: str = "",
    lossy: bool = False,
) -> list[Path]:
    """Writes `folder/dm.xpt`, … for every dataset and format and returns the files, by dataset and format.

    `stamp` is the creation time that the files state; the same input makes the same bytes. Private columns never leave.
    `lossy`: what a format cannot hold (findings EXP-XPT of severity error) is cut or left out instead of refused.
    Raises UsageError for an unknown format, ExportError when a file cannot be written, cannot hold a value, or does not
    read back as what was written.
    """
    known = known_formats(formats)
    facts = Facts(stamp.replace(microsecond=0, tzinfo=None), study, version)
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for dataset in datasets.values():
            plain = plain_form(dataset, lossy=lossy)
            for form, exporter in known.items():
                ready = xpt_form(dataset, lossy=lossy) if form == "xpt" else plain
                path = folder / f"{dataset.name.lower()}.{form}"
                exporter(ready, path, facts)
                verify(path, form, ready)
                written.append(path)
    except OSError as error:
        raise ExportError(f"{folder} cannot be written: {error.strerror or error}") from error
    return written


def known_formats(wanted: Sequence[str]) -> dict[str, Exporter]:
    """The exporters of these formats, each once. Raises UsageError for an unknown format, and for none."""
    have = formats()
    unknown = [name for name in wanted if name not in have]
    if unknown or not wanted:
        raise UsageError(f"no format {', '.join(unknown) or 'named'}; there are: {', '.join(have)}")
    return {name: have[name] for name in dict.fromkeys(wanted)}
