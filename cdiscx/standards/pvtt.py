"""Portal vein tumour thrombus: Cheng class, its change, the PVTT response CHP-1 to CHP-8 and the composite matrix."""

import polars as pl

CHENG_ORDINAL = {"NONE": 0, "I": 1, "II": 2, "III": 3, "IV": 4}
"""CH-0 to CH-IV. I0 (microscopic) is no imaging class and has no ordinal here (CH-I0)."""

PATHOLOGY_ORDER = ("NONE", "I0", "I", "II", "III", "IV")
"""Worse to the right; only for pathology, where I0 lies between NONE and I."""

VP_TO_CHENG = {"VP1": "I", "VP2": "I", "VP3": "II", "VP4": "III"}
"""Japanese Vp classes, one way; Vp4 also covers both first-order branches, so it is worth a query."""

COMPOSITE_CELLS: dict[tuple[str, str], tuple[str, str]] = {
    ("CR", "PR"): ("PR", "a1"),
    ("CR", "SD"): ("PR", "a2"),
    ("CR", "PD"): ("PD", "s"),
    ("CR", "NE"): ("NE", "a3"),
    ("PR", "PR"): ("PR", "a4"),
    ("PR", "SD"): ("PR", "s"),
    ("PR", "PD"): ("PD", "s"),
    ("PR", "NE"): ("NE", "a3"),
    ("SD", "PR"): ("PR", "s"),
    ("SD", "SD"): ("SD", "a5"),
    ("SD", "PD"): ("PD", "s"),
    ("SD", "NE"): ("NE", "a3"),
    ("PD", "PR"): ("PD", "s"),
    ("PD", "SD"): ("PD", "s"),
    ("PD", "PD"): ("PD", "s"),
    ("PD", "NE"): ("PD", "s"),
    ("NE", "PR"): ("NE", "a3"),
    ("NE", "SD"): ("NE", "a3"),
    ("NE", "PD"): ("PD", "s"),
    ("NE", "NE"): ("NE", "a3"),
}
"""(primary by mRECIST, PVTT) -> (composite, cell): `s` is stated by the source, `a1` to `a5` are assumptions."""


def _code(text: pl.Expr) -> pl.Expr:
    return text.cast(pl.String).str.strip_chars().str.to_uppercase()


def cheng_ordinal(text: pl.Expr) -> pl.Expr:
    """Ordinal 0 to 4 (Int8) of an imaging class, subtype letter ignored; null for blank, I0 and anything else."""
    main = _code(text).str.replace(r"^(I|II|III|IV)[AB]$", "$1")
    return main.replace_strict(list(CHENG_ORDINAL), list(CHENG_ORDINAL.values()), default=None, return_dtype=pl.Int8)


def _subtype(text: pl.Expr) -> pl.Expr:
    letter = _code(text).str.extract(r"^(?:I|II|III|IV)([AB])$", 1)
    return letter.replace_strict(["A", "B"], [0, 1], default=None, return_dtype=pl.Int8)


def staging_steps(base: pl.Expr, now: pl.Expr, *, use_subtypes: bool = False) -> pl.Expr:
    """Sign and size of the change in classes: negative = downstaging, 0 = unchanged, null = not comparable.

    With `use_subtypes` two readings of one class that both carry a letter differ by the letter, a below b.
    """
    steps = cheng_ordinal(now) - cheng_ordinal(base)
    if not use_subtypes:
        return steps
    return pl.when(steps == 0).then((_subtype(now) - _subtype(base)).fill_null(0)).otherwise(steps)


