"""The variables and parameters of ADRS: labels, origins and methods, as the study's switches make them."""

from __future__ import annotations

import polars as pl

from cdiscx.adam._composite_rows import CLASS, composite_endpoint
from cdiscx.adam._context import Context
from cdiscx.adam._finish import NY, Column
from cdiscx.adam._readings import ResponseSource
from cdiscx.model.dataset import ValueLevel
from cdiscx.model.spec import Endpoint

RESPONSES = "C96785"
_CATEGORY = {"response": "TUMOR RESPONSE", "proportion": "TUMOR RESPONSE"}


def _fixed(criterion: str) -> dict[str, tuple[str, str]]:
    return {
        "OVR": (f"Overall Response by Investigator, {criterion}", "REPORTED RESPONSE"),
        "TRGR": (f"Target Response by Investigator, {criterion}", "REPORTED RESPONSE"),
        "NTRGR": (f"Non-target Response by Investigator, {criterion}", "REPORTED RESPONSE"),
        "NEWL": ("New Lesion Indicator by Investigator", "REPORTED RESPONSE"),
        "DOVR": (f"Derived Overall Response, {criterion}", "DERIVED RESPONSE"),
        "DTRGR": (f"Derived Target Response, {criterion}", "DERIVED RESPONSE"),
        "POSTBASE": ("Post-operative Baseline Assessment", "DERIVED RESPONSE"),
        "PD": ("First Progression", "TUMOR RESPONSE"),
        "LSTA": ("Last Evaluable Tumor Assessment Before Progression", "TUMOR RESPONSE"),
        "DEATH": ("Death", "DEATH"),
    }


def parameter_table(ctx: Context) -> dict[str, tuple[str, str]]:
    """PARAMCD -> PARAM, PARCAT1 of everything that ADRS of this study can hold."""
    criterion = ctx.study.criterion.name if ctx.study.criterion is not None else "RECIST 1.1"
    table = _fixed(criterion)
    table |= {
        n: (
            e.label,
            _CATEGORY[e.kind] if "r_status" not in e.options and "viable_max_pct" not in e.options else "SURGERY",
        )
        for n, e in ctx.study.endpoints.items()
        if e.kind in _CATEGORY
    }
    found = composite_endpoint(ctx)
    for code in (found[0], *map(str, found[1].options["components"])) if found else ():
        label = ctx.study.endpoints[code].label if code in ctx.study.endpoints else code
        table[code] = (label, "COMPOSITE RESPONSE")
        table[f"D{code}"[:8]] = (f"Derived {label}", "COMPOSITE RESPONSE")
    if found:
        table[CLASS] = ("Portal Vein Thrombus, Cheng Class", "COMPOSITE RESPONSE")
    return table


def columns(ctx: Context, source: ResponseSource) -> tuple[Column, ...]:
    """Every variable of ADRS after ADSL's core."""
    chosen = "the site's responses (OVR)" if source == "SITE" else "the derived responses (DOVR)"
    return (
        Column("PARAMCD", "Parameter Code", core="Req"),
        Column("PARAM", "Parameter", core="Req"),
        Column("PARCAT1", "Parameter Category 1", core="Perm"),
        Column("EVALR", "Evaluator", of=("RS.RSEVAL", "RS.RSEVALID"), method="The named assessor, else the evaluator; investigator where none is named."),
        Column("BASETYPE", "Baseline Type", core="Cond", method="POST-OPERATIVE for assessments after the hepatectomy, PRE-TREATMENT for those before."),
        Column("AVISIT", "Analysis Visit", of=("RS.VISIT",), core="Cond"),
        Column("AVISITN", "Analysis Visit (N)", "float", of=("RS.VISITNUM",), core="Perm"),
        Column("ADT", "Analysis Date", "date", of=("TR.TRDTC", "RS.RSDTC"), core="Cond", method="Earliest scan date of the time point for progression, latest otherwise; the response date where no scan date exists. By parameter see value level."),
        Column("ADY", "Analysis Relative Day", "integer", of=("ADSL.TRTSDT",), core="Cond", method="ADT - TRTSDT + 1 on or after TRTSDT, otherwise ADT - TRTSDT."),
        Column("AVAL", "Analysis Value", "float", core="Cond", method="CR 1, PR 2, SD 3, NON-CR/NON-PD 4, NED 4.5, PD 5, NE 6, MISSING 7; yes/no answers Y 1, N 0."),
        Column("AVALC", "Analysis Value (C)", of=("RS.RSSTRESC",), core="Cond", method="By parameter, see value level."),
        Column("AVALCAT1", "Analysis Value Category 1", core="Perm", method="Why a response in a window, the composite response or the event-free status was answered so."),
        Column("DISCFL", "Derived Differs From Site Flag", codelist=NY, method="Y where a derived response is not the site's response of the same time point."),
        Column("RULEID", "Rule That Decided", method="Identifier of the row of the response tables that gave the derived response."),
        Column("ANL01FL", "Analysis Flag 01", codelist=NY, core="Cond", method=f"Y on {chosen} of the investigator after baseline up to the first progression."),
        Column("ANL02FL", "Analysis Flag 02", codelist=NY, core="Cond", method="Y on the one assessment per subject that counts for the composite response."),
        Column("ANL03FL", "Analysis Flag 03", codelist=NY, core="Cond", method=f"Y on {chosen} of the investigator after surgery up to the first progression after it."),
        Column("SRCDOM", "Source Data", core="Perm"),
        Column("SRCVAR", "Source Variable", core="Perm"),
        Column("SRCSEQ", "Source Sequence Number", "integer", core="Perm"),
    )  # fmt: skip


