"""Who gets in, and what the page allows a browser to do."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from cdiscx.serve.guard import Lock
from cdiscx.serve.settings import MEGABYTE

from .conftest import HOME, PORT, Page

EVERYWHERE = ("/", "/runs/0/status", "/runs/0", "/runs/0/report/", "/runs/0/files/report.json", "/nowhere")


@pytest.mark.parametrize("address", EVERYWHERE)
def test_without_a_session_nothing_is_answered_and_nothing_is_told(stranger: Page, address: str):
    answer = stranger.client.get(address)
    assert answer.status_code == 403
    assert "Not signed in" in answer.text
    assert "set-cookie" not in answer.headers


def test_a_guessed_cookie_is_no_session(stranger: Page):
    assert stranger.client.get("/", headers={"Cookie": f"{stranger.lock.cookie}=guess"}).status_code == 403


def test_the_token_opens_the_page_once(stranger: Page):
    token = stranger.lock.token
    first = stranger.client.get("/", params={"token": token})
    cookie = first.headers["set-cookie"].lower()
    assert (first.status_code, first.text.count("url=/")) == (200, 1)
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "domain" not in cookie
    assert stranger.client.get("/").status_code == 200
    stranger.client.cookies.clear()
    again = stranger.client.get("/", params={"token": token})
    assert (again.status_code, "set-cookie" in again.headers) == (403, False)


def test_a_wrong_token_opens_nothing_and_does_not_use_the_right_one_up(stranger: Page):
    for wrong in ("", "x", "é", str(stranger.lock.token)[:-1]):
        assert stranger.client.get("/", params={"token": wrong}).status_code == 403
    assert stranger.client.get("/", params={"token": stranger.lock.token}).status_code == 200


def test_two_starts_have_different_secrets_of_full_length():
    secrets = {text for _ in range(50) for lock in [Lock(1)] for text in (lock.token, lock.session)}
    assert len(secrets) == 100
    assert min(len(text or "") for text in secrets) >= 43  # 256 bits


@pytest.mark.parametrize("host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:1", f"127.0.0.1.evil:{PORT}", ""])  # fmt: skip
def test_another_host_header_is_refused_even_with_the_session(page: Page, host: str):
    answer = page.client.get("/", headers={"Host": host})
    assert (answer.status_code, "Wrong address" in answer.text) == (403, True)


def test_a_rebound_name_does_not_get_to_use_the_token(stranger: Page):
    assert (
        stranger.client.get("/", params={"token": stranger.lock.token}, headers={"Host": "evil:80"}).status_code == 403
    )
    assert stranger.lock.token is not None


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://127.0.0.1", f"https://127.0.0.1:{PORT}", f"http://localhost:{PORT}"])  # fmt: skip
def test_a_post_of_another_page_is_refused_and_nothing_is_begun(page: Page, origin: str | None):
    headers = {} if origin is None else {"Origin": origin}
    answer = page.client.post("/runs", data={"study": "palhep-a"}, files={"files": ("a.csv", b"a")}, headers=headers)
    assert (answer.status_code, len(page.desk.runs)) == (403, 0)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_page_makes_the_browser_ask_for_is_refused(page: Page, site: str):
    assert page.client.get("/", headers={"Sec-Fetch-Site": site}).status_code == 403
    assert page.client.get("/", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(page: Page, method: str):
    assert page.client.request(method, "/", headers={"Origin": HOME}).status_code == 405


def test_every_answer_has_the_headers_that_forbid_everything_else(page: Page):
    page.client.cookies.clear()
    for address in EVERYWHERE:
        headers = page.client.get(address).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in headers


class Attributes(HTMLParser):
    """Every attribute of a page, as a browser reads them."""

    @classmethod
    def of(cls, text: str) -> list[tuple[str, str, str]]:
        """(tag, attribute, value)."""
        parser = cls()
        parser.found = []
        parser.feed(text)
        return parser.found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One tag."""
        self.found += [(tag, name, value or "") for name, value in attrs]


def policy_of(text: str, policy: str) -> None:
    """The inline script and style are the ones the policy names, there is no other, and no handler or style in a tag."""
    for tag, content in re.findall(r"<(script|style)>(.*?)</\1>", text, re.DOTALL):
        hashed = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{hashed}'" in policy
    for tag, name, value in Attributes.of(text):
        assert name != "style", (tag, name, value)
        assert not name.startswith("on"), (tag, name, value)
        if name in ("src", "href", "action"):
            assert re.match(r"(#|/(?!/)|annotated/)", value), (tag, name, value)
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; ")
    for closed in ("base-uri 'none'", "frame-ancestors 'none'"):
        assert closed in policy


def test_pages_allow_their_own_script_and_style_and_nothing_else(page: Page):
    for address in ("/", "/nowhere"):
        answer = page.client.get(address)
        policy_of(answer.text, answer.headers["content-security-policy"])
        assert "<script>" in answer.text


def test_a_body_over_the_limit_is_refused_with_the_limit_and_leaves_nothing(page: Page):
    body = b"x" * (3 * MEGABYTE)
    answer = page.client.post("/runs", data={"study": "palhep-a"}, files={"files": ("big.xlsx", body)}, headers={"Origin": HOME})  # fmt: skip
    assert answer.status_code == 413
    assert "may have 1 MB" in answer.text
    assert (page.desk.runs, list(page.desk.root.iterdir())) == ({}, [])


def test_a_body_that_lies_about_its_length_is_counted(page: Page):
    def drip():
        for _ in range(40):
            yield b"y" * 100_000

    headers = {"Origin": HOME, "Content-Type": "multipart/form-data; boundary=b"}
    assert page.client.post("/runs", content=drip(), headers=headers).status_code == 413


def test_buttons_take_no_long_bodies(page: Page):
    answer = page.client.post("/runs/0/cancel", content=b"x" * 100_000, headers={"Origin": HOME})
    assert answer.status_code in (404, 413)
