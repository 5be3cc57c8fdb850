"""The peer "django-oauth-toolkit": an OAuth provider of its own kind with a small protected API behind it.

It knows nothing of Keybearer. PKCE is required, refresh tokens rotate, the old access token dies at a refresh. Using a
refresh token twice ends every token of its family, but for GRACE seconds after its first use, when it brings the same
new tokens again. SQLite in FOLDER, loopback only.

Environment: PORT, FOLDER, REDIRECT_URI, CLIENT_ID, CLIENT_SECRET, ACCESS_TTL, GRACE (seconds, 0: none).
Users are user-0 to user-19; their password is "password".

    /o/…                    the toolkit's own endpoints
    GET /api/whoami         whose token it is; 401 for a dead token, 403 without scope read
"""

from __future__ import annotations

import os
import socketserver
import wsgiref.simple_server
from pathlib import Path
from typing import Any

import django
from django.conf import settings

ACCESS_TTL = int(os.environ["ACCESS_TTL"])

settings.configure(
    SECRET_KEY="loopback-peer", ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    DATABASES={"default": {
        "ENGINE": "django.db.backends.sqlite3", "NAME": str(Path(os.environ["FOLDER"]) / "provider.sqlite3"),
        # A write lock from the start: two refreshes at once wait for each other instead of failing.
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=wal; PRAGMA synchronous=off;"},
    }},
    INSTALLED_APPS=[
        "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages",
        "django.contrib.admin", "oauth2_provider",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware", "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[{
        "BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
        "OPTIONS": {"context_processors": [
            "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
            "django.contrib.messages.context_processors.messages",
        ]},
    }],
    LOGIN_URL="/admin/login/",
    # Secrets here protect nothing, and a slow hash would only take the processor from what is tested.
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    OAUTH2_PROVIDER={
        "SCOPES": {"read": "Read"}, "ACCESS_TOKEN_EXPIRE_SECONDS": ACCESS_TTL, "REFRESH_TOKEN_EXPIRE_SECONDS": 86400,
        "ROTATE_REFRESH_TOKEN": True, "REFRESH_TOKEN_REUSE_PROTECTION": True,
        "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": int(os.environ["GRACE"]),
        "PKCE_REQUIRED": True, "ALLOWED_REDIRECT_URI_SCHEMES": ["http"], "REQUEST_APPROVAL_PROMPT": "force",
    },
)
django.setup()

from django.contrib import admin  # the settings come first
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from oauth2_provider.oauth2_backends import get_oauthlib_core


def whoami(request: HttpRequest) -> JsonResponse:
    valid, checked = get_oauthlib_core().verify_request(request, scopes=[])
    if not valid:
        # The toolkit's own decorator says 403 here; RFC 6750 section 3.1 says 401.
        return JsonResponse({"error": "invalid_token"}, status=401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    if not checked.access_token.is_valid(["read"]):
        return JsonResponse({"error": "insufficient_scope"}, status=403)
    return JsonResponse({"sub": checked.user.username, "scope": checked.access_token.scope})


urlpatterns = [
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("admin/", admin.site.urls),
    path("api/whoami", whoami),
]
application = get_wsgi_application()


def seed() -> None:
    from django.contrib.auth.models import User
    from oauth2_provider.models import Application

    for number in range(20):
        # Staff, because the login page is the administration's.
        User.objects.create_user(f"user-{number}", password="password", is_staff=True)
    Application.objects.create(
        client_id=os.environ["CLIENT_ID"], client_secret=os.environ["CLIENT_SECRET"], name="Application under test",
        client_type="confidential", authorization_grant_type="authorization-code", redirect_uris=os.environ["REDIRECT_URI"],
    )


class Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    daemon_threads = True
    request_queue_size = 512


class Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    seed()
    wsgiref.simple_server.make_server("127.0.0.1", int(os.environ["PORT"]), application, Server, Quiet).serve_forever()
