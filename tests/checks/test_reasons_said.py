"""Words that a reason is searched for: long ones in any case and place, short ones as written or standing alone."""

from __future__ import annotations

import polars as pl
import pytest

from cdiscx.checks._reasons import says


@pytest.mark.parametrize(
    ("text", "word", "found"),
    [
        ("two rashes", "Rash", True),
        ("an SAE, grade 3", "SAE", True),
        ("sae of grade 3", "SAE", True),
        ("misaengagement", "SAE", False),
        ("palaeo diet", "AE", False),
        ("irAE of the skin", "AE", True),
        ("因不良反应减量", "不良", True),
        (None, "rash", False),
    ],
)
def test_a_word_of_up_to_three_letters_counts_as_written_or_alone(text: str | None, word: str, found: bool) -> None:
    frame = pl.DataFrame({"t": [text]}, schema={"t": pl.String})
    assert frame.select(says(pl.col("t"), [word])).item() is found


def test_without_words_nothing_is_said() -> None:
    assert pl.DataFrame({"t": ["rash"]}).select(says(pl.col("t"), [])).item() is False
