"""What the list of the week's e-mails shows: the two announcements of each week, and every letter's delivery."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from crq import announcing_drafts as drafts
from crq.announcing_difference import Change
from crq.announcing_schedule import when
from crq.letters import Delivery, deliveries, kind_label
from crq.mail_parts import DRAFT, sender, week_mail_url
from crq.models import Announcement
from deployments.models import ReleaseWeek
from deployments.weeks import open_for_install
from notifications import sealed
from notifications.models import Letter
from workflow.badge import Badge
from workflow.eastern import say_day, say_near, say_time

WEEKS, LETTERS = 3, 30
Kind, Status = Announcement.Kind, Announcement.Status
LATER = {Kind.PLANNED: Announcement.Edition.REVISION, Kind.COMPLETION: Announcement.Edition.UPDATE}
PENDING = Badge("you", "Not sent yet")


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
class _Shelf:
    """What is known of one kind of announcement in the listed weeks, by week."""

    kind: Announcement.Kind
    drafts: dict[int, Announcement]
    sent: dict[int, Announcement]
    changes: dict[int, list[Change]]


def mail_room(*, now: datetime) -> MailRoom:
    """The weeks ahead with what was sent and what is to be sent; then the newest letters."""
    weeks = list(open_for_install(now).prefetch_related("milestones")[:WEEKS])
    newest = list(Letter.objects.exclude(kind__in=sealed.PRIVATE).defer("text", "html")[:LETTERS])
    shelves = _shelves(weeks, now)
    sent = [each for shelf in shelves for each in shelf.sent.values()]
    got = deliveries([*(letter.pk for letter in newest), *(each.letter_id for each in sent if each.letter_id)])
    pages = _pages(newest)
    return MailRoom(
        weeks=[_week(week, shelves, got, now) for week in weeks],
        letters=[_letter(each, pages.get(each.pk, ""), got[each.pk], now) for each in newest],
    )


def _shelves(weeks: list[ReleaseWeek], now: datetime) -> list[_Shelf]:
    known: dict[str, dict[Announcement.Kind, dict[int, Announcement]]] = {
        status: {kind: {} for kind in Kind} for status in Status.values
    }
    by_week = {week.pk: week for week in weeks}
    rows = Announcement.objects.filter(week__in=weeks).select_related("sent_by").order_by("sent_at", "pk")
    for each in rows:
        each.week = by_week[each.week_id]
        known[each.status][Kind(each.kind)][each.week_id] = each
    sent = known[Status.SENT]
    return [
        _Shelf(kind, known[Status.DRAFT][kind], sent[kind], drafts.outdated(sent[kind], weeks, kind, now))
        for kind in Kind
    ]


def _week(week: ReleaseWeek, shelves: list[_Shelf], got: dict[int, Delivery], now: datetime) -> WeekMail:
    entries = [entry for shelf in shelves for entry in _entries(week, shelf, got, now)]
    return WeekMail(f"Install {say_day(week.install_day or week.thursday)}", week.get_absolute_url(), entries)


def _entries(week: ReleaseWeek, shelf: _Shelf, got: dict[int, Delivery], now: datetime) -> Iterable[Entry]:
    """What was sent last, and after it what is to be sent."""
    sent, changes = shelf.sent.get(week.pk), shelf.changes.get(week.pk)
    if sent:
        yield _sent(sent, got, now)
    if sent and not changes:
        return
    draft = shelf.drafts.get(week.pk) or Announcement(week=week, kind=shelf.kind)
    if changes:
        draft.edition = LATER[shelf.kind]
    label = f"{shelf.kind.label}, {draft.get_edition_display().lower()}" if changes else shelf.kind.label
    what = f"{say_changes(changes)}. " if changes else ""
    badge = PENDING if changes else DRAFT
    yield Entry(week_mail_url(week, shelf.kind), label, what + when(draft, now), badge)


def say_changes(changes: list[Change]) -> str:
    """ "1 added, 2 changed"."""
    whats = [change.what.lower() for change in changes]
    return ", ".join(f"{whats.count(what)} {what}" for what in dict.fromkeys(whats))


def _sent(announcement: Announcement, got: dict[int, Delivery], now: datetime) -> Entry:
    edition = "" if announcement.edition == "first" else f", {announcement.get_edition_display().lower()}"
    detail = f"Sent {say_near(announcement.sent_at, now)} by {sender(announcement)}" if announcement.sent_at else ""
    waits = announcement.on_hold(now) and announcement.leaves_at
    delivery = got[announcement.letter_id] if announcement.letter_id else Delivery(0, 0, 0)
    badge = Badge("wait", f"Leaves {say_time(waits)}") if waits else delivery.badge
    return Entry(announcement.get_absolute_url(), announcement.get_kind_display() + edition, detail, badge)


def _pages(letters: list[Letter]) -> dict[int, str]:
    """Which letters are announcements, and where they are shown."""
    rows = Announcement.objects.filter(letter__in=letters)
    return {each.letter_id: each.get_absolute_url() for each in rows if each.letter_id}


def _letter(letter: Letter, url: str, got: Delivery, now: datetime) -> Entry:
    return Entry(url, letter.subject, f"{kind_label(letter)} · {say_near(letter.written_at, now)}", got.badge)
