"""Overall response at one time point: target, non-target and new lesion in, response and rule id out."""

from dataclasses import dataclass
from functools import cache
from itertools import product

import polars as pl

from cdiscx.standards.criterion import Criterion

_STABLE = "NON-CR/NON-PD"
_NO_LESION = "NONE"
_UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class OverallRule:
    """One row of table 1.6 or 3.4; an empty set means "any". The first row that matches decides."""

    id: str
    response: str | None
    target: frozenset[str] = frozenset()
    nontarget: frozenset[str] = frozenset()
    new: frozenset[str] = frozenset()


def _row(row_id: str, target: str, nontarget: str, new: str, response: str | None) -> OverallRule:
    def sets(words: str) -> frozenset[str]:
        return frozenset(words.split())

    return OverallRule(row_id, response, sets(target), sets(nontarget), sets(new))


_NOT_PD = f"CR {_STABLE} NE {_NO_LESION}"

_TARGET_RECIST11 = (
    _row("R11-O-1", "", "", "Y", "PD"),
    _row("R11-O-2", "PD", "", "", "PD"),
    _row("R11-O-3", "", "PD", "", "PD"),
    _row("R11-O-18", "CR PR SD NE", "", _UNKNOWN, "NE"),
    _row("R11-O-4", "CR", f"CR {_NO_LESION}", "N", "CR"),
    _row("R11-O-5", "CR", _STABLE, "N", "PR"),
    _row("R11-O-6", "CR", "NE", "N", "PR"),
    _row("R11-O-7", "PR", _NOT_PD, "N", "PR"),
    _row("R11-O-8", "SD", _NOT_PD, "N", "SD"),
    _row("R11-O-9", "NE", _NOT_PD, "N", "NE"),
)
_TARGET_MRECIST = (
    _row("MR-O-1", "", "", "Y", "PD"),
    _row("MR-O-2", "PD", "", "", "PD"),
    _row("MR-O-3", "", "PD", "", "PD"),
    _row("R11-O-18", "CR PR SD NE", "", _UNKNOWN, "NE"),
    _row("MR-O-4", "CR", f"CR {_NO_LESION}", "N", "CR"),
    _row("MR-O-5", "CR", f"{_STABLE} NE", "N", "PR"),
    _row("MR-O-6", "PR", _NOT_PD, "N", "PR"),
    _row("MR-O-7", "SD", _NOT_PD, "N", "SD"),
    _row("MR-O-8", "NE", _NOT_PD, "N", "NE"),
)
_NONTARGET_ONLY = (
    _row("R11-O-11", "", "", "Y", "PD"),
    _row("R11-O-12", "", "PD", "", "PD"),
    _row("R11-O-18", "", f"CR {_STABLE} NE", _UNKNOWN, "NE"),
    _row("R11-O-13", "", "CR", "N", "CR"),
    _row("R11-O-14", "", _STABLE, "N", _STABLE),
    _row("R11-O-15", "", "NE", "N", "NE"),
)
_NO_DISEASE = (
    _row("R11-O-17", "", "", "Y", "PD"),
    _row("R11-O-16", "", "", "N", "NED"),
    _row("R11-O-18", "", "", _UNKNOWN, "NE"),
)


def overall_rules(c: Criterion) -> tuple[tuple[OverallRule, ...], ...]:
    """Parts A (targets present), B (non-target disease only) and C (no disease) of the table of `c`."""
    return (
        _TARGET_MRECIST if c.is_mrecist else _TARGET_RECIST11,
        _NONTARGET_ONLY,
        _NO_DISEASE,
    )


_BLANK = ""
_TARGET_WORDS = (_BLANK, "CR", "PR", "SD", "PD", "NE")
_NONTARGET_WORDS = (_BLANK, _NO_LESION, "CR", _STABLE, "PD", "NE")
_NEW_WORDS = ("Y", "N", _UNKNOWN)
_OTHER = "another word"


def _first_match(rules: tuple[OverallRule, ...], target: str, nontarget: str, new: str) -> OverallRule | None:
    components = ((target, "target"), (nontarget, "nontarget"), (new, "new"))
    for rule in rules:
        if all(not getattr(rule, name) or word in getattr(rule, name) for word, name in components):
            return rule
    return None


def _place(words: tuple[str, ...], component: pl.Expr) -> pl.Expr:
    """The place of a word in its list; the place after the last for a word that is not in it."""
    return component.fill_null(_BLANK).replace_strict(
        list(words), list(range(len(words))), default=len(words), return_dtype=pl.Int32
    )


