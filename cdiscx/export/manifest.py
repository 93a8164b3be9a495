"""What went into an export and what came out, with hashes, in; `manifest.json` out."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from cdiscx.export.gate import Gate
from cdiscx.model.folder import Kind, digest
from cdiscx.model.table import UploadFile

FILE = "manifest.json"
#: folders of an export, for `model.folder.whole_folder`
EXPORT = Kind("export", "the export", ".cdiscx-export")
#: packages that values pass through on their way
_PACKAGES = ("polars", "numpy", "pyarrow", "orjson", "python-calamine", "openpyxl", "odmlib", "scipy")


def manifest(
    folder: Path,
    *,
    run: Mapping[str, Any],
    gate: Gate,
    inputs: Sequence[UploadFile | Path] = (),
    specs: Sequence[Path] = (),
    mappings: Sequence[Path] = (),
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The manifest of the files that stand in `folder` now, JSON-ready; the same input gives the same manifest.

    `run`: facts of the run (`flow.run_facts`: study, version, day of the run, cut-off); `inputs`: uploads, or dataset files;
    `specs`, `mappings`: the files the run was made by; `more`: further facts (formats, domains left out, …).
    """
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != FILE and not p.name.startswith(".cdiscx-"))
    return {
        "made_by": {
            "cdiscx": run.get("version"),
            "python": platform.python_version(),
            "packages": {name: _version(name) for name in _PACKAGES},
        },
        "study": run.get("study"),
        "study_file": run.get("study_file"),
        "day_of_run": run.get("day_of_run"),
        "cutoff": run.get("cutoff"),
        "cutoff_stated": run.get("cutoff_stated"),
        "gate": gate.to_dict(),
        **(more or {}),
        "inputs": [_input(item) for item in inputs],
        "specs": [_named(path) for path in specs],
        "mappings": [_named(path) for path in mappings],
        "outputs": [_output(path, folder) for path in files],
    }


def write_manifest(folder: Path, **facts: Any) -> Path:
    """Writes `manifest.json` of the files in `folder` (see `manifest`) beside them, as the last file of an export."""
    path = folder / FILE
    path.write_text(
        json.dumps(manifest(folder, **facts), ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n"
    )
    return path


def _input(item: UploadFile | Path) -> dict[str, Any]:
    if isinstance(item, Path):
        return {"name": item.name, "sha256": digest(item), "bytes": item.stat().st_size}
    return {"name": item.name, "sha256": item.sha256, "bytes": item.size}


def _named(path: Path) -> dict[str, Any]:
    """A file by its last folder and name: where the package lies does not matter."""
    return {"name": f"{path.parent.name}/{path.name}", "sha256": digest(path)}


def _output(path: Path, folder: Path) -> dict[str, Any]:
    return {"name": path.relative_to(folder).as_posix(), "sha256": digest(path), "bytes": path.stat().st_size}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
