"""What a typed reason says: an adverse event, an emergency."""

from __future__ import annotations

import re

import polars as pl

from cdiscx.model.spec import Study


def says(text: pl.Expr, words: list[str]) -> pl.Expr:
    """Whether the text contains one of the words; False for a blank.

    Long words in any case; short ones (`AE`) as they are written (`SAE`, `irAE` count, `palaeo` does not) or standing alone.
    """
    long = [re.escape(w) for w in words if len(w) > 3 or not w.isascii()]
    short = [re.escape(w) for w in words if len(w) <= 3 and w.isascii()]
    patterns = [f"(?i:{w})" for w in long] + short + [rf"(?i:\b{w}\b)" for w in short]
    if not patterns:
        return pl.lit(False)
    return text.str.contains("|".join(patterns)).fill_null(False)


def says_adverse_event(text: pl.Expr, study: Study) -> pl.Expr:
    """Whether a change reason is an adverse event (catalogue 15.16)."""
    return says(text, [str(w) for w in study.parameters.get("ae_reason_words", ())])


def says_emergency(text: pl.Expr, study: Study) -> pl.Expr:
    """Whether a reason says that surgery was an emergency (DOS-007)."""
    return says(text, [str(w) for w in study.parameters.get("emergency_words", ())])
