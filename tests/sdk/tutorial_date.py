"""What a reader of the tutorial wrote with airbyte-agent-github 0.18.36, in hosted mode; run by
tests/e2e/test_sdk_tutorial_date.py in that package's own environment.

The package knows no setting for its two base addresses; they are set from outside, as its users had to. Prints one JSON object.
"""

import asyncio
import json
import os

from airbyte_agent_github import GithubConnector
from airbyte_agent_github._vendored.connector_sdk.cloud_utils import client as cloud

cloud.AirbyteCloudClient.AUTH_BASE_URL = os.environ["BASE_URL"]
cloud.AirbyteCloudClient.API_BASE_URL = os.environ["BASE_URL"]


def plain(value: object) -> object:
    value = getattr(value, "data", value)
    return value.model_dump(by_alias=True) if hasattr(value, "model_dump") else value


async def main() -> None:
    seen: dict = {}
    connector = GithubConnector(
        external_user_id="user_1", airbyte_client_id=os.environ["CLIENT_ID"], airbyte_client_secret=os.environ["CLIENT_SECRET"],
    )
    listed = await connector.repositories.list(username="octocat", per_page=2)
    seen["repositories"] = [one["name"] for one in plain(listed)]
    seen["repository"] = plain(await connector.repositories.get(owner="octocat", repo="hello-world"))
    generic = await connector.execute("repositories", "list", {"username": "octocat", "per_page": 1})
    seen["generic"] = [one["name"] for one in plain(generic)]
    try:
        await GithubConnector(
            external_user_id="nobody", airbyte_client_id=os.environ["CLIENT_ID"], airbyte_client_secret=os.environ["CLIENT_SECRET"],
        ).repositories.list(username="octocat")
    except Exception as error:  # noqa: BLE001 - what an unknown user looks like is what is tested
        seen["unknown user"] = str(error)
    print(json.dumps(seen, default=str))


asyncio.run(main())
