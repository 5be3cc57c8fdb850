"""Where requests may go, and which credential goes with them (H1 to H12)."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable
from pathlib import Path

import pytest

from api import Answer
from application import Application
from attack import Attack, returned
from overlay import Overlay
from private_targets import PRIVATE_HOSTS
from raw import Raw
from server import Server
from upstream import Reply, Upstream
from vendor import Vendor
from workbench import Workbench, definition, leaks

pytestmark = pytest.mark.sqlite_only
Start = Callable[..., Server]


def test_h1_nothing_private_is_reached(start_server: Start, tmp_path: Path) -> None:
    """One connector type per address, each at a port where somebody listens on loopback; no range is allowed."""
    listener, overlay = Raw(), Overlay(tmp_path / "connectors")
    for number, host in enumerate(PRIVATE_HOSTS):
        overlay.add(f"private-{number}", definition(f"private-{number}", f"https://{host}:{listener.port}", number=number + 10))
    server = start_server(start=False, connectors=overlay.folder, UPSTREAM_TIMEOUT="5s")
    del server.settings["ALLOW_UPSTREAM_CIDRS"]
    try:
        api = server.start().api.login(server.default)
        for number, host in enumerate(PRIVATE_HOSTS):
            made = api.post("/integrations/connectors", {
                "external_user_id": "w", "connector_type": f"private-{number}", "auth_scheme": "personal", "credentials": {"token": "CNRY"}})
            for answer in (
                api.execute(made.ok()["id"], "items", "get", {"id": "1"}), api.execute(made.ok()["id"], "items", "create", {"name": "x"}),
            ):
                if host in ("localhost.", "metadata.google.internal"):
                    # Not every network has these names; where they lead nowhere there is nothing to block.
                    assert answer.error((502, 504))["error_code"] in ("upstream_blocked", "upstream_error"), host
                else:
                    assert answer.error(502)["error_code"] == "upstream_blocked", f"{host}: {answer.text}"
        assert listener.connections == 0
    finally:
        listener.close()


def test_h1_plain_http_needs_an_allowed_range(start_server: Start, tmp_path: Path, trap: Upstream) -> None:
    """At use: the definition was good for the settings of before."""
    overlay = Overlay(tmp_path / "connectors")
    overlay.add("workbench", definition("workbench", trap.url))
    server = start_server(connectors=overlay.folder)
    api = server.api.login(server.default)
    made = api.post("/integrations/connectors", {
        "external_user_id": "w", "connector_type": "workbench", "auth_scheme": "personal", "credentials": {"token": "CNRY"}}).ok()["id"]
    api.execute(made, "items", "get", {"id": "1"})
    assert len(trap.requests) == 1
    server.stop()
    server.start(ALLOW_UPSTREAM_CIDRS="10.0.0.0/8")
    api.execute(made, "items", "get", {"id": "1"}).error(502, "upstream_blocked")
    assert len(trap.requests) == 1


def _addresses(workbench: Workbench) -> list[str]:
    trap, at = workbench.trap.url, workbench.trap.url.removeprefix("http:")
    return [
        trap, at, at.replace("/", "\\"), "/\\" + at[2:], "@" + at[2:], "http:" + at[2:], ":80@" + at[2:], "///" + at[2:], f"{trap}/x?y#z",
        "http:/" + at[1:], "\t" + trap, trap.upper(), at[2:], "?" + trap, "#" + trap, ";" + at,
    ]


def test_h2_a_url_in_a_parameter_is_data(workbench: Workbench) -> None:
    connector, _ = workbench.connector()
    workbench.answers(body=b'{"items": []}', content_type="application/json")
    for value in _addresses(workbench):
        workbench.upstream.clear()
        workbench.get(connector, value)
        workbench.api.execute(connector, "items", "list", {"word": value}).ok()
        workbench.api.execute(connector, "items", "list", {"cursor": value}).ok()
        workbench.api.execute(connector, "items", "create", {"name": value}).ok()
        seen = workbench.upstream.requests
        assert len(seen) >= 3 and workbench.trap.requests == [] and workbench.other.requests == []
        assert all(one.headers["host"] == workbench.upstream.url.removeprefix("http://") for one in seen)
        assert [one.path for one in seen[-3:]] == ["/base/items"] * 3
        assert seen[-3].query == [("word", value)] and seen[-2].query == [("after", value)] and seen[-1].json() == {"name": value}


@pytest.mark.parametrize("value", [
    "a/b", "../whoami", "a/../admin", "a?b=c", "a#b", "a b", "%2e%2e", "%2E%2e%2fadmin", "%252e%252e", "..%2f", "..\\", ".%09.", ".\t.", ".\n.",
    "\t..", "..;", "..;/admin", "a\\b", "é", "a;b", "{{ x }}", "n1/../../admin", "@evil", "//evil", "x\x00y", "a\r\nX: y", "....//", "。。",
    "\uff0e\uff0e", "...",
])
def test_h3_a_path_value_is_one_segment_byte_for_byte(workbench: Workbench, value: str) -> None:
    connector, _ = workbench.connector()
    answer = workbench.get(connector, value)
    if answer.status == 422:
        assert workbench.upstream.requests == []
        return
    [one] = workbench.upstream.requests
    rest = one.target.removeprefix("/base/items/")
    assert rest != one.target and urllib.parse.unquote(rest) == value
    assert all(c.isascii() and (c.isalnum() or c in "-_.~%") for c in rest) and rest not in (".", ".."), rest


@pytest.mark.parametrize("value", [".", "..", "", " "])
def test_h3_dots_and_blanks_are_no_path_value(workbench: Workbench, value: str) -> None:
    connector, _ = workbench.connector()
    workbench.get(connector, value).error(422)
    assert workbench.upstream.requests == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_h5_a_redirect_to_elsewhere_is_not_followed(workbench: Workbench, status: int) -> None:
    for scheme in ("personal", "key", "query_key"):
        connector, _ = workbench.connector(scheme)
        for to in (workbench.trap.url + "/x", workbench.trap.url.replace("127.0.0.1", "localhost"), "//evil.example/x", "http://169.254.169.254/"):
            workbench.redirects(to, status)
            workbench.get(connector).error(502, "upstream_redirect_refused")
        workbench.redirects("/moved", status)
        workbench.api.execute(connector, "items", "create", {"name": "x"}).error(502, "upstream_redirect_refused")
    assert workbench.trap.requests == [] and workbench.other.requests == []
    assert workbench.upstream.seen("/moved") == []


@pytest.mark.parametrize("scheme", ["personal", "key", "query_key"])
def test_h5_a_listed_host_gets_no_credential(workbench: Workbench, scheme: str) -> None:
    connector, secret = workbench.connector(scheme)
    workbench.redirects(workbench.other.url + "/file")
    workbench.get(connector).ok()
    assert leaks(workbench.upstream.requests, secret), "it was not sent where it belongs either: the search is blind"
    [one] = workbench.other.requests
    assert one.target == "/file" and leaks([one], secret) == []
    assert not {"authorization", "x-bench-key", "cookie", "referer"} & set(one.headers)


def test_h5_cookies_of_a_provider_are_not_kept(workbench: Workbench) -> None:
    connector, _ = workbench.connector()
    workbench.answers(content_type="application/json", set_cookie="session=1; Path=/")
    for _ in range(2):
        workbench.get(connector).ok()
    assert not any("cookie" in one.headers for one in workbench.upstream.requests)


LABELS = [
    "evil.com/", "evil.com#", "evil.com?", "a.b", "x@evil.com:443/", "evil.com\\", "", " ", "a" * 64, "%2e", "a%2eb", "a b", "a\tb", "-a", "a/b",
    "a:b", "a\r\nb", "{{ token }}", "é", "\uff41\u3002evil", "..", ".", "a.", ".a", "[::1]", "xn--", "127.0.0.1",
]


@pytest.mark.parametrize("name", ["plain-label", "patterned-label"])
def test_h6_a_host_label_stays_one_label(start_server: Start, tmp_path: Path, name: str) -> None:
    """With the pattern that a good definition has, and with a definition that forgot it."""
    overlay = Overlay(tmp_path / "connectors")
    pattern = ', x-keybearer-pattern: "^[a-z0-9-]+$"' if name == "patterned-label" else ""
    overlay.add(name, definition(name, "https://{sub}.bench.example").replace(
        "  - url: https://{sub}.bench.example/base\n",
        "  - url: https://{sub}.bench.example/base\n    variables:\n      sub: {default: your-team, description: The team" + pattern + "}\n"))
    server = start_server(connectors=overlay.folder)
    api = server.api.login(server.default)

    def create(label: object) -> Answer:
        return api.post("/integrations/connectors", {
            "external_user_id": "w", "connector_type": name, "auth_scheme": "personal", "credentials": {"token": "CNRY"},
            "environment": {"sub": label}})

    for label in [*LABELS, ["a"], {"a": 1}]:
        refused = create(label).error(422)
        assert any("sub" in one["field"] for one in refused["errors"]), (label, refused)
    create("acme-1").ok()


def test_h7_a_next_link_to_elsewhere_is_not_followed(workbench: Workbench) -> None:
    connector, secret = workbench.connector()
    for link in (workbench.trap.url + "/base/links?page=2", "https://evil.example/base/links?page=2", "//evil.example/?page=2"):
        workbench.answers(body=b'{"items": [1]}', content_type="application/json", link=f'<{link}>; rel="next"')
        metadata = workbench.api.execute(connector, "links", "list", {}).ok()["connector_metadata"]
        cursor = metadata["end_cursor"]
        workbench.upstream.clear()
        workbench.api.execute(connector, "links", "list", {"cursor": cursor if cursor is not None else link})
        assert workbench.trap.requests == []
        for one in workbench.upstream.requests:
            assert one.path == "/base/links" and one.headers["host"] == workbench.upstream.url.removeprefix("http://")


def test_h7_a_file_elsewhere_is_fetched_from_listed_hosts_only_and_unsigned(workbench: Workbench) -> None:
    connector, secret = workbench.connector()

    def download(url: str) -> Answer:
        workbench.upstream.answer = lambda _request: Reply.of({"file": {"url": url}})
        return workbench.api.execute(connector, "files", "download", {"id": "f"})

    for url in (workbench.trap.url + "/f", "https://evil.example/f", "http://169.254.169.254/", "file:///etc/passwd",
                workbench.upstream.url + ".evil.example/f", "http://user:pw@" + workbench.trap.url.removeprefix("http://")):
        assert download(url).status >= 400, url
    assert workbench.trap.requests == [] and workbench.other.requests == []
    workbench.other.answer = lambda _request: Reply(body=b"bytes", headers={"content-type": "application/octet-stream"})
    assert download(workbench.other.url + "/f").body == b"bytes"
    assert leaks(workbench.other.requests, secret) == []


BASES: dict[object, bool] = {
    "https://acme.bench.example": True, "https://evil.example": False, "https://bench.example.evil.example": False, "https://127.0.0.1": False,
    "https://evilbench.example": False, "https://acme.bench.example@evil.example": False,
    "https://evil.example/.bench.example": False, "https://evil.example#.bench.example": False, "https://evil.example\\.bench.example": False,
    "https://evil.example?.bench.example": False, "//acme.bench.example": False, 7: False, "https://": False,
}


def test_h8_a_base_from_a_token_answer_stays_below_the_providers_domain(
    start_server: Start, tmp_path: Path, vendor: Vendor, app_page: Upstream, trap: Upstream
) -> None:
    overlay = Overlay(tmp_path / "connectors")
    overlay.oidc_provider(vendor.url, "handed-demo", 4, plain=True)
    text = (overlay.folder / "handed-demo" / "connector.yaml").read_text()
    text = text.replace(f"servers:\n  - url: {vendor.url}\n", """servers:
  - url: "{instance_url}"
    variables:
      instance_url: {default: "https://login.bench.example", description: The tenant, x-keybearer-host-suffixes: [bench.example]}
