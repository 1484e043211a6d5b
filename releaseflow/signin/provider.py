"""The one OpenID Connect provider, as the environment names it. Known to the settings, so this knows no models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

PROVIDER_ID = "sso"
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class Provider:
    """`app` is allauth's entry; `claims` are those that a person must bring, as (name, value)."""

    name: str
    origin: str
    app: dict[str, Any]
    claims: tuple[tuple[str, str], ...]

    def lacks(self, brought: Mapping[str, Any]) -> str:
        """The first claim that is not as demanded, or nothing. Of a claim with several values one is enough."""
        for name, value in self.claims:
            found = brought.get(name)
            if value not in (map(str, found) if isinstance(found, list) else [str(found)]):
                return f"{name}={value}"
        return ""


def provider(*, name: str, server_url: str, client_id: str, secret: str, claims: list[str]) -> Provider | None:
    """The provider, or None where no variable names one. A bad value is one sentence, which leaves the secret out."""
    if not server_url and not client_id and not secret:
        return None
    for variable, value in (
        ("OIDC_SERVER_URL", server_url),
        ("OIDC_CLIENT_ID", client_id),
        ("OIDC_CLIENT_SECRET", secret),
    ):
        if not value:
            raise ImproperlyConfigured(f"{variable} is not set, and sign-in with {name} needs it.")
    app = {
        "provider_id": PROVIDER_ID,
        "name": name,
        "client_id": client_id,
        "secret": secret,
        "settings": {"server_url": server_url.rstrip("/")},
    }
    return Provider(name, _origin(server_url), app, tuple(map(_claim, claims)))


def _origin(url: str) -> str:
    """Tokens are believed because they come from the provider itself, so the way to it must be encrypted."""
    parts = urlsplit(url)
    try:
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or (parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK)):
        raise ImproperlyConfigured(f"OIDC_SERVER_URL must begin with https:// and name a host, not {url!r}.")
    return f"{parts.scheme}://{parts.netloc}"


def _claim(text: str) -> tuple[str, str]:
    name, equals, value = (part.strip() for part in text.partition("="))
    if not (name and equals and value):
        raise ImproperlyConfigured(f"OIDC_CLAIMS must look like groups=releaseflow,tenant=acme, not {text!r}.")
    return name, value
