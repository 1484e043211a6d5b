"""What of the week's e-mails goes out without a person: at its time, at a chosen one, or when the facts are there."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from crq import announcing
from crq import announcing_drafts as drafts
from crq.announcing import ANNOUNCEMENT, OUTCOMES
from crq.announcing_recipients import audience_of
from crq.models import Announcement
from deployments.models import Deployment, ReleaseWeek
from workflow.eastern import eastern_day
from workflow.machine import perform
from workflow.steps import Call, Refused

logger = logging.getLogger(__name__)

Kind, Status = Announcement.Kind, Announcement.Status
UPDATES_FOR = timedelta(weeks=3)


def send_if_due(kind: str, week: ReleaseWeek, now: datetime) -> None:
    """Sends by the clock what the Scrum Master has neither sent nor put off to a chosen time."""
    if Announcement.objects.filter(kind=kind, week=week, status=Status.SENT).exists():
        return
    draft = announcing.draft(kind, week)
    if draft.send_at is None or draft.send_at <= now:
        _send(draft)


def send_final(week: ReleaseWeek) -> None:
    """At the approval deadline: the plan with what is cleared and what is held. Nothing planned is not said twice."""
    earlier = drafts.last_sent([week], Kind.PLANNED).get(week.pk)
    was_empty = earlier is not None and not earlier.record.get("lines")
    if was_empty and not Deployment.objects.filter(week=week).exclude(status=Deployment.Status.WITHDRAWN).exists():
        return
    _send(announcing.draft(Kind.PLANNED, week), final=True)


def announce_skip(call: Call) -> None:
    """Whoever was told of a plan is told at once that the week has no install after all."""
    week: ReleaseWeek = call.obj
    if call.given["skips"] and drafts.last_sent([week], Kind.PLANNED):
        _send(announcing.draft(Kind.PLANNED, week))


def send_chosen(now: datetime) -> int:
    """Sends the drafts whose chosen time has come; returns how many. Safe to repeat."""
    waiting = Announcement.objects.filter(status=Status.DRAFT, send_at__lte=now, week__install_day__isnull=False)
    return sum(_sent(draft, chosen=True) for draft in waiting.order_by("send_at", "pk"))


def send_updates(now: datetime) -> int:
    """Sends the completion e-mail's update when the last outcome came after it; returns how many. Safe to repeat."""
    weeks = _finished_weeks(now)
    outdated = drafts.outdated(drafts.last_sent(weeks, Kind.COMPLETION), weeks, Kind.COMPLETION, now) if weeks else {}
    return sum(_sent(announcing.draft(Kind.COMPLETION, week), if_changed=True) for week in weeks if week.pk in outdated)


def _finished_weeks(now: datetime) -> list[ReleaseWeek]:
    """The last weeks whose completion e-mail was sent and in which nothing waits for an outcome any more."""
    same_week = {"week": OuterRef("pk")}
    told = Announcement.objects.filter(**same_week, kind=Kind.COMPLETION, status=Status.SENT)
    unfinished = Deployment.objects.filter(**same_week).exclude(status__in=OUTCOMES)
    recent = ReleaseWeek.objects.filter(thursday__gte=eastern_day(now) - UPDATES_FOR)
    return list(recent.filter(Exists(told), ~Exists(unfinished)).prefetch_related("milestones"))


def _sent(draft: Announcement, **why: bool) -> bool:
    """One that cannot be sent is logged and does not stop the others."""
    try:
        _send(draft, **why)
    except Refused as refused:  # somebody sent it in the same moment
        logger.info("%s was not sent: %s", draft, refused)
    except Exception:
        logger.exception("Could not send %s", draft)
    else:
        return True
    return False


def _send(draft: Announcement, **why: bool) -> None:
    """With nobody to read it, the deadlines of the week still go on."""
    if audience_of(draft).readers:
        perform(ANNOUNCEMENT, "send", draft, by=None, reason="", **why)
