"""What holds for every test: no property is failed by a slow machine."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("cdiscx", deadline=None)
settings.load_profile("cdiscx")
