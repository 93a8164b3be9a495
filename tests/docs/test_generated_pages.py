"""Documentation that follows from the code is the code's: nothing undocumented, nothing stale, every check proved."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from cdiscx import registry
from cdiscx.model.spec import Study
from cdiscx.model.spec_file import bundled

DOCS = Path(__file__).resolve().parents[2] / "docs"
sys.path.insert(0, str(DOCS))
generate, evidence = import_module("generate"), import_module("evidence")
PAGES = generate.pages()


def committed(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_generated_page_is_what_the_code_says(name: str) -> None:
    assert committed(name) == PAGES[name], "run: python docs/generate.py"


def test_every_verb_and_every_option_is_documented() -> None:
    page = committed("reference/cli.md")
    for path, command in generate.verbs():
        _, _, section = page.partition(f"\n## {path.removeprefix('cdiscx ')}\n")
        section = section.partition("\n## ")[0]
        assert section, path
        for parameter in command.params:
            names = [n for n in parameter.opts if n.startswith("--")]
            assert all(name in section for name in names), f"{path} {names}"
            assert not names or parameter.help, f"{path} {names} has no help"  # type: ignore[attr-defined]


def test_every_check_is_documented_with_why_and_how_to_fix_it() -> None:
    page = committed("reference/checks.md")
    for check in registry.checks().values():
        _, _, section = page.partition(f"\n### {check.id}\n")
        section = section.partition("\n### ")[0]
        assert generate.safe(check.title) in section, check.id
        if any(part.wording.why for part in check.parts):
            assert "Why: " in section, check.id
            assert "Fix: " in section, check.id


def test_every_parameter_of_the_house_is_documented_with_its_meaning() -> None:
    told = generate.parameters()
    house = {name for study in bundled() for name in Study.load(study).parameters}
    page = committed("reference/parameters.md")
    assert [name for name in house if f"| `{name}` |" not in page] == []
    assert len(told) > 100
    assert [name for name, (_, meaning) in told.items() if not meaning] == []


def test_every_algorithm_and_dataset_says_what_it_does() -> None:
    for kind, page in (("algorithm", "reference/algorithms.md"), ("dataset", "reference/datasets.md")):
        for name, function in registry.registered(kind).items():
            assert f"# {name}\n" in committed(page), name
            assert (function.__doc__ or "").strip(), name


def test_every_check_has_cases_that_fail_and_cases_that_do_not() -> None:
    cases = evidence.check_cases()
    for check_id in registry.checks():
        found = cases.get(check_id, {})
        assert found.get("failing", 0) > 0, f"{check_id} has no failing case"
        assert found.get("passing", 0) + found.get("boundary", 0) + found.get("trap", 0) > 0, f"{check_id} never passes"


def test_the_table_of_evidence_names_every_check_and_example() -> None:
    page = committed("evidence.md")
    assert [c for c in registry.checks() if f"| [{c}]" not in page] == []
    assert [e for e in evidence.EXAMPLES if f"| {e} |" not in page] == []


def test_examples_in_a_range_are_each_found() -> None:
    found = list(evidence._ids("RX-EX-20 to 22, 37 and 39", "example"))
    assert found == ["RX-EX-20", "RX-EX-21", "RX-EX-22", "RX-EX-37", "RX-EX-39"]


def test_every_page_of_the_navigation_is_there_and_every_page_is_in_it() -> None:
    site = YAML(typ="safe").load((DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8"))
    nav = set(re.findall(r"[\w/.-]+\.md", str(site["nav"])))
    pages = {p.relative_to(DOCS).as_posix() for p in DOCS.glob("**/*.md")}
    assert nav - pages <= {"performance.md"}  # written by a measurement
    assert {page for page in pages - nav if not page.startswith("adr/")} == set()  # architecture.md lists these


def test_no_page_and_no_setting_asks_a_network_for_anything() -> None:
    settings = (DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8")
    assert "font: false" in settings
    assert not re.search(r"https?://", settings)
    for page in DOCS.glob("**/*.md"):
        assert not re.search(r"<(script|img|link|iframe)\b", page.read_text(encoding="utf-8")), page


def test_links_between_pages_lead_somewhere() -> None:
    broken = []
    for page in DOCS.glob("**/*.md"):
        for target in re.findall(r"\]\(([^)#:\s]+\.md)(?:#[\w-]+)?\)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).resolve().exists() and target != "performance.md":
                broken.append(f"{page.name}: {target}")
    assert broken == []
