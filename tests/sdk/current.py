"""What a user of airbyte-agent-sdk writes, in hosted mode; run by tests/e2e/test_sdk_current.py in the SDK's own environment.

The SDK is the published one, unmodified; only environment variables point it at another server. Prints one JSON object.
"""

import asyncio
import json

import airbyte_agent_sdk
from airbyte_agent_sdk import Workspace, connect
from airbyte_agent_sdk.tools import build_connector_tools


async def hubspot(seen: dict) -> None:
    connector = connect("hubspot", workspace_name="user_1")
    seen["hubspot class"] = type(connector).__name__

    generic = await connector.execute("contacts", "list", {"limit": 2})
    seen["contacts"] = [one["id"] for one in generic.data]
    seen["contacts meta"] = dict(generic.meta) if isinstance(generic.meta, dict) else generic.meta.model_dump()

    typed = await connector.contacts.list(limit=2, after=str(seen["contacts meta"]["next_cursor"]))
    seen["contacts, typed, second page"] = [one.id if hasattr(one, "id") else one["id"] for one in typed.data]
    seen["second page has more"] = (typed.meta.model_dump() if hasattr(typed.meta, "model_dump") else typed.meta).get("next_cursor")

    one = await connector.contacts.get(contact_id="152")
    one = one.data if hasattr(one, "data") else one
    seen["contact"] = one.model_dump(by_alias=True) if hasattr(one, "model_dump") else one

    made = await connector.contacts.create(properties={"email": "new@example.test", "firstname": "New"})
    made = made.data if hasattr(made, "data") else made
    seen["created"] = made.model_dump(by_alias=True) if hasattr(made, "model_dump") else made

    chosen = await connector.execute("contacts", "list", {"limit": 1}, select_fields=["id"])
    seen["selected"] = chosen.data

    for name, call in (
        ("unknown parameter", connector.execute("contacts", "get", {"nope": 1})),
        ("not found", connector.execute("contacts", "get", {"contactId": "404"})),
    ):
        try:
            await call
            seen[f"error: {name}"] = None
        except Exception as error:  # noqa: BLE001 - the class and the text are what is tested
            seen[f"error: {name}"] = [type(error).__name__, str(error)]

    tools = build_connector_tools(connector, framework="none")
    inspected = await tools.inspect_connector()
    seen["inspect"] = {"docs_skill_id": inspected.get("docs_skill_id"), "text": json.dumps(inspected)}
    try:
        seen["docs"] = await tools.read_skill_docs()
    except Exception as error:  # noqa: BLE001 - shown by the test, beside everything else
        seen["docs"] = str(error)
    seen["tool execute"] = [one["id"] for one in await tools.execute("contacts", "list", {"limit": 1})]
    seen["check"] = (await connector.check()).model_dump(mode="json")
    await connector.close() if hasattr(connector, "close") else None


async def github(seen: dict) -> None:
    connector = connect("github", workspace_name="user_1")
    generic = await connector.execute("repositories", "list", {"username": "octocat", "per_page": 1})
    seen["repositories"] = [one["name"] for one in generic.data]
    typed = await connector.repositories.list(username="octocat", per_page=1, after="1")
    seen["repositories, typed, second page"] = [one["name"] for one in typed.data]
    seen["second page"] = typed.meta.model_dump()["has_next_page"]
    one = await connector.repositories.get(owner="octocat", repo="spoon-knife")
    one = one.data if hasattr(one, "data") else one
    seen["repository"] = one["nameWithOwner"] if isinstance(one, dict) else one.model_dump(by_alias=True)["nameWithOwner"]
    made = await connector.execute("issues", "create", {"owner": "octocat", "repo": "hello-world", "title": "It broke", "labels": ["bug"]})
    made = made.data if hasattr(made, "data") else made
    seen["issue"] = [made["number"], made["title"]] if isinstance(made, dict) else [made.number, made.title]


async def workspace(seen: dict) -> None:
    async with Workspace(workspace_name="user_1") as mine:
        listed = await mine.list_connectors()
        seen["listed"] = sorted(one.name for one in listed)
        gone = next(one for one in listed if "GitHub" in one.name)
        await mine.delete_connector(gone.id)
        seen["left"] = [one.name for one in await mine.list_connectors()]


async def main() -> None:
    seen: dict = {"version": getattr(airbyte_agent_sdk, "__version__", None)}
    await hubspot(seen)
    await github(seen)
    await workspace(seen)
    print(json.dumps(seen, default=str))


asyncio.run(main())
