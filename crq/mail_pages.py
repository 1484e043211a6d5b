"""What the pages of the week's e-mails show: the two announcements of each week, and every letter's delivery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from crq import announcing
from crq.announcing import ANNOUNCEMENT
from crq.letters import Delivery, deliveries, kind_label, state_badge
from crq.models import Announcement
from deployments.models import ReleaseWeek
from deployments.policy import Deadline
from deployments.weeks import open_for_install
from notifications.models import Letter
from notifications.outbox import compose
from workflow.acts import Act, act
from workflow.badge import Badge
from workflow.eastern import say_day, say_instant, say_near, say_time

WEEKS, LETTERS = 3, 30
Kind, Status = Announcement.Kind, Announcement.Status
DRAFT = Badge("idle", "Draft")
BY_ITSELF = {Kind.PLANNED: Deadline.PLAN_EMAIL, Kind.COMPLETION: Deadline.INSTALL_CLOSE}


@dataclass(frozen=True)
class Entry:
    """One announcement, or any other letter, in a list."""

    url: str
    label: str
    detail: str
    badge: Badge


@dataclass(frozen=True)
class WeekMail:
    label: str
    url: str
    entries: list[Entry]


@dataclass(frozen=True)
class MailRoom:
    weeks: list[WeekMail]
    letters: list[Entry]


@dataclass(frozen=True)
class Recipient:
    to: str
    name: str
    at: datetime | None
    error: str
    badge: Badge


@dataclass(frozen=True)
class MailPage:
    """One announcement: as it would go out now, or as it was sent."""

    announcement: Announcement
    title: str
    badge: Badge
    line: str
    letter: Letter
    recipients: list[Recipient]
    count: int
    as_of: str
    send_note: str
    send_acts: list[Act]
    edit: Act | None


# --- The list ------------------------------------------------------------------------------------------------
def mail_room(*, now: datetime) -> MailRoom:
    """The weeks ahead with their drafts, made on first sight; then the newest letters."""
    weeks = list(open_for_install(now).prefetch_related("milestones")[:WEEKS])
    newest = list(Letter.objects.defer("text", "html")[:LETTERS])
    found = _announcements(weeks)
    got = deliveries(
        [letter.pk for letter in newest] + [each.letter_id for pair in found for each in pair if each.letter_id]
    )
    pages = _pages(newest)
    return MailRoom(
        weeks=[_week(week, pair, got, now) for week, pair in zip(weeks, found, strict=True)],
        letters=[_letter(each, pages.get(each.pk, ""), got[each.pk], now) for each in newest],
    )


def _announcements(weeks: list[ReleaseWeek]) -> list[list[Announcement]]:
    """For each week its two announcements: each the draft, or else what was sent last."""
    known: dict[tuple[int, str], Announcement] = {}
    for each in Announcement.objects.filter(week__in=weeks).select_related("sent_by").order_by("-status", "pk"):
        known[each.week_id, each.kind] = each  # drafts come last, and win
    return [[known.get((week.pk, kind)) or announcing.draft(kind, week) for kind in Kind.values] for week in weeks]


def _week(week: ReleaseWeek, pair: list[Announcement], got: dict[int, Delivery], now: datetime) -> WeekMail:
    entries = [
        Entry(
            url=each.get_absolute_url(),
            label=each.get_kind_display(),
            detail=_when(each, week, now),
            badge=got[each.letter_id].badge if each.letter_id else DRAFT,
        )
        for each in pair
    ]
    return WeekMail(f"Install {say_day(week.install_day or week.thursday)}", week.get_absolute_url(), entries)


def _when(announcement: Announcement, week: ReleaseWeek, now: datetime) -> str:
    if announcement.sent_at:
        return f"Sent {say_near(announcement.sent_at, now)} by {_sender(announcement)}"
    due = week.due(BY_ITSELF[Kind(announcement.kind)])
    return f"Goes out by itself {say_instant(due, now=now)}" if due and now <= due else "Not sent"


def _sender(announcement: Announcement) -> str:
    return announcement.sent_by.name if announcement.sent_by else "releaseflow"


def _pages(letters: list[Letter]) -> dict[int, str]:
    """Which letters are announcements, and where they are shown."""
    rows = Announcement.objects.filter(letter__in=letters)
    return {each.letter_id: each.get_absolute_url() for each in rows if each.letter_id}


def _letter(letter: Letter, url: str, got: Delivery, now: datetime) -> Entry:
    return Entry(url, letter.subject, f"{kind_label(letter)} · {say_near(letter.written_at, now)}", got.badge)


# --- One announcement ----------------------------------------------------------------------------------------
def mail_page(announcement: Announcement, *, by: User, now: datetime) -> MailPage:
    """`announcement` comes with week, sender and letter."""
    is_draft = announcement.status == Status.DRAFT
    letter = letter_of(announcement, now=now)
    recipients = [] if is_draft else _recipients(letter)
    count = len(announcing.recipients()) if is_draft else len(recipients)
    day = announcement.week.install_day or announcement.week.thursday
    return MailPage(
        announcement=announcement,
        title=f"{announcement.get_kind_display()}, {say_day(day)}",
        badge=DRAFT if is_draft else _tally(recipients).badge,
        line=_when(announcement, announcement.week, now) + ".",
        letter=letter,
        recipients=recipients,
        count=count,
        as_of=say_time(now),
        send_note=f"To {count} recipients: everyone who holds a role, and the stakeholder list.",
        send_acts=[_send(announcement, count, by, now)] if is_draft else [],
        edit=act(ANNOUNCEMENT, "edit", announcement, by=by, now=now) if is_draft else None,
    )


def letter_of(announcement: Announcement, *, now: datetime) -> Letter:
    """As sent, or as it would be sent now."""
    return announcement.letter or compose(announcement.kind, announcing.content(announcement), now=now)


def _send(announcement: Announcement, count: int, by: User, now: datetime) -> Act:
    confirm = f"This goes to {count} recipients at once and cannot be taken back."
    return act(ANNOUNCEMENT, "send", announcement, by=by, now=now, primary=True, confirm=confirm)


def _recipients(letter: Letter) -> list[Recipient]:
    """Those whom it did not reach first."""
    emails = letter.emails.select_related("recipient").order_by("sent_at", "to")
    rows = [
        Recipient(
            to=email.to,
            name=email.recipient.name if email.recipient else "",
            at=email.sent_at or email.parked_at,
            error=email.last_error,
            badge=state_badge(email),
        )
        for email in emails
    ]
    return sorted(rows, key=lambda row: row.badge.state == "done")


def _tally(recipients: list[Recipient]) -> Delivery:
    states = [row.badge.state for row in recipients]
    return Delivery(len(states), states.count("done"), states.count("stop"))
