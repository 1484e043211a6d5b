"""Keys of programs: made, and recognised when a program shows one."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from secrets import token_urlsafe

from accounts.models import Token

PREFIX = "rf_"
"""How every key begins, so that scanners for leaked keys know it."""
COARSE = timedelta(hours=1)


def new_key() -> str:
    return PREFIX + token_urlsafe(32)


def digest_of(key: str) -> str:
    """A fast hash is enough for 256 random bits; looking it up by digest tells nothing by its timing."""
    return hashlib.sha256(key.encode()).hexdigest()


def token_of(key: str, *, now: datetime) -> Token | None:
    """The token of a key that opens something now: not expired, not revoked, of somebody who may sign in."""
    found = Token.objects.select_related("user").filter(
        digest=digest_of(key), revoked_at=None, expires_at__gt=now, user__is_active=True
    )
    return found.first() if key.startswith(PREFIX) else None


def mark_used(token: Token, *, now: datetime) -> None:
    """To the hour, so that reading does not write each time."""
    if token.last_used_at is None or now - token.last_used_at >= COARSE:
        Token.objects.filter(pk=token.pk).update(last_used_at=now)
