"""The page of an announcement that was sent: kept as sent, with the state of every recipient's copy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from accounts.models import User
from crq import announcing_drafts as drafts
from crq.announcing import ANNOUNCEMENT
from crq.letters import Delivery, state_badge
from crq.mail_parts import Edition, Part, editions, parts, sender, title
from crq.models import Announcement
from notifications.models import Email, Letter
from workflow.acts import Act, act, worth_showing
from workflow.badge import Badge
from workflow.eastern import say_near, say_time

LISTED = 200


@dataclass(frozen=True)
class Recipient:
    to: str
    name: str
    at: datetime | None
    error: str
    badge: Badge
    resend: Act | None


@dataclass(frozen=True)
class Archive:
    """`hold` says until when it can be taken back, while nothing of it has left."""

    announcement: Announcement
    title: str
    badge: Badge
    line: str
    letter: Letter
    parts: list[Part]
    part: str
    recipients: list[Recipient]
    count: int
    not_listed: int
    hold: str
    hold_acts: list[Act]
    resend_acts: list[Act]
    editions: list[Edition]


def archive(announcement: Announcement, *, part: str, by: User, now: datetime) -> Archive:
    """`announcement` was sent, and comes with week, sender and letter."""
    drafts.remember(announcement)
    letter = announcement.letter
    if letter is None or announcement.sent_at is None:
        raise ValueError(f"{announcement} was not sent.")
    resend = act(ANNOUNCEMENT, "resend", announcement, by=by, now=now, label="Send again")
    recipients = _recipients(letter, resend)
    waits = announcement.on_hold(now) and announcement.leaves_at
    return Archive(
        announcement=announcement,
        title=title(announcement),
        badge=Badge("wait", f"Leaves {say_time(waits)}") if waits else _tally(recipients),
        line=f"Sent {say_near(announcement.sent_at, now)} by {sender(announcement)}.",
        letter=letter,
        parts=parts(part),
        part=part,
        recipients=recipients[:LISTED],
        count=len(recipients),
        not_listed=len(recipients[LISTED:]),
        hold=f"Nothing has left yet. It leaves at {say_time(waits)}; until then it can be taken back." if waits else "",
        hold_acts=_hold_acts(announcement, by, now) if waits else [],
        resend_acts=_resend_all(resend, recipients),
        editions=editions(announcement, now),
    )


def _hold_acts(announcement: Announcement, by: User, now: datetime) -> list[Act]:
    take_back = act(ANNOUNCEMENT, "take_back", announcement, by=by, now=now, primary=True)
    return worth_showing([take_back, act(ANNOUNCEMENT, "release", announcement, by=by, now=now)])


def _resend_all(resend: Act, recipients: list[Recipient]) -> list[Act]:
    failed = sum(row.badge.state == "stop" for row in recipients)
    if not failed or (failed == 1 and resend.enabled):  # one has its own button
        return []
    return [replace(resend, label=f"Send again to all {failed}" if failed > 1 else "Send again")]


def _recipients(letter: Letter, resend: Act) -> list[Recipient]:
    """Those whom it did not reach first."""
    emails = letter.emails.select_related("recipient").order_by("sent_at", "to")
    rows = [
        Recipient(
            to=email.to,
            name=email.recipient.name if email.recipient else "",
            at=email.sent_at or email.parked_at,
            error=email.last_error,
            badge=state_badge(email),
            resend=_resend(email, resend),
        )
        for email in emails
    ]
    return sorted(rows, key=lambda row: row.badge.state == "done")


def _resend(email: Email, resend: Act) -> Act | None:
    return replace(resend, hidden={"email": str(email.pk)}) if email.parked_at and resend.enabled else None


def _tally(recipients: list[Recipient]) -> Badge:
    states = [row.badge.state for row in recipients]
    return Delivery(len(states), states.count("done"), states.count("stop")).badge
