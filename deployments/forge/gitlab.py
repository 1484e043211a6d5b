"""Reads what GitLab's webhooks and REST API write. Pure: no database, nothing is fetched.

Source: docs.gitlab.com, "Webhook events" (merge request, push, pipeline). GitLab gives an
approval no number of its own: it is told apart by who gave it and when. The author's name is said only while the
author acts; elsewhere it stays empty, and what is known stays.
"""

from __future__ import annotations

from datetime import datetime

from deployments.forge import reading
from deployments.forge.address import Address
from deployments.forge.facts import Fact, ForgeCheck, ForgePull, ForgeReview, ForgeVerdicts, Malformed, Unneeded
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
            return [reading.push(payload, "project", "web_url")]
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


def _pipeline(payload: object) -> ForgeCheck:
    entry = value(payload, "object_attributes")
    ended = "finished_at" if value(entry, "finished_at") else "created_at"
    return pipeline_of(entry, reading.repository(payload, "project", "web_url"), ended)


def pipeline_of(entry: object, place: Address, instant: str) -> ForgeCheck:
    """The newest pipeline of a commit speaks for it: all of them are one check. `instant` names the field."""
    said = reading.text(entry, "status").lower()
    return ForgeCheck(
        place=place,
        sha=reading.sha(entry, "sha"),
        name="pipeline",
        state="pending" if said in RUNNING else "passing" if said in PASSING else "failing",
        at=reading.instant(entry, instant),
    )


# --- What the REST API answers --------------------------------------------------------------------------------
def read_pull(entry: object) -> ForgePull:
    """Its instant in whole seconds, as webhooks write it, so that the two compare."""
    at = reading.instant(entry, "updated_at")
    return ForgePull(
        place=_place(value(entry, "web_url"), reading.number(entry, "iid"), "web_url"),
        title=reading.title(entry, "title"),
        url=reading.text(entry, "web_url"),
        login=reading.words(entry, "author", "username", most=reading.LOGIN_LENGTH),
        head_sha=reading.sha(entry, "sha"),
        state=_state(entry, draft=value(entry, "draft") is True or value(entry, "work_in_progress") is True),
        branch=reading.words(entry, "source_branch"),
        at=at.replace(microsecond=0),
    )


def read_verdicts(pull: ForgePull, approvals: object, versions: list[object], at: datetime) -> ForgeVerdicts:
    """An approval is for the newest version that was there when it was given.

    Before GitLab 18 an answer does not say when that was: then it is known only where there is one version.
    """
    heads = sorted((reading.instant(each, "created_at"), reading.sha(each, "head_commit_sha")) for each in versions)
    found, undated = [], set()
    for each in reading.entries(approvals, "approved_by"):
        login = reading.words(each, "user", "username", most=reading.LOGIN_LENGTH)
        given = reading.some_instant(each, "approved_at")
        if given is None and len(heads) > 1:
            undated.add(login)
            continue
        given = given or pull.at or at
        before = [sha for made, sha in heads if made <= given]
        found.append(ForgeReview(pull.place, "", login, "approved", (before or [pull.head_sha])[-1], "", given))
    return ForgeVerdicts(pull.place, pull.head_sha, tuple(found), at, frozenset(undated))
