"""Which of our tokens may call which route, as the contract tells it."""

from __future__ import annotations

NOBODY = "5f0c7b7e-0000-4000-8000-000000000000"
# Who may call a route: (method, path, application token, scoped token). Everything else is refused.
ROUTES: list[tuple[str, str, bool, bool]] = [
    ("POST", "/account/applications/scoped-token", True, False),
    ("POST", "/embedded/scoped-token", True, False),
    ("GET", "/account/applications/scoped-token/info", False, True),
    ("GET", "/embedded/scoped-token/info", False, True),
    ("POST", "/account/applications/widget-token", True, False),
    ("POST", "/embedded/widget-token", True, False),
    ("PUT", "/oauth/credentials", True, False),
    ("GET", "/oauth/credentials", True, False),
    ("GET", "/oauth/credentials/spec?connector_type=oidc-demo", True, False),
    ("DELETE", "/oauth/credentials/connector_type/oidc-demo", True, False),
    ("GET", "/organizations/redirect-urls", True, False),
    ("PUT", "/organizations/redirect-urls", True, False),
    ("GET", "/organizations/settings", True, False),
    ("PUT", "/organizations/settings", True, False),
    ("POST", "/integrations/connectors/oauth/initiate", True, True),
    ("POST", "/integrations/connectors", True, True),
    ("GET", "/integrations/connectors", True, True),
    ("GET", f"/integrations/connectors/{NOBODY}", True, True),
    ("PUT", f"/integrations/connectors/{NOBODY}", True, True),
    ("DELETE", f"/integrations/connectors/{NOBODY}", True, True),
    ("POST", f"/integrations/connectors/{NOBODY}/check", True, True),
    ("POST", "/integrations/connectors/check", True, True),
    ("GET", f"/integrations/connectors/{NOBODY}/inspect", True, True),
    ("GET", f"/integrations/connectors/{NOBODY}/entities", True, True),
    ("POST", f"/integrations/connectors/{NOBODY}/execute", True, True),
    ("POST", f"/connectors/sources/{NOBODY}/execute", True, True),
    ("POST", f"/connectors/instances/{NOBODY}/execute", True, True),
    ("GET", "/skills/docs?id=x", True, True),
    ("GET", f"/jobs/{NOBODY}", True, True),
    ("POST", "/revocations", True, False),
    ("GET", "/revocations", True, False),
    ("GET", f"/revocations/{NOBODY}", True, False),
    ("GET", f"/revocations/{NOBODY}/grants", True, False),
    ("GET", "/connectors/connectors_for_user", True, True),
    ("GET", "/connectors/instances_for_user", True, True),
    ("GET", "/integrations/definitions/sources", True, True),
    ("GET", f"/integrations/definitions/sources/{NOBODY}", True, True),
    ("GET", "/integrations/templates/sources", True, True),
    ("GET", "/integrations/templates/sources/global", True, True),
    ("GET", f"/integrations/templates/sources/{NOBODY}", True, True),
    ("GET", "/workspaces", True, False),
    ("GET", "/workspaces/stats", True, False),
    ("GET", f"/workspaces/{NOBODY}", True, False),
    ("PUT", f"/workspaces/{NOBODY}", True, False),
    ("DELETE", f"/workspaces/{NOBODY}", True, False),
]
# Who calls these shows no bearer token.
OPEN = {
    ("POST", "/account/applications/token"), ("POST", "/applications/token"), ("GET", "/integrations/connectors/oauth/callback"),
    ("GET", "/health"), ("GET", "/ready"), ("GET", "/oauth/callback/{slug}"), ("GET", "/connect"), ("GET", "/openapi.json"), ("GET", "/docs"),
}
