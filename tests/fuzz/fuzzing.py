"""Breaks files by a seeded hand and reads them: `python tests/fuzz/fuzzing.py CASES SEED` (the nightly target: 10000)."""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from mutations import broken
from readers import SECRET, Reader, readers

from cdiscx.model.errors import CdiscxError, SpecError

SECONDS = 20.0


@dataclass
class Outcome:
    """What became of the cases: counts by reader, what was wrong, and the slowest."""

    read: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")


def judged(name: str, reader: Reader, case: str, folder: Path, out: Outcome) -> None:
    """One broken file read: it is read, or refused in one line; anything else is written down."""
    path = folder / reader.suffix
    path.write_bytes(broken(reader.good, Random(case)))
    start = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            reader.read(path)
        out.read[name] += 1
    except CdiscxError as error:
        out.refused[name] += 1
        lines = error.problems if isinstance(error, SpecError) else [str(error)]
        if not lines or any("\n" in line or len(line) > 3000 for line in lines):
            out.wrong.append(f"{case}: not one line: {str(error)[:300]!r}")
        if SECRET in str(error):
            out.wrong.append(f"{case}: shows what stands in a cell: {str(error)[:300]!r}")
    except Exception:  # whatever else is raised is what is looked for
        out.wrong.append(f"{case}: {traceback.format_exc(limit=-4)}")
    spent = time.process_time() - start
    out.slowest = max(out.slowest, (spent, case))
    if spent > SECONDS:
        out.wrong.append(f"{case}: took {spent:.1f} s")
    if sorted(p.name for p in folder.iterdir()) != [reader.suffix]:
        out.wrong.append(f"{case}: wrote beside the file: {[p.name for p in folder.iterdir()]}")
    path.unlink()


def fuzzed(
    cases: int, seed: int, chosen: Mapping[str, Reader], folder: Path, told: Callable[[str], object] = str
) -> Outcome:
    """About so many cases, shared out among the readers; `told` hears of each reader that is done."""
    out = Outcome()
    shares = sum(r.share for r in chosen.values())
    for name, reader in chosen.items():
        place = folder / name
        place.mkdir()
        for n in range(round(cases * reader.share / shares)):
            judged(name, reader, f"{name} {seed} {n}", place, out)
        told(f"{name}: {out.read[name]} read, {out.refused[name]} refused, {len(out.wrong)} wrong so far")
    return out


def main() -> None:
    """Says what became of the cases; exit status 1 where anything went wrong."""
    cases, seed = int(sys.argv[1]), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as made:
        chosen = readers(Path(made))
        chosen = {n: r for n, r in chosen.items() if not sys.argv[3:] or n in sys.argv[3:]}
        (Path(made) / "cases").mkdir()
        out = fuzzed(cases, seed, chosen, Path(made) / "cases", partial(print, flush=True))
    print("slowest", out.slowest)
    print("\n".join(out.wrong) or "nothing went wrong")
    sys.exit(bool(out.wrong))


if __name__ == "__main__":
    main()