def _look_up(c: Criterion, part: pl.Expr, target: pl.Expr, nontarget: pl.Expr, new: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """(response, rule id): every combination is decided once by the table, each row then looks up its number."""
    responses, rule_ids = _decided(overall_rules(c))
    number = part
    for words, component in ((_TARGET_WORDS, target), (_NONTARGET_WORDS, nontarget), (_NEW_WORDS, new)):
        number = number * (len(words) + 1) + _place(words, component)
    numbers = pl.int_range(responses.len(), eager=True)
    response, rule_id = (
        number.replace_strict(numbers, words, return_dtype=pl.String) for words in (responses, rule_ids)
    )
    return response, rule_id


@cache
def _decided(parts: tuple[tuple[OverallRule, ...], ...]) -> tuple[pl.Series, pl.Series]:
    """Response and rule id (null outside the tables) of every combination of part, target, non-target and new lesion."""
    targets, nontargets, news = (*_TARGET_WORDS, _OTHER), (*_NONTARGET_WORDS, _OTHER), (*_NEW_WORDS, _OTHER)
    rules = [_first_match(*words) for words in product(parts, targets, nontargets, news)]
    response = pl.Series([None if rule is None else rule.response for rule in rules], dtype=pl.String)
    return response, pl.Series([None if rule is None else rule.id for rule in rules], dtype=pl.String)


def _expr(column: pl.Expr | str) -> pl.Expr:
    return pl.col(column) if isinstance(column, str) else column


def _words(column: pl.Expr | str) -> pl.Expr:
    text = _expr(column).cast(pl.String).str.strip_chars().str.to_uppercase()
    return pl.when(text != "").then(text)


def overall_from_components(
    c: Criterion,
    *,
    target: pl.Expr | str = "TRGRESP",
    nontarget: pl.Expr | str = "NTRGRESP",
    new: pl.Expr | str = "NEWL",
    has_target: pl.Expr | None = None,
    has_nontarget: pl.Expr | None = None,
    form_complete: pl.Expr | None = None,
) -> tuple[pl.Expr, pl.Expr]:
    """(overall response, rule id) from recorded or derived components, by R11-O / MR-O.

    Components are text in any case; `new` is Y, N or blank. `has_target` and `has_nontarget` say whether the
    subject has such lesions (default: the component is filled). A blank target where targets exist gives no
    response (null, as at a post-operative baseline), unless a new lesion or the non-targets alone make it PD;
    a blank non-target beside a target reads as NE. A blank new-lesion field reads as N only where
    `form_complete` is true (R11-O-18). A combination outside the tables gives null.
    """
    t, n, given = _words(target), _words(nontarget), _words(new)
    no_idea = pl.lit(None, dtype=pl.Boolean)
    targets = (no_idea if has_target is None else has_target).fill_null(t.is_not_null()) | t.is_not_null()
    others = (no_idea if has_nontarget is None else has_nontarget).fill_null(n.is_not_null()) | n.is_not_null()
    complete = pl.lit(False) if form_complete is None else form_complete.fill_null(False)
    is_new = pl.coalesce(given, pl.when(complete).then(pl.lit("N")).otherwise(pl.lit(_UNKNOWN)))
    beside_target = pl.when(~others).then(pl.lit(_NO_LESION)).otherwise(n.fill_null("NE"))
    part = pl.when(targets).then(0).when(others).then(1).otherwise(2)
    return _look_up(c, part, t, pl.when(targets).then(beside_target).otherwise(n), is_new)


def overall_response(tp: pl.LazyFrame, c: Criterion) -> pl.LazyFrame:
    """The rows of `tp` with OVRLRESP and OVRLRULE added.

    `tp`, one row a time point: TRGRESP, NTRGRESP, NEWL (Y, N, null), HAS_TARGET, HAS_NONTARGET and optionally
    FORM_COMPLETE (imaging done and the form says complete). Rules as in `overall_from_components`.
    """
    complete = pl.col("FORM_COMPLETE") if "FORM_COMPLETE" in tp.collect_schema().names() else None
    response, rule_id = overall_from_components(
        c,
        has_target=pl.col("HAS_TARGET"),
        has_nontarget=pl.col("HAS_NONTARGET"),
        form_complete=complete,
    )
    return tp.with_columns(response.alias("OVRLRESP"), rule_id.alias("OVRLRULE"))
