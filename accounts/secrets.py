"""Secrets that must be read again later, such as the key that signs a webhook, kept sealed in the database.

Sealed with a key made from SECRET_KEY (or one of SECRET_KEY_FALLBACKS), so that a copy of the database alone does not
tell them. What is only compared is hashed instead, never sealed.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from secrets import token_urlsafe

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

PURPOSE = "releaseflow.secrets"


class Unreadable(Exception):
    """The secret was sealed under another SECRET_KEY."""


def new_secret() -> str:
    """256 random bits, as text for addresses, headers and people's clipboards."""
    return token_urlsafe(32)


def seal(secret: str) -> str:
    return box(PURPOSE).encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises Unreadable."""
    try:
        return box(PURPOSE).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable from None


def box(purpose: str) -> MultiFernet:
    """Seals and opens for one purpose, with keys made from SECRET_KEY and those before it."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet([Fernet(urlsafe_b64encode(sha256(f"{purpose}:{key}".encode()).digest())) for key in keys])
