"""The page on which the Scrum Master looks over a draft, writes into it, chooses its readers, and sends it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from accounts.models import User
from crq import announcing_drafts as drafts
from crq.announcing import ANNOUNCEMENT
from crq.announcing_difference import Change
from crq.announcing_lines import Content
from crq.announcing_recipients import Audience
from crq.announcing_schedule import HOLD, latest, when
from crq.mail_parts import DRAFT, Edition, Part, editions, parts, title
from crq.models import Announcement
from notifications.models import Letter
from notifications.outbox import compose
from workflow.acts import Act, act
from workflow.badge import Badge
from workflow.eastern import say_instant, say_near, say_time

Status = Announcement.Status
BUTTONS = ("refresh", "test", "schedule", "unschedule", "send")


@dataclass(frozen=True)
class Composer:
    """One draft. `changes` are those since the edition before it, `moved_on` those since it was saved."""

    announcement: Announcement
    title: str
    badge: Badge
    line: str
    letter: Letter
    parts: list[Part]
    part: str
    noted: int
    changes: list[Change]
    since: str
    data_line: str
    moved_on: list[Change]
    audience: Audience
    count: int
    to_note: str
    digest: str
    edit: Act
    acts: dict[str, Act]
    send_note: str
    time_note: str
    editions: list[Edition]


def composer(announcement: Announcement, audience: Audience, *, part: str, by: User, now: datetime) -> Composer:
    """`announcement` comes with its week and milestones, and with what `drafts.remember` read."""
    content, earlier = drafts.shown(announcement), drafts.before(announcement)
    moved_on = drafts.moved_on(announcement)
    edit = act(ANNOUNCEMENT, "edit", announcement, by=by, now=now)
    count = len(audience.readers)
    return Composer(
        announcement=announcement,
        title=title(announcement),
        badge=DRAFT,
        line=when(announcement, now) + ".",
        letter=letter_of(announcement, now=now),
        parts=parts(part),
        part=part,
        noted=len(content.notes),
        changes=drafts.changes(announcement, content, earlier),
        since=say_near(earlier.sent_at, now) if earlier and earlier.sent_at else "",
        data_line=_data_line(announcement, moved_on, now),
        moved_on=moved_on,
        audience=audience,
        count=count,
        to_note=_to_note(audience),
        digest=content.digest,
        edit=edit,
        acts=_acts(announcement, edit, count, content, by, now),
        send_note=f"To {_people(count)}. It waits {_minutes()}; until then you can cancel it.",
        time_note=_time_note(announcement, now),
        editions=editions(announcement, now),
    )


def letter_of(announcement: Announcement, *, now: datetime) -> Letter:
    """As sent, or as it would be sent now."""
    if announcement.letter:
        return announcement.letter
    return compose(announcement.kind, drafts.context(announcement, drafts.shown(announcement)), now=now)


def _acts(  # noqa: PLR0917
    announcement: Announcement, edit: Act, count: int, content: Content, by: User, now: datetime
) -> dict[str, Act]:
    """Whoever may not edit is refused everything, for the same reason."""
    confirm = f"This goes to {_people(count)}. It leaves {_minutes()} from now; until then you can cancel it."
    acts = {}
    for action in BUTTONS:
        step = ANNOUNCEMENT.steps[action]
        if edit.enabled:
            acts[action] = act(ANNOUNCEMENT, action, announcement, by=by, now=now, primary=action == "send")
        else:
            acts[action] = replace(edit, action=action, label=step.label)
    acts["send"] = replace(acts["send"], confirm=confirm, hidden={"digest": content.digest})
    return acts


def _minutes() -> str:
    return f"{HOLD.seconds // 60} minutes"


def _people(count: int) -> str:
    return f"{count:,} recipient{'' if count == 1 else 's'}"


def _data_line(announcement: Announcement, moved_on: list[Change], now: datetime) -> str:
    """ "Data as of 3:12 pm ET · 1 deployment changed since"."""
    at = announcement.data_at if announcement.record and announcement.data_at else now
    said = say_time(at) if at.date() == now.date() else say_instant(at, now=now)
    if not moved_on:
        return f"Data as of {said}"
    return f"Data as of {said} · {len(moved_on)} deployment{'' if len(moved_on) == 1 else 's'} changed since"


def _to_note(audience: Audience) -> str:
    folded = audience.folded
    twice = f", {folded} named twice and written to once" if folded else ""
    return f"{_people(len(audience.readers))}{twice}"


def _time_note(announcement: Announcement, now: datetime) -> str:
    last, why = latest(announcement, now)
    until = f" At the latest {say_instant(last, now=now)}, {why}." if last and last > now else ""
    return f"It then says what is true at that time, and leaves at once.{until}"
