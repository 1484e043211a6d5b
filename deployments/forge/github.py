"""Reads what GitHub's REST API and webhooks write. Pure: no database, nothing is fetched.

Source: the answers of `GET /repos/{owner}/{repo}/pulls` and `GET /repos/{owner}/{repo}/pulls/{number}/reviews`;
webhooks carry the same objects, with the states of reviews in small letters. Each function raises Malformed, with a
sentence, for what it cannot read; fields it does not need are ignored.
"""

from __future__ import annotations

import re

from deployments.forge import reading
from deployments.forge.address import Address, read_address, same_place
from deployments.forge.facts import Fact, ForgeCheck, ForgePull, ForgePush, ForgeReview, Malformed, Unneeded
from deployments.forge.reading import value

VERDICTS = {"approved": "approved", "changes_requested": "changes_requested", "commented": "commented"}
OTHER_STATES = {"dismissed", "pending"}
PASSING = {"success", "neutral", "skipped"}
_API = re.compile(r"/repos/(?P<name>[^/]+/[^/]+)/pulls/(?P<number>[0-9]{1,9})$")


def read_event(kind: str, payload: object) -> list[Fact]:
    """What a delivery of the event `kind` (X-GitHub-Event) tells. Raises Unneeded when that is nothing."""
    match kind:
        case "pull_request":
            return [read_pull(value(payload, "pull_request"))]
        case "pull_request_review":
            return [read_pull(value(payload, "pull_request")), read_review(value(payload, "review"))]
        case "push":
            return [read_push(payload)]
        case "check_run":
            place = reading.repository(payload, "repository", "html_url")
            return [check_run_of(value(payload, "check_run"), place)]
        case "status":
            return [read_status(payload)]
        case "ping":
            raise Unneeded("The forge asked whether anybody is here: the connection works.")
        case "check_suite":
            raise Unneeded("Its runs tell it one by one.")
    raise Unneeded("Nothing of this event is kept here.")


def read_pull(entry: object) -> ForgePull:
    where, url = _place_of_pull(entry)
    return ForgePull(
        place=where,
        title=reading.title(entry, "title"),
        url=url,
        login=_login(entry),
        head_sha=reading.sha(entry, "head", "sha"),
        state=_state(entry),
        branch=reading.words(entry, "head", "ref"),
        at=reading.some_instant(entry, "updated_at"),
    )


def read_review(entry: object) -> ForgeReview:
    state = reading.text(entry, "state").lower()
    if state not in VERDICTS and state not in OTHER_STATES:
        raise Malformed(f"state is {state[:40]!r}, which is none of a review's states.")
    number = value(entry, "id")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 10**30:
        raise Malformed("id is not a whole number.")
    return ForgeReview(
        place=_place_of_review(entry),
        forge_id=str(number),
        login=_login(entry),
        state=state,
        sha=reading.sha(entry, "commit_id") if state in VERDICTS or value(entry, "commit_id") else "",
        note=reading.clean(str(value(entry, "body") or ""))[: reading.NOTE_LENGTH],
        at=reading.instant(entry, "submitted_at") if state in VERDICTS else reading.some_instant(entry, "submitted_at"),
    )


def read_push(payload: object) -> ForgePush:
    """Gitea writes the same."""
    return reading.push(payload, "repository", "html_url")


def read_status(payload: object) -> ForgeCheck:
    """One status of a commit; Gitea writes the same."""
    place = reading.repository(payload, "repository", "html_url")
    return status_of(payload, place, reading.sha(payload, "sha"))


def status_of(entry: object, place: Address, sha: str, *, field: str = "state") -> ForgeCheck:
    """One status as an answer about its commit lists it."""
    state = reading.text(entry, field).lower()
    return ForgeCheck(
        place=place,
        sha=sha,
        name=reading.words(entry, "context") or "status",
        state={"pending": "pending", "success": "passing", "warning": "passing"}.get(state, "failing"),
        at=reading.instant(entry, "updated_at"),
    )


def check_run_of(run: object, place: Address) -> ForgeCheck:
    done = reading.text(run, "status") == "completed"
    return ForgeCheck(
        place=place,
        sha=reading.sha(run, "head_sha"),
        name=reading.words(run, "name") or "check",
        state=("passing" if reading.words(run, "conclusion") in PASSING else "failing") if done else "pending",
        at=reading.instant(run, "completed_at" if done else "started_at"),
    )


def _state(entry: object) -> str:
    state = reading.text(entry, "state").lower()
    if state not in {"open", "closed"}:
        raise Malformed(f"state is {state[:40]!r} instead of open or closed.")
    if state == "closed":
        return "merged" if value(entry, "merged_at") or value(entry, "merged") is True else "closed"
    return "draft" if value(entry, "draft") is True else "open"


def _place_of_pull(entry: object) -> tuple[Address, str]:
    """The repository that it would be merged into, its number there, and its page."""
    url = reading.text(entry, "html_url")
    said, number = reading.place(url, "html_url"), reading.number(entry, "number")
    base = read_address(f"{value(entry, 'base', 'repo', 'html_url') or said.repository_url}/pull/1")
    if base is None:
        raise Malformed("base.repo.html_url is no https address.")
    where = Address(base.repository_url, base.name, number)
    agree = number == said.number and same_place(said.repository_url, base.repository_url)
    return where, url if agree else f"{base.repository_url}/pull/{number}"


def _place_of_review(entry: object) -> Address | None:
    """Its page names the forge; the address in the API alone names repository and number."""
    if found := read_address(str(value(entry, "html_url") or "").partition("#")[0]):
        return found
    api = _API.search(str(value(entry, "pull_request_url") or ""))
    return Address("", api["name"], int(api["number"])) if api else None


def _login(entry: object) -> str:
    return reading.words(entry, "user", "login", most=reading.LOGIN_LENGTH)
