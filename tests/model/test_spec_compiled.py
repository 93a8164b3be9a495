"""The compiled form of the bundled studies says what their YAML says."""

from __future__ import annotations

import json
import shutil

import pytest

from cdiscx.model import mapping_file, spec_compiled, spec_file
from cdiscx.model.spec import Study

STUDIES = sorted(spec_file.bundled())


@pytest.mark.parametrize("name", STUDIES)
def test_the_compiled_study_is_current(name):
    source = spec_file.bundled()[name].resolve()
    merged, files = spec_file.merged_study(source)
    text = spec_compiled.compiled_file(source).read_text(encoding="utf-8")
    assert text == spec_compiled.compiled_text(source, files, merged), "run: make compiled"


@pytest.mark.parametrize("name", STUDIES)
def test_the_compiled_study_equals_the_parsed_one(name):
    assert Study.load(name) == spec_file._load(spec_file.bundled()[name].resolve())


def test_a_changed_block_puts_the_compiled_form_out_of_use(tmp_path):
    folder = tmp_path / "specs"
    shutil.copytree(spec_file.data_folder("specs"), folder)
    source = folder / "palhep-a.yaml"
    assert spec_compiled.read_compiled(source) is not None
    block = folder / "_house" / "parameters.yaml"
    block.write_text(block.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    assert spec_compiled.read_compiled(source) is None


def test_a_damaged_compiled_form_is_not_used(tmp_path):
    source = tmp_path / "x.yaml"
    source.write_text("id: x\n")
    target = spec_compiled.compiled_file(source)
    target.parent.mkdir()
    for text in ("", "{", json.dumps({"of": {}}), json.dumps({"of": {"x.yaml": "0"}, "study": {}}), "[]"):
        target.write_text(text)
        assert spec_compiled.read_compiled(source) is None


def test_the_compiled_mappings_are_current():
    home = spec_file.data_folder("mappings")
    stored = (home / spec_compiled.MAPPINGS).read_text(encoding="utf-8")
    assert stored == spec_compiled.mappings_text(home), "run: make compiled"


def test_a_changed_mapping_is_read_from_its_text(tmp_path):
    home = spec_file.data_folder("mappings")
    file = tmp_path / "dm.yaml"
    shutil.copy(home / "_house" / "dm.yaml", file)
    compiled = mapping_file._parsed(home / "_house" / "dm.yaml", 0)
    own = mapping_file._parsed(file, 0)
    assert own[0] == compiled[0]
    assert {place[1:] for place in own[1].values()} == {place[1:] for place in compiled[1].values()}
    assert {place[0] for place in own[1].values()} == {str(file)}
