"""What the pages of the channels show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from accounts.models import User
from crq.letters import state_badge
from crq.mail_delivery import when
from notifications.models import Channel, Post
from notifications.posts import EVENTS, RECENT, TEST, given_up
from notifications.shapes import body
from releaseflow.channels.flow import CHANNEL, POST
from workflow.acts import Act, act, worth_showing
from workflow.badge import Badge
from workflow.eastern import say_near
from workflow.keyset import page, page_url

SHOWN = 50
MOST_IN_A_FILE = 20_000
HEAD = ("Written at", "Event", "About", "State", "Tries", "Answer", "Sent at", "Given up at", "Last error")
LONG = timedelta(minutes=10)


# --- How they fare -------------------------------------------------------------------------------------------
def channels(now: datetime) -> QuerySet[Channel]:
    """With when each took something last, and what of the last seven days it did not take: one statement."""
    newest = Post.objects.filter(channel=OuterRef("pk")).order_by("-pk")
    troubled = newest.exclude(last_error="").filter(Q(Post.WAITING) | Q(parked_at__gt=now - RECENT))
    counted = given_up(now).filter(channel=OuterRef("pk")).values("channel").annotate(number=Count("pk")).order_by()
    return Channel.objects.select_related("team").annotate(
        heard_at=Subquery(newest.exclude(sent_at=None).values("sent_at")[:1]),
        given_up=Subquery(counted.values("number")),
        failing_since=Subquery(troubled.order_by("pk").values("written_at")[:1]),
        error=Subquery(troubled.values("last_error")[:1]),
    )


@dataclass(frozen=True)
class Fare:
    """How a channel of `channels` fares; `trouble` is a sentence, where there is any."""

    channel: Channel
    badge: Badge
    heard_at: datetime | None
    trouble: str = ""


def fare(channel: Channel, now: datetime) -> Fare:
    found = vars(channel)
    heard_at, since, lost = found["heard_at"], found["failing_since"], found["given_up"]
    if not channel.active:
        return Fare(channel, Badge("none", "Off"), heard_at)
    if since is None:
        return Fare(channel, Badge("done", "Connected") if heard_at else Badge("wait", "Nothing sent yet"), heard_at)
    first = say_near(since, now)
    if not lost:
        badge = Badge("stop", "Failing") if now - since > LONG else Badge("part", "Trying again")
        return Fare(channel, badge, heard_at, f"A post of {first} is not taken yet. {found['error']}")
    posts = f"{lost} post{'' if lost == 1 else 's'}"
    trouble = f"{posts} of the last seven days {'was' if lost == 1 else 'were'} given up. {found['error']}"
    return Fare(channel, Badge("stop", "Failing"), heard_at, trouble)


def failing(now: datetime) -> list[Fare]:
    """Those that fail for long: one statement."""
    return [found for each in channels(now) if (found := fare(each, now)).badge.state == "stop"]


# --- One channel ---------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Row:
    post: Post
    event: str
    when: str
    badge: Badge


@dataclass(frozen=True)
class ChannelPage:
    """One channel: how it fares, what can be done, and its posts, newest first."""

    channel: Channel
    fare: Fare
    acts: list[Act]
    rows: list[Row]
    newer_url: str
    older_url: str


def channel_page(channel: Channel, *, at: str, only: str, by: User, now: datetime) -> ChannelPage:
    """Given one of `channels`; `only` is "trouble" or empty. Three statements, four on a later page."""
    shown = page(_posts(channel, only), ("pk",), at=at, size=SHOWN)
    return ChannelPage(
        channel,
        fare(channel, now),
        _acts(channel, by=by, now=now),
        [_row(each, now) for each in shown.rows],
        page_url(shown.newer, only=only),
        page_url(shown.older, only=only),
    )


def _acts(channel: Channel, *, by: User, now: datetime) -> list[Act]:
    confirm = "What waits for it is taken back."
    acts = worth_showing(
        [
            act(CHANNEL, "disable", channel, by=by, now=now, confirm=confirm),
            act(CHANNEL, "enable", channel, by=by, now=now),
        ]
    )
    lost = vars(channel)["given_up"]
    again = act(CHANNEL, "resend", channel, by=by, now=now, label=f"Send {lost} given up again")
    return [act(CHANNEL, "test", channel, by=by, now=now), *([again] if again.enabled else []), *acts]


def _row(post: Post, now: datetime) -> Row:
    return Row(post, event(post), said_when(post, now), state_badge(post))


def event(post: Post) -> str:
    """The event's name for people; of former days, what was kept."""
    return EVENTS[post.kind][1] if post.kind in EVENTS else "A test" if post.kind == TEST else post.kind


def said_when(post: Post, now: datetime) -> str:
    ended = post.sent_at or post.cancelled_at
    return say_near(ended, now) if ended else when(post, now)


def _posts(channel: Channel, only: str) -> QuerySet[Post]:
    found = channel.posts.all()
    return found.exclude(last_error="") if only == "trouble" else found


def cells(channel: Channel, only: str) -> Iterator[tuple[object, ...]]:
    """The same posts as rows of a spreadsheet; at most MOST_IN_A_FILE."""
    for each in _posts(channel, only).order_by("-pk")[:MOST_IN_A_FILE].iterator(chunk_size=500):
        yield (
            each.written_at, each.content["type"], str(each), state_badge(each).text, each.attempts, each.answer,
            each.sent_at, each.parked_at, each.last_error,
        )  # fmt: skip


# --- One post ------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class PostPage:
    """One post: what became of it, and what the receiver gets, indented for people."""

    post: Post
    event: str
    when: str
    badge: Badge
    resend: Act
    body: str


def post_page(post: Post, *, by: User, now: datetime) -> PostPage:
    """Given a post with its channel. No statement."""
    sent: Any = json.loads(body(post, post.channel.kind))
    return PostPage(
        post,
        event(post),
        said_when(post, now),
        state_badge(post),
        act(POST, "resend", post, by=by, now=now),
        json.dumps(sent, indent=2, ensure_ascii=False),
    )
