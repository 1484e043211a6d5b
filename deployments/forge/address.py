"""What the address of a pull request says by itself. Pure: nothing is fetched."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_PATH = re.compile(
    r"^/(?P<name>[^/]+(?:/[^/]+)+?)(?:/-)?/(?:pull|pulls|pull-requests|merge_requests)/(?P<number>[0-9]{1,9})(?:/.*)?$"
)


@dataclass(frozen=True)
class Address:
    """`repository_url` is the address before the number, such as https://github.com/acme/identity-admin."""

    repository_url: str
    name: str
    number: int


def read_address(url: str) -> Address | None:
    """The repository and number that a pull request's address names: GitHub, GitLab, Gitea or Bitbucket."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    found = _PATH.match(parts.path)
    if parts.scheme != "https" or not parts.netloc or found is None:
        return None
    return Address(f"https://{parts.netloc}/{found['name']}", found["name"], int(found["number"]))


def same_place(one: str, other: str) -> bool:
    """Whether two repository addresses are the same: forges do not mind capitals or a slash at the end."""
    return _plain(one) == _plain(other)


def spellings(url: str) -> list[str]:
    """How the address of a repository may be written, capitals aside; none for none."""
    plain = _plain(url)
    return [plain, f"{plain}/", f"{plain}.git", f"{plain}.git/"] if plain else []


def _plain(url: str) -> str:
    return url.lower().rstrip("/").removesuffix(".git")
