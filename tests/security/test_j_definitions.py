"""Values and definitions are data, and an agent stays where its token says (J1 to J5)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from application import Application
from peers import OidcProvider
from server import Server
from upstream import Reply, Upstream
from workbench import Workbench, definition

Make = Callable[..., Application]
TEMPLATES = [
    "{{ token }}", "{{token}}", "${token}", "${env.PATH}", "$token", "{% include '/etc/passwd' %}", "{{ 7 * 7 }}", "#{7*7}", "<%= 7*7 %>",
    "{{ config }}", "{{ self.__init__.__globals__ }}", "{{ '' | upper }}", "{% raw %}x{% endraw %}", "{# gone #}kept", "{id}", "%{token}", "{{",
]


@pytest.mark.sqlite_only
@pytest.mark.parametrize("text", TEMPLATES)
def test_j1_templates_in_values_arrive_as_they_are(workbench: Workbench, text: str) -> None:
    connector, secret = workbench.connector(name=text, replication_config={"start": text})
    workbench.answers(body=b'{"items": []}', content_type="application/json")
    assert workbench.api.get(f"/integrations/connectors/{connector}").ok()["name"] == text
    workbench.upstream.clear()
    workbench.api.execute(connector, "items", "list", {"word": text, "X-Note": text}).ok()
    workbench.get(connector, text).ok()
    workbench.api.execute(connector, "items", "create", {"name": text}).ok()
    workbench.api.execute(connector, "things", "get", {"name": text}).ok()
    listed, got, created, thing = workbench.upstream.requests
    assert listed.query == [("word", text)] and listed.headers["x-note"] == text
    assert got.path.startswith("/base/items/%") or got.path == f"/base/items/{text}"
    assert created.json() == {"name": text} and thing.json()["variables"] == {"name": text}
    for one in workbench.upstream.requests:
        assert secret not in one.target and secret.encode() not in one.body


@pytest.mark.sqlite_only
def test_j1_templates_in_a_providers_answer_are_data(workbench: Workbench) -> None:
    connector, secret = workbench.connector()
    for text in TEMPLATES:
        workbench.upstream.answer = lambda _request, text=text: Reply.of({"id": text})  # type: ignore[misc]
        answer = workbench.get(connector)
        assert answer.ok()["result"] == {"id": text} and secret not in answer.text


LEAKS = {
    "server": ("UP/base", 'UP/{{ token }}'),
    "default of a query value": (
        "{name: word, in: query, description: What to look for, schema: {type: string}}",
        '{name: word, in: query, required: true, description: x, schema: {type: string, default: "{{ token }}"}}'),
    "GraphQL variable": ('variables: {name: "{{ name }}"}', 'variables: {name: "{{ token }}"}'),
    "header of another scheme": ("name: X-Bench-Key", 'name: "{{ token }}"'),
    "path": ("  /links:", '  "/links/{{ token }}":'),
    "path override": ("{path: /graphql}", '{path: "/graphql/{{ token }}"}'),
    "other hosts": ('["files.bench.example"]', '["{{ token }}.evil.example"]'),
}


@pytest.mark.sqlite_only
@pytest.mark.parametrize("where", list(LEAKS))
def test_j2_a_definition_cannot_name_a_credential(workbench: Workbench, tmp_path: Path, where: str) -> None:
    good = definition("workbench", "https://api.bench.example").replace("https://api.bench.example", "UP")
    old, new = LEAKS[where]
    assert old in good
    for name, text, wanted in (("good", good, 0), ("bad", good.replace(old, new, 1), 1)):
        file = tmp_path / f"{name}.yaml"
        file.write_text(text.replace("UP", "https://api.bench.example"))
        done = workbench.server.cli("connectors", "validate", str(file), check=False)
        assert (done.returncode != 0) == bool(wanted), f"{where}: {done.stdout}{done.stderr}"


# What is put behind a good definition, below keys that a definition may have, and a word of the refusal.
BOMBS = {
    "aliases": ("x-a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"x-{name}: &{name} [{', '.join([f'*{last}'] * 9)}]\n" for last, name in zip("abcdefgh", "bcdefghi", strict=True)), "aliases"),
    "depth": ("x-bomb: " + "[" * 100_000 + "]" * 100_000 + "\n", "recursion"),
    "tag": ("x-bomb: !!python/object/apply:os.system [id]\n", "tags"),
    "double key": ("openapi: 3.1.0\n", "twice"),
    "merge": ("x-a: &a {b: c}\nx-bomb: {<<: *a}\n", "merge"),
    "size": ("x-bomb: " + "x" * 30_000_000 + "\n", ""),
    "no text": ("\x00\x01\x02", ""),
}


@pytest.mark.sqlite_only
@pytest.mark.parametrize("bomb", [None, *BOMBS])
def test_j3_hostile_yaml_is_refused(workbench: Workbench, tmp_path: Path, bomb: str | None) -> None:
    file = tmp_path / "connector.yaml"
    more, word = BOMBS[bomb] if bomb is not None else ("x-bomb: [1]\n", "good")
    file.write_text(definition("workbench", "https://api.bench.example") + more)
    done = workbench.server.cli("connectors", "validate", str(file), check=False)
    said = done.stdout + done.stderr
    # Neither accepted nor killed by a signal, but for the one that is no bomb.
    assert done.returncode == 0 if bomb is None else 0 < done.returncode < 100, f"{done.returncode}: {said[-500:]}"
    assert word in said and "panicked" not in said and len(said) < 100_000, said[:500]


@pytest.mark.sqlite_only
def test_j4_references_are_not_fetched(workbench: Workbench, tmp_path: Path, trap: Upstream) -> None:
    good = definition("workbench", "https://api.bench.example")
    for reference in (f"{trap.url}/schema.json", "file:///etc/passwd", "../../secret.yaml", "#/components/schemas/Nobody"):
        text = good.replace('responses: {"201": {description: The item}}', 'responses: {"201": {description: x, content: '
                            f'{{application/json: {{schema: {{$ref: "{reference}"}}}}}}}}}}', 1)
        assert text != good
        (tmp_path / "connector.yaml").write_text(text)
        done = workbench.server.cli("connectors", "validate", str(tmp_path / "connector.yaml"), check=False)
        assert done.returncode != 0, reference
    assert trap.requests == []


@pytest.mark.sqlite_only
def test_j4_patterns_are_linear(start_server: Callable[..., Server], tmp_path: Path) -> None:
    """A pattern that takes a backtracking engine longer than any client waits."""
    folder = tmp_path / "connectors"
    folder.mkdir()
    text = definition("workbench", "https://{sub}.bench.example").replace(
        "  - url: https://{sub}.bench.example/base\n",
        '  - url: https://{sub}.bench.example/base\n    variables:\n      sub: {description: x, x-keybearer-pattern: "^(a+)+$"}\n')
    (folder / "workbench.yaml").write_text(text)
    server = start_server(connectors=folder)
    api = server.api.login(server.default)
    for value, status in (("a" * 60 + "!", 422), ("a" * 60, 200)):
        assert api.post("/integrations/connectors", {
            "external_user_id": "w", "connector_type": "workbench", "auth_scheme": "personal", "credentials": {"token": "t"},
            "environment": {"sub": value}}, timeout=10).status == status


def test_j5_an_agent_that_is_told_to_stays_with_its_own_accounts(application: Make, peer: OidcProvider) -> None:
    """A scoped token with every way of naming somebody else's connector or user."""
    app = application()
    mine, other = app.connect("agent", "alice"), app.connect("victim", "victim")
    agent = app.api.scoped("agent")
    calls = peer.stats(app.client)["api_calls"]
    for path in ("/integrations/connectors/{}/execute", "/connectors/sources/{}/execute", "/connectors/instances/{}/execute"):
        agent.post(path.format(other), {"entity": "whoami", "action": "get"}).error(404)
    for name in ("get", "delete"):
        getattr(agent, name)(f"/integrations/connectors/{other}").error(404)
    agent.put(f"/integrations/connectors/{other}", {"name": "mine"}).error(404)
    agent.post(f"/integrations/connectors/{other}/check", {}).error(404)
    agent.get(f"/integrations/connectors/{other}/entities").error(404)
    for params in ({"connector_id": other}, {"external_user_id": "victim"}, {"workspace_name": "victim"}, {"authorization": "x"}):
        agent.execute(mine, "whoami", "get", params).error(422)
    # Further fields of the body are refused or mean nothing; the account is never another one.
    for field in ({"external_user_id": "victim"}, {"workspace_name": "victim"}, {"connector_id": other}, {"organization_id": other}):
        answer = agent.execute(mine, "whoami", "get", {}, **field)
        assert answer.status in (403, 422) or answer.ok()["result"]["sub"] == "alice"
        calls += answer.status == 200
    agent.post("/integrations/connectors/oauth/initiate", {
        "external_user_id": "agent", "connector_type": "oidc-demo", "redirect_url": app.page, "connector_id": other}).error(404)
    assert [one["id"] for one in agent.get("/integrations/connectors").ok()["data"]] == [mine]
    assert peer.stats(app.client)["api_calls"] == calls
    assert app.whoami(other).ok()["result"]["sub"] == "victim"
