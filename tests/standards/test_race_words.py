"""Words for a race that sites write, in English and Chinese, mean a term of the codelist; others do not."""

from __future__ import annotations

import pytest

from cdiscx.standards.terminology import term

RACE = "C74457"


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("Han Chinese", "ASIAN"), ("Asian（Chinese）", "ASIAN"), ("asian - chinese", "ASIAN"), ("回族", "ASIAN"),
        ("白族", "ASIAN"), ("Zhuang", "ASIAN"), ("Japanese", "ASIAN"), ("South-East Asian", "ASIAN"), ("白人", "WHITE"),
        ("White/Caucasian", "WHITE"), ("未知", "UNKNOWN"), ("Prefer not to say", "NOT REPORTED"), ("其它", "OTHER"),
        ("Black (African American)", "BLACK OR AFRICAN AMERICAN"),
    ],
)  # fmt: skip
def test_a_word_means_its_race(word: str, meant: str) -> None:
    found = term(RACE, word)
    assert found is not None
    assert found.value == meant


@pytest.mark.parametrize("word", ["Indian", "Mixed", "Multiple", "Martian", "M", "汉族 / 白人"])
def test_a_word_that_is_no_race_or_several_means_none(word: str) -> None:
    assert term(RACE, word) is None
