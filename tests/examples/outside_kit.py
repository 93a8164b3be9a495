"""Programs beside the house: packages known by their entry points only, commands as processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from cdiscx.samples import clean, write_xlsx

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


@dataclass(frozen=True)
class Done:
    """What a process left behind."""

    status: int
    out: str
    err: str


def installed(folder: Path, name: str, group: str, target: str, entry: str = "example") -> Path:
    """A folder that makes a package known to importlib.metadata, as an installation does."""
    told = folder / f"{name}-1.0.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (told / "entry_points.txt").write_text(f"[{group}]\n{entry} = {target}\n", encoding="utf-8")
    return folder


def python(*args: object, paths: tuple[Path, ...] = (), cwd: Path | None = None, **env: str) -> Done:
    """Runs the interpreter with these folders on its path."""
    on_path = os.pathsep.join([*map(str, paths), str(ROOT)])
    around = {**os.environ, "PYTHONPATH": on_path, **env}
    done = subprocess.run(
        [sys.executable, *map(str, args)], capture_output=True, env=around, cwd=cwd, check=False, encoding="utf-8"
    )
    return Done(done.returncode, done.stdout, done.stderr)


def cdiscx(*args: object, paths: tuple[Path, ...] = (), cwd: Path | None = None) -> Done:
    """Runs the command line."""
    return python("-m", "cdiscx.cli", *args, paths=paths, cwd=cwd)


def workbook(path: Path, *, defects: bool) -> Path:
    """Four subjects of one site; with defects an unknown sex and an adverse event that ends before it starts."""
    upload = clean("palhep-a", sites=1, subjects=4, seed=3)[0]
    if defects:
        upload.sheets["Demographics"][0]["Sex"] = "unclear"
        event = next(row for row in upload.sheets["Adverse Events"] if isinstance(row["End Date"], date))
        event["End Date"] = event["Start Date"] - timedelta(days=5)  # type: ignore[operator]
    write_xlsx(upload, path)
    return path
