"""Reads what GitLab's webhooks write. Pure: no database, nothing is fetched.

Source: docs.gitlab.com, "Webhook events" (merge request, push, pipeline). GitLab gives an
approval no number of its own: it is told apart by who gave it and when. The author's name is said only while the
author acts; elsewhere it stays empty, and what is known stays.
"""

from __future__ import annotations

from deployments.forge import reading
from deployments.forge.address import Address
from deployments.forge.facts import Fact, ForgeCheck, ForgePull, ForgePush, ForgeReview, Malformed, Unneeded
from deployments.forge.github import BRANCH
from deployments.forge.reading import value

STATES = {"opened": "open", "locked": "merged", "merged": "merged", "closed": "closed"}
APPROVALS = {
    "approved": "approved",
    "approval": "approved",
    "unapproved": "withdrawn",
    "unapproval": "withdrawn",
}
RUNNING = {"created", "waiting_for_resource", "preparing", "pending", "running", "manual", "scheduled"}
PASSING = {"success", "skipped"}


def read_event(kind: str, payload: object) -> list[Fact]:
    """What a delivery tells by its own `object_kind`. Raises Unneeded when that is nothing."""
    match value(payload, "object_kind"):
        case "merge_request":
            return _merge_request(payload)
        case "push":
            return [_push(payload)]
        case "pipeline":
            return [_pipeline(payload)]
    raise Unneeded(f"Nothing of {kind or 'this event'} is kept here.")


def _merge_request(payload: object) -> list[Fact]:
    entry = value(payload, "object_attributes")
    if value(entry, "action") is None and value(entry, "state") is None:
        raise Malformed("object_attributes.state is missing.")
    pull = ForgePull(
        place=_place(value(entry, "url"), reading.number(entry, "iid"), "object_attributes.url"),
        title=reading.title(entry, "title"),
        url=reading.text(entry, "url"),
        login=_author(payload),
        head_sha=reading.sha(entry, "last_commit", "id"),
        state=_state(entry, draft=value(entry, "draft") is True or value(entry, "work_in_progress") is True),
        branch=reading.words(entry, "source_branch"),
        at=reading.some_instant(entry, "updated_at"),
    )
    state = APPROVALS.get(str(value(entry, "action")))
    return [pull, _approval(payload, pull, state)] if state else [pull]


def _approval(payload: object, pull: ForgePull, state: str) -> ForgeReview:
    if pull.at is None:
        raise Malformed("object_attributes.updated_at is missing, so the approval has no instant.")
    login = reading.words(payload, "user", "username", most=reading.LOGIN_LENGTH)
    told = f"{login[:14]}-{state[0]}-{pull.at:%Y%m%d%H%M%S}"
    return ForgeReview(pull.place, told, login, state, pull.head_sha, "", pull.at)


def _author(payload: object) -> str:
    """Said by whoever acts, or by those assigned, when one of them is the author."""
    author = value(payload, "object_attributes", "author_id")
    people = [value(payload, "user"), *reading.entries(payload, "assignees"), *reading.entries(payload, "reviewers")]
    names = [reading.words(each, "username") for each in people if author and value(each, "id") == author]
    return names[0][: reading.LOGIN_LENGTH] if names else ""


def _state(entry: object, *, draft: bool) -> str:
    said = reading.text(entry, "state").lower()
    if said not in STATES:
        raise Malformed(f"state is {said[:40]!r}, which is none of a merge request's states.")
    return "draft" if draft and STATES[said] == "open" else STATES[said]


def _place(url: object, number: int, name: str) -> Address:
    found = reading.place(url, name)
    return Address(found.repository_url, found.name, number)


def _push(payload: object) -> ForgePush:
    ref, after = reading.text(payload, "ref"), reading.sha(payload, "after")
    if not ref.startswith(BRANCH):
        raise Unneeded("A tag is no branch of a merge request.")
    if reading.NO_COMMIT.match(after):
        raise Unneeded("The branch was deleted.")
    branch = ref.removeprefix(BRANCH)[: reading.NAME_LENGTH]
    return ForgePush(reading.repository(payload, "project", "web_url"), branch, reading.sha(payload, "before"), after)


def _pipeline(payload: object) -> ForgeCheck:
    """The newest pipeline of a commit speaks for it: all of them are one check."""
    entry = value(payload, "object_attributes")
    said = reading.text(entry, "status").lower()
    ended = value(entry, "finished_at")
    state = "pending" if said in RUNNING else "passing" if said in PASSING else "failing"
    return ForgeCheck(
        place=reading.repository(payload, "project", "web_url"),
        sha=reading.sha(entry, "sha"),
        name="pipeline",
        state=state,
        at=reading.instant(entry, "finished_at" if ended else "created_at"),
    )
