"""Names of uploads: shown, never used as a path."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscx.serve.names import LONGEST, distinct, safe_name


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("site-01.xlsx", "site-01.xlsx"),
        ("中心 01.xlsx", "中心 01.xlsx"),
        ("../../etc/passwd", "passwd"),
        ("C:\\data\\..\\site.xlsx", "site.xlsx"),
        ("..", "upload"),
        ("", "upload"),
        ("/", "upload"),
        (".hidden.csv", "hidden.csv"),
        ("a\x00b\n.csv", "a_b_.csv"),
        ("invoice\u202excl.exe", "invoice_xcl.exe"),
        ("a<b>:c.csv", "a_b__c.csv"),
    ],
)
def test_a_name_loses_its_path_and_what_could_mislead(given_name: str, shown: str):
    assert safe_name(given_name) == shown


@given(st.text(max_size=300))
def test_no_name_is_a_path_or_longer_than_a_file_system_takes(name: str):
    made = safe_name(name)
    assert 0 < len(made) <= LONGEST
    assert not set(made) & set('/\\\x00<>:"|?*')
    assert made not in (".", "..")
    assert safe_name(made) == made


@given(st.lists(st.sampled_from(["a.csv", "A.CSV", "b", "a (2).csv", "c.tar.gz"]), max_size=12))
def test_names_told_apart_are_apart_in_any_case(names: list[str]):
    made = distinct(names)
    assert len({name.casefold() for name in made}) == len(names)
    assert [a for a, b in zip(made, names, strict=True) if a != b and "(" not in a] == []
