"""Best overall response, unconfirmed and confirmed: overall responses of a window in, one row a subject out.

Tables R11-B and R11-F of RECIST 1.1. The caller cuts the window (new therapy, surgery, cut-off); what follows
the first progression is left out here.
"""

import polars as pl

_KEY = ("SUBJID", "EVAL")
_STABLE = "NON-CR/NON-PD"

RESPONSE_ORDER = ("CR", "PR", "SD", _STABLE, "NED", "PD", "NE", "MISSING")
"""From best to worst, as best response prefers them (NED after NON-CR/NON-PD)."""

# Two responses on one day cannot both hold: progression is irreversible, then the worst that could be
# evaluated.
_WORST_FIRST = ("PD", "SD", _STABLE, "NED", "PR", "CR", "NE")
#: responses travel as their places in that order: whole numbers are compared many times faster than words
_CODE = {word: place for place, word in enumerate(_WORST_FIRST)}

_DAYS = 1 << 24
"""More than any date counts in days: a subject's number times this plus a date is unique."""


def _is(*responses: str) -> pl.Expr:
    return pl.any_horizontal(pl.col("_RESP") == _CODE[r] for r in responses)


def _prepared(tp: pl.LazyFrame, sd_min_days: int) -> pl.LazyFrame:
    """One row a subject and day up to the first PD: `_id`, DATE, `_RESP` (its code), `_OK` (late enough for SD), counts so far.

    Rows are in the order of subjects and days.
    """
    words = pl.col("OVRLRESP").cast(pl.String).str.strip_chars().str.to_uppercase()
    severity = words.replace_strict(list(_CODE), list(_CODE.values()), default=None, return_dtype=pl.Int8)
    order = pl.col("_id").cast(pl.Int64) * _DAYS + pl.col("DATE").to_physical().cast(pl.Int64)
    # one number a subject and day, then the worst response: sorted, the first of each number is the day's response
    day = (
        tp.select("_id", "DATE", "REF", severity.alias("_RESP"))
        .filter(pl.col("_RESP").is_not_null(), pl.col("DATE").is_not_null())
        .with_columns(order.alias("_DAY"))
        .sort(pl.col("_DAY") * len(_WORST_FIRST) + pl.col("_RESP"), maintain_order=True)
        .filter((pl.col("_DAY") != pl.col("_DAY").shift(1)).fill_null(True))
        .select(
            pl.col("_id").set_sorted(),
            "DATE",
            "_RESP",
            ((pl.col("DATE") - pl.col("REF")).dt.total_days() >= sd_min_days).fill_null(False).alias("_OK"),
            (pl.col("_id") != pl.col("_id").shift(1)).fill_null(True).alias("_first"),
            # progressions on earlier days, of all subjects before and of this one
            _is("PD").cum_sum().shift(1, fill_value=0).alias("_pds"),
        )
    )
    at_first = pl.when("_first").then("_pds").forward_fill()
    other = ~_is("CR", "PR", "SD", "NE")
    # counts run over all subjects: only differences within a subject are read
    return (
        day.filter(pl.col("_pds") == at_first)
        .drop("_pds", "_first")
        .with_columns(
            _is("NE").cum_sum().alias("_n_ne"),
            _is("SD").cum_sum().alias("_n_sd"),
            _is("PR").cum_sum().alias("_n_pr"),
            other.cum_sum().alias("_n_other"),
        )
    )


def _facts(days: pl.LazyFrame) -> pl.LazyFrame:
    """One row a subject: the first date of each response, and of each that is late enough to count as stability."""
    date = pl.col("DATE")
    return days.group_by("_id").agg(
        date.min().alias("_any"),
        # when-then instead of a filter in each group: one pass over all rows
        *(pl.when(_is(r)).then(date).min().alias(f"_{r}") for r in ("CR", "PR", "PD")),
        *(
            pl.when(_is(r) & pl.col("_OK")).then(date).min().alias(f"_{r}_ok")
            for r in ("CR", "PR", "SD", _STABLE, "NED")
        ),
        _is("NE").all().alias("_only_ne"),
        (pl.len() > 1).alias("_several"),
        pl.when(_is("PR", "SD", _STABLE)).then(date).max().alias("_disease"),
    )


