"""Reading the environment: each function gives one value, or stops the start with a sentence that names the variable.

A value may come from a file (`NAME_FILE=/run/secrets/name`), as containers like it; an empty one counts as not set.
Sentences leave out values that may hold a password.
"""

from __future__ import annotations

import os
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from django.core.exceptions import ImproperlyConfigured
from environ import Env

DATABASES = ("postgres://", "postgresql://", "sqlite://")
ON, OFF = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def read(file: Path) -> None:
    """What stands in a `.env` file, for variables that the environment itself does not set."""
    if file.exists():
        Env.read_env(file)


def text(name: str, default: str = "") -> str:
    """Spaces and line breaks around it do not count."""
    file = os.environ.get(f"{name}_FILE", "").strip()
    try:
        found = Path(file).read_text() if file else os.environ.get(name, "")
    except (OSError, UnicodeDecodeError):
        raise ImproperlyConfigured(f"{name}_FILE names a file that cannot be read: {file}.") from None
    return found.strip() or default


def names(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def whole(name: str, default: int, *, least: int = 1, most: int | None = None) -> int:
    found = text(name, str(default))
    if not found.isascii() or not found.isdigit() or int(found) < least or (most is not None and int(found) > most):
        limits = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise ImproperlyConfigured(f"{name} must be a whole number {limits}, not {found!r}.")
    return int(found)


def switch(name: str, *, default: bool = False) -> bool:
    return one_of(name, ON[0] if default else OFF[0], (*ON, *OFF), say="1 or 0") in ON


def one_of(name: str, default: str, words: tuple[str, ...], *, say: str = "") -> str:
    """One of the words, in whatever case they are written."""
    found = {word.lower(): word for word in words}.get(text(name, default).lower())
    if found is None:
        say = say or f"{', '.join(words[:-1])} or {words[-1]}"
        raise ImproperlyConfigured(f"{name} must be {say}, not {text(name)!r}.")
    return found


def origin(name: str, default: str) -> str:
    """Scheme, host and port, as in https://releases.example.com."""
    return checked_origin(name, text(name, default).rstrip("/"))


def checked_origin(name: str, found: str) -> str:
    parts = _parts(found)
    if parts is None or parts.scheme not in {"http", "https"} or found != f"{parts.scheme}://{parts.netloc}":
        raise ImproperlyConfigured(f"{name} must begin with http:// or https:// and end with the host, not {found!r}.")
    return found


def hosts(name: str, default: str) -> list[str]:
    """Names without scheme, path or port."""
    found = names(name, default)
    for host in found:
        if "/" in host or any(sign.isspace() for sign in host) or (":" in host and not host.endswith("]")):
            raise ImproperlyConfigured(f"{name} takes host names alone, such as releases.example.com, not {host!r}.")
    return found


def server(name: str, *schemes: str) -> str:
    """The address of a service, with one of these schemes and a host; or nothing."""
    found = text(name)
    parts = _parts(found)
    if found and (parts is None or parts.scheme not in schemes):
        wanted = " or ".join(f"{scheme}://" for scheme in schemes)
        raise ImproperlyConfigured(f"{name} must begin with {wanted}, then a host, and a number as its port.")
    return found


def scanner(name: str) -> str:
    """Where clamd listens: tcp://host:port or unix:///path; or nothing."""
    found = text(name)
    if found.startswith("unix:///") and found != "unix:///":
        return found
    parts = _parts(found)
    if found and (parts is None or parts.scheme != "tcp" or not parts.port):
        raise ImproperlyConfigured(f"{name} must look like tcp://host:3310 or unix:///path, not {found!r}.")
    return found


def sender(name: str, default: str) -> str:
    found = text(name, default)
    local, _, domain = parseaddr(found)[1].partition("@")
    if not local or not domain or "\n" in found or " " in local + domain:
        raise ImproperlyConfigured(f"{name} must be an e-mail address, or a name and <address>, not {found!r}.")
    return found


def database(name: str, default: str) -> dict[str, Any]:
    """Django's entry for a database; the folder of an SQLite file is made."""
    url = text(name, default)
    try:
        found: dict[str, Any] = Env.db_url_config(url) if url.startswith(DATABASES) else {}
    except ValueError:
        found = {}
    if not found.get("NAME"):
        wanted = "with a database's name, and a number as its port"
        raise ImproperlyConfigured(f"{name} must begin with postgres:// or sqlite:///, {wanted}.")
    if found["ENGINE"].endswith("sqlite3"):
        _make_folder(name, Path(found["NAME"]).parent)
    return found


def mail(name: str, default: str) -> dict[str, Any]:
    """Django's settings for sending e-mails."""
    try:
        found: dict[str, Any] = Env.email_url_config(text(name, default))
    except (ImproperlyConfigured, ValueError):
        found = {}
    if not found or (found["EMAIL_BACKEND"].endswith("smtp.EmailBackend") and not found["EMAIL_HOST"]):
        wanted = "smtp://, smtp+tls:// or smtp+ssl:// and a host, or be consolemail://"
        raise ImproperlyConfigured(f"{name} must begin with {wanted}.")
    return found


def bucket(name: str) -> dict[str, Any] | None:
    """Django's entry for an S3-compatible store, s3://bucket/folder?endpoint=…&region=…; None when there is none."""
    if not text(name):
        return None
    parts = _parts(text(name))
    if parts is None or parts.scheme != "s3":
        raise ImproperlyConfigured(f"{name} must look like s3://bucket/folder?endpoint=https://…&region=….")
    asked = dict(parse_qsl(parts.query))
    return {
        "BACKEND": "releaseflow.storage.DocumentBucket",
        "OPTIONS": {
            "bucket_name": parts.hostname,
            "location": parts.path.strip("/"),
            "endpoint_url": asked.get("endpoint"),
            "region_name": asked.get("region"),
            "access_key": text("AWS_ACCESS_KEY_ID") or None,
            "secret_key": text("AWS_SECRET_ACCESS_KEY") or None,
            "default_acl": None,
            "file_overwrite": False,
        },
    }


def _parts(url: str) -> SplitResult | None:
    """None for what has no host, a port that is no port, or a space."""
    try:
        parts = urlsplit(url)
        known = parts.hostname and (parts.port is None or parts.port)
    except ValueError:
        return None
    return None if not known or any(sign.isspace() for sign in url) else parts


def _make_folder(name: str, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        said = f"{folder}, where {name} or VAR_DIR wants the database, cannot be made: {error.strerror}"
        raise ImproperlyConfigured(f"{said}.") from None
