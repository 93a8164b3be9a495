"""The two studies, loaded once."""

from __future__ import annotations

import pytest

from cdiscx.model.spec import Study


@pytest.fixture(scope="session")
def palhep() -> Study:
    return Study.load("palhep-a")


@pytest.fixture(scope="session")
def neopvtt() -> Study:
    return Study.load("neopvtt-b")
