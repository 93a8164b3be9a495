"""Controlled terminology: values, C-codes and names as published, other spellings, test codes and their names."""

import csv
from pathlib import Path

import pytest

from cdiscx.model.dataset import Term
from cdiscx.standards import terminology
from cdiscx.standards.blocks import read_blocks

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "sdtm-ct-2025-03-28.csv"


def test_every_list_that_is_known_is_the_published_one() -> None:
    if not REFERENCE.exists():
        pytest.skip("the reference is not at hand")
    published: dict[str, dict[str, str]] = {}
    facts: dict[str, tuple[str, bool]] = {}
    with REFERENCE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            published.setdefault(row["codelist_ccode"], {})[row["term"]] = row["term_ccode"]
            facts[row["codelist_ccode"]] = (row["codelist_name"], row["extensible"] == "Yes")
    compared = 0
    for code, terms in published.items():
        known = terminology.codelist(code)
        if known is not None:
            assert {t.value: t.ccode for t in known.terms} == terms
            assert (known.name, known.extensible) == facts[code]
            compared += 1
    assert compared > 60


@pytest.mark.parametrize(
    ("ccode", "text", "value"),
    [
        ("C66742", "Y", "Y"),
        ("C66742", "yes", "Y"),
        ("C66731", "Male", "M"),
        ("C66731", "女", "F"),
        ("C71620", "ng/mL", "ug/L"),
        ("C71620", "x10^9/L", "10^9/L"),
        ("C71620", "mm", "mm"),
        ("C74457", "Asian", "ASIAN"),
        ("C66729", "Intravenous", "INTRAVENOUS"),
        ("C66729", "口服", "ORAL"),
        ("C85492", "CT", "CT SCAN"),
        ("C96785", "pcr", "pCR"),
        ("C66768", "RECOVERED", "RECOVERED/RESOLVED"),
        ("C65047", "PIVKA-II", "PIVKAII"),
        ("DSDECOD", "progressive disease", "PROGRESSIVE DISEASE"),
        ("DSDECOD", "informed consent obtained", "INFORMED CONSENT OBTAINED"),
        ("RSTESTCD", "ECOG101", "ECOG101"),
    ],
)
def test_a_text_is_read_as_the_term_it_means(ccode: str, text: str, value: str) -> None:
    found = terminology.term(ccode, text)
    assert found is not None
    assert found.value == value
    assert found.ccode is not None
    assert found.ccode.startswith("C")


@pytest.mark.parametrize(
    ("ccode", "text"), [("C66742", "maybe"), ("C71620", "mAU/mL"), ("C00000", "Y"), ("C66742", None)]
)
def test_a_text_that_means_no_term_is_none(ccode: str, text: str | None) -> None:
    assert terminology.term(ccode, text) is None


def test_terms_that_differ_by_case_alone_are_never_taken_for_each_other() -> None:
    for written in ("Pa", "PA"):
        exact = terminology.term("C71620", written)
        assert exact is not None
        assert exact.value == written
    assert terminology.term("C71620", "pa") is None


@pytest.mark.parametrize(
    ("ccode", "code", "name"),
    [
        ("C96779", "LDIAM", "Longest Diameter"),
        ("C96784", "TUMIDENT", "Tumor Identification"),
        ("RSTESTCD", "CPS0106", "CPS01-Total Score"),
        ("RSTESTCD", "AJCC105", "AJCC1-Residual Tumor (R)"),
        ("C65047", "AFP", "Alpha Fetoprotein"),
        ("C66738", "TITLE", "Trial Title"),
    ],
)
def test_a_test_code_has_its_published_name(ccode: str, code: str, name: str) -> None:
    assert terminology.test_name(ccode, code) == name


def test_a_list_of_names_has_the_names_of_its_codes() -> None:
    names = terminology.codelist("C96778")
    codes = terminology.codelist("C96779")
    assert names is not None
    assert codes is not None
    assert {t.value for t in names.terms} == {t.decode for t in codes.terms}


def test_every_other_spelling_leads_to_a_term_and_to_one_only() -> None:
    for ccode, block in read_blocks("spellings.tsv").items():
        seen: dict[str, str] = {}
        for row in block.rows:
            meant = terminology.term(ccode, row[0])
            assert meant is not None, (ccode, row[0])
            for spelling in row[1:]:
                found = terminology.term(ccode, spelling)
                assert found is not None
                assert found.value == row[0], (ccode, spelling)
                assert seen.setdefault(terminology.key(spelling), row[0]) == row[0]


def test_sponsor_s_terms_are_marked_and_published_ones_stay() -> None:
    base = terminology.codelist("C99079")
    assert base is not None
    both = terminology.extend(base, [Term("SURGERY"), Term("SCREENING")])
    assert len(both.terms) == len(base.terms) + 1
    assert both.terms[-1] == Term("SURGERY", extended=True)


def test_short_names_and_codes_lead_to_each_other() -> None:
    assert terminology.ccode_of("NY") == "C66742"
    assert terminology.submission_name("C66742") == "NY"


def test_packages_say_what_and_when() -> None:
    assert terminology.PACKAGE == ("SDTM", "2025-03-28")
