"""What users of airbyte-agent-sdk write with ten of its connectors, in hosted mode; run by
tests/e2e/test_sdk_ten_connectors.py in the SDK's own environment.

The SDK is the published one, unmodified; only environment variables point it at another server. Prints one JSON object.
"""

import asyncio
import json
from typing import Any

from airbyte_agent_sdk import connect
from airbyte_agent_sdk.tools import build_connector_tools

# connector: entity with (arguments of its typed list, entity and arguments of get, of create)
TYPED: dict[str, tuple[Any, Any, Any]] = {
    "stripe": (("customers", {"limit": 2}), ("customers", {"id": "cus_2"}),
               ("customers", {"email": "new@example.test", "metadata": {"plan": "gold"}})),
    "asana": (("tasks", {"limit": 2, "project": "p1"}), ("tasks", {"task_gid": "2"}), ("tasks", {"data": {"name": "New task"}})),
    "clickup-api": (("comments", {"task_id": "t1"}), ("spaces", {"space_id": "s1"}), ("comments", {"task_id": "t1", "comment_text": "New"})),
    "google-drive": (("files", {"page_size": 2}), ("files", {"file_id": "f2"}), ("files", {"name": "New file"})),
    "jira": (("issue_comments", {"issue_id_or_key": "AC-1", "max_results": 2}), ("issues", {"issue_id_or_key": "AC-1"}),
             ("issue_comments", {"issue_id_or_key": "AC-1", "body": {"type": "doc", "version": 1, "content": []}})),
    "linear": (("issues", {"first": 2}), ("issues", {"id": "i2"}), ("issues", {"team_id": "t", "title": "New issue"})),
    "notion": (("pages", {"page_size": 2}), ("pages", {"page_id": "p2"}),
               ("pages", {"parent": {"page_id": "p1"}, "properties": {"title": []}})),
    "twilio": (("messages", {"account_sid": "AC1", "page_size": 2}), ("messages", {"account_sid": "AC1", "sid": "SM2"}),
               ("messages", {"account_sid": "AC1", "To": "+15550100", "From": "+15550101", "Body": "New message"})),
    "zendesk-support": (("tickets", {"per_page": 2}), ("tickets", {"ticket_id": "2"}),
                        ("tickets", {"ticket": {"subject": "New ticket", "comment": {"body": "It broke"}}})),
    "shopify": (("products", {"limit": 2}), ("products", {"product_id": "2"}), ("products", {"product": {"title": "New product"}})),
}
# connector: the entity's own key, how to get the created one, and the second page by the vendor's own parameter
CREATED: dict[str, tuple[str, str]] = {
    "stripe": ("id", "id"), "asana": ("gid", "task_gid"), "google-drive": ("id", "file_id"), "notion": ("id", "page_id"),
    "zendesk-support": ("id", "ticket_id"),
}
SECOND: dict[str, dict[str, Any]] = {
    "stripe": {"starting_after": "cus_2"}, "asana": {"offset": "2"}, "google-drive": {"page_token": "2"},
    "linear": {"after": "2"}, "notion": {"start_cursor": "2"}, "jira": {"start_at": 2}, "zendesk-support": {"page": 2},
}
# connector: what its list is called with through the generic execute, to be continued by params.cursor
GENERIC: dict[str, tuple[str, dict[str, Any]]] = {
    "stripe": ("customers", {}), "asana": ("tasks", {"project": "p1"}), "google-drive": ("files", {}),
    "jira": ("issue_comments", {"issueIdOrKey": "AC-1"}), "linear": ("issues", {}), "notion": ("pages", {}),
    "twilio": ("messages", {"AccountSid": "AC1"}), "zendesk-support": ("tickets", {}), "shopify": ("products", {}),
}


def plain(value: Any) -> Any:
    """The JSON of what the SDK returns: envelopes opened, models dumped."""
    if hasattr(value, "model_dump"):
        value = value.model_dump(by_alias=True, exclude_none=True)
        return value.get("data", value) if set(value) <= {"data", "meta"} else value
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value


async def drive(name: str) -> dict[str, Any]:
    connector = connect(name, workspace_name="user_1")
    seen: dict[str, Any] = {"class": type(connector).__name__}
    for method, (entity, arguments) in zip(("list", "get", "create"), TYPED[name], strict=True):
        result = await getattr(getattr(connector, entity), method)(**arguments)
        seen[f"{method} is"] = type(result).__name__
        seen[method] = plain(result)
    entity, arguments = TYPED[name][0]
    if name in SECOND:
        seen["second"] = len(plain(await getattr(connector, entity).list(**arguments, **SECOND[name])))
    if name in CREATED:
        key, argument = CREATED[name]
        made = str(seen["create"][key])
        seen["created, fetched"] = plain(await getattr(connector, entity).get(**{argument: made}))[key]
    if name in GENERIC:
        entity, params = GENERIC[name]
        pages, cursor = [], None
        for _ in range(4):
            page = await connector.execute(entity, "list", {**params, "limit": 2, **({"cursor": cursor} if cursor else {})})
            meta = page.meta if isinstance(page.meta, dict) else page.meta.model_dump()
            pages.append(len(plain(page.data)))
            cursor = meta["end_cursor"]
            if not meta["has_next_page"]:
                break
        seen["pages"] = pages
    tools = build_connector_tools(connector, framework="none")
    inspected = await tools.inspect_connector()
    seen["inspect"] = {"id": inspected["docs_skill_id"], "entities": sorted(one["entity"] for one in inspected["entities"])}
    seen["docs"] = await tools.read_skill_docs()
    seen["section"] = await tools.read_skill_docs(section=TYPED[name][0][0])
    seen["check"] = (await connector.check()).model_dump(mode="json")["status"]
    return seen


async def downloads() -> dict[str, Any]:
    seen: dict[str, Any] = {}
    google = connect("google-drive", workspace_name="user_1")
    seen["text"] = await google.files.download_text(file_id="f1")
    seen["base64"] = await google.files.download_base64(file_id="f1", range_header="bytes=10-19")
    asana = connect("asana", workspace_name="user_1")
    seen["two steps"] = await asana.attachments.download_base64(attachment_gid="77", range_header="bytes=0-99")
    zendesk = connect("zendesk-support", workspace_name="user_1")
    seen["own origin"] = await zendesk.article_attachments.download_text(article_id="5", attachment_id="6", range_header="bytes=0-20")
    return seen


async def errors() -> dict[str, Any]:
    stripe = connect("stripe", workspace_name="user_1")
    seen: dict[str, Any] = {}
    for name, call in {
        "rejected": stripe.customers.create(email="nobody"),
        "unknown parameter": stripe.execute("customers", "list", {"limt": 1}),
        "not found": stripe.customers.get(id="cus_404"),
        "rate limit": stripe.customers.list(email="limited@example.test"),
        "wrong credential": connect("stripe", workspace_name="user_2").customers.list(),
    }.items():
        try:
            seen[name] = [None, plain(await call)]
        except Exception as error:  # noqa: BLE001 - the class and the text are what is tested
            seen[name] = [type(error).__name__, str(error), getattr(error, "retry_after", None)]
    return seen


async def main() -> None:
    seen: dict[str, Any] = {name: await drive(name) for name in TYPED}
    seen["downloads"], seen["errors"] = await downloads(), await errors()
    print(json.dumps(seen, default=str))


asyncio.run(main())
