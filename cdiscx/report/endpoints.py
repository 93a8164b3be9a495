"""The endpoint summary and the ADaM frames in, one HTML page out: tables and plots, no network, no text read as markup.

Plots are SVG made here, one for a desk or paper and one for a phone: they need no script, so the page is complete without
one; the script only shows at once what a mark's title says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import jinja2
from markupsafe import Markup

from cdiscx.model.dataset import Records
from cdiscx.model.spec import Study
from cdiscx.report import endpoints_frames as frames
from cdiscx.report.endpoints_safety import grade_plot
from cdiscx.report.endpoints_survival import survival_plot
from cdiscx.report.endpoints_swimmer import swimmer
from cdiscx.report.endpoints_tumour import changes_of, courses_of, spider, waterfall
from cdiscx.report.languages import ENGLISH, Language, language
from cdiscx.report.page import content_hash
from cdiscx.report.words import visible

T = TypeVar("T")
_TEMPLATES = Path(__file__).parent / "templates"
#: subjects that a plot of individuals draws: of more, so many evenly picked ones, and the page says so
DRAWN = 1_000
#: subjects and terms named in a cell; the others are counted, endpoints.json has all
NAMED = 20


def endpoint_page(
    study: Study,
    results: Mapping[str, Any],
    adam: Mapping[str, Records],
    *,
    version: str = "",
    lang: str = ENGLISH,
) -> str:
    """The page of `analyse`'s results; `adam`: the datasets or frames they were made of; `version`: of cdiscx, for the footer.

    `lang`: of the page; terms of adverse events, names of CDISC and values stay as they are.
    """
    tongue = language(lang).of_study(study)
    style, script = ((_TEMPLATES / f"endpoints.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_safe,
    )
    environment.filters["number"] = _number
    environment.filters["named"] = lambda subjects: _named(subjects, tongue)
    environment.filters["said"] = tongue.read
    page = environment.get_template("endpoints.html.j2").render(
        t=tongue.label,
        many=tongue.many,
        lang=tongue.tag,
        results=results,
        endpoints=results["endpoints"],
        primary=[e for e in results["endpoints"] if e["primary"]],
        methods=_methods(results["endpoints"]),
        plots=_plots(study, results, adam, tongue),
        shift=_shift(results.get("pvtt_shift"), tongue),
        changed=[r for r in results["sensitivity"]["rows"] if r["changed"]],
        style=Markup(style),
        script=Markup(script),
        style_hash=content_hash(style),
        script_hash=content_hash(script),
        version=version,
    )
    return page.encode("utf-8", "backslashreplace").decode("utf-8")


def _plots(study: Study, results: Mapping[str, Any], adam: Mapping[str, Records], tongue: Language) -> dict[str, Any]:
    """Every plot as markup that was escaped when it was drawn; empty where there is nothing to plot."""
    per_month = float(study.parameters.get("days_per_month", 30.4375))
    timed = [e for e in results["endpoints"] if e["kind"] == "time_to_event"]
    curves = {
        e["id"]: survival_plot(e, frames.curve_records(adam, e["id"], e["population"]), per_month, tongue)
        for e in timed
        if e["n"]
    }
    changes = sorted(changes_of(frames.best_changes(adam)), key=lambda c: (-c.change, c.subject))
    courses = sorted(courses_of(frames.courses(adam, per_month)), key=lambda c: c.subject)
    groups = {drug: r.group for drug, r in study.regimens.items() if r.group}
    lanes = sorted(frames.lanes(adam, per_month, groups), key=lambda lane: (-lane.end, lane.subject))
    events = results["adverse_events"]
    viable = study.criterion is not None and study.criterion.name == "MRECIST"
    what = "sum of viable diameters" if viable else "sum of diameters"
    return {
        "what": what,
        "timed": timed,
        "curves": {name: Markup(svg) for name, svg in curves.items()},
        "waterfall": Markup(waterfall(_picked(changes), what, tongue) if changes else ""),
        "left_out": max(len(changes), len(courses), len(lanes)) > DRAWN,
        "drawn": DRAWN,
        "spider": Markup(spider(_picked(courses), what, tongue) if courses else ""),
        "swimmer": Markup(swimmer(_picked(lanes), tongue) if lanes else ""),
        "grades": Markup(grade_plot(events["by_term"], events["N"], tongue)),
    }


def _picked(ordered: Sequence[T]) -> Sequence[T]:
    """All of them, or DRAWN of them at even distances, so that the shape of a plot stays."""
    n = len(ordered)
    return ordered if n <= DRAWN else [ordered[i * n // DRAWN] for i in range(DRAWN)]


def _methods(entries: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Method text -> number of the note below the table."""
    texts = dict.fromkeys(e["method"] for e in entries if e.get("method"))
    return {text: i for i, text in enumerate(texts, start=1)}


def _shift(shift: Mapping[str, Any] | None, tongue: Language) -> dict[str, Any] | None:
    """The shift table as rows of cells: number, direction (down, same, up, unknown), who."""
    if shift is None:
        return None
    order = list(shift["order"])
    cells = {(c["baseline"], c["then"]): c for c in shift["cells"]}
    classes = [c for c in order if c != "NOT KNOWN"]
    rows = []
    for base in order:
        row = []
        for then in order:
            cell = cells.get((base, then), {"n": 0, "subjects": []})
            known = base in classes and then in classes
            step = (order.index(then) > order.index(base)) - (order.index(then) < order.index(base)) if known else None
            look = {None: "unknown", -1: "down", 0: "same", 1: "up"}[step]
            row.append({"n": cell["n"], "look": look, "who": _named(cell["subjects"], tongue)})
        if base not in ("NONE", "NOT KNOWN") or any(c["n"] for c in row):
            rows.append({"baseline": base, "cells": row, "n": sum(c["n"] for c in row)})
    total = sum(r["n"] for r in rows)
    looks = ("down", "same", "up", "unknown")
    told = {look: sum(c["n"] for r in rows for c in r["cells"] if c["look"] == look) for look in looks}
    return {"order": order, "rows": rows, "n": total, "text": shift["text"]} | told


def _named(subjects: Sequence[str], tongue: Language, most: int = NAMED) -> str:
    """`001, 002 and 3 more`."""
    shown = ", ".join(str(s) for s in subjects[:most])
    more = tongue.label(" and {n} more", n=len(subjects) - most) if len(subjects) > most else ""
    return shown + more


def _number(value: float | None, decimals: int = 1) -> str:
    """A number with thousands separators; a dash where there is none."""
    return "\u2013" if value is None else f"{value:,.{decimals}f}"


def _safe(value: Any) -> Any:
    """Text with control and reordering characters spelled out; markup and numbers as they are."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
