"""Values and templates in, text that a person reads out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from cdiscx.model.finding import Phrase

_LONGEST_VALUE, LONGEST_MESSAGE = 1_200, 1500
_SLOT = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def wording(template: str, values: Mapping[str, Any]) -> str:
    """Fills `{NAME}` slots: dates as ISO, whole numbers without `.0`, blanks as the word blank."""
    # lists of headings and of allowed words stand in `detail`; anything else that long is no value to be read
    return shortened(
        _SLOT.sub(lambda m: _slot(m[1], values[m[1]]) if m[1] in values else m[0], template), LONGEST_MESSAGE
    )


def phrase(template: str | None, values: Mapping[str, Any]) -> Phrase | None:
    """The template with the text of each of its slots, as `wording` fills them."""
    if not template:
        return None
    names = dict.fromkeys(_SLOT.findall(template))
    return Phrase(template, tuple((name, _slot(name, values[name])) for name in names if name in values))


def _slot(name: str, value: Any) -> str:
    return plain(value) if name == "detail" else shortened(plain(value), _LONGEST_VALUE)


def shortened(text: str, most: int) -> str:
    """The text, its end left out where it is longer than anybody reads; the finding's value stays whole."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def plain(value: Any) -> str:
    """A value as a person reads it."""
    if value is None:
        return "blank"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        short = f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else f"{value:g}"
        return "0" if short == "-0" else short
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ", ".join(plain(v) for v in value) or "none"
    return str(value)
