"""`cdiscx lint`: the status, and every kind of open point in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdiscx.draft import Lint, lint_study

THIRD = Path(__file__).parent.parent / "third"
GOOD = (THIRD / "lumen-21.yaml").read_text("utf-8")


def _lint(folder: Path, text: str) -> Lint:
    file = folder / "study.yaml"
    file.write_text(text, encoding="utf-8")
    return lint_study(str(file))


def _without(*keys: str) -> str:
    """The third study without some of its top-level keys."""
    keep, out = True, []
    for line in GOOD.splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            keep = line.partition(":")[0] not in keys
        if keep:
            out.append(line)
    return "\n".join(out) + "\n"


@pytest.mark.parametrize("name", ["palhep-a", "neopvtt-b", str(THIRD / "lumen-21.yaml")])
def test_a_finished_study_is_in_order(name: str) -> None:
    found = lint_study(name)
    assert found.status == 0, found.open
    assert found.text(name).endswith(f"{name} is in order\n")


def test_it_says_which_checks_domains_and_datasets_cannot_be_made_and_why() -> None:
    said = lint_study(str(THIRD / "lumen-21.yaml"), THIRD / "mappings").text("x")
    assert "this study has no sheet decision: VIS-007" in said
    assert "no endpoint starts at the diagnosis: END-003, END-016" in said
    assert "HO (no procedures)" in said
    assert "ADSURG cannot be derived: no sheet holds procedures" in said
    assert ", FA, " in said


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("schedule", "there is no `schedule`"),
        ("endpoints", "there are no `endpoints`"),
        ("criterion", "there is no `criterion`"),
        ("regimens", "drug CAPMATINIB has no regimen"),
        ("arm", "there is no `arm`"),
        ("trial_summary", "there is no `trial_summary`"),
    ],
)
def test_what_is_missing_is_said(key: str, says: str, tmp_path: Path) -> None:
    with_it = {"schedule": ("assessments",), "regimens": ("components",)}.get(key, ())
    text = _without(key, *with_it).replace(
        "drug: PEMBROLIZUMAB, ", "" if key == "regimens" else "drug: PEMBROLIZUMAB, "
    )
    found = _lint(tmp_path, text)
    assert found.status == 1, found.broken
    assert any(says in line for line in found.open), found.open


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("    key: [SUBJID, AENO]\n", "", "sheet UE has no `key`"),
        ("adsl: TRTSDT", "label: first", "start"),
        ("events: [progression, death]", "events: [progresion, death]", "did you mean 'progression'"),
        ("censors: [last_known_alive]", "censors: [last_known]", "which is unknown"),
        ("primary: true", "primary: false", "no endpoint is `primary: true`"),
        ("options: {of: CBOR, responders: [CR, PR]}", "options: {of: BORR, responders: [CR, PR]}", "rests on 'BORR'"),
        ("{is: VISREAS}", "{is: VISREASN}", "did you mean 'VISREAS'"),
        ("baseline: true, synonyms", "synonyms", "no visit of the schedule is the baseline"),
        ("num: 3, anchor: D1, target: 14, window: 2,", "num: 3, anchor: D1,", "its date is not checked"),
        ("title: Cap", "translations: {zh: {enrolment: 入组}}\ntitle: Cap", "`translations: zh:` does not have"),
        ("title: Cap", "# DECIDE: is this right?\ntitle: Cap", "study.yaml:4: to decide: is this right?"),
    ],
)
def test_what_is_suspicious_is_said_in_words(old: str, new: str, says: str, tmp_path: Path) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new) if old != "adsl: TRTSDT" else GOOD.replace("    adsl: TRTSDT\n", "")
    found = _lint(tmp_path, text)
    assert found.status == 1, found.broken
    assert any(says in line for line in found.open), found.open


def test_a_file_that_does_not_load_is_broken_with_its_lines(tmp_path: Path) -> None:
    found = _lint(tmp_path, GOOD.replace("holds: subjects", "hold: subjects"))
    assert found.status == 2
    assert any("did you mean 'holds'" in line for line in found.broken)
    assert found.text("study.yaml").endswith("study.yaml is broken\n")
