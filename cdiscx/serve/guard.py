"""Every request in; only those of the browser that holds the session out, with headers that allow nothing more.

A page on this machine can be asked by any program and any web page on it. So: a one-time token for the first visit, a
session cookie after it, the Host header against DNS rebinding, Origin and Sec-Fetch-Site against other pages, bounded bodies.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cdiscx.serve import pages
from cdiscx.serve.settings import ADDRESS, MEGABYTE, Settings

#: largest body of a request that brings no workbook
SMALL = 64 * 1024
#: what multipart framing and the other fields may add to the workbooks
FRAMING = MEGABYTE
#: a body that is too large is read on for so many limits, so that the browser gets to hear why
PATIENCE = 4
#: where workbooks are sent to
UPLOADS = "/runs"

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), usb=()",
    "X-Robots-Tag": "noindex",
    "Content-Security-Policy": pages.NOTHING,
}


class TooLarge(HTTPException):
    """The body is larger than what may be sent."""

    def __init__(self) -> None:
        super().__init__(413)


@dataclass(slots=True)
class Lock:
    """The secrets of one start: the token of the printed address, good once, and the session it is exchanged for."""

    port: int
    token: str | None = field(default_factory=lambda: secrets.token_urlsafe(32))
    session: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def cookie(self) -> str:
        """Name of the cookie: browsers share cookies between the ports of one address, so the port is in it."""
        return f"cdiscx-{self.port}"

    @property
    def address(self) -> str:
        """What is opened in the browser, once."""
        return f"{self.home}?token={self.token}"

    @property
    def home(self) -> str:
        """The address without the token."""
        return f"http://{ADDRESS}:{self.port}/"

    def hosts(self) -> set[str]:
        """The Host headers of requests that are really meant for this page."""
        names = (ADDRESS, "localhost")
        return {f"{name}:{self.port}" for name in names} | (set(names) if self.port == 80 else set())

    def redeem(self, token: str) -> bool:
        """True the first time the right token is shown; never again."""
        good = self.token is not None and hmac.compare_digest(token.encode(), self.token.encode())
        if good:
            self.token = None
        return good

    def holds(self, request: Request) -> bool:
        """The request has the session's cookie."""
        return hmac.compare_digest(request.cookies.get(self.cookie, "").encode(), self.session.encode())


class Guard:
    """ASGI middleware around the whole page."""

    def __init__(self, app: ASGIApp, lock: Lock, settings: Settings) -> None:
        self.app, self.lock, self.settings = app, lock, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers or refuses one request; anything but HTTP is left unanswered."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return None
        request = Request(scope)
        refused = self._refused(request)
        closed = _with_headers(send)
        if refused is not None:
            return await refused(scope, receive, closed)
        limit = self.settings.upload + FRAMING if request.url.path == UPLOADS else SMALL
        return await self.app(scope, _bounded(request, receive, limit), closed)

    def _refused(self, request: Request) -> Response | None:
        if request.headers.get("host", "") not in self.lock.hosts() or len(request.headers.getlist("host")) != 1:
            return pages.message(
                self.settings.lang, 403, "Wrong address", f"This page answers only at {self.lock.home}"
            )
        if request.method not in ("GET", "HEAD", "POST"):
            return pages.message(self.settings.lang, 405, "Not possible here", "This page only knows GET and POST.")
        if request.method == "POST" and request.headers.get("origin") != f"http://{request.headers['host']}":
            return pages.message(
                self.settings.lang, 403, "Refused", "This was sent by another page, not by this one. Nothing was done."
            )
        token = request.query_params.get("token") if request.url.path == "/" and request.method == "GET" else None
        if token is not None:
            return self._first(request, token)
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return pages.message(
                self.settings.lang, 403, "Refused", "Another page asked for this. Open it from the page itself."
            )
        if not self.lock.holds(request):
            return pages.message(self.settings.lang, 403, "Not signed in", pages.HOW_IN)
        return None

    def _first(self, request: Request, token: str) -> Response:
        """The page that carries the session on, so that the token leaves the address at once."""
        if self.lock.holds(request):
            return pages.entered(self.settings.lang)
        if not self.lock.redeem(token):
            return pages.message(self.settings.lang, 403, "This address was used already", pages.HOW_IN)
        answer = pages.entered(self.settings.lang)
        answer.set_cookie(self.lock.cookie, self.lock.session, path="/", httponly=True, samesite="strict")
        return answer


def _with_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            told: list[tuple[bytes, bytes]] = list(message["headers"])
            has = {name.lower() for name, _ in told}
            more = [(n.lower().encode(), v.encode()) for n, v in HEADERS.items() if n.lower().encode() not in has]
            message = {**message, "headers": [*told, *more]}
        await send(message)

    return guarded


def _bounded(request: Request, receive: Receive, limit: int) -> Receive:
    """The same body; TooLarge as soon as it is more than the limit, after reading on for a while."""
    seen = 0
    stated = request.headers.get("content-length", "")

    async def counted() -> Any:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit or (stated.isdigit() and int(stated) > limit):
            while message.get("more_body") and seen < limit * PATIENCE:
                message = await receive()
                seen += len(message.get("body", b""))
            raise TooLarge
        return message

    return counted
