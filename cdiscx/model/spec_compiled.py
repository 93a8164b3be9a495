"""Bundled studies parsed once: merged values as JSON with the hashes of the files they came from.

Parsing two thousand lines of YAML costs more than checking an upload. The compiled form is used only while every source
file still has the hash it was made from; a changed file is parsed as always. `python -m cdiscx.model.spec_compiled`
writes the files anew, and a test fails while they are stale.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = "_compiled"
#: compiled form of all bundled mapping files, in the folder `mappings`
MAPPINGS = "_compiled.json"


def text_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def compiled_file(source: Path) -> Path:
    """Where the compiled form of a study file stands."""
    return source.parent / FOLDER / f"{source.stem}.json"


def compiled_sources(source: Path) -> list[Path] | None:
    """The files that a study's compiled form was made of, or None where it is missing or stale."""
    if read_compiled(source) is None:
        return None
    return sorted(source.parent / name for name in json.loads(compiled_file(source).read_bytes())["of"])


def read_compiled(source: Path) -> dict[str, Any] | None:
    """The merged values of a study file, or None where there is no compiled form or a source has changed since."""
    file = compiled_file(source)
    try:
        stored = json.loads(file.read_bytes())
        current = {name: text_hash(source.parent / name) for name in stored["of"]}
        return dict(stored["study"]) if current and current == stored["of"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def compiled_text(source: Path, files: list[Path], merged: dict[str, Any]) -> str:
    """The compiled form: hashes of the files by path relative to the study file, and the merged values."""
    of = {f.relative_to(source.parent).as_posix(): text_hash(f) for f in sorted(files)}
    return json.dumps({"of": of, "study": merged}, ensure_ascii=False, separators=(",", ":"), sort_keys=False) + "\n"


@cache
def compiled_mappings(home: Path) -> dict[str, Any]:
    """Name of a bundled mapping file -> hash of its text (`of`), plain `values`, and `places` (path, line, column) of them."""
    try:
        return dict(json.loads((home / MAPPINGS).read_bytes()))
    except (OSError, ValueError):
        return {}


def mappings_text(home: Path) -> str:
    """The compiled form of the mapping files of a folder."""
    from cdiscx.model.mapping_file import parsed_anew

    told = {}
    for file in sorted(home.glob("*/*.yaml")):
        values, places, _ = parsed_anew(file)
        stand = [[list(path), line, column] for path, (_, line, column) in places.items()]
        told[file.relative_to(home).as_posix()] = {"of": text_hash(file), "values": values, "places": stand}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n"


def main() -> None:
    """Writes the compiled form of every bundled study and of the mappings."""
    from cdiscx.model.spec_file import bundled, data_folder, merged_study

    home = data_folder("mappings")
    (home / MAPPINGS).write_text(mappings_text(home), encoding="utf-8", newline="\n")

    for source in bundled().values():
        merged, files = merged_study(source.resolve())
        target = compiled_file(source.resolve())
        target.parent.mkdir(exist_ok=True)
        target.write_text(compiled_text(source.resolve(), files, merged), encoding="utf-8")


if __name__ == "__main__":
    main()
