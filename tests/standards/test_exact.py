"""Numbers that hang on nothing but the numbers they are made of."""

import polars as pl

from cdiscx.standards.exact import divided


def test_a_quotient_is_that_of_the_numbers_whoever_else_is_in_the_table() -> None:
    number, by = 100 * (781.1 - 2081.5), 2081.5
    several = pl.DataFrame({"k": [1, 1], "number": [number, 3.0]})
    one_divisor = several.join(pl.DataFrame({"k": [1], "by": [by]}), on="k", how="left", maintain_order="left")
    two = one_divisor.with_columns(by=pl.Series([by, 7.0]))
    for frame in (one_divisor, two, two.head(1), several.with_columns(by=pl.lit(by))):
        assert frame.select(divided(pl.col("number"), pl.col("by"))).item(0, 0) == number / by
    assert several.select(divided(pl.col("number"), pl.lit(by))).item(0, 0) == number / by
    none = pl.DataFrame({"number": [1.0, None], "by": [None, 2.0]}, schema={"number": pl.Float64, "by": pl.Float64})
    assert none.select(divided(pl.col("number"), pl.col("by"))).to_series().to_list() == [None, None]