""").replace("      x-airbyte-token-refresh:\n", "      x-airbyte-token-extract: [instance_url]\n      x-airbyte-token-refresh:\n")
    identity = text.index("        identity:\n")
    overlay.add("handed-demo", text[:identity] + text[text.index("        revoke_url:"):])
    server = start_server(connectors=overlay.folder)
    attack = Attack(Application(server, server.default, app_page.url, None, "handed-demo"), vendor)
    for address, good in {**BASES, trap.url: False}.items():
        code = attack.code()
        vendor.grant(code, refresh_token="rt", instance_url=address)
        back = returned(attack.callback(("code", code), ("state", attack.state())))
        assert ("secret_id" in back) is good and ("error" in back) is not good, (address, back)
    assert trap.requests == []


def test_h9_a_caller_sets_no_header_of_ours(workbench: Workbench) -> None:
    connector, secret = workbench.connector()
    workbench.answers(body=b'{"items": []}', content_type="application/json")
    for name in ("Authorization", "Host", "Cookie", "X-Forwarded-For", "Transfer-Encoding", "Content-Length", "X-Bench-Key", "headers", "_method"):
        workbench.api.execute(connector, "items", "list", {name: "evil"}).error(422)
    assert workbench.upstream.requests == []
    for value in ("a\r\nX-Evil: 1", "a\nb", "a\x00b", "a\rb"):
        workbench.api.execute(connector, "items", "list", {"X-Note": value}).error(422)
    assert workbench.upstream.requests == []
    workbench.api.post(f"/integrations/connectors/{connector}/execute", {"entity": "items", "action": "list", "params": {"X-Note": "fine"}}, headers={
        "Cookie": "a=b", "X-Forwarded-For": "1.2.3.4", "X-Http-Method-Override": "DELETE", "X-Bench-Key": "evil"}).ok()
    [one] = workbench.upstream.requests
    assert one.method == "GET" and one.body == b"" and one.headers["x-note"] == "fine"
    assert one.headers["authorization"] == f"Bearer {secret}"
    assert not {"cookie", "x-forwarded-for", "x-http-method-override", "x-bench-key"} & set(one.headers)


def test_h10_proxy_variables_of_the_environment_are_not_followed(start_server: Start, vendor: Vendor, app_page: Upstream, trap: Upstream) -> None:
    server = start_server(start=False)
    kept = server.environment

    def with_proxy(**settings: str) -> dict[str, str]:
        return {**kept(**settings), "HTTP_PROXY": trap.url, "http_proxy": trap.url, "ALL_PROXY": trap.url}

    server.environment = with_proxy  # type: ignore[method-assign]
    server.start()
    app = Application(server, server.default, app_page.url, None, "vendor-demo")
    vendor.accounts["proxy-token"] = "alice"
    connector = app.api.post("/integrations/connectors", {
        "external_user_id": "u", "connector_type": "vendor-demo", "credentials": {"access_token": "proxy-token"}}).ok()["id"]
    app.whoami(connector).ok()
    assert trap.requests == []


def test_h12_graphql_values_are_variables(workbench: Workbench) -> None:
    connector, _ = workbench.connector()
    workbench.answers(body=b'{"data": {}}', content_type="application/json")
    for value in ('"}} mutation { drop }', '") { id } } #', "{{ token }}", "$name", "${name}", "\\", "a\u2028b"):
        workbench.upstream.clear()
        workbench.api.execute(connector, "things", "get", {"name": value}).ok()
        [one] = workbench.upstream.requests
        assert one.target == "/graphql" or one.target == "/base/graphql"
        assert one.json()["variables"] == {"name": value}
        assert one.json()["query"] == "query($name: String!) { thing(name: $name) { id } }"
