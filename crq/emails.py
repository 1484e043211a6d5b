"""What is written when something happens. Each writer queues its letters in the transaction of their cause."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from accounts.mail import Topic
from accounts.models import User
from accounts.roles import everybody
from crq import readers
from crq.models import ExemptionRequest
from crq.posts import post
from crq.readers import Part
from deployments.models import Deployment, PullRequest, ReleaseWeek
from deployments.policy import Deadline
from deployments.queue import with_reviews
from notifications.outbox import enqueue_each
from workflow.eastern import eastern_day, say_ago
from workflow.machine import for_whom
from workflow.markup import rendered
from workflow.steps import Call

MOST_NAMED = 50
"""Deployments in one digest. More than that nobody reads in a letter, and some mail programs cut it off."""
HAS_A_ROLE = "You get this because you have a role in releaseflow."


def _deployment(call: Call) -> Deployment:
    obj = call.obj
    if isinstance(obj, ExemptionRequest):
        obj = obj.crq
    return obj if isinstance(obj, Deployment) else obj.deployment


def _about(deployment: Deployment) -> dict[str, Any]:
    return {
        "deployment": deployment,
        "crq": getattr(deployment, "crq", None),
        "url": settings.SITE_URL + deployment.get_absolute_url(),
        **_when(deployment.week),
    }


def _when(week: ReleaseWeek) -> dict[str, Any]:
    """The week and its deadlines by key; a skipped week has none."""
    return {"week": week, "deadlines": {key.value: week.due(key) for key in Deadline}}


def _tell(kind: str) -> Callable[[Call], None]:
    """A writer for what concerns one deployment."""

    def write(call: Call) -> None:
        deployment = _deployment(call)
        _queue(kind, call, _about(deployment), readers.parts(kind, deployment, call))

    return write


def ask_approval(call: Call, deployment: Deployment, digest: str) -> None:
    """Asks the managers once for each content."""
    to = readers.parts("approval_needed", deployment, call)
    key = f"{deployment.pk}:{deployment.week_id}:{digest}"
    _queue("approval_needed", call, _about(deployment), to, key=key)


def _queue(kind: str, call: Call, context: dict[str, Any], to: Iterable[Part], key: str = "") -> None:
    about = {
        "action": call.step.action,
        "actor": _actor(call),
        "before": call.before,
        "reason": call.reason,
        "note": call.note,
    }
    parts = [(context | about | {"why": why}, people) for why, people in to]
    occasion = key or f"{call.flow.name}:{call.obj.pk}:{call.now.isoformat()}"
    enqueue_each(kind, parts, key=f"{kind}:{occasion}", now=call.now)
    post(kind, context | about, key=f"{kind}:{occasion}", now=call.now)


def _actor(call: Call) -> str:
    """Who did it, as the audit trail says it: a deputy is "A for B"."""
    if call.by is None:
        return "releaseflow"
    principal = for_whom(call)
    return f"{call.by.name} for {principal.name}" if principal else call.by.name


def _approved(call: Call) -> None:
    """A manager's own approval; one that came with an exemption is told with the director's decision."""
    if call.by:
        _tell("crq_approved")(call)


NAMED = "You get this because {actor} named you in a comment. You follow the deployment now. You can stop on its page."


def _mentioned(call: Call) -> None:
    """Whom a comment names, but for its author."""
    named = User.objects.filter(pk__in=call.note["mentioned"]).exclude(pk=call.person.pk)
    _queue(
        "mentioned",
        call,
        _about(call.obj) | {"said": rendered(call.reason)},
        [(NAMED.format(actor=_actor(call)), list(named))],
    )


def _exemption(kind: str) -> Callable[[Call], None]:
    """A writer for what concerns a request: the link leads to the request's own page."""

    def write(call: Call) -> None:
        request: ExemptionRequest = call.obj
        deployment = request.crq.deployment
        own = {"exemption": request, "url": settings.SITE_URL + request.get_absolute_url()}
        _queue(kind, call, _about(deployment) | own, readers.parts(kind, deployment, call))

    return write


def _window_open(call: Call) -> None:
    week = call.obj
    cleared = list(week.deployments.filter(status=Deployment.Status.CLEARED).select_related("application__team", "crq"))
    context = _when(week) | {"deployments": cleared, "url": f"{settings.SITE_URL}{week.get_absolute_url()}install/"}
    _queue("window_open", call, context, readers.of_window(cleared, call))


# --- The weekly review ---------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Waiting:
    """One pull request on the agenda, in words."""

    title: str
    url: str
    meta: str
    standing: str


def _review(call: Call) -> dict[str, Any]:
    review = call.obj
    return _when(review.week) | {"review": review, "url": settings.SITE_URL + review.get_absolute_url()}


