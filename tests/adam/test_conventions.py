"""The sentences for the notes of define.xml follow the study file (adam-derivations 10)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from cdiscx.adam import conventions
from cdiscx.model.spec import Study


def test_conventions_say_cutoff_windows_and_switches_as_the_study_file_has_them(tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(
        "id: small\nstudyid: S\ntitle: S\nparameters: {teae_days: 28, dfs_population: R0}\n", encoding="utf-8"
    )
    said = " ".join(conventions(Study.load(str(file)), dt.date(2024, 5, 6)))
    assert "Data cut-off 2024-05-06" in said
    assert "teae_days = 28" in said
    assert "dfs_population = R0" in said
