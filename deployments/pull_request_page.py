"""The page of one pull request: its facts, its reviews, and what this person may do with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms

from accounts.models import User
from deployments.flow import PULL_REQUEST
from deployments.forms import HeadForm, PlanForm, ReviewForm
from deployments.models import Deployment, PullRequest, Review
from deployments.policy import Deadline
from deployments.queue import awaits, badge
from workflow.acts import Act, act, worth_showing
from workflow.badge import Badge
from workflow.eastern import say_day, say_instant
from workflow.machine import refusal

SHORT = 7
Fact = tuple[str, Any, str, str]
VERDICTS = {
    Review.Verdict.APPROVED: "done",
    Review.Verdict.CHANGES_REQUESTED: "stop",
    Review.Verdict.COMMENTED: "none",
    Review.Verdict.WITHDRAWN: "none",
}


@dataclass(frozen=True)
class ReviewLine:
    who: str
    initials: str
    badge: Badge
    commit: str
    at: datetime
    note: str
    remark: str


@dataclass(frozen=True)
class Panel:
    """An action with input on the page: its form, or the sentence why it cannot be done."""

    name: str
    heading: str
    label: str
    form: forms.Form
    why_not: str
    consequence: str = ""
    primary: bool = False


@dataclass(frozen=True)
class Page:
    pull_request: PullRequest
    badge: Badge
    sentence: str
    facts: list[Fact]
    reviews: list[ReviewLine]
    panels: list[Panel]
    acts: list[Act]

    @property
    def problem(self) -> Panel | None:
        return next((panel for panel in self.panels if panel.form.errors), None)


def page(
    pull_request: PullRequest, *, by: User, now: datetime, posted: str = "", data: Mapping[str, Any] | None = None
) -> Page:
    """`posted` names the panel whose form `data` fills."""
    panels = [
        _panel(name, pull_request, by, now, data if name == posted else None) for name in ("review", "plan", "new_head")
    ]
    return Page(
        pull_request=pull_request,
        badge=badge(pull_request, by, now),
        sentence=sentence(pull_request),
        facts=_facts(pull_request, now),
        reviews=[_line(review, pull_request) for review in reversed(pull_request.reviews.all())],
        panels=[panel for panel in panels if panel is not None],
        acts=_acts(pull_request, by, now),
    )


def sentence(pull_request: PullRequest) -> str:
    """How its review stands: "identity-admin #482 needs one more approval on the new commit."."""
    stands = pull_request.standing
    words = f"{pull_request} {stands.sentence}."
    if stands.stale and not stands.full:
        words += " An approval of an earlier commit no longer counts."
    if pull_request.forge_state == PullRequest.Forge.CLOSED:
        words += " It was closed at the forge without merging, so it cannot be planned."
    return words


def approval_at_stake(deployment: Deployment | None, now: datetime) -> str:
    """What a change of content costs when the deployment's CRQ is approved, said before it is done."""
    crq = getattr(deployment, "crq", None)
    if deployment is None or crq is None or crq.status != "approved":
        return ""
    if deployment.week.passed(Deadline.APPROVAL, now):
        due = deployment.week.due(Deadline.APPROVAL)
        late = f"approval was due {say_instant(due, now=now)}" if due else "the deadline has passed"
        return f"This voids the approval of {crq.number}. As {late}, the deployment is held and needs an exemption."
    return f"{crq.number} is approved. This voids the approval, and the manager is asked again."


def _panel(
    name: str, pull_request: PullRequest, by: User, now: datetime, data: Mapping[str, Any] | None
) -> Panel | None:
    no = refusal(PULL_REQUEST, name, pull_request, by=by, now=now)
    if no and no.code in {"status", "done"} and data is None:
        return None
    why_not, stake = (no.sentence if no else ""), ""
    if name == "review":
        form: forms.Form = ReviewForm(data, prefix=name, initial={"sha": pull_request.head_sha})
        turn = awaits(pull_request, by, now)
        return Panel(name, "Your review", "Record review", form, why_not, primary=turn)
    if name == "new_head":
        stake = approval_at_stake(pull_request.deployment, now)
        return Panel(name, "New commits", "Record new head commit", HeadForm(data, prefix=name), why_not, stake)
    plan = PlanForm(data, prefix=name, pull_request=pull_request, now=now)
    if not plan.targets:
        why_not = why_not or "No week is open for plans of this application."
    return Panel(name, "Plan it", "Plan", plan, why_not, primary=not awaits(pull_request, by, now))


def _acts(pull_request: PullRequest, by: User, now: datetime) -> list[Act]:
    stake = approval_at_stake(pull_request.deployment, now)
    acts = [
        act(PULL_REQUEST, "unplan", pull_request, by=by, now=now, confirm=stake),
        act(PULL_REQUEST, "resubmit", pull_request, by=by, now=now, primary=True),
        act(PULL_REQUEST, "withdraw", pull_request, by=by, now=now),
    ]
    return worth_showing(acts)


def _facts(pull_request: PullRequest, now: datetime) -> list[Fact]:
    """Label, value, remark and the address that the value links to."""
    repository, deployment = pull_request.repository, pull_request.deployment
    known = "" if pull_request.author else "Not known here by this login" if pull_request.author_login else ""
    facts: list[Fact] = [
        ("Application", repository.application, str(repository.application.team), ""),
        ("Repository", repository, f"{repository.get_forge_display()} #{pull_request.number}", pull_request.url),
        ("Author", pull_request.author or pull_request.author_name, known, ""),
        ("Head commit", pull_request.head_sha[:12], pull_request.get_forge_state_display(), ""),
        ("Submitted", say_instant(pull_request.submitted_at, now=now), "", ""),
    ]
    if deployment:
        facts.append(("Deployment", deployment.title, say_week(deployment), deployment.get_absolute_url()))
    return facts


def say_week(deployment: Deployment) -> str:
    return f"{say_day(deployment.week.thursday)}, {deployment.get_status_display().lower()}"


def _line(review: Review, pull_request: PullRequest) -> ReviewLine:
    stale = review.sha != pull_request.head_sha
    remark = "an earlier commit, so it no longer counts" if stale else ""
    if not review.counts:
        remark = "does not count: not of the owning team, or the author, or dismissed"
    state = VERDICTS[Review.Verdict(review.verdict)] if review.counts and not stale else "none"
    return ReviewLine(
        who=review.who or "Someone",
        initials=review.reviewer.initials if review.reviewer else review.reviewer_login[:1].upper() or "?",
        badge=Badge(state, review.get_verdict_display() + (" (stale)" if stale else "")),
        commit=review.sha[:SHORT],
        at=review.at,
        note=review.note,
        remark=remark,
    )