def _confirmed(days: pl.LazyFrame, conf_days: int, max_ne: int, max_sd: int) -> pl.LazyFrame:
    """One row a subject: first date of a CR and of a PR that a later assessment confirms, `_one_sd` for R11-F-7.

    Only the earliest late-enough partner is tried: what lies between two assessments can only grow with a
    later one.
    """
    counts = ("_n_ne", "_n_sd", "_n_pr", "_n_other")
    good = days.filter(_is("CR", "PR")).select("_id", "DATE", "_RESP", *counts)
    ordered = good.sort("DATE").with_columns(pl.col("DATE").dt.offset_by(f"{conf_days}d").alias("_due"))

    def pairs(first: str, later: tuple[str, ...]) -> pl.LazyFrame:
        partners = ordered.filter(_is(*later)).select("_id", *counts, pl.col("DATE").alias("_at"))
        joined = ordered.filter(_is(first)).join_asof(
            partners,
            left_on="_due",
            right_on="_at",
            by="_id",
            strategy="forward",
            suffix="_later",
            check_sortedness=False,  # both sides are sorted by date two lines up; polars cannot see it within groups
        )
        between = [(pl.col(f"{n}_later") - pl.col(n)).alias(f"_between{n}") for n in counts]
        return joined.filter(pl.col("_at").is_not_null()).with_columns(between)

    nothing_else = (pl.col("_between_n_ne") <= max_ne) & (pl.col("_between_n_other") == 0)
    cr = (
        pairs("CR", ("CR",))
        .filter(nothing_else, pl.col("_between_n_sd") == 0, pl.col("_between_n_pr") == 0)
        .group_by("_id")
        .agg(pl.col("DATE").min().alias("_cCR"))
    )
    pr = (
        pairs("PR", ("CR", "PR"))
        .filter(nothing_else, pl.col("_between_n_sd") <= max_sd)
        .group_by("_id")
        .agg(
            pl.col("DATE").min().alias("_cPR"),
            (pl.col("_between_n_sd").get(pl.col("DATE").arg_min()) > 0).alias("_one_sd"),
        )
    )
    return cr.join(pr, on="_id", how="full", coalesce=True)


def _follow_up(days: pl.LazyFrame, facts: pl.LazyFrame, conf_days: int) -> pl.LazyFrame:
    """One row a subject with CR or PR: `_lead` (the day of the response that leads), `_after` (a code) and its date `_after_date`.

    The lead is a CR if there was one, else a PR; one late enough for stability before one too early. What
    follows is the first progression at any distance, or other disease at least `conf_days` later ("later" in
    table R11-F).
    """
    cr = pl.col("_CR").is_not_null()
    lead = facts.select(
        "_id",
        pl.when(cr).then(pl.lit("CR")).otherwise(pl.lit("PR")).alias("_lead_resp"),
        pl.when(cr).then(pl.coalesce("_CR_ok", "_CR")).otherwise(pl.coalesce("_PR_ok", "_PR")).alias("_lead"),
    ).filter(pl.col("_lead").is_not_null())
    late = (pl.col("DATE") - pl.col("_lead")).dt.total_days() >= conf_days
    disease = _is("SD", _STABLE) | (_is("PR") & (pl.col("_lead_resp") == "CR"))
    decisive = (
        days.join(lead, on="_id")
        .filter(pl.col("DATE") > pl.col("_lead"), _is("PD") | (late & disease))
        .group_by("_id")
        .agg(pl.col("DATE").min().alias("_after_date"), pl.col("_RESP").get(pl.col("DATE").arg_min()).alias("_after"))
    )
    return lead.join(decisive, on="_id", how="left")


Row = tuple[pl.Expr, str, str, pl.Expr]
"""(condition, response, rule id, date): the first row of a table whose condition holds decides."""


def _without_response() -> list[Row]:
    """R11-B-2 to R11-B-5: the rows below CR and PR, shared by the unconfirmed and the confirmed table."""
    stable = [(pl.col(f"_{r}_ok").is_not_null(), r, "R11-B-2", pl.col(f"_{r}_ok")) for r in ("SD", _STABLE, "NED")]
    return [
        *stable,
        (pl.col("_PD").is_not_null(), "PD", "R11-B-3", pl.col("_PD")),
        (pl.col("_any").is_not_null(), "NE", "R11-B-4", pl.col("_any")),
        (pl.lit(True), "MISSING", "R11-B-5", pl.lit(None, dtype=pl.Date)),
    ]


def _unconfirmed_rows() -> list[Row]:
    responses = [(pl.col(f"_{r}").is_not_null(), r, "R11-B-1", pl.col(f"_{r}")) for r in ("CR", "PR")]
    return [*responses, *_without_response()]


