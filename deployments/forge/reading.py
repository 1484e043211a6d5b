"""Reading values out of what a forge sent: each function gives a clean value or raises Malformed with a sentence."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from deployments.forge.address import Address, read_address
from deployments.forge.facts import ForgePush, Malformed, Unneeded

SHA = re.compile(r"^[0-9a-f]{7,64}$")
NO_COMMIT = re.compile(r"^0{7,64}$")
BRANCH = "refs/heads/"
LARGEST_NUMBER = 2_147_483_647
TITLE_LENGTH, LOGIN_LENGTH, URL_LENGTH, NOTE_LENGTH, NAME_LENGTH = 300, 100, 200, 20_000, 200


def value(entry: object, *path: str) -> Any:
    """The value at a path, or None where something on the way is missing."""
    for name in path:
        if not isinstance(entry, dict):
            return None
        entry = entry.get(name)
    return entry


def text(entry: object, *path: str) -> str:
    if not isinstance(entry, dict):
        raise Malformed(f"Expected an object, not {type(entry).__name__}.")
    found = value(entry, *path)
    if not isinstance(found, str) or not found.strip():
        raise Malformed(f"{'.'.join(path)} is missing.")
    return clean(found).strip()


def clean(words: str) -> str:
    """Without what no database stores: NUL and halves of surrogate pairs."""
    return words.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def words(entry: object, *path: str, most: int = NAME_LENGTH) -> str:
    """The text at a path on one line, empty where there is none."""
    found = value(entry, *path)
    return " ".join(clean(found).split())[:most] if isinstance(found, str) else ""


def title(entry: object, *path: str) -> str:
    found = " ".join(text(entry, *path).split())
    return found if len(found) <= TITLE_LENGTH else found[: TITLE_LENGTH - 1] + "…"


def sha(entry: object, *path: str) -> str:
    found = text(entry, *path).lower()
    if not SHA.match(found):
        raise Malformed(f"{'.'.join(path)} is no commit: {found[:40]!r}.")
    return found


def number(entry: object, *path: str) -> int:
    found = value(entry, *path)
    if not isinstance(found, int) or isinstance(found, bool) or not 0 < found <= LARGEST_NUMBER:
        raise Malformed(f"{'.'.join(path)} is {str(found)[:20]!r} instead of a whole number.")
    return found


def instant(entry: object, *path: str) -> datetime:
    """An aware instant in UTC, from what forges write: 2026-12-08T14:00:00Z, or "2026-12-08 14:00:00 UTC"."""
    found, name = text(entry, *path), ".".join(path)
    try:
        at = datetime.fromisoformat(found.replace(" UTC", "+00:00").replace(" +", "+"))
        if at.utcoffset() is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Malformed(f"{name} is no instant: {found[:40]!r}.") from None
    raise Malformed(f"{name} has no time zone: {found[:40]!r}.")


def some_instant(entry: object, *path: str) -> datetime | None:
    """None where the forge does not say it."""
    return instant(entry, *path) if value(entry, *path) else None


def place(url: object, name: str) -> Address:
    """The place of a pull request by the address of its page; `name` is the field that holds it."""
    found = read_address(url) if isinstance(url, str) else None
    if found is None or len(str(url)) > URL_LENGTH:
        raise Malformed(f"{name} is no https address of a pull request: {str(url)[:80]!r}.")
    return found


def repository(entry: object, *path: str) -> Address:
    """The repository whose page stands at a path, as a place without a number."""
    url = text(entry, *path)
    found = read_address(f"{url}/pull/1")
    if found is None or len(url) > URL_LENGTH:
        raise Malformed(f"{'.'.join(path)} is no https address of a repository: {url[:80]!r}.")
    return Address(found.repository_url, found.name, 0)


def push(payload: object, *page: str) -> ForgePush:
    """A branch that is there before and after, of the repository whose page stands at a path."""
    ref, after = text(payload, "ref"), sha(payload, "after")
    if not ref.startswith(BRANCH):
        raise Unneeded("A tag is no branch of a pull request.")
    if NO_COMMIT.match(after):
        raise Unneeded("The branch was deleted.")
    return ForgePush(repository(payload, *page), ref.removeprefix(BRANCH)[:NAME_LENGTH], sha(payload, "before"), after)


def entries(entry: object, *path: str) -> list[Any]:
    """The list at a path; what is no list is an empty one."""
    found = value(entry, *path)
    return found if isinstance(found, list) else []
