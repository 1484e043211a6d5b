"""What a draft shows, what changed since the edition before it, and whether a new edition is due."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from crq.announcing_difference import Change, difference, missing, whereabouts
from crq.announcing_lines import Content, read, read_all
from crq.announcing_words import letter_context
from crq.models import Announcement
from deployments.models import ReleaseWeek
from deployments.policy import Deadline

Kind, Status, Edition = Announcement.Kind, Announcement.Status, Announcement.Edition


def live(announcement: Announcement) -> Content:
    """What it would say now; as a page has already read it (`remember`), else read anew."""
    return announcement.__dict__.get("_live") or read(announcement.kind, announcement.week)


def remember(announcement: Announcement) -> Announcement:
    """Lets a page and its guards read once; never used under a lock, where objects are fresh."""
    announcement.__dict__["_editions"] = editions(announcement)
    if announcement.status == Status.DRAFT:
        announcement.__dict__["_live"] = live(announcement)
    return announcement


def shown(announcement: Announcement) -> Content:
    """As sent; as the Scrum Master last looked at a saved draft, with the notes of now; else live."""
    if not announcement.record:
        return live(announcement)
    return Content.from_record(announcement.record)


def moved_on(announcement: Announcement) -> list[Change]:
    """What changed in the data since the Scrum Master last looked at a saved draft."""
    if not announcement.record or announcement.status != Status.DRAFT:
        return []
    before, after = Content.from_record(announcement.record), live(announcement)
    gone = whereabouts(missing(before, after), announcement.week)
    return difference(announcement.kind, before, after, gone)


def editions(announcement: Announcement) -> list[Announcement]:
    """All of the same week and kind that were sent, oldest first; as a page has already read them, else read anew."""
    if "_editions" in announcement.__dict__:
        known: list[Announcement] = announcement.__dict__["_editions"]
        return known
    same = Announcement.objects.filter(week=announcement.week_id, kind=announcement.kind, status=Status.SENT)
    return list(same.select_related("sent_by").order_by("sent_at", "pk"))


def before(announcement: Announcement) -> Announcement | None:
    """The edition that was sent last before this one; for a draft the last of all."""
    sent = [each for each in editions(announcement) if each.pk != announcement.pk]
    if announcement.sent_at:
        sent = [each for each in sent if each.sent_at and each.sent_at <= announcement.sent_at]
    return sent[-1] if sent else None


def changes(announcement: Announcement, content: Content, earlier: Announcement | None) -> list[Change]:
    """What this content says that the earlier edition did not."""
    if earlier is None or not earlier.record:
        return []
    old = Content.from_record(earlier.record)
    gone = whereabouts(missing(old, content), announcement.week)
    return difference(announcement.kind, old, content, gone)


def context(announcement: Announcement, content: Content, *, is_test: bool = False) -> dict[str, Any]:
    """All that the templates of the letter show."""
    earlier = before(announcement)
    found = changes(announcement, content, earlier)
    since = earlier.sent_at if earlier else None
    return letter_context(announcement, content, changes=found, since=since, is_test=is_test)


# --- Whether a new edition is due ----------------------------------------------------------------------------
def last_sent(weeks: Iterable[ReleaseWeek], kind: str) -> dict[int, Announcement]:
    """What was sent last for each week (primary key): one statement."""
    sent = Announcement.objects.filter(week__in=list(weeks), kind=kind, status=Status.SENT)
    return {each.week_id: each for each in sent.select_related("sent_by").order_by("sent_at", "pk")}


def outdated(sent: dict[int, Announcement], weeks: Iterable[ReleaseWeek], kind: str, now: datetime) -> dict[int, Any]:
    """For each week whose last edition no longer tells what is: the changes, without where things went.

    An edition on hold counts as read by nobody, and a plan is over when installs open. Weeks come with milestones.
    """
    known = {week.pk: week for week in weeks}
    asked = [known[pk] for pk, each in sent.items() if _can_be_followed(each, known[pk], now)]
    contents = read_all(kind, asked, to_compare=True) if asked else {}
    found = {pk: difference(kind, Content.from_record(sent[pk].record), new) for pk, new in contents.items()}
    return {pk: each for pk, each in found.items() if each}


def _can_be_followed(sent: Announcement, week: ReleaseWeek, now: datetime) -> bool:
    is_over = sent.kind == Kind.PLANNED and week.passed(Deadline.INSTALL, now)
    return bool(sent.record) and not sent.on_hold(now) and not is_over
