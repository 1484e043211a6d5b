"""Whether a delivery comes from the forge that it names: its signature, or its token, in constant time."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from datetime import datetime

from accounts.secrets import Unreadable, unseal
from deployments.models import Connection, Repository

Forge = Repository.Forge
HEADERS = {
    Forge.GITHUB: "X-Hub-Signature-256",
    Forge.GITLAB: "X-Gitlab-Token",
    Forge.GITEA: "X-Gitea-Signature",
    Forge.BITBUCKET: "X-Hub-Signature",
}


def is_authentic(connection: Connection, headers: Mapping[str, str], body: bytes, *, now: datetime) -> bool:
    """Signed over the raw body with the connection's secret, or with the former one while that is accepted."""
    forge = Forge(connection.forge)
    said = headers.get(HEADERS[forge], "").encode()
    expected = (_expected(forge, secret, body) for secret in _secrets(connection, now))
    return any(hmac.compare_digest(each, said) for each in expected)


def _secrets(connection: Connection, now: datetime) -> Iterator[str]:
    """An unreadable secret, and an empty one, authenticates nobody."""
    sealed = [connection.secret]
    if connection.former_secret and connection.former_until and now <= connection.former_until:
        sealed.append(connection.former_secret)
    for each in sealed:
        try:
            if secret := unseal(each):
                yield secret
        except Unreadable:
            continue


def _expected(forge: Repository.Forge, secret: str, body: bytes) -> bytes:
    if forge == Forge.GITLAB:
        return secret.encode()
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return (digest if forge == Forge.GITEA else f"sha256={digest}").encode()
