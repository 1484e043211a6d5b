"""What the Scrum Master, DevOps and the clock do each week, beside the deployments."""

from __future__ import annotations

from datetime import timedelta

from crq import announcing
from crq.announcing import ANNOUNCEMENT
from crq.deadlines import enforce
from crq.models import Announcement
from deployments.flow import CODE_REVIEW, WEEK
from deployments.models import CodeReview, Milestone, ReleaseWeek
from deployments.policy import Deadline
from releaseflow.demo.job import Studio
from releaseflow.demo.stories import due
from releaseflow.demo.timetable import Story
from workflow import clock
from workflow.machine import perform, refusal

Kind = Announcement.Kind


def deadlines() -> Story:
    """Each deadline is enforced half a minute after it passed."""
    while True:
        waiting = Milestone.objects.filter(enforced_at=None).order_by("due_at", "pk").first()
        if waiting is None:
            return
        yield waiting.due_at + timedelta(seconds=30)
        enforce(clock.now())


def review(studio: Studio, week: ReleaseWeek, *, cancelled: bool = False) -> Story:
    """The weekly meeting, held or called off."""
    meeting = CodeReview.objects.get(week=week, kind=CodeReview.Kind.WEEKLY)
    by = studio.organisation.scrum_master
    if cancelled:
        yield due(week, Deadline.CODE_REVIEW, hours=-1.5)
        reason = "Most reviewers are at the company meeting. Please review within your teams this week."
        perform(CODE_REVIEW, "cancel", meeting, by=by, reason=reason)
        return
    yield due(week, Deadline.CODE_REVIEW, minutes=4)
    perform(CODE_REVIEW, "hold", meeting, by=by)


def plan_email(studio: Studio, week: ReleaseWeek, introduction: str = "") -> Story:
    """Shared before it would go out by itself."""
    yield due(week, Deadline.PLAN_EMAIL, minutes=-studio.diary.random.randint(15, 55))
    _send(studio, Kind.PLANNED, week, introduction)


def completion_email(studio: Studio, week: ReleaseWeek) -> Story:
    """Sent when every installation has an outcome; otherwise the clock sends it."""
    yield due(week, Deadline.INSTALL_CLOSE, minutes=-studio.diary.random.randint(8, 35))
    _send(studio, Kind.COMPLETION, week)


def batch(studio: Studio, week: ReleaseWeek) -> Story:
    yield studio.diary.soon(due(week, Deadline.INSTALL), (-8, 14))
    perform(WEEK, "complete_batch", week, by=studio.next_devops())


def _send(studio: Studio, kind: str, week: ReleaseWeek, introduction: str = "") -> None:
    draft, by = announcing.draft(kind, week), studio.organisation.scrum_master
    if refusal(ANNOUNCEMENT, "send", draft, by=by, now=clock.now()):
        return
    if introduction:
        perform(ANNOUNCEMENT, "edit", draft, by=by, subject="", introduction=introduction)
    perform(ANNOUNCEMENT, "send", draft, by=by)
