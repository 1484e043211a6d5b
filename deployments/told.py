"""What a forge tells about a pull request, as effects on the locked row. Input arrives in `call.given`."""

from __future__ import annotations

from deployments.effects import counts
from deployments.models import PullRequest, Review
from workflow.steps import Call, Refused


def refresh(call: Call) -> None:
    """Given values of fields: title, forge_state, author, head_branch, told_at. Notes what people would see."""
    for name, value in call.given.items():
        before = getattr(call.obj, name)
        if before != value and name != "told_at":
            call.note[name] = f"{before or 'unknown'} → {value}"
        setattr(call.obj, name, value)


def record_checks(call: Call) -> None:
    """Given `state`."""
    call.note |= {"from": call.obj.checks, "to": call.given["state"]}
    call.obj.checks = call.given["state"]


def dismiss_review(call: Call) -> None:
    """Given `review`: it stays on record, but no longer counts."""
    review: Review = call.given["review"]
    if not Review.objects.filter(pk=review.pk, counts=True).update(counts=False):
        raise Refused.because("It does not count.", "done")
    call.note |= {"reviewer": review.who, "verdict": review.verdict}


def recognise(call: Call) -> None:
    """Given `person`, whose name at the forge is known now: what they wrote and said there becomes theirs."""
    pull_request: PullRequest = call.obj
    person = call.given["person"]
    if pull_request.author is None and pull_request.author_login.lower() == person.forge_login.lower():
        pull_request.author = person
        pull_request.reviews.filter(reviewer=person).update(counts=False)
    said = pull_request.reviews.filter(reviewer=None, reviewer_login__iexact=person.forge_login)
    said.update(reviewer=person, counts=counts(pull_request, person))
    call.note |= {"person": person.name, "login": person.forge_login}
