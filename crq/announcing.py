"""The planned-deployments and completion-status e-mails: drafted from the data, sent once, kept as sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from accounts.models import User
from accounts.roles import Role, everybody
from crq.models import CRQ, Announcement
from crq.readiness import Facts, with_facts
from deployments.flow import lock_week
from deployments.models import Deployment, ReleaseWeek
from deployments.policy import Deadline
from notifications.models import Stakeholder
from notifications.outbox import enqueue
from workflow.eastern import say_day, say_instant
from workflow.machine import begin, perform
from workflow.steps import Actor, Call, Flow, Refused, Step

S = Deployment.Status
OUTCOMES = {S.VERIFIED, S.BACKED_OUT, S.FAILED, S.HELD, S.WITHDRAWN}
Kind = Announcement.Kind


@dataclass(frozen=True)
class Line:
    """One deployment in an announcement."""

    deployment: Deployment
    crq: CRQ | None
    pull_requests: int
    outcome: str

    @property
    def url(self) -> str:
        return settings.SITE_URL + self.deployment.get_absolute_url()


def lines(week: ReleaseWeek) -> list[Line]:
    """Every live deployment of the week, in the order in which they were planned."""
    live = with_facts(Deployment.objects.filter(week=week).exclude(status=S.WITHDRAWN)).order_by("pk")
    return [
        Line(each.deployment, each.crq, len(each.pull_requests), _outcome(each.deployment, week))
        for each in Facts.of_all(live)
    ]


def _outcome(deployment: Deployment, week: ReleaseWeek) -> str:
    """The installation's outcome in words; never "complete" while it is unverified."""
    if deployment.status == S.INSTALLED:
        return "Installed, not verified yet"
    if deployment.status == S.HELD:
        return f"Not installed. {deployment.held_reason}"
    if deployment.status in {S.PLANNED, S.CLEARED}:
        return "Not installed yet"
    return str(deployment.get_status_display())


def draft(kind: str, week: ReleaseWeek) -> Announcement:
    """The week's open draft of this kind, made on first sight."""
    found = Announcement.objects.filter(kind=kind, week=week, status=Announcement.Status.DRAFT).first()
    if found:
        return found
    try:
        fresh: Announcement = begin(ANNOUNCEMENT, "draft", Announcement(kind=kind, week=week), by=None)
    except Refused:  # somebody else made it in the same moment
        return Announcement.objects.get(kind=kind, week=week, status=Announcement.Status.DRAFT)
    return fresh


def subject(announcement: Announcement, found: list[Line]) -> str:
    """What the Scrum Master wrote, or the facts: "8 deployments planned for Thu Dec 10"."""
    if announcement.subject:
        return announcement.subject
    day = say_day(announcement.week.install_day or announcement.week.thursday)
    if announcement.kind == Kind.PLANNED:
        count = f"{len(found)} deployment{'' if len(found) == 1 else 's'}" if found else "Nothing"
        return f"{count} planned for {day}"
    verified = sum(line.deployment.status == S.VERIFIED for line in found)
    return f"Installed and verified: {verified} of {len(found)}, {day}" if found else f"Nothing to install on {day}"


def content(announcement: Announcement) -> dict[str, Any]:
    """All that the templates show."""
    found = lines(announcement.week)
    return {
        "announcement": announcement,
        "subject": subject(announcement, found),
        "week": announcement.week,
        "lines": found,
        "unverified": [line for line in found if line.deployment.status == S.INSTALLED],
        "url": settings.SITE_URL + announcement.week.get_absolute_url(),
        "cutoff": announcement.week.due(Deadline.CUTOFF),
        "approval": announcement.week.due(Deadline.APPROVAL),
    }


def recipients() -> list[User | str]:
    """The stakeholder list and everybody who holds a role."""
    return [*everybody(), *Stakeholder.objects.values_list("email", flat=True)]


def send_if_due(kind: str, week: ReleaseWeek) -> None:
    """Sends by the clock what the Scrum Master has not sent."""
    sent = Announcement.objects.filter(kind=kind, week=week, status=Announcement.Status.SENT).exists()
    if not sent and recipients():  # with nobody to read it, the deadlines of the week still go on
        perform(ANNOUNCEMENT, "send", draft(kind, week), by=None)


def _every_install_has_an_outcome(announcement: Announcement, by: Actor, now: datetime) -> str:
    """The completion e-mail waits for the last outcome, or for the end of the install window."""
    week = announcement.week
    if announcement.kind != Kind.COMPLETION or by is None or week.passed(Deadline.INSTALL_CLOSE, now):
        return ""
    close = week.due(Deadline.INSTALL_CLOSE)
    by_itself = f" It goes out by itself on {say_instant(close, now=now)}." if close else ""
    if week.batch_completed_at is None:
        return f"Nothing is installed yet: the batch is not complete.{by_itself}"
    waiting = Deployment.objects.filter(week=week).exclude(status__in=OUTCOMES).count()
    if not waiting:
        return ""
    return f"{waiting} installation{' has' if waiting == 1 else 's have'} no outcome yet.{by_itself}"


def _edit(call: Call) -> None:
    """Given `subject` and `introduction`."""
    call.obj.subject, call.obj.introduction = call.given["subject"].strip(), call.given["introduction"].strip()


def _send(call: Call) -> None:
    announcement: Announcement = call.obj
    to = recipients()
    if not to:
        raise Refused.because("Nobody would receive this: no person has a role and the stakeholder list is empty.")
    announcement.letter = enqueue(
        announcement.kind,
        content(announcement),
        to=to,
        key=f"announcement:{announcement.pk}",
        now=call.now,
        thread=f"{announcement.kind}.{announcement.week.thursday}",
    )
    announcement.sent_at, announcement.sent_by = call.now, call.by
    call.note["recipients"] = len(to)


def _lock(pk: int) -> Announcement:
    """Locks the week, as the sweeper does, then its announcement: so that only one of them sends."""
    lock_week(Announcement.objects.values_list("week_id", flat=True).get(pk=pk))
    return Announcement.objects.select_for_update(no_key=True, of=("self",)).select_related("week").get(pk=pk)


ANNOUNCEMENT = Flow(
    "announcement",
    Announcement,
    _lock,
    [
        Step("draft", "Draft e-mail", (), Announcement.Status.DRAFT),
        Step("edit", "Save draft", (Announcement.Status.DRAFT,), "", (Role.SCRUM_MASTER,), (), _edit, plain=False),
        Step(
            "send",
            "Send now",
            (Announcement.Status.DRAFT,),
            Announcement.Status.SENT,
            (Role.SCRUM_MASTER,),
            (_every_install_has_an_outcome,),
            _send,
        ),
    ],
)
