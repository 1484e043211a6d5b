"""Making a passed deadline visible: the snapshot of what was ready, and the hold of what was not.

A deadline is a fact about recorded instants. Whoever looks first after it, the beat or any action on the deployment,
writes the consequence down; before that nothing else about the deployment can change.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from crq.announcing_clock import send_final, send_if_due
from crq.deliverables import Readiness, listed
from crq.emails import tell_missed
from crq.exemptions import lapse_all
from crq.models import Announcement, Snapshot
from crq.readiness import Facts, in_week
from crq.week_end import carry_over, close_all_failed
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment, Milestone, ReleaseWeek
from deployments.policy import Deadline
from deployments.rules import current_policy
from workflow import audit
from workflow.eastern import say_instant
from workflow.machine import impose
from workflow.models import Event
from workflow.transactions import whole

logger = logging.getLogger(__name__)

JUDGED = (Deadline.CUTOFF, Deadline.APPROVAL, Deadline.INSTALL_CLOSE)
CHUNK = 500
S = Deployment.Status


@dataclass(frozen=True)
class Enforced:
    """One milestone that was enforced, and how many deployments it held."""

    milestone: Milestone
    held: int


def settle(deployment: Deployment, now: datetime) -> None:
    """Judges a locked deployment by every deadline of its week that has passed and has not judged it yet."""
    if deployment._state.adding or deployment.status == S.WITHDRAWN or deployment.week.skipped:  # noqa: SLF001
        return
    if not any(deployment.week.passed(key, now) for key in JUDGED):
        return
    passed = [each for each in deployment.week.milestones.all() if each.key in JUDGED and now > each.due_at]
    judged = set(deployment.snapshots.filter(milestone__in=passed).values_list("milestone_id", flat=True))
    for milestone in passed:
        if milestone.pk not in judged:
            _judge([deployment], [Facts.fresh(deployment)], milestone, now)


def enforce(now: datetime) -> list[Enforced]:
    """Enforces every milestone that is due, each exactly once, in due order, each in a transaction of its own.

    A milestone that fails is logged and tried again next time; later ones of its week wait for it.
    """
    done: list[Enforced] = []
    broken: set[int] = set()
    due = waiting(now).select_related("week").order_by("due_at", "pk")
    for milestone in due:
        if milestone.week_id in broken:
            continue
        try:
            if (held := _claim_and_apply(milestone, now)) is not None:
                done.append(Enforced(milestone, held))
        except Exception:
            logger.exception("Could not enforce %s", milestone)
            broken.add(milestone.week_id)
    return done


def waiting(now: datetime) -> QuerySet[Milestone]:
    """What has passed and is not enforced. In a week that was skipped meanwhile nothing is enforced any more."""
    return Milestone.objects.filter(enforced_at=None, due_at__lt=now, week__install_day__isnull=False)


@whole
def _claim_and_apply(milestone: Milestone, now: datetime) -> int | None:
    """The number of deployments held, or None when somebody else claimed the milestone or its date moved meanwhile."""
    _lock_week_and_deployments(milestone.week_id)
    if not waiting(now).filter(pk=milestone.pk).update(enforced_at=now):
        return None
    held = sum(_judge(chunk, Facts.of_all(chunk), milestone, now) for chunk in _unjudged(milestone))
    EFFECTS.get(milestone.key, _nothing_more)(milestone, now)
    audit.record([_event(milestone, held, now)])
    return held


def _event(milestone: Milestone, held: int, now: datetime) -> Event:
    return Event(
        at=now,
        action="enforce",
        object_type="milestone",
        object_id=milestone.pk,
        subject=str(milestone)[:300],
        week=milestone.week.thursday,
        data={"key": milestone.key, "due_at": milestone.due_at.isoformat(), "held": held},
    )


def _lock_week_and_deployments(week_id: int) -> None:
    """Deployments first, as every action does; the week keeps new ones out."""
    list(Deployment.objects.select_for_update(no_key=True).filter(week=week_id).order_by("pk").values_list("pk"))
    ReleaseWeek.objects.select_for_update(no_key=True).get(pk=week_id)


def _unjudged(milestone: Milestone) -> Iterator[list[Deployment]]:
    """The week's deployments that this deadline has not judged, locked, in portions."""
    if milestone.key not in JUDGED:
        return
    last = 0
    while True:
        waiting = Deployment.objects.filter(week_id=milestone.week_id, pk__gt=last).exclude(status=S.WITHDRAWN)
        waiting = waiting.exclude(snapshots__milestone=milestone).order_by("pk")
        ids = list(waiting.select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True)[:CHUNK])
        if not ids:
            return
        yield in_week(milestone.week, ids)
        last = ids[-1]


def _judge(deployments: Sequence[Deployment], facts: Sequence[Facts], milestone: Milestone, now: datetime) -> int:
    """Takes the snapshots and holds what is not ready; returns how many were held."""
    judged = [(each, Readiness(found)) for each, found in zip(deployments, facts, strict=True)]
    Snapshot.objects.bulk_create(
        [
            Snapshot(
                milestone=milestone,
                deployment=deployment,
                status=deployment.status,
                missing=[each.key for each in readiness.missing_at(milestone.key)],
                readiness=readiness.as_record(),
                taken_at=now,
            )
            for deployment, readiness in judged
        ],
        batch_size=200,
    )
    late = [(each, why) for each, readiness in judged if (why := _why_held(each, readiness, milestone))]
    if late and not _holds(milestone):
        tell_missed(dict(late), now=now, only_late=True)
        return 0
    if late:
        impose(DEPLOYMENT, "hold", [each for each, _ in late], [why for _, why in late], now=now)
    return len(late)


def _holds(milestone: Milestone) -> bool:
    """Whether missing it holds a deployment at all."""
    return milestone.key != Deadline.CUTOFF or current_policy().missed_cutoff_holds


def _why_held(deployment: Deployment, readiness: Readiness, milestone: Milestone) -> str:
    if deployment.status not in {S.PLANNED, S.CLEARED}:
        return ""
    if milestone.key == Deadline.INSTALL_CLOSE:
        return "Install window missed."
    missing = readiness.missing_at(milestone.key)
    if not missing or readiness.facts.exempted:
        return ""
    return f"Not done by {say_instant(milestone.due_at, now=milestone.due_at)}: {listed(missing)}."[:500]


def _nothing_more(milestone: Milestone, now: datetime) -> None:
    """Most milestones only take a snapshot and hold."""


def _send_plan(milestone: Milestone, now: datetime) -> None:
    """So late that the final plan goes out as well, that one says it all."""
    if milestone.week.passed(Deadline.APPROVAL, now):
        return
    send_if_due(Announcement.Kind.PLANNED, milestone.week, now)


def _send_final_plan(milestone: Milestone, now: datetime) -> None:
    send_final(milestone.week)


def _close_exemptions(milestone: Milestone, now: datetime) -> None:
    lapse_all(milestone.week_id, now)


def _end_week(milestone: Milestone, now: datetime) -> None:
    """The completion e-mail speaks of the week as it was, before what is held leaves it."""
    close_all_failed(milestone.week, now)
    send_if_due(Announcement.Kind.COMPLETION, milestone.week, now)
    carry_over(milestone.week, now)


EFFECTS: dict[str, Callable[[Milestone, datetime], None]] = {
    Deadline.PLAN_EMAIL: _send_plan,
    Deadline.APPROVAL: _send_final_plan,
    Deadline.EXEMPTION_CLOSE: _close_exemptions,
    Deadline.INSTALL_CLOSE: _end_week,
}
