"""Laboratory results -> CTCAE v5.0 grades 3 and 4 by multiples of the upper limit or by value, and the terms that report them.

Source: NCI CTCAE v5.0 (2017), investigations: ALT, AST, bilirubin, creatinine and INR increased, platelet count decreased;
metabolism: hypoalbuminemia. Grades 1 and 2 are not told apart here: nothing in the checks needs them.
"""

from __future__ import annotations

from typing import Final

import polars as pl

#: test -> (grade 3 above, grade 4 above) as multiples of the upper limit of normal
_ABOVE_ULN: Final[dict[str, tuple[float, float | None]]] = {
    "ALT": (5.0, 20.0),
    "AST": (5.0, 20.0),
    "BILI": (3.0, 10.0),
    "CREAT": (3.0, 6.0),
    "INR": (2.5, None),
}
#: test -> (grade 3 below, grade 4 below) in the test's standard unit
_BELOW: Final[dict[str, tuple[float, float | None]]] = {"PLAT": (50.0, 25.0), "ALB": (20.0, None)}

#: test -> words in an adverse event's term (English, Chinese) that report it
AE_WORDS: Final[dict[str, str]] = {
    "ALT": r"ALANINE|\bALT\b|\bSGPT\b|TRANSAMINAS|AMINOTRANSFERASE|LIVER|HEPAT|转氨酶|肝功能|肝炎|肝损",
    "AST": r"ASPARTATE|\bAST\b|\bSGOT\b|TRANSAMINAS|AMINOTRANSFERASE|LIVER|HEPAT|转氨酶|肝功能|肝炎|肝损",
    "BILI": r"BILIRUBIN|JAUNDICE|ICTERUS|LIVER|HEPAT|胆红素|黄疸|肝功能|肝损",
    "CREAT": r"CREATININE|RENAL|KIDNEY|NEPHR|肌酐|肾",
    "INR": r"\bINR\b|COAGUL|PROTHROMBIN|凝血",
    "PLAT": r"PLATELET|THROMBOCYTOP|血小板|骨髓抑制|MYELOSUPPRESS|BONE MARROW",
    "ALB": r"ALBUMIN|白蛋白|LIVER|HEPAT|肝功能",
}


def severe_grade(test: pl.Expr, value: pl.Expr, upper: pl.Expr, standard: pl.Expr) -> pl.Expr:
    """3 or 4 where a result is that severe, else 0; null where it cannot be graded.

    `value` and `upper` share the collected unit, `standard` is the result in the test's standard unit.
    """
    grade: pl.Expr = pl.lit(None, dtype=pl.Int8)
    for name, (three, four) in _ABOVE_ULN.items():
        ratio = value / upper
        high = pl.when(ratio > three).then(3).otherwise(0)
        if four is not None:
            high = pl.when(ratio > four).then(4).otherwise(high)
        grade = pl.when((test == name) & (upper > 0)).then(high).otherwise(grade)
    for name, (three, four) in _BELOW.items():
        low = pl.when(standard < three).then(3).otherwise(0)
        if four is not None:
            low = pl.when(standard < four).then(4).otherwise(low)
        grade = pl.when((test == name) & standard.is_not_null()).then(low).otherwise(grade)
    return grade.cast(pl.Int8)
