"""Facts in, HTML responses out: everything inline and named by its hash, no text of an upload read as markup."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from starlette.responses import HTMLResponse

from cdiscx import report as report_room
from cdiscx.report.languages import ENGLISH, language, of_uploads
from cdiscx.report.page import content_hash, embedded
from cdiscx.report.words import visible

_HERE = Path(__file__).parent / "templates"
_REPORT = Path(report_room.__file__).parent / "templates"

#: policy of everything that is not a page of ours: nothing runs, nothing loads, nothing is sent
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
#: what the script of these pages says
SCRIPT_WORDS = (
    "{n} KB",
    "{n} MB",
    "Together {x}: more than the {n} MB that can be sent at a time.",
    "Too large: choose fewer or smaller workbooks.",
    "Sending …",
    "Check",
    "starting",
    "The program does not answer any more; it may have been stopped.",
    "{n} subject",
    "{n} subjects",
)
#: states of queries, as the ledger calls them: heading and what it means
STATES = {
    "new": ("New", "seen for the first time"),
    "open": ("Still open", "asked before, not corrected yet"),
    "reopened": ("Reopened", "corrected once, and wrong again"),
    "accepted": ("Accepted", "left as they are, with a reason"),
    "resolved": ("Resolved", "corrected by these uploads"),
    "not judged": ("Not judged", "still open; these uploads do not show them"),
}
HOW_IN = (
    "The address that cdiscx serve prints opens this page once, in one browser. "
    "Stop it with Ctrl-C, start it again, and open the new address."
)


@cache
def _texts() -> tuple[str, str]:
    """The style sheet (of the report, with what these pages add) and the script."""
    style = "".join(p.read_text(encoding="utf-8") for p in (_REPORT / "report.css", _HERE / "serve.css"))
    return style, (_HERE / "serve.js").read_text(encoding="utf-8")


@cache
def _environment(lang: str) -> jinja2.Environment:
    """Templates that speak a language: `t` says a word of these pages, `many` a number of things, `said` reads a sentence."""
    tongue = language(lang)
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["visible"] = visible
    made.filters["said"] = tongue.read
    made.filters["wrong"] = of_uploads(lang).read
    of_script = {text: tongue.label(text) for text in SCRIPT_WORDS} if lang != ENGLISH else {}
    made.globals.update(
        t=tongue.label,
        many=tongue.many,
        lang=tongue.tag,
        words=embedded(of_script) if of_script else "",
        keeps="",
        states=STATES,
    )
    return made


def page(lang: str, name: str, status: int = 200, **facts: Any) -> HTMLResponse:
    """The template of that name as a response, with the policy that lets its own style and script work and nothing else."""
    style, script = _texts()
    text = _environment(lang).get_template(name).render(style=style, script=script, **facts)
    return HTMLResponse(text, status, {"Content-Security-Policy": _policy(style, script)})


@cache
def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; script-src '{content_hash(script)}'; style-src '{content_hash(style)}'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'"
    )


def message(lang: str, status: int, title: str, text: str, back: str = "") -> HTMLResponse:
    """A page that says one thing; `back`: a local address to go on with."""
    return page(lang, "message.html.j2", status, title=title, text=text, back=back)


def entered(lang: str) -> HTMLResponse:
    """The page after the token: it goes on to the start page by itself, so that a strict cookie is sent along."""
    return page(lang, "entered.html.j2")


def finished(lang: str, text: str, kind: str, back: str) -> HTMLResponse:
    """A page that another room made (`report` or `endpoints`), with a way back to its run before its header."""
    style, script = ((_REPORT / f"{kind}.{ending}").read_text(encoding="utf-8") for ending in ("css", "js"))
    policy = (
        f"default-src 'none'; script-src '{content_hash(script)}'; style-src '{content_hash(style)}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    way = _environment(lang).get_template("way.html.j2").render(back=back, kind=kind)
    return HTMLResponse(text.replace("<header", f"{way}<header", 1), headers={"Content-Security-Policy": policy})
