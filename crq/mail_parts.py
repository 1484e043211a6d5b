"""What both pages of an announcement show: its title, its parts as tabs, and the editions of its thread."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from crq import announcing_drafts as drafts
from crq.models import Announcement
from deployments.models import ReleaseWeek
from workflow.badge import Badge
from workflow.eastern import say_day, say_near

Kind, Status = Announcement.Kind, Announcement.Status
DRAFT = Badge("idle", "Draft")
PARTS = {"html": "HTML", "dark": "HTML, dark", "text": "Plain text"}


@dataclass(frozen=True)
class Part:
    key: str
    label: str
    current: bool


@dataclass(frozen=True)
class Edition:
    """One edition of the thread, in the order in which they were sent; the draft comes last."""

    label: str
    detail: str
    url: str
    current: bool


def week_mail_url(week: ReleaseWeek, kind: str) -> str:
    """Where the draft of this kind is, or what was sent last: good before either is made."""
    return reverse("week-mail", args=[week.thursday, kind])


def parts(chosen: str) -> list[Part]:
    return [Part(key, label, key == chosen) for key, label in PARTS.items()]


def title(announcement: Announcement) -> str:
    day = say_day(announcement.week.install_day or announcement.week.thursday)
    return f"{announcement.get_kind_display()}, {day}"


def editions(announcement: Announcement, now: datetime) -> list[Edition]:
    """All of the thread; nothing while there is only this one."""
    rows = drafts.editions(announcement)
    if announcement.status == Status.DRAFT:
        rows = [*rows, announcement]
    if len(rows) < 2:
        return []
    return [
        Edition(name, _detail(each, now), each.get_absolute_url(), each.pk == announcement.pk)
        for each, name in zip(rows, names(rows), strict=True)
    ]


def names(rows: list[Announcement]) -> list[str]:
    """ "First", "Revision 1", "Final", "Revision 2" and so on."""
    found, counts = [], dict.fromkeys(Announcement.Edition.values, 0)
    for each in rows:
        counts[each.edition] += 1
        numbered = each.edition in {Announcement.Edition.REVISION, Announcement.Edition.UPDATE}
        found.append(f"{each.get_edition_display()} {counts[each.edition]}" if numbered else each.get_edition_display())
    return found


def sender(announcement: Announcement) -> str:
    return announcement.sent_by.name if announcement.sent_by else "releaseflow"


def _detail(announcement: Announcement, now: datetime) -> str:
    if announcement.sent_at is None:
        return "Draft"
    return f"{say_near(announcement.sent_at, now)}, {sender(announcement)}"
