"""What the guide says: compared with the reference where it is at hand, and with the project's mapping rules."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from cdiscx.standards import guide, terminology

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"


def reference(name: str) -> list[dict[str, str]]:
    path = REFERENCE / name
    if not path.exists():
        pytest.skip(f"{name} is not at hand")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_variable_has_the_reference_s_order_label_role_and_core() -> None:
    rows = [row for row in reference("sdtmig-3.4-variables.csv") if row["dataset"] in guide.datasets()]
    wanted: dict[str, list[tuple[str, str, str, str]]] = {}
    for row in sorted(rows, key=lambda r: int(r["order"])):
        wanted.setdefault(row["dataset"], []).append((row["variable"], row["label"], row["role"], row["core"]))
    assert len(wanted) == 27
    for name, expected in wanted.items():
        own = [v for v in guide.variables(name) if v.name not in guide.FROM_MODEL.get(name, ())]
        assert [(v.name, v.label, v.role, v.core) for v in own] == expected


def test_a_character_variable_is_text_or_an_iso_date_and_a_numeric_one_a_number() -> None:
    for row in reference("sdtmig-3.4-variables.csv"):
        known = guide.variable(row["dataset"], row["variable"])
        if known is not None:
            assert known.type in (("text", "isodate") if row["type"] == "Char" else ("integer", "float"))


def test_labels_of_adam_variables_are_those_of_the_reference() -> None:
    wanted = {(row["structure"][:5], row["variable"]): row["label"] for row in reference("adamig-1.3-variables.csv")}
    for structure, prefix in {"ADSL": "Subje", "BDS": "Basic", "TTE": "Basic"}.items():
        for variable in guide.adam_variables(structure):
            assert wanted[prefix, variable.name] == variable.label


@pytest.mark.parametrize(
    ("domain", "variable", "kind"),
    [
        ("TR", "TRDTC", "isodate"),
        ("TR", "TRSEQ", "integer"),
        ("TR", "TRSTRESN", "float"),
        ("SV", "VISITNUM", "float"),
        ("SV", "VISITDY", "integer"),
        ("DM", "AGE", "integer"),
        ("EX", "EXDOSE", "float"),
        ("TE", "TEDUR", "text"),
    ],
)
def test_a_variable_is_stored_as_what_it_is(domain: str, variable: str, kind: str) -> None:
    found = guide.variable(domain, variable)
    assert found is not None
    assert found.type == kind


def test_labels_fit_into_forty_characters_and_names_into_eight() -> None:
    for name in guide.datasets():
        for variable in guide.variables(name):
            assert len(variable.label) <= 40
            assert len(variable.name) <= 8


def test_keys_are_variables_of_their_dataset() -> None:
    for name in guide.datasets():
        found = guide.dataset(name)
        assert found is not None
        assert set(found.keys) <= {v.name for v in guide.variables(name)}


def test_every_codelist_of_a_variable_that_is_made_is_known_or_never_filled() -> None:
    unknown = {
        variable.codelist
        for name in guide.datasets()
        for variable in guide.variables(name)
        if variable.codelist and terminology.codelist(variable.codelist) is None
    }
    # devices, instruments and laboratory qualifiers that no site workbook has
    assert unknown == {
        *("C111110", "C158113", "C160922", "C177908", "C177910", "C179588", "C179589", "C181170", "C181175"),
    }


def test_supplemental_qualifiers_are_named_after_their_domain() -> None:
    found = guide.dataset("SUPPAE")
    assert found is not None
    assert found.label == "Supplemental Qualifiers for AE"
    assert "QNAM" in [v.name for v in guide.variables("SUPPAE")]


def test_an_unknown_dataset_has_no_facts() -> None:
    assert guide.dataset("ZZ") is None
    assert guide.variables("ZZ") == ()


@pytest.mark.parametrize(
    ("structure", "name", "label"),
    [
        ("ADSL", "TRT01P", "Planned Treatment for Period 01"),
        ("ADSL", "AGEGR1", "Pooled Age Group 1"),
        ("ADSL", "TR02SDT", "Date of First Exposure in Period 02"),
        ("BDS", "CRIT1FL", "Criterion 1 Evaluation Result Flag"),
        ("BDS", "ANL01FL", "Analysis Flag 01"),
        ("TTE", "CNSR", "Censor"),
        ("OCCDS", "TRTEMFL", "Treatment Emergent Analysis Flag"),
    ],
)
def test_an_adam_variable_is_found_by_its_real_name(structure: str, name: str, label: str) -> None:
    found = guide.adam_variable(structure, name)
    assert found is not None
    assert (found.name, found.label) == (name, label)


def test_an_adam_date_is_a_date() -> None:
    found = guide.adam_variable("ADSL", "TRTSDT")
    assert found is not None
    assert found.type == "date"


def test_nothing_is_read_before_it_is_asked_for() -> None:
    code = "import cdiscx.standards.guide, cdiscx.standards.terminology, cdiscx.standards.blocks as b; print(b.read_blocks.cache_info().currsize)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
