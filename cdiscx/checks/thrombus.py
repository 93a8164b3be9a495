"""Portal vein thrombus: class and flow (MEA-021), composite response (MEA-022)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._arithmetic import operands_said, with_cells_of, with_own_cells, with_target_cells
from cdiscx.checks._shape import related
from cdiscx.model.spec import Study
from cdiscx.registry import check

_ASSUMED = ("a1", "a2", "a3", "a4", "a5")


@check(
    "MEA-021",
    on="subjects",
    columns=("PVTTCLS",),
    silenced_by=("subjects.PVTTCLS",),
)
def no_thrombus_at_baseline(subjects: pl.LazyFrame) -> pl.LazyFrame:
    """PVTT class NONE at baseline: a thrombus is what the study treats, and no PVTT response can be derived.

    Why: without a class at baseline there is nothing to compare with (CH-D-4), and the subject fails B-INC-02.
    Fix: ask the site to confirm the class at baseline.
    Rule: CH-D-4, trial-b B-INC-02; catalogue MEA-021
    """
    return subjects.filter(pl.col("PVTTCLS") == "NONE", pl.col("SUBJID").is_not_null())


@check(
    "MEA-021",
    on="responses",
    columns=("PVTTCLS",),
    needs=("composite", "responses.FLOWREST"),
    silenced_by=("responses.PVTTCLS", "responses.FLOWREST", "subjects.PVTTCLS"),
)
def class_and_flow_do_not_fit(study: Study, composite: pl.LazyFrame) -> pl.LazyFrame:
    """PVTT {c0} -> {PVTTCLS} on {DAT} ({VISIT}), flow restored {flow}: {why} Please confirm.

    Why: class and flow decide the PVTT response; a thrombus does not vanish while the flow stays blocked, nor grow while it opens.
    Fix: ask the site to look at the scan again and to confirm class and flow.
    Rule: CH-0 to CH-IV, CHP-1 to CHP-8, parameter pvtt_jump_steps; catalogue MEA-021
    Not checked: class I0 from imaging is no term of the column (TRM-001); after hepatectomy the thrombus is gone or resected.
    """
    steps = int(study.p("pvtt_jump_steps"))
    now, flow = pl.col("PVTTCLS"), pl.col("FLOWREST")
    gone = (now == "NONE") & (flow == "N")
    risen = (pl.col("STEPS") > 0) & (flow == "Y")
    jumped = pl.col("CHANGE").abs() >= steps
    said = [
        (gone, pl.lit("no thrombus is left, but the flow is not restored.")),
        (risen, pl.lit("the thrombus has grown since baseline (") + pl.col("BASECLS") + pl.lit("), but the flow is restored.")),
        (jumped, pl.lit("a change of ") + pl.col("CHANGE").abs().cast(pl.String) + pl.lit(" classes since ")
         + pl.col("PREVVISIT").fill_null("baseline") + pl.lit(".")),
    ]  # fmt: skip
    parts = pl.concat_list(pl.when(holds.fill_null(False)).then(text) for holds, text in said).list.drop_nulls()
    told = composite.with_columns(_parts=parts).filter(pl.col("_parts").list.len() > 0)
    return told.select(
        "SUBJID", "VISIT", "DAT", "PVTTCLS",
        _rid="RSRID",
        c0=pl.col("PREVCLS").fill_null("unknown"),
        flow=flow.fill_null("not recorded"),
        why=pl.col("_parts").list.join(" Also, "),
        _related=related(("RSRID", "FLOWREST"), ("BASERID", "PVTTCLS"), ("PREVRID", "PVTTCLS")),
    )  # fmt: skip


def _compared(timepoints: pl.LazyFrame, composite: pl.LazyFrame) -> pl.LazyFrame:
    """Composite rows with the operands of the target response; those whose lesions other findings question are left out."""
    names = ("BASETYPE", "TP", "VISIT", "DAT")
    mine = composite.drop(*names).drop("SUBJID", "EVAL")
    rows = timepoints.filter(pl.col("RSRID").is_not_null()).join(mine, on="RSRID")
    return rows.filter(
        pl.col("DOUBTFUL").list.len() == 0,
        pl.col("NT_DOUBTFUL").list.len() == 0,
        ~pl.col("BASE_DOUBT"), ~pl.col("PRIOR_DOUBT"), ~pl.col("ORDER_DOUBT"),
        pl.col("BASECLS").is_not_null(),
    )  # fmt: skip


@check(
    "MEA-022",
    on="responses",
    columns=("COMPRESP", "PVTTCLS"),
    needs=("composite", "timepoints", "judged_lesions"),
    uses=("responses.FLOWREST", "responses.PVTTRESP", "responses.TRGRESP"),
    silenced_by=(
        "responses.PVTTCLS",
        "responses.FLOWREST",
        "responses.COMPRESP",
        "subjects.PVTTCLS",
        "responses.TRGRESP",
    ),
)
def composite_differs(timepoints: pl.LazyFrame, composite: pl.LazyFrame, judged_lesions: pl.LazyFrame) -> pl.LazyFrame:
    """{VISIT}: Composite Response is {COMPRESP}; primary liver tumour {primary} ({PRIMRULE}; {operands}), PVTT {thrombus} -> {DCOMPRESP} (cell {CELL}).{site}

    Why: the composite response is an endpoint of the trial.
    Fix: ask the site which of composite, class, flow and lesions is wrong; the primary liver tumour is judged without the thrombus.
    Rule: trial-b 7 and 8.7; the cells a1 to a5 are assumptions of the trial document, a difference there is a warning
    """
    # without any lesion of the primary tumour only a progression of the thrombus can be told
    told_apart = pl.col("PRIMRSP").is_not_null() | (pl.col("DCOMPRESP") == "PD")
    differs = (told_apart & (pl.col("COMPRESP") != pl.col("DCOMPRESP"))).fill_null(False)
    # where the site's own target response leads to its composite, MEA-014 speaks of the target response
    by_target = ((pl.col("TRGRESP") != pl.col("DTRGRESP")) & (pl.col("COMPRESP") == pl.col("SITECOMP"))).fill_null(
        False
    )
    bad = _compared(timepoints, composite).filter(differs, ~by_target)
    change = (
        pl.lit("class ") + pl.col("BASECLS") + pl.lit(" -> ") + pl.col("PVTTCLS").fill_null("blank")
        + pl.lit(", flow restored ") + pl.col("FLOWREST").fill_null("blank")
    )  # fmt: skip
    rule = (
        pl.when(pl.col("PVTTRULE").is_not_null())
        .then(pl.lit("; ") + pl.col("PVTTRULE"))
        .otherwise(pl.lit("; as recorded"))
    )
    wrong_pvtt = (pl.col("PVTTRESP") != pl.col("DPVTTRESP")).fill_null(False)
    told = bad.with_columns(
        _rid="RSRID",
        primary=pl.col("PRIMRSP").fill_null("none"),
        thrombus=pl.col("DPVTTRESP") + pl.lit(" (") + change + rule + pl.lit(")"),
        operands=operands_said(),
        site=pl.when(wrong_pvtt)
        .then(pl.lit(" The recorded PVTT Response ") + pl.col("PVTTRESP") + pl.lit(" is wrong too."))
        .otherwise(pl.lit("")),
        _severity=pl.when(pl.col("CELL").is_in(list(_ASSUMED))).then(pl.lit("warning")).otherwise(pl.lit("error")),
        _expected="DCOMPRESP",
    )
    cells = with_cells_of(with_target_cells(told, judged_lesions), judged_lesions, "NON-TARGET")
    base = pl.concat_list(pl.struct(rid=pl.col("BASERID").cast(pl.UInt32), column=pl.lit("PVTTCLS", dtype=pl.String)))
    whole = cells.with_columns(with_own_cells("PVTTCLS", "FLOWREST", "PVTTRESP")).with_columns(
        _related=pl.concat_list("_related", base)
    )
    return whole.select(
        "SUBJID", "_rid", "VISIT", "COMPRESP", "primary", "PRIMRULE", "operands", "thrombus", "DCOMPRESP", "CELL", "site",
        "_severity", "_expected", "_related",
    )  # fmt: skip


@check(
    "MEA-022",
    on="responses",
    columns=("PVTTRESP", "PVTTCLS"),
    needs=("composite", "responses.COMPRESP"),
    uses=("responses.FLOWREST",),
    silenced_by=("responses.PVTTCLS", "responses.FLOWREST", "subjects.PVTTCLS"),
)
def thrombus_response_differs(composite: pl.LazyFrame) -> pl.LazyFrame:
    """{VISIT}: PVTT Response is {PVTTRESP}; class {BASECLS} -> {PVTTCLS} with flow restored {flow} gives {DPVTTRESP} (rule {PVTTRULE}).

    Why: the PVTT response is one half of the composite response.
    Fix: ask the site which of response, class and flow is wrong.
    Rule: CHP-1 to CHP-8, trial-b 8.7
    """
    differs = (pl.col("PVTTRESP") != pl.col("DPVTTRESP")).fill_null(False)
    # a composite that is wrong too is the finding, and names this response
    alone = (pl.col("COMPRESP") == pl.col("DCOMPRESP")).fill_null(True)
    known = pl.col("BASECLS").is_not_null() & pl.col("PVTTCLS").is_not_null() & (pl.col("PVTTRULE") != "CH-D-4")
    return composite.filter(differs, alone, known).select(
        "SUBJID", "VISIT", "PVTTRESP", "BASECLS", "PVTTCLS", "DPVTTRESP", "PVTTRULE",
        _rid="RSRID",
        flow=pl.col("FLOWREST").fill_null("blank"),
        _severity=pl.lit("warning"),
        _expected="DPVTTRESP",
        _related=related(("RSRID", "PVTTCLS"), ("RSRID", "FLOWREST"), ("BASERID", "PVTTCLS")),
    )  # fmt: skip