def _review_cancelled(call: Call) -> None:
    _queue("review_cancelled", call, _review(call), readers.of_review(call))


def _review_agenda(call: Call) -> None:
    """What waits for the review, by team: two statements for the pull requests, however many there are."""
    waiting = with_reviews(PullRequest.objects.filter(status=PullRequest.Status.SUBMITTED))
    teams: dict[str, list[Waiting]] = defaultdict(list)
    for each in waiting.order_by("repository__application__team__name", "submitted_at", "pk"):
        teams[each.repository.application.team.name].append(_waiting(each, call))
    agenda = [{"team": team, "rows": rows} for team, rows in teams.items()]
    context = _review(call) | {"agenda": agenda, "count": sum(map(len, teams.values()))}
    _queue("review_agenda", call, context, readers.of_review(call, Topic.AGENDA))


def _waiting(pull_request: PullRequest, call: Call) -> Waiting:
    how = pull_request.standing
    return Waiting(
        title=pull_request.title,
        url=settings.SITE_URL + pull_request.get_absolute_url(),
        meta=f"{pull_request}, {pull_request.author_name}, submitted {say_ago(pull_request.submitted_at, call.now)}",
        standing=f"{how.approvals} of {how.required} approvals: it {how.sentence}",
    )


# --- The week ------------------------------------------------------------------------------------------------
def _week_warning(call: Call) -> None:
    """Everybody is told of a skipped week, and of its install day when it gets one after that."""
    if call.step.action != "warn" and not call.given.get("was_warned"):
        return
    week = call.obj
    context = _when(week) | {"url": settings.SITE_URL + week.get_absolute_url()}
    key = f"{week.pk}:{call.step.action}:{call.now.isoformat()}"
    _queue("week_warning", call, context, [(HAS_A_ROLE, list(everybody()))], key)


def _approval_voided(call: Call) -> None:
    """Who moves a deployment tells about the approval in the same letter."""
    if not call.given.get("moved"):
        _tell("approval_voided")(call)


def _held(calls: Sequence[Call]) -> None:
    tell_missed({call.obj: call.reason for call in calls}, now=calls[0].now)


def tell_missed(reasons: Mapping[Deployment, str], *, now: datetime, only_late: bool = False) -> None:
    """One deadline concerns many deployments at once: each person gets one digest of those that concern them.

    It names the first of them, and leads to the page of the week that has all.
    `only_late`: nothing is held, because the schedule says that this deadline holds nothing.
    """
    about: dict[int, dict[str, Any]] = {}  # the same for those who are told of the same deployments
    contexts = []
    for why, people, concerned in readers.of_held(reasons, eastern_day(now)):
        if id(concerned) not in about:
            about[id(concerned)] = _missed(concerned, reasons) | {"only_late": only_late}
        contexts.append((about[id(concerned)] | {"why": why}, people))
    key = f"deadline_missed:{min(each.pk for each in reasons)}:{now.isoformat()}"
    enqueue_each("deadline_missed", contexts, key=key, now=now)
    first = next(iter(reasons))
    page = _about(first)["url"] if len(reasons) == 1 else settings.SITE_URL + first.week.get_absolute_url()
    whole = {"deployments": list(reasons), "reasons": reasons, "only_late": only_late, "url": page}
    post("deadline_missed", _about(first) | whole, key=key, now=now)


def _missed(concerned: Sequence[Deployment], reasons: Mapping[Deployment, str]) -> dict[str, Any]:
    held = [{**_about(each), "reason": reasons[each]} for each in concerned[:MOST_NAMED]]
    count, week = len(concerned), concerned[0].week
    page = held[0]["url"] if count == 1 else settings.SITE_URL + week.get_absolute_url()
    return held[0] | {"held": held, "count": count, "more": count - len(held), "url": page}


WRITERS: dict[str, Callable[[Call], None]] = {
    "crq_approved": _approved,
    "crq_returned": _tell("crq_returned"),
    "mentioned": _mentioned,
    "approval_voided": _approval_voided,
    "moved": _tell("moved"),
    "withdrawn": _tell("withdrawn"),
    "verify_needed": _tell("verify_needed"),
    "install_failed": _tell("install_failed"),
    "backed_out": _tell("backed_out"),
    "exemption_requested": _exemption("exemption_requested"),
    "exemption_note": _exemption("exemption_note"),
    "exemption_decided": _exemption("exemption_decided"),
    "window_open": _window_open,
    "review_agenda": _review_agenda,
    "review_cancelled": _review_cancelled,
    "week_warning": _week_warning,
}
DIGESTS: dict[str, Callable[[Sequence[Call]], None]] = {"deadline_missed": _held}
