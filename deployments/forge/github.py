"""Reads pull requests and reviews as GitHub's REST API writes them. Pure: no database, nothing is fetched.

Source: the answers of `GET /repos/{owner}/{repo}/pulls` and `GET /repos/{owner}/{repo}/pulls/{number}/reviews`;
webhooks carry the same objects, with the states of reviews in small letters. Each function raises Malformed, with a
sentence, for what it cannot read; fields it does not need are ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deployments.forge.address import Address, read_address, same_place

VERDICTS = {"approved": "approved", "changes_requested": "changes_requested", "commented": "commented"}
OTHER_STATES = {"dismissed", "pending"}
SHA = re.compile(r"^[0-9a-f]{7,64}$")
LARGEST_NUMBER = 2_147_483_647
TITLE_LENGTH, LOGIN_LENGTH, URL_LENGTH, NOTE_LENGTH = 300, 100, 200, 20_000
_API = re.compile(r"/repos/(?P<name>[^/]+/[^/]+)/pulls/(?P<number>[0-9]{1,9})$")


class Malformed(ValueError):
    """An entry is not what the API writes; the message says where."""


@dataclass(frozen=True)
class ForgePull:
    """`state` is one of open, draft, merged, closed. `login` is empty when the account is gone."""

    place: Address
    title: str
    url: str
    login: str
    head_sha: str
    state: str


@dataclass(frozen=True)
class ForgeReview:
    """`state` is a verdict, "dismissed" or "pending". A pending review has no instant yet. `place` may be unknown."""

    place: Address | None
    forge_id: str
    login: str
    state: str
    sha: str
    note: str
    at: datetime | None


def read_pull(entry: object) -> ForgePull:
    place, url = _place_of_pull(entry)
    return ForgePull(
        place=place,
        title=_title(_text(entry, "title")),
        url=url,
        login=_login(entry),
        head_sha=_sha(_text(entry, "head", "sha"), "head.sha"),
        state=_state(entry),
    )


def read_review(entry: object) -> ForgeReview:
    state = _text(entry, "state").lower()
    if state not in VERDICTS and state not in OTHER_STATES:
        raise Malformed(f"state is {state[:40]!r}, which is none of a review's states.")
    number = _value(entry, "id")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 10**30:
        raise Malformed("id is not a whole number.")
    return ForgeReview(
        place=_place_of_review(entry),
        forge_id=str(number),
        login=_login(entry),
        state=state,
        sha=_sha(str(_value(entry, "commit_id") or ""), "commit_id") if state in VERDICTS else "",
        note=_clean(str(_value(entry, "body") or ""))[:NOTE_LENGTH],
        at=_instant(entry) if state in VERDICTS else None,
    )


def _state(entry: object) -> str:
    state = _text(entry, "state").lower()
    if state not in {"open", "closed"}:
        raise Malformed(f"state is {state[:40]!r} instead of open or closed.")
    if state == "closed":
        return "merged" if _value(entry, "merged_at") or _value(entry, "merged") is True else "closed"
    return "draft" if _value(entry, "draft") is True else "open"


def _place_of_pull(entry: object) -> tuple[Address, str]:
    """The repository that it would be merged into, its number there, and its page."""
    url = _text(entry, "html_url")
    said = read_address(url)
    if said is None or len(url) > URL_LENGTH:
        raise Malformed(f"html_url is no https address of a pull request: {url[:80]!r}.")
    number = _value(entry, "number")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number <= LARGEST_NUMBER:
        raise Malformed(f"number is {str(number)[:20]!r} instead of a whole number.")
    base = read_address(f"{_value(entry, 'base', 'repo', 'html_url') or said.repository_url}/pull/1")
    if base is None:
        raise Malformed("base.repo.html_url is no https address.")
    place = Address(base.repository_url, base.name, number)
    agree = number == said.number and same_place(said.repository_url, base.repository_url)
    return place, url if agree else f"{base.repository_url}/pull/{number}"


def _place_of_review(entry: object) -> Address | None:
    """Its page names the forge; the address in the API alone names repository and number."""
    if place := read_address(str(_value(entry, "html_url") or "").partition("#")[0]):
        return place
    found = _API.search(str(_value(entry, "pull_request_url") or ""))
    return Address("", found["name"], int(found["number"])) if found else None


def _value(entry: object, *path: str) -> Any:
    """The value at a path, or None where something on the way is missing."""
    for name in path:
        if not isinstance(entry, dict):
            return None
        entry = entry.get(name)
    return entry


def _text(entry: object, *path: str) -> str:
    if not isinstance(entry, dict):
        raise Malformed(f"Expected an object, not {type(entry).__name__}.")
    value = _value(entry, *path)
    if not isinstance(value, str) or not value.strip():
        raise Malformed(f"{'.'.join(path)} is missing.")
    return _clean(value).strip()


def _clean(text: str) -> str:
    """Without what no database stores: NUL and halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _title(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= TITLE_LENGTH else text[: TITLE_LENGTH - 1] + "…"


def _login(entry: object) -> str:
    login = _value(entry, "user", "login")
    return _clean(login)[:LOGIN_LENGTH] if isinstance(login, str) else ""


def _sha(text: str, name: str) -> str:
    text = text.strip().lower()
    if not SHA.match(text):
        raise Malformed(f"{name} is no commit: {text[:40]!r}.")
    return text


def _instant(entry: object) -> datetime:
    text = _text(entry, "submitted_at")
    try:
        at = datetime.fromisoformat(text)
        if at.utcoffset() is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Malformed(f"submitted_at is no instant: {text[:40]!r}.") from None
    raise Malformed(f"submitted_at has no time zone: {text[:40]!r}.")
