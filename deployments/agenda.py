"""Code reviews as pages show them: the list, and the agenda of one with what was decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.db.models import Count, Q, QuerySet

from accounts.models import User
from accounts.roles import Role, standing
from deployments.flow import CODE_REVIEW
from deployments.guards import closed_week
from deployments.models import CodeReview, Deployment, PullRequest, ReviewDecision
from deployments.queue import badge, with_reviews
from workflow.acts import Act, act, worth_showing
from workflow.badge import Badge
from workflow.eastern import eastern_day, say_ago, say_day
from workflow.machine import refusal

PROPOSE_BEFORE = timedelta(hours=2)
NO_PULL_REQUESTS = "No pull requests were submitted."
MOST_AHEAD, MOST_BEFORE, MOST_ITEMS = 4, 50, 200
STATES = {"scheduled": "wait", "held": "done", "cancelled": "none"}
OUTCOMES = {"planned": "done", "not_this_week": "none", "needs_work": "part"}
Status = CodeReview.Status
Outcome = ReviewDecision.Outcome


@dataclass(frozen=True)
class ReviewRow:
    url: str
    title: str
    at: datetime
    badge: Badge
    meta: str


@dataclass(frozen=True)
class Decided:
    badge: Badge
    by: str
    at: datetime
    note: str


@dataclass(frozen=True)
class Item:
    """One pull request on the agenda. `into` says what planning it means; `why_not` why this person does not decide."""

    pull_request: PullRequest
    meta: str
    badge: Badge
    decided: Decided | None
    approvals: str
    into: str
    open: bool
    why_not: str


@dataclass(frozen=True)
class Group:
    label: str
    items: list[Item]


@dataclass(frozen=True)
class Agenda:
    review: CodeReview
    title: str
    badge: Badge
    acts: list[Act]
    groups: list[Group]
    count: int
    why_not: str
    propose: Act | None

    @property
    def reason(self) -> str:
        return NO_PULL_REQUESTS


def review_rows(now: datetime) -> tuple[list[ReviewRow], list[ReviewRow]]:
    """The next scheduled reviews, soonest first, and the latest that are over, newest first."""
    counted = CodeReview.objects.select_related("week", "team").annotate(
        planned=Count("decisions", filter=Q(decisions__outcome=Outcome.PLANNED)), decided=Count("decisions")
    )
    ahead = counted.filter(status=Status.SCHEDULED).order_by("at", "pk")[:MOST_AHEAD]
    over = counted.exclude(status=Status.SCHEDULED).order_by("-at", "-pk")[:MOST_BEFORE]
    return [_row(each, now) for each in ahead], [_row(each, now) for each in over]


def agenda(review: CodeReview, *, by: User, now: datetime) -> Agenda:
    no = refusal(CODE_REVIEW, "decide", review, by=by, now=now)
    takes_decisions = review.status != Status.CANCELLED and not closed_week(review.week, now)
    decisions = {each.pull_request_id: each for each in review.decisions.select_related("by")}
    pull_requests = list(_pull_requests(review, list(decisions), with_waiting=takes_decisions))
    live = _live_deployments(review, pull_requests)
    context: dict[str, Any] = {"takes_decisions": takes_decisions, "by": by, "now": now}
    items = [_item(each, decisions.get(each.pk), live, **context) for each in pull_requests]
    waiting = any(item.open for item in items)
    return Agenda(
        review=review,
        title=_title(review),
        badge=Badge(STATES[review.status], review.get_status_display()),
        acts=_acts(review, by, now),
        groups=_by_team(items),
        count=len(items),
        why_not=no.sentence if no else "",
        propose=_proposal(review, by, now) if not waiting and not decisions else None,
    )


def _title(review: CodeReview) -> str:
    whose = f" of {review.team}" if review.team else ""
    return f"{review.get_kind_display()} code review{whose}"


def _row(review: CodeReview, now: datetime) -> ReviewRow:
    words = [f"for the {review.week}"]
    if decided := getattr(review, "decided", 0):
        words.append(f"{review.planned} of {decided} planned")  # type: ignore[attr-defined]
    if review.status == Status.SCHEDULED and review.at < now:
        return ReviewRow(
            review.get_absolute_url(), _title(review), review.at, Badge("you", "Held or cancelled?"), words[0]
        )
    state = Badge(STATES[review.status], review.get_status_display())
    return ReviewRow(review.get_absolute_url(), _title(review), review.at, state, " · ".join(words))


def _pull_requests(review: CodeReview, decided: list[int], *, with_waiting: bool) -> QuerySet[PullRequest]:
    shown = Q(pk__in=decided)
    if with_waiting:
        waiting = Q(status=PullRequest.Status.SUBMITTED)
        shown |= waiting & Q(repository__application__team=review.team_id) if review.team_id else waiting
    found = with_reviews(PullRequest.objects.filter(shown))
    return found.order_by("repository__application__team__name", "submitted_at", "pk")[:MOST_ITEMS]


def _live_deployments(review: CodeReview, pull_requests: list[PullRequest]) -> dict[int, Deployment]:
    applications = {each.repository.application_id for each in pull_requests}
    found = Deployment.objects.filter(week=review.week_id, application__in=applications)
    return {each.application_id: each for each in found.exclude(status__in=Deployment.NO_LONGER_LIVE)}


def _item(
    pull_request: PullRequest,
    decision: ReviewDecision | None,
    live: dict[int, Deployment],
    *,
    takes_decisions: bool,
    by: User,
    now: datetime,
) -> Item:
    team = pull_request.repository.application.team
    who = standing(by, eastern_day(now))
    own = who.holds(Role.SCRUM_MASTER) or team.pk in who.team_ids()
    deployment = live.get(pull_request.repository.application_id)
    into = f"Planned: joins {deployment.title}." if deployment else "Planned: becomes a new deployment of this title."
    if pull_request.deployment:
        into = f"In {pull_request.deployment.title}, {say_day(pull_request.deployment.week.thursday)}."
    return Item(
        pull_request=pull_request,
        meta=f"{pull_request} · {pull_request.author_name} · submitted {say_ago(pull_request.submitted_at, now)}",
        badge=badge(pull_request, by, now),
        decided=_decided(decision) if decision else None,
        approvals=_approvals(pull_request),
        into=into,
        open=takes_decisions and pull_request.status == PullRequest.Status.SUBMITTED,
        why_not="" if own else f"{team} decides about this with the Scrum Master.",
    )


def _approvals(pull_request: PullRequest) -> str:
    """ "1 of 2 approvals", with what blocks it."""
    stands = pull_request.standing
    words = f"{stands.approvals} of {stands.required} approval{'' if stands.required == 1 else 's'}"
    return ", ".join([words, *stands.blockers])


def _decided(decision: ReviewDecision) -> Decided:
    state = Badge(OUTCOMES[decision.outcome], decision.get_outcome_display())
    return Decided(state, decision.by.name, decision.at, decision.note)


def _by_team(items: list[Item]) -> list[Group]:
    def team(item: Item) -> str:
        return item.pull_request.repository.application.team.name

    return [Group(name, list(found)) for name, found in groupby(items, key=team)]


def _acts(review: CodeReview, by: User, now: datetime) -> list[Act]:
    acts = [act(CODE_REVIEW, action, review, by=by, now=now) for action in ("hold", "cancel")]
    return worth_showing(acts)


def _proposal(review: CodeReview, by: User, now: datetime) -> Act | None:
    """Cancelling proposes itself from two hours before a weekly review, as long as nothing is submitted."""
    if review.status != Status.SCHEDULED or review.kind != CodeReview.Kind.WEEKLY or now < review.at - PROPOSE_BEFORE:
        return None
    return act(CODE_REVIEW, "cancel", review, by=by, now=now, primary=True, label="Cancel this week’s review")


# --- One pull request a screen -------------------------------------------------------------------------------
@dataclass(frozen=True)
class Slide:
    """The pull request on screen; `before` and `after` are the numbers of those beside it, 0 at an end."""

    number: int
    count: int
    team: str
    item: Item
    before: int
    after: int


def slide(page: Agenda, number: int) -> Slide | None:
    """The one with this number, counted from 1 in the order of the agenda; the nearest where there is none such."""
    every = [(group.label, item) for group in page.groups for item in group.items]
    if not every:
        return None
    number = min(max(number, 1), len(every))
    team, item = every[number - 1]
    return Slide(number, len(every), team, item, number - 1, number + 1 if number < len(every) else 0)
