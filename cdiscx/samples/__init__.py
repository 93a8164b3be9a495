"""Sample site uploads of both studies: invented subjects, realistic sheets, no defect unless planted.

In: study, seed, style. Out: `SampleUpload`s and files. Independent of the checks: what is written here comes from
the protocols, not from the code that judges it.
"""

from __future__ import annotations

from cdiscx.samples.cohort import CUTOFF, clean
from cdiscx.samples.demo import Demo, write_demo
from cdiscx.samples.layout import HEADERS, NEOPVTT, PALHEP, Row, SampleUpload, Typed
from cdiscx.samples.style import (
    CM_TEXT,
    CM_UNIT,
    DEEP_BANNER,
    MAC_1904,
    MESSY_EN,
    MESSY_ZH,
    PLAIN,
    STYLES,
    TEXT_ALL,
    Style,
    random_style,
)
from cdiscx.samples.write import ENCODINGS, Landing, write_csv_folder, write_csv_zip, write_xlsx

__all__ = [
    "CM_TEXT",
    "CM_UNIT",
    "CUTOFF",
    "DEEP_BANNER",
    "ENCODINGS",
    "HEADERS",
    "MAC_1904",
    "MESSY_EN",
    "MESSY_ZH",
    "NEOPVTT",
    "PALHEP",
    "PLAIN",
    "STYLES",
    "TEXT_ALL",
    "Demo",
    "Landing",
    "Row",
    "SampleUpload",
    "Style",
    "Typed",
    "clean",
    "random_style",
    "write_csv_folder",
    "write_csv_zip",
    "write_demo",
    "write_xlsx",
]
