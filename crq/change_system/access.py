"""Where the other change system is and who we are there, as the environment says. Knows no models, see `fields.py`."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from crq.change_system.fields import Fields, fields

KINDS = ("manual", "servicenow", "helix")
NAMES = {"servicenow": "ServiceNow", "helix": "BMC Helix"}
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class Access:
    """`user` and `password` are a client and its secret where `oauth`. `name` is for people."""

    kind: str
    url: str
    user: str
    password: str = field(repr=False)
    oauth: bool
    fields: Fields

    @property
    def name(self) -> str:
        return NAMES[self.kind]


def access(*, kind: str, url: str, user: str, password: str, sign_in: str, file: str) -> Access | None:
    """None where people carry CRQs over by hand. A bad value is one sentence, which leaves the password out."""
    if kind == "manual":
        return None
    for variable, value in (
        ("CHANGE_SYSTEM_URL", url),
        ("CHANGE_SYSTEM_USER", user),
        ("CHANGE_SYSTEM_PASSWORD", password),
    ):
        if not value:
            raise ImproperlyConfigured(f"{variable} is not set, and CHANGE_SYSTEM={kind} needs it.")
    if sign_in == "oauth" and kind != "servicenow":
        raise ImproperlyConfigured("CHANGE_SYSTEM_SIGN_IN must be basic, because oauth is for ServiceNow alone.")
    return Access(kind, _origin(url), user, password, sign_in == "oauth", fields(kind, file))


def _origin(url: str) -> str:
    """A password travels there, so the way must be encrypted, but on this machine itself."""
    parts = urlsplit(url.rstrip("/"))
    try:
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    encrypted = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    if not host or not encrypted or parts.username or parts.path or parts.query:
        raise ImproperlyConfigured("CHANGE_SYSTEM_URL must begin with https:// and end with the host.")
    return f"{parts.scheme}://{parts.netloc}"
