"""What people do with the addresses that their calendars read."""

from __future__ import annotations

from datetime import datetime

from accounts.models import User
from releaseflow.models import Feed
from workflow.steps import Actor, Call, Flow, Refused, Step

MOST = 10


def _own(feed: Feed, by: Actor, now: datetime) -> str:
    return "" if by and by.pk == feed.user_id else "Everybody sees to their own calendars."


def _not_revoked(feed: Feed, by: Actor, now: datetime) -> str:
    return "This address is revoked already." if feed.revoked_at else ""


def _make(call: Call) -> None:
    feed: Feed = call.obj
    feed.made_at = call.now
    if Feed.objects.filter(user=feed.user_id, revoked_at=None).count() >= MOST:
        raise Refused.because(f"{MOST} addresses are enough for one person. Revoke one that nothing reads any more.")
    call.note |= {"kind": feed.kind, "team": str(feed.team or "")}


def _revoke(call: Call) -> None:
    call.obj.revoked_at = call.now


def _join(feed: Feed) -> None:
    """The person is locked, so that their addresses are counted one by one."""
    feed.user = User.objects.select_for_update(no_key=True).get(pk=feed.user_id)


FEED = Flow(
    "feed",
    Feed,
    lambda pk: Feed.objects.select_for_update(no_key=True).get(pk=pk),
    [
        Step("make", "Make an address", anyone=True, guards=(_own,), effect=_make, plain=False),
        Step(
            "revoke",
            "Revoke",
            anyone=True,
            guards=(_own, _not_revoked),
            effect=_revoke,
            done="Revoked. Calendars that read it get nothing more.",
        ),
    ],
    join=_join,
)