def staging_change(base: pl.Expr, now: pl.Expr, *, use_subtypes: bool = False) -> tuple[pl.Expr, pl.Expr]:
    """(DOWNSTAGING, UNCHANGED, UPSTAGING or null; rule id CH-D-1 to CH-D-4)."""
    steps = staging_steps(base, now, use_subtypes=use_subtypes)
    underivable = cheng_ordinal(base) == 0
    word = pl.when(steps < 0).then(pl.lit("DOWNSTAGING")).when(steps == 0).then(pl.lit("UNCHANGED"))
    rule = pl.when(steps < 0).then(pl.lit("CH-D-1")).when(steps == 0).then(pl.lit("CH-D-2"))
    return (
        pl.when(~underivable).then(word.when(steps > 0).then(pl.lit("UPSTAGING"))),
        pl.when(underivable).then(pl.lit("CH-D-4")).otherwise(rule.when(steps > 0).then(pl.lit("CH-D-3"))),
    )


def pvtt_response(base: pl.Expr, now: pl.Expr, flow: pl.Expr, *, use_subtypes: bool = False) -> tuple[pl.Expr, pl.Expr]:
    """(PVTT response, rule id CHP-1 to CHP-8) from Cheng class at baseline and now and "portal flow restored".

    `base` and `now`: NONE, I to IV with optional a or b; `flow`: Y, N (or boolean) or null. Without a
    comparable class on both sides the response is NE (CHP-7); a baseline without thrombus makes it NE with
    CH-D-4, since the subject should not be in the trial. Upstaging outranks restored flow (CHP-5).
    """
    steps = staging_steps(base, now, use_subtypes=use_subtypes)
    restored = _code(flow)
    yes, no = restored.is_in(["Y", "TRUE"]), restored.is_in(["N", "FALSE"])
    rows = (
        (steps.is_null(), "NE", "CHP-7"),
        (cheng_ordinal(base) == 0, "NE", "CH-D-4"),
        (cheng_ordinal(now) == 0, "PR", "CHP-8"),
        (steps < 0, "PR", "CHP-1"),
        ((steps > 0) & yes, "PD", "CHP-5"),
        (steps > 0, "PD", "CHP-4"),
        (yes, "PR", "CHP-2"),
        (no, "SD", "CHP-3"),
        (pl.lit(True), "SD", "CHP-6"),
    )
    response, rule_id = pl.lit(None, dtype=pl.String), pl.lit(None, dtype=pl.String)
    for condition, result, row_id in reversed(rows):
        response = pl.when(condition).then(pl.lit(result)).otherwise(response)
        rule_id = pl.when(condition).then(pl.lit(row_id)).otherwise(rule_id)
    return response, rule_id


def composite(
    primary: pl.Expr, pvtt: pl.Expr, *, now: pl.Expr | None = None, gone_is_cr: bool = False
) -> tuple[pl.Expr, pl.Expr]:
    """(composite response, cell id a1 to a5, s or gone) of primary liver tumour and PVTT.

    A blank component counts as NE; both blank give null. NON-CR/NON-PD (a primary without target) is read as
    SD. `gone_is_cr` with `now` (the class at the assessment) turns primary CR and class NONE into CR, cell
    `gone`; without it composite CR cannot be reached. Raises ValueError where `gone_is_cr` has no class to
    look at.
    """
    if gone_is_cr and now is None:
        raise ValueError("composite(gone_is_cr=True) needs the PVTT class at the assessment: pass now=")
    first, second = _code(primary), _code(pvtt)
    first_word = pl.when(first == "NON-CR/NON-PD").then(pl.lit("SD")).otherwise(first.fill_null("NE"))
    pair = pl.concat_str(first_word, pl.lit("|"), second.fill_null("NE"))
    keys = ["|".join(key) for key in COMPOSITE_CELLS]
    values = list(COMPOSITE_CELLS.values())
    known = first.is_not_null() | second.is_not_null()
    response, cell = (
        pl.when(known).then(
            pair.replace_strict(keys, [value[i] for value in values], default=None, return_dtype=pl.String)
        )
        for i in range(2)
    )
    if now is None or not gone_is_cr:
        return response, cell
    gone = (first == "CR") & (second == "PR") & (cheng_ordinal(now) == 0)
    return (
        pl.when(gone).then(pl.lit("CR")).otherwise(response),
        pl.when(gone).then(pl.lit("gone")).otherwise(cell),
    )