def values(ctx: Context, frame: pl.DataFrame, source: ResponseSource) -> tuple[ValueLevel, ...]:
    """Value-level metadata of AVALC per parameter that the dataset holds."""
    texts = _methods(ctx, source)
    out = []
    for code in sorted(set(frame["PARAMCD"].unique().to_list())):
        collected = code in ("OVR", "TRGR", "NTRGR", "NEWL", CLASS)
        answers = {str(v) for v in frame.filter(pl.col("PARAMCD") == code)["AVALC"].drop_nulls().unique().to_list()}
        out.append(
            ValueLevel(
                "AVALC", (("PARAMCD", "EQ", (code,)),), label=parameter_table(ctx)[code][0],
                codelist=NY if answers <= {"Y", "N"} else RESPONSES if answers <= set(_PUBLISHED) else None,
                origin="Collected" if collected else "Derived", source="Investigator" if collected else "Sponsor",
                method="" if collected else texts.get(code, ""),
            )
        )  # fmt: skip
    return tuple(out)


_PUBLISHED = ("CR", "PR", "SD", "PD", "NE", "NON-CR/NON-PD", "NED")


def _methods(ctx: Context, source: ResponseSource) -> dict[str, str]:
    criterion = ctx.study.criterion.name if ctx.study.criterion is not None else "RECIST 1.1"
    chosen = "site" if source == "SITE" else "derived"
    out = {
        "DOVR": f"Overall response of the time point from lesion measurements by {criterion}; RULEID names the table row.",
        "DTRGR": f"Target response of the time point from lesion measurements by {criterion}; RULEID names the table row.",
        "POSTBASE": "Y: first imaging after hepatectomy, the new baseline; evaluable for censoring, without a response of its own.",
        "PD": f"Y if any {chosen} overall response after baseline is PD; ADT is that of the first.",
        "LSTA": f"Last {chosen} response other than NE (or post-operative baseline) before the first PD.",
        "DEATH": "Y if the subject died on or before the cut-off; ADT is DTHDT.",
    }
    for name, e in ctx.study.endpoints.items():
        text = _method_of(ctx, e, chosen)
        if text:
            out[name] = text
            out[f"D{name}"[:8]] = text
    return out


def _method_of(ctx: Context, e: Endpoint, chosen: str) -> str:
    o = e.options
    if "sd_min_days" in o:
        until = ", before surgery" if o.get("before_surgery") else ""
        confirmed = f"; CR and PR confirmed at least {o['conf_days']} days later" if "conf_days" in o else ""
        return (
            f"Best {chosen} response up to first PD, before new anti-cancer therapy{until}; SD at least {o['sd_min_days']} days "
            f"after first treatment{confirmed}; MISSING without assessment."
        )
    if "responders" in o and "of" in o:
        return f"Y if {o['of']} is {', '.join(o['responders'])}; otherwise N, also where it is missing."
    if "target_days" in o:
        return (
            f"Y if the {chosen} response closest to day {o['target_days']} after {e.start} (within {o['window_days']} days; a tie to "
            f"the earlier) is {' or '.join(o['responders'])} and no PD came before; otherwise N."
        )
    if "days" in o and "of" in o:
        return f"From {o['of']}: N if CNSR = 0 and AVAL <= {o['days']}; Y if AVAL > {o['days']} or (CNSR > 0 and AVAL = {o['days']}); otherwise null."
    if "r_status" in o:
        return f"Y if RSTAT is {' or '.join(o['r_status'])}; otherwise N."
    if "viable_max_pct" in o:
        return f"Y if viable tumour in the resected specimen is at most {o['viable_max_pct']} percent; otherwise N."
    if "components" in o:
        return (
            f"Composite of {' and '.join(map(str, o['components']))}; ANL02FL on the {'best' if o.get('choose') == 'BEST' else 'last evaluable'} "
            f"assessment before surgery and at most {o['max_days']} days after first treatment."
        )
    return ""
