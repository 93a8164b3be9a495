"""Mapping files: house and study merged, parameters filled in, every typo with its place and the nearest right word."""

from pathlib import Path

import pytest

from cdiscx import registry
from cdiscx.model.errors import SpecError
from cdiscx.model.mapping import DomainMapping
from cdiscx.model.mapping_file import load_mappings
from cdiscx.model.spec import Study

WRONG = """domain: VS
keys: [USUBJID]
blocks:
  own:
    form: visits
    targets:
      VSCAT: {hardcode_no_tc: GENERAL}
      VSDTC: {assign_datetime: VISDAT, lable: Date}
      VSLOC: {assign_ct: VISIT, codelst: C1}
      VSPOS: hello
      VSREASND: {by_value: VISIT}
    tests:
      WEIGHT: {result: WEIGHT, standart: kg}
"""


def _load(folder: Path | None = None) -> dict[str, DomainMapping]:
    registry.discover("cdiscx.sdtm")
    return load_mappings(Study.load("palhep-a"), registry.registered("algorithm"), folder)[0]


def test_every_typo_is_told_at_once_with_line_column_and_suggestion(tmp_path: Path) -> None:
    file = tmp_path / "vs.yaml"
    file.write_text(WRONG, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        _load(tmp_path)
    said = "\n".join(caught.value.problems)
    assert f"{file}:5:5: blocks.own.form: unknown key, did you mean 'from'?" in said
    assert (
        f"{file}:7:7: blocks.own.targets.VSCAT: no algorithm among hardcode_no_tc, did you mean 'hardcode_no_ct'?"
        in said
    )
    assert f"{file}:8:40: blocks.own.targets.VSDTC.lable: unknown key, did you mean 'label'?" in said
    assert f"{file}:9:33: blocks.own.targets.VSLOC.codelst: unknown key, did you mean 'codelist'?" in said
    assert f"{file}:10:7: blocks.own.targets.VSPOS: a target is written" in said
    assert f"{file}:11:7: blocks.own.targets.VSREASND: the option 'map' of by_value is missing" in said
    assert f"{file}:13:32: blocks.own.tests.WEIGHT.standart: unknown key, did you mean 'standard'?" in said


def test_broken_yaml_names_its_place(tmp_path: Path) -> None:
    (tmp_path / "vs.yaml").write_text("domain: VS\n  keys: [\n", encoding="utf-8")
    with pytest.raises(SpecError, match=r"vs\.yaml:2:"):
        _load(tmp_path)


def test_a_study_changes_one_variable_takes_a_block_away_and_adds_another(tmp_path: Path) -> None:
    (tmp_path / "pr.yaml").write_text(
        "domain: PR\nblocks:\n  biopsy: null\n  surgery: {targets: {PRCAT: {hardcode_no_ct: OPERATION}}}\n"
        "  more: {from: procedures, targets: {PRTRT: {assign_no_ct: PRTRT}}}\n",
        encoding="utf-8",
    )
    house, own = _load()["PR"], _load(tmp_path)["PR"]
    assert set(own.blocks) == set(house.blocks) - {"biopsy"} | {"more"}
    assert own.blocks["surgery"].targets["PRCAT"].of == "OPERATION"
    assert own.blocks["surgery"].targets["PRDECOD"] == house.blocks["surgery"].targets["PRDECOD"]


def test_a_target_is_replaced_by_another_algorithm_and_united_with_options_alone(tmp_path: Path) -> None:
    (tmp_path / "ex.yaml").write_text(
        "domain: EX\nblocks:\n  daily:\n    targets:\n      EXDOSU: {hardcode_ct: mg}\n"
        "      EXADJ: {map: {Liver failure: ADVERSE EVENT}}\n",
        encoding="utf-8",
    )
    house, own = _load()["EX"].blocks["daily"].targets, _load(tmp_path)["EX"].blocks["daily"].targets
    assert (own["EXDOSU"].use, own["EXDOSU"].of, own["EXDOSU"].options) == ("hardcode_ct", "mg", {})
    assert own["EXADJ"].use == house["EXADJ"].use == "assign_ct"
    assert own["EXADJ"].options["map"] == {**house["EXADJ"].options["map"], "Liver failure": "ADVERSE EVENT"}


def test_a_parameter_of_the_study_file_can_be_named(tmp_path: Path) -> None:
    text = "domain: XX\nkeys: [USUBJID]\nblocks:\n  a:\n    from: visits\n    targets: {XXTERM: {hardcode_no_ct: $sd_min_days}}\n"
    (tmp_path / "xx.yaml").write_text(text, encoding="utf-8")
    assert _load(tmp_path)["XX"].blocks["a"].targets["XXTERM"].of == 35
    (tmp_path / "xx.yaml").write_text(text.replace("sd_min_days", "sd_min_dais"), encoding="utf-8")
    with pytest.raises(SpecError, match=r"there is no parameter 'sd_min_dais', did you mean '\$sd_min_days'"):
        _load(tmp_path)


@pytest.mark.parametrize("study", ["palhep-a", "neopvtt-b"])
def test_the_bundled_mappings_are_in_order(study: str) -> None:
    registry.discover("cdiscx.sdtm")
    domains, extended = load_mappings(Study.load(study), registry.registered("algorithm"))
    assert {"DM", "EX", "PR", "DS"} <= set(domains)
    assert extended["C101858"]


def test_the_example_of_the_readme_is_in_order_and_every_algorithm_is_told(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "mappings" / "README.md").read_text(encoding="utf-8")
    (tmp_path / "lb.yaml").write_text(text.split("```yaml\n")[1].split("```")[0], encoding="utf-8")
    assert _load(tmp_path)["LB"].blocks["results"].tests["PIVKAII"].name == "PIVKA-II"
    assert not [name for name in registry.registered("algorithm") if f"`{name}`" not in text]