def _confirmed_rows() -> list[Row]:
    lead, after, later = pl.col("_lead"), pl.col("_after"), pl.col("_after_date")
    cr, pr = pl.col("_CR").is_not_null(), pl.col("_PR").is_not_null()
    cr_ok, pr_ok = pl.col("_CR_ok").is_not_null(), pl.col("_PR_ok").is_not_null()
    stable = (after == _CODE["SD"]) | (after == _CODE[_STABLE])
    rows: list[Row] = [
        (pl.col("_cCR").is_not_null(), "CR", "R11-F-1", pl.col("_cCR")),
        (pl.col("_cPR").is_not_null() & ~pl.col("_one_sd"), "PR", "R11-F-6", pl.col("_cPR")),
        (pl.col("_cPR").is_not_null(), "PR", "R11-F-7", pl.col("_cPR")),
    ]
    # After a CR any disease is progression in truth: what is seen later never counts as stability of its own.
    for rule_id, follows in (
        ("R11-F-2", after == _CODE["PR"]), ("R11-F-3", stable), ("R11-F-4", after == _CODE["PD"])
    ):  # fmt: skip
        rows += [(cr & cr_ok & follows, "SD", rule_id, lead), (cr & follows, "PD", rule_id, later)]
    rows += [(cr & cr_ok, "SD", "R11-F-5", lead), (cr, "NE", "R11-F-5", lead)]
    rows += [
        (pr & stable, "SD", "R11-F-8", lead),
        (pr & pr_ok & (after == _CODE["PD"]), "SD", "R11-F-9", lead),
        (pr & pr_ok, "SD", "R11-F-10", lead),
        (pr & pl.col("_SD_ok").is_not_null(), "SD", "R11-B-2", pl.col("_SD_ok")),
        (pr & (after == _CODE["PD"]), "PD", "R11-F-9", later),
        (pr, "NE", "R11-F-10", lead),
        (pl.col("_only_ne") & pl.col("_several"), "NE", "R11-F-11", pl.col("_any")),
    ]
    return rows + _without_response()


def _decided(rows: list[Row]) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    response, rule_id = pl.lit(None, dtype=pl.String), pl.lit(None, dtype=pl.String)
    date: pl.Expr = pl.lit(None, dtype=pl.Date)
    for condition, result, row_id, when in reversed(rows):
        holds = condition.fill_null(False)
        response = pl.when(holds).then(pl.lit(result)).otherwise(response)
        rule_id = pl.when(holds).then(pl.lit(row_id)).otherwise(rule_id)
        date = pl.when(holds).then(when).otherwise(date)
    return response, rule_id, date


def best_response(
    tp: pl.LazyFrame, *, sd_min_days: int, conf_days: int = 28, max_ne: int = 1, max_sd: int = 1
) -> pl.LazyFrame:
    """Best overall response (R11-B) and confirmed best response (R11-F), one row a SUBJID and EVAL.

    Rows come back in the order of their keys. `tp`, one row an assessment inside the window: SUBJID, EVAL, DATE, OVRLRESP, REF (first treatment). A
    subject without assessment has one row with a null OVRLRESP and becomes MISSING; an assessment without
    date cannot be placed and is left out. Stability needs `DATE - REF >= sd_min_days` (also NON-CR/NON-PD and
    NED), confirmation `conf_days` with at most `max_ne` NE, and for PR at most `max_sd` SD, in between.

    Returns BOR, BORRULE, BORDT (first date that shows it), CBOR, CBORRULE, CBORDT and CRLOST: disease short
    of progression was recorded after a CR, which reading logic does not know (R11-B-6, MEA-018).
    """
    # Sorted, so that the number is the same wherever the plan needs this frame again.
    subjects = tp.select(_KEY).unique().sort(_KEY).with_row_index("_id").cache()
    days = _prepared(tp.join(subjects, on=_KEY, nulls_equal=True), sd_min_days).cache()
    facts = _facts(days).cache()
    table = subjects
    for side in (facts, _confirmed(days, conf_days, max_ne, max_sd), _follow_up(days, facts, conf_days)):
        table = table.join(side, on="_id", how="left")
    names = (("BOR", "BORRULE", "BORDT"), ("CBOR", "CBORRULE", "CBORDT"))
    decided = (_decided(_unconfirmed_rows()), _decided(_confirmed_rows()))
    columns = [
        e.alias(n) for group, exprs in zip(names, decided, strict=True) for n, e in zip(group, exprs, strict=True)
    ]
    lost = (pl.col("_disease") > pl.col("_CR")).fill_null(False).alias("CRLOST")
    return table.sort("_id").select(*_KEY, *columns, lost)
