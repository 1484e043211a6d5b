"""Reads what the webhooks and the REST API of Gitea and Forgejo write: nearly GitHub's. Pure, nothing is fetched.

Source: docs.gitea.com, "Webhooks", and Gitea's `modules/structs/hook.go`. A review comes with its verdict in the name
of the event and without a number: it is told apart by who gave it and when.
"""

from __future__ import annotations

from datetime import datetime

from deployments.forge import github, reading
from deployments.forge.facts import Fact, ForgePull, ForgeReview, ForgeVerdicts, Malformed, Unneeded
from deployments.forge.reading import value

STATES = {"APPROVED": "approved", "REQUEST_CHANGES": "changes_requested"}
REVIEWS = {"approved": "approved", "rejected": "changes_requested", "comment": "commented"}
PULLS = {"pull_request", "pull_request_sync", "pull_request_label", "pull_request_assign", "pull_request_milestone"}


def read_event(kind: str, payload: object) -> list[Fact]:
    """What a delivery of the event `kind` (X-Gitea-Event) tells. Raises Unneeded when that is nothing."""
    if verdict := _verdict(kind, payload):
        pull = github.read_pull(value(payload, "pull_request"))
        return [pull, _review(payload, pull, verdict)]
    if kind in PULLS:
        return [github.read_pull(value(payload, "pull_request"))]
    if kind == "push":
        return [github.read_push(payload)]
    if kind == "status":
        return [github.read_status(payload)]
    raise Unneeded("Nothing of this event is kept here.")


def _verdict(kind: str, payload: object) -> str:
    """The review in an event: pull_request_approved, or pull_request_review_approved in its body."""
    if value(payload, "action") != "reviewed":
        return ""
    told = str(value(payload, "review", "type") or kind).removeprefix("pull_request_").removeprefix("review_")
    if told not in REVIEWS:
        raise Malformed(f"review.type is {told[:40]!r}, which is none of a review's verdicts.")
    return REVIEWS[told]


def _review(payload: object, pull: ForgePull, verdict: str) -> ForgeReview:
    if pull.at is None:
        raise Malformed("pull_request.updated_at is missing, so the review has no instant.")
    login = reading.words(payload, "sender", "login", most=reading.LOGIN_LENGTH)
    note = reading.clean(str(value(payload, "review", "content") or ""))[: reading.NOTE_LENGTH]
    told = f"{login[:14]}-{verdict[:2]}-{pull.at:%Y%m%d%H%M%S}"
    return ForgeReview(pull.place, told, login, verdict, pull.head_sha, note, pull.at)


# --- What the REST API answers --------------------------------------------------------------------------------
def read_verdicts(pull: ForgePull, reviews: list[object], at: datetime) -> ForgeVerdicts:
    """Each person's newest verdict. The API numbers reviews, but webhooks do not: so the number does not tell."""
    newest: dict[str, ForgeReview] = {}
    for each in sorted((one for one in reviews if value(one, "state") in STATES), key=_submitted):
        login = reading.words(each, "user", "login", most=reading.LOGIN_LENGTH)
        state = "withdrawn" if value(each, "dismissed") is True else STATES[reading.text(each, "state")]
        note = reading.clean(str(value(each, "body") or ""))[: reading.NOTE_LENGTH]
        sha = reading.sha(each, "commit_id")
        newest[login.lower()] = ForgeReview(pull.place, "", login, state, sha, note, _submitted(each))
    return ForgeVerdicts(pull.place, pull.head_sha, tuple(newest.values()), at)


def _submitted(entry: object) -> datetime:
    return reading.instant(entry, "submitted_at")
