"""Reads what Bitbucket Cloud's webhooks and REST API write. Pure: no database, nothing is fetched.

Source: support.atlassian.com, "Event payloads". Commits come in twelve characters, except in a push and a status;
`same_commit` compares them. People are named by `nickname`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from deployments.forge import reading
from deployments.forge.address import Address
from deployments.forge.facts import (
    Fact,
    ForgeCheck,
    ForgePull,
    ForgePush,
    ForgeReview,
    ForgeVerdicts,
    Malformed,
    Unneeded,
)
from deployments.forge.reading import value

STATES = {"OPEN": "open", "MERGED": "merged", "DECLINED": "closed", "SUPERSEDED": "closed"}
REVIEWS = {
    "pullrequest:approved": ("approval", "approved"),
    "pullrequest:unapproved": ("approval", "withdrawn"),
    "pullrequest:changes_request_created": ("changes_request", "changes_requested"),
    "pullrequest:changes_request_removed": ("changes_request", "withdrawn"),
}
CHECKS = {"INPROGRESS": "pending", "SUCCESSFUL": "passing"}
PULLS = {"pullrequest:created", "pullrequest:updated", "pullrequest:fulfilled", "pullrequest:rejected"}


def read_event(kind: str, payload: object) -> list[Fact]:
    """What a delivery of the event `kind` (X-Event-Key) tells. Raises Unneeded when that is nothing."""
    if kind in PULLS:
        return [read_pull(value(payload, "pullrequest"))]
    if kind in REVIEWS:
        pull = read_pull(value(payload, "pullrequest"))
        return [pull, _review(payload, pull, *REVIEWS[kind])]
    if kind == "repo:push":
        if moves := list(_moves(payload)):
            return list(moves)
        raise Unneeded("No branch that was there before moved.")
    if kind in {"repo:commit_status_created", "repo:commit_status_updated"}:
        return [_check(payload)]
    if kind == "diagnostics:ping":
        raise Unneeded("The forge asked whether anybody is here: the connection works.")
    raise Unneeded("Nothing of this event is kept here.")


def read_pull(entry: object) -> ForgePull:
    url = reading.text(entry, "links", "html", "href")
    said = reading.place(url, "links.html.href")
    state = reading.text(entry, "state").upper()
    if state not in STATES:
        raise Malformed(f"state is {state[:40]!r}, which is none of a pull request's states.")
    return ForgePull(
        place=Address(said.repository_url, said.name, reading.number(entry, "id")),
        title=reading.title(entry, "title"),
        url=url,
        login=reading.words(entry, "author", "nickname", most=reading.LOGIN_LENGTH),
        head_sha=reading.sha(entry, "source", "commit", "hash"),
        state="draft" if state == "OPEN" and value(entry, "draft") is True else STATES[state],
        branch=reading.words(entry, "source", "branch", "name"),
        at=reading.some_instant(entry, "updated_on"),
    )


def _review(payload: object, pull: ForgePull, field: str, state: str) -> ForgeReview:
    said = value(payload, field)
    at = reading.instant(said, "date")
    who = value(said, "user") or value(payload, "actor")
    login = reading.words(who, "nickname", most=reading.LOGIN_LENGTH)
    told = f"{login[:14]}-{state[0]}-{at:%Y%m%d%H%M%S}"
    return ForgeReview(pull.place, told, login, state, pull.head_sha, "", at)


def _moves(payload: object) -> Iterator[ForgePush]:
    place = reading.repository(payload, "repository", "links", "html", "href")
    for change in reading.entries(payload, "push", "changes"):
        old, new = value(change, "old"), value(change, "new")
        if old and new and value(new, "type") == "branch":
            branch = reading.words(new, "name")
            yield ForgePush(place, branch, reading.sha(old, "target", "hash"), reading.sha(new, "target", "hash"))


def _check(payload: object) -> ForgeCheck:
    return status_of(
        value(payload, "commit_status"), reading.repository(payload, "repository", "links", "html", "href")
    )


def status_of(said: object, place: Address) -> ForgeCheck:
    commit = reading.text(said, "links", "commit", "href").rstrip("/").rsplit("/", 1)[-1]
    return ForgeCheck(
        place=place,
        sha=reading.sha({"commit": commit}, "commit"),
        name=reading.words(said, "key") or reading.words(said, "name") or "status",
        state=CHECKS.get(reading.text(said, "state").upper(), "failing"),
        at=reading.instant(said, "updated_on"),
    )


# --- What the REST API answers --------------------------------------------------------------------------------
def read_verdicts(pull: ForgePull, entry: object, activity: list[object], at: datetime) -> ForgeVerdicts:
    """The participants say who stands how; the activity says when, and which commit was the head then."""
    heads = sorted(
        (reading.instant(each, "update", "date"), reading.sha(each, "update", "source", "commit", "hash"))
        for each in activity
        if value(each, "update")
    )
    found = []
    for who in reading.entries(entry, "participants"):
        state = "approved" if value(who, "approved") is True else value(who, "state")
        field = {"approved": "approval", "changes_requested": "changes_requested"}.get(str(state))
        if not field:
            continue
        login = reading.words(who, "user", "nickname", most=reading.LOGIN_LENGTH)
        said = [
            reading.instant(each, field, "date")
            for each in activity
            if value(each, field) and reading.words(each, field, "user", "nickname") == login
        ]
        given = max(said, default=None) or reading.some_instant(who, "participated_on") or at
        before = [sha for made, sha in heads if made <= given]
        sha = (before or [pull.head_sha])[-1]
        sha = pull.head_sha if sha[:12] == pull.head_sha[:12] else sha
        found.append(ForgeReview(pull.place, "", login, str(state), sha, "", given))
    return ForgeVerdicts(pull.place, pull.head_sha, tuple(found), at)
