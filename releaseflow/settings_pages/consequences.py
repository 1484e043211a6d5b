"""What a change of an application or repository means for what is under way, seen before it is made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from accounts.models import Team
from deployments.models import Application, Deployment, PullRequest, Repository

SHOWN = 8


@dataclass(frozen=True)
class Consequence:
    """One sentence, with the deployments or pull requests that it is about."""

    sentence: str
    names: list[str]


@dataclass(frozen=True)
class Preview:
    found: list[Consequence]
    digest: str

    @classmethod
    def of(cls, wish: dict[str, Any], found: list[Consequence]) -> Preview:
        """The digest names the wish and what follows: only what was looked at is confirmed by it."""
        seen = {name: str(value) for name, value in wish.items()}
        told = [[each.sentence, each.names] for each in found]
        return cls(found, hashlib.sha256(json.dumps([seen, told]).encode()).hexdigest())


def of_repository(repository: Repository, wish: dict[str, Any]) -> Preview:
    """`repository` is the row as it is; `wish` the values of its fields."""
    required = wish["required_approvals"]
    pull_requests = _under_way(repository) if required != repository.required_approvals else []
    before = {each.pk for each in pull_requests if each.standing.full}
    for each in pull_requests:
        each.repository.required_approvals = required
    lost = [each for each in pull_requests if each.pk in before and not each.standing.full]
    won = [each for each in pull_requests if each.pk not in before and each.standing.full]
    return Preview.of(wish, [*_lost(lost), *_won(won)])


def _under_way(repository: Repository) -> list[PullRequest]:
    waiting = (PullRequest.Status.SUBMITTED, PullRequest.Status.PLANNED)
    found = PullRequest.objects.filter(repository=repository, status__in=waiting)
    related = found.select_related("repository", "deployment__application", "deployment__week")
    return list(related.prefetch_related("reviews").order_by("pk"))


def _lost(pull_requests: list[PullRequest]) -> Iterable[Consequence]:
    deployments = _before_install(pull_requests)
    if deployments:
        is_are = "deployment is" if len(deployments) == 1 else "deployments are"
        words = f"{len(deployments)} planned {is_are} then not fully approved."
        yield Consequence(words, [_name(each) for each in deployments])
    cleared = [each for each in deployments if each.status == Deployment.Status.CLEARED]
    if cleared:
        words = f"{len(cleared)} of them cleared for install: the install cannot start before the approvals are there."
        yield Consequence(words, [_name(each) for each in cleared])
    waiting = [each for each in pull_requests if each.deployment is None]
    if waiting:
        words = f"{len(waiting)} waiting pull request{'s need' if len(waiting) > 1 else ' needs'} another approval."
        yield Consequence(words, [str(each) for each in waiting[:SHOWN]])


def _won(pull_requests: list[PullRequest]) -> Iterable[Consequence]:
    if pull_requests:
        words = "1 pull request is" if len(pull_requests) == 1 else f"{len(pull_requests)} pull requests are"
        yield Consequence(f"{words} fully approved at once.", [str(each) for each in pull_requests[:SHOWN]])


def _before_install(pull_requests: list[PullRequest]) -> list[Deployment]:
    found = {each.deployment_id: each.deployment for each in pull_requests if each.deployment}
    return [each for each in found.values() if each.status in Deployment.BEFORE_INSTALL]


def of_application(application: Application, wish: dict[str, Any]) -> Preview:
    """A move to another team: who decides from now on, and about what."""
    team: Team = wish["team"]
    return Preview.of(wish, list(_moved(application, team)) if team.pk != application.team_id else [])


def _moved(application: Application, team: Team) -> Iterable[Consequence]:
    old = application.team
    decides = "its managers approve the CRQs, its developers review and verify"
    yield Consequence(f"{team} owns it from now on: {decides}. {old} no longer can.", [])
    over = (Deployment.Status.VERIFIED, Deployment.Status.BACKED_OUT, Deployment.Status.WITHDRAWN)
    live = Deployment.objects.filter(application=application).exclude(status__in=over).select_related("week")
    if under_way := list(live.order_by("week__thursday", "pk")):
        words = "1 deployment changes" if len(under_way) == 1 else f"{len(under_way)} deployments change"
        yield Consequence(f"{words} hands while under way.", [_name(each) for each in under_way[:SHOWN]])
    waiting = PullRequest.objects.filter(
        repository__application=application, status__in=(PullRequest.Status.SUBMITTED, PullRequest.Status.PLANNED)
    ).count()
    if waiting:
        words = "1 pull request is" if waiting == 1 else f"{waiting} pull requests are"
        yield Consequence(f"{words} reviewed by {team} from now on. Approvals that {old} gave keep counting.", [])


def _name(deployment: Deployment) -> str:
    return f"{deployment.title}, {deployment.week}"
