"""Value-level metadata of findings: what the results of each test are."""

from __future__ import annotations

import polars as pl

from cdiscx.model.dataset import ValueLevel, VariableType
from cdiscx.sdtm.blocks import Made


def result_values(domain: str, frame: pl.DataFrame, made: Made) -> tuple[ValueLevel, ...]:
    """One entry for --ORRES, --STRESC and --STRESN of each test that has records; nothing for a domain without tests."""
    code, name = f"{domain}TESTCD", f"{domain}TEST"
    if not made.tests or code not in frame.columns:
        return ()
    labels = dict(frame.select(code, name).unique([code]).iter_rows()) if name in frame.columns else {}
    present = set(frame.get_column(code).drop_nulls().unique())
    out: list[ValueLevel] = []
    for test_code in sorted(set(made.tests) & present):
        test = made.tests[test_code]
        where = ((code, "EQ", (test_code,)),)
        rows = frame.filter(pl.col(code) == test_code)
        label = labels.get(test_code) or test_code
        for column in ("ORRES", "STRESC", "STRESN"):
            variable = f"{domain}{column}"
            if variable not in rows.columns or rows.get_column(variable).null_count() == rows.height:
                continue
            kind = _type(rows.get_column(variable))
            collected = column == "ORRES"
            out.append(
                ValueLevel(
                    variable,
                    where,
                    label=label,
                    type=kind,
                    codelist=test.codelist if column == "STRESC" and kind == "text" else None,
                    origin="Collected" if collected else "Derived" if test.standard else "Assigned",
                    source="Investigator" if collected else "Sponsor",
                    method="" if collected or not test.standard else f"Result in {test.standard}.",
                )
            )
    return tuple(out)


def _type(values: pl.Series) -> VariableType:
    if values.dtype == pl.Float64:
        return "float"
    values = values.drop_nulls().unique()
    numbers = values.cast(pl.Float64, strict=False)
    if numbers.null_count() > values.null_count():
        return "text"
    return "integer" if values.str.contains(r"^-?[0-9]+$").all() else "float"
