"""The ways in which a site may legally write the same data.

In: nothing. Out: `Style`, some ready ones, `random_style(seed)`. No style changes what the data say, and none
may cause a finding above a note.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from random import Random

DATE_STYLES = ("excel", "iso", "slash", "DDMMMYYYY", "d-Mon-yyyy", "dd Mon yyyy", "zh", "compact", "mixed")
YES_NO = {
    "Y/N": ("Y", "N"),
    "Yes/No": ("Yes", "No"),
    "yes/no": ("yes", "no"),
    "1/0": ("1", "0"),
    "是/否": ("是", "否"),
}
SEXES = {"M/F": ("M", "F"), "Male/Female": ("Male", "Female"), "男/女": ("男", "女")}


@dataclass(frozen=True, slots=True)
class Style:
    """One site's habits; every field's default is the plain way."""

    name: str
    seed: int = 0
    headers: str = "canonical"  # canonical, english, chinese: share of synonyms among the headers
    header_noise: tuple[str, ...] = ()  # upper, lower, break, double, nbsp, colon, units
    banners: int = 0  # rows above the header, the first of them merged
    left: int = 0  # empty columns before the table
    shuffle_sheets: bool = False
    shuffle_columns: bool = False
    extra_sheets: bool = False
    extra_columns: bool = False
    empty_column: bool = False  # one inside the table
    empty_rows: bool = False  # some inside the table
    totals: str = ""  # the word of a last row, "" for none
    formulas: bool = False  # sums and percentages are formulas with their cached value
    hidden: bool = False  # a hidden row, column and (extra) sheet
    dates: str = "excel"  # one of DATE_STYLES
    epoch_1904: bool = False
    numbers: str = "number"  # number, text, comma, fullwidth, mixed
    lengths: str = "mm"  # mm, "32mm", "3.2 cm", cm (Unit says cm)
    ids: str = "text"  # text, 000 (numbers formatted so; only ids of digits)
    missing: float = 0.0  # share of blank optional cells that carry a missing word
    missing_words: tuple[str, ...] = ("N/A", "-")
    yes_no: str = "Y/N"
    sex: str = "M/F"
    country: str = "CHN"
    case: str = "as is"  # as is, upper, lower: of list values
    evaluator: str = "as is"  # as is, blank
    chinese_text: bool = False  # verbatim terms and reasons


PLAIN = Style("plain")
MESSY_EN = Style(
    "messy-en",
    headers="english",
    header_noise=("upper", "break", "double", "colon", "units"),
    banners=3,
    left=1,
    shuffle_sheets=True,
    shuffle_columns=True,
    extra_sheets=True,
    extra_columns=True,
    empty_rows=True,
    totals="END OF DATA",
    formulas=True,
    hidden=True,
    dates="mixed",
    numbers="mixed",
    lengths="32mm",
    missing=0.3,
    missing_words=("N/A", "ND", "NK", "UNK", "-", ".", "/"),
    yes_no="Yes/No",
    sex="Male/Female",
    country="China",
    case="upper",
    evaluator="blank",
)
MESSY_ZH = Style(
    "messy-zh",
    headers="chinese",
    header_noise=("nbsp", "colon", "units"),
    banners=2,
    shuffle_columns=True,
    extra_columns=True,
    extra_sheets=True,
    empty_column=True,
    totals="合计",
    dates="zh",
    numbers="fullwidth",
    missing=0.25,
    missing_words=("不详", "未做", "/", "-"),
    yes_no="是/否",
    sex="男/女",
    country="China",
    chinese_text=True,
)
CM_TEXT = Style("cm-text", lengths="3.2 cm", dates="d-Mon-yyyy", numbers="comma", yes_no="1/0", case="lower")
CM_UNIT = Style("cm-unit", lengths="cm", dates="DDMMMYYYY", shuffle_sheets=True, evaluator="blank")
MAC_1904 = Style("mac-1904", epoch_1904=True, ids="000", header_noise=("lower", "double"), banners=1)
TEXT_ALL = Style("text-all", dates="iso", numbers="text", missing=1.0, missing_words=("N/A",))
DEEP_BANNER = Style(
    "deep-banner",
    banners=10,
    left=3,
    empty_rows=True,
    empty_column=True,
    totals="Total",
    dates="compact",
    hidden=True,
)

STYLES: dict[str, Style] = {
    s.name: s for s in (PLAIN, MESSY_EN, MESSY_ZH, CM_TEXT, CM_UNIT, MAC_1904, TEXT_ALL, DEEP_BANNER)
}


def random_style(seed: int) -> Style:
    """A style drawn from all legal habits; the same seed gives the same style."""
    rng = Random(f"style {seed}")
    flag = {f.name: rng.random() < 0.4 for f in fields(Style) if f.type == "bool"}
    noise = ("upper", "lower", "break", "double", "nbsp", "colon", "units")
    language = rng.choice(("canonical", "english", "chinese"))
    return Style(
        f"random-{seed}",
        seed=seed,
        headers=language,
        header_noise=tuple(n for n in noise if rng.random() < 0.3),
        banners=rng.choice((0, 0, 1, 2, 5, 10)),
        left=rng.choice((0, 0, 1, 2)),
        totals=rng.choice(("", "", "Total", "合计", "END OF DATA")),
        dates=rng.choice(DATE_STYLES),
        numbers=rng.choice(("number", "text", "comma", "fullwidth", "mixed")),
        lengths=rng.choice(("mm", "32mm", "3.2 cm", "cm")),
        ids=rng.choice(("text", "000")),
        missing=rng.choice((0.0, 0.2, 0.6)),
        missing_words=rng.choice((("N/A", "-"), ("ND", "NK", "."), ("不详", "/"))),
        yes_no=rng.choice(tuple(YES_NO)),
        sex=rng.choice(tuple(SEXES)),
        country=rng.choice(("CHN", "China")),
        case=rng.choice(("as is", "upper", "lower")),
        evaluator=rng.choice(("as is", "blank")),
        **flag,
    )
