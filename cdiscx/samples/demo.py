"""The uploads of `cdiscx demo`: both studies, as clean sites would send them and with defects planted.

In: a folder. Out: workbooks below it, and a `Demo` that says where they are. Nothing is validated here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from cdiscx.samples.cohort import clean
from cdiscx.samples.layout import HEADERS, SampleUpload
from cdiscx.samples.style import MESSY_EN, MESSY_ZH, PLAIN, Style
from cdiscx.samples.write import write_xlsx

Plant = Callable[[list[SampleUpload]], list[SampleUpload]]
DEMO_STYLES: tuple[Style, ...] = (PLAIN, MESSY_EN, MESSY_ZH)
_DEFECTS = "cdiscx.samples.defects"


@dataclass(slots=True)
class Demo:
    """Where the demonstration's workbooks are: study -> paths, one a site."""

    clean: dict[str, list[Path]] = field(default_factory=dict)
    planted: dict[str, list[Path]] = field(default_factory=dict)


def planter() -> Plant | None:
    """`plant` of the module `cdiscx.samples.defects`, or None where the module is not installed."""
    if find_spec(_DEFECTS) is None:
        return None
    plant: Plant = import_module(_DEFECTS).plant
    return plant


def _write(uploads: Sequence[SampleUpload], folder: Path) -> list[Path]:
    paths = []
    for number, upload in enumerate(uploads):
        path = folder / f"site-{upload.site}.xlsx"
        write_xlsx(upload, path, style=DEMO_STYLES[number % len(DEMO_STYLES)])
        paths.append(path)
    return paths


def write_demo(out: Path, *, plant: Plant | None = None) -> Demo:
    """Write `<out>/<study>/clean/site-*.xlsx`, and `planted/` where a planter is given or installed.

    The first site writes plainly, the second and third in the messy English and Chinese ways. Raises
    OSError where the folder cannot be written.
    """
    plant = plant or planter()
    demo = Demo()
    for study in HEADERS:
        uploads = clean(study)
        demo.clean[study] = _write(uploads, out / study / "clean")
        if plant is not None:
            demo.planted[study] = _write(plant(clean(study)), out / study / "planted")
    return demo
