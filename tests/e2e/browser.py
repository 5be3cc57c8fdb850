"""A browser as far as consent pages need one: cookies, redirects, links and forms.

Knows HTTP and HTML only. It never leaves loopback.
"""

from __future__ import annotations

import http.cookiejar
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    """A form with the values that it would send; `buttons` are its named submit buttons."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "form":
            self._open = Form(given.get("action", ""), given.get("method", "get").upper())
            self.forms.append(self._open)
        elif self._open is not None and given.get("name") and tag in ("input", "button", "textarea"):
            kind = given.get("type", "submit" if tag == "button" else "text")
            if kind == "submit":
                self._open.buttons.append((given["name"], given.get("value", "")))
            elif kind not in ("checkbox", "radio") or "checked" in given:
                self._open.fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


@dataclass
class Page:
    """Where the browser ended, and every (status, URL, Location) on the way."""

    url: str
    status: int
    headers: object
    body: str
    hops: list[tuple[int, str, str]]

    def _read(self) -> _Reader:
        reader = _Reader()
        reader.feed(self.body)
        return reader

    @property
    def forms(self) -> list[Form]:
        return self._read().forms

    @property
    def links(self) -> list[str]:
        return self._read().links

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the page's address; a repeated one is a failure."""
        pairs = urllib.parse.parse_qsl(urllib.parse.urlsplit(self.url).query, keep_blank_values=True)
        assert len(dict(pairs)) == len(pairs), f"repeated parameter: {self.url}"
        return dict(pairs)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        return None


class Browser:
    """One cookie jar."""

    def __init__(self) -> None:
        self._jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            _Stay, urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self._jar)
        )

    def open(self, url: str, data: dict[str, str] | None = None, *, follow: bool = True, stop: str | None = None) -> Page:
        """Goes to `url`; follows redirects, but not to an address that starts with `stop`."""
        hops: list[tuple[int, str, str]] = []
        body = urllib.parse.urlencode(data).encode() if data is not None else None
        for _ in range(20):
            host = urllib.parse.urlsplit(url).hostname
            assert host in ("127.0.0.1", "localhost"), f"the browser was sent off loopback: {url}"
            request = urllib.request.Request(url, data=body, headers={"Accept": "text/html", "User-Agent": "e2e-browser"})
            try:
                answer = self._opener.open(request, timeout=30)
            except urllib.error.HTTPError as refused:
                answer = refused
            with answer:
                text = answer.read().decode(errors="replace")
            location = answer.headers.get("Location")
            hops.append((answer.status, url, location or ""))
            if answer.status not in (301, 302, 303, 307, 308) or not location or not follow:
                return Page(url, answer.status, answer.headers, text, hops)
            following = urllib.parse.urljoin(url, location)
            if stop is not None and following.startswith(stop):
                return Page(following, answer.status, answer.headers, text, hops)
            if answer.status not in (307, 308):
                body = None
            url = following
        raise AssertionError(f"too many redirects: {hops}")

    def submit(self, page: Page, form: Form, values: dict[str, str], *, stop: str | None = None) -> Page:
        """Sends `form` of `page` with `values` over its own, as its first button would."""
        filled = {**form.fields, **dict(form.buttons[:1]), **values}
        target = urllib.parse.urljoin(page.url, form.action)
        if form.method == "GET":
            return self.open(target + "?" + urllib.parse.urlencode(filled), stop=stop)
        return self.open(target, filled, stop=stop)
