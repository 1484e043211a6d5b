"""Secrets that must be read again later, such as the key that signs a webhook, kept sealed in the database.

Sealed with a key made from SECRET_KEY (or one of SECRET_KEY_FALLBACKS), so that a copy of the database alone does not
tell them. What is only compared is hashed instead, never sealed.
"""

from __future__ import annotations

import base64
import hashlib
from secrets import token_urlsafe

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unreadable(Exception):
    """The secret was sealed under another SECRET_KEY."""


def new_secret() -> str:
    """256 random bits, as text for addresses, headers and people's clipboards."""
    return token_urlsafe(32)


def seal(secret: str) -> str:
    return _box().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises Unreadable."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable from None


def _box() -> MultiFernet:
    keys = [str(each) for each in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_key(each))) for each in keys])


def _key(secret_key: str) -> bytes:
    return hashlib.sha256(b"releaseflow.secrets:" + secret_key.encode()).digest()
