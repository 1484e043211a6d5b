"""Writing posts to the outbox: what a channel hears beside the letters. Delivery is in `delivery.py`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet

from accounts.prepared import Prepared
from notifications.models import Channel, Post
from notifications.outbox import one_line

EVENTS: Mapping[str, tuple[str, str]] = {
    "approval_needed": ("crq.approval_needed", "A CRQ waits for its approval"),
    "crq_approved": ("crq.approved", "A CRQ was approved"),
    "crq_returned": ("crq.returned", "A CRQ was sent back"),
    "deadline_missed": ("deployment.held", "A deadline passed and deployments are held or late"),
    "exemption_requested": ("exemption.requested", "An exemption was asked"),
    "exemption_decided": ("exemption.decided", "An exemption was granted, denied or lapsed"),
    "window_open": ("week.installs_opened", "Installs opened"),
    "verify_needed": ("deployment.installed", "A deployment was installed"),
    "install_failed": ("deployment.failed", "An install or its verification failed"),
    "backed_out": ("deployment.backed_out", "A deployment was backed out"),
    "moved": ("deployment.moved", "A deployment was moved to another week"),
    "withdrawn": ("deployment.withdrawn", "A deployment was withdrawn"),
    "week_warning": ("week.changed", "A week was skipped, or got an install day after all"),
    "planned_deployments": ("week.plan_sent", "The week's plan was sent"),
    "completion_status": ("week.completion_sent", "The week's completion e-mail was sent"),
}
"""By kind of letter: the event's name for programs, and what it means for people."""
TEST = "test"
RECENT = timedelta(days=7)


@dataclass(frozen=True)
class Subject:
    """A deployment that an event is about; `reason` is its own, where an event of several has one for each."""

    title: str
    application: str
    team: str
    crq: str
    url: str
    reason: str = ""


@dataclass(frozen=True)
class News:
    """What happened, without whom it concerns. `url` is absolute; `week` its nominal Thursday, YYYY-MM-DD."""

    url: str
    week: str = ""
    by: str = ""
    reason: str = ""


def listeners(kind: str) -> list[Channel]:
    """The channels that chose this kind of letter: one statement for a kind that can be chosen, else none."""
    return [each for each in _ACTIVE() if kind in each.events] if kind in EVENTS else []


_ACTIVE = Prepared(lambda: Channel.objects.filter(active=True).select_related("team"))


def tell(
    channels: Sequence[Channel],
    kind: str,
    say: Mapping[int, str] | str,
    news: News,
    *,
    about: Sequence[Subject] = (),
    key: str,
    now: datetime,
    not_before: datetime | None = None,
) -> None:
    """Queues a post for each channel that this concerns, in the transaction of the cause; `key` names the cause.

    A team's channel hears of the team's deployments alone, and of what is about none. `say` is the title, or the words
    before one deployment's title (1) and after the number of several (0).
    """
    rows = []
    for channel in channels:
        mine = [each for each in about if channel.team is None or each.team == channel.team.name]
        if mine or not about:
            title = say if isinstance(say, str) else _counted(say, mine)
            rows.append(_row(channel, kind, title, news, mine, key=key, now=now, not_before=not_before or now))
    if rows:
        Post.objects.bulk_create(rows, ignore_conflicts=True)


def _counted(say: Mapping[int, str], mine: Sequence[Subject]) -> str:
    return f"{say[1]}: {mine[0].title}" if len(mine) == 1 else f"{len(mine)} {say[0]}"


def absolute(path: str) -> str:
    return f"{settings.SITE_URL}{path}"


def tell_test(channel: Channel, by: str, url: str, *, now: datetime) -> None:
    """A post that shows whether the channel takes what is sent to it."""
    key = f"{TEST}:{now.isoformat()}"
    news = News(url=url, by=by)
    _row(channel, TEST, "Posts from releaseflow arrive here", news, (), key=key, now=now, not_before=now).save()


def cancel(cause: str, *, now: datetime) -> None:
    """Takes back what was queued under keys that begin so and has not left."""
    Post.objects.filter(Post.WAITING, key__startswith=cause, attempts=0).update(cancelled_at=now)


def release(cause: str, *, now: datetime) -> None:
    """Lets what was queued under keys that begin so leave at once."""
    Post.objects.filter(Post.WAITING, key__startswith=cause, attempts=0).update(not_before=now)


def stop(channel: Channel, *, now: datetime) -> int:
    """Takes back all that waits for a channel, and says how much; what is just being sent is sent or taken back."""
    return Post.objects.filter(Post.WAITING, channel=channel).update(cancelled_at=now, leased_until=None)


def again(channel: Channel, *, now: datetime) -> int:
    """Lets all that was given up of late go again with new attempts, and says how much."""
    return given_up(now).filter(channel=channel).update(parked_at=None, attempts=0, last_error="", not_before=now)


def given_up(now: datetime) -> QuerySet[Post]:
    """Of late: what is older is no news any more."""
    return Post.objects.filter(parked_at__gt=now - RECENT)


def _row(
    channel: Channel,
    kind: str,
    title: str,
    news: News,
    about: Sequence[Subject],
    *,
    key: str,
    now: datetime,
    not_before: datetime,
) -> Post:
    unique = hashlib.sha256(f"{key}|channel {channel.pk}".encode()).hexdigest()[:32]
    data = {"title": one_line(title), **asdict(news), "deployments": [asdict(each) for each in about]}
    at = now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Post(
        channel=channel,
        kind=kind,
        content={"type": EVENTS[kind][0] if kind in EVENTS else kind, "timestamp": at, "data": data},
        written_at=now,
        key=f"{key[:160]}|{unique}",
        message_id=f"msg_{unique}",
        not_before=not_before,
    )
