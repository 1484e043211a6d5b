"""What administrators do with channels and their posts. Neither addresses nor secrets are in any event."""

from __future__ import annotations

from datetime import datetime

from accounts.roles import Role
from notifications import posts
from notifications.models import Channel, Post
from notifications.outbox import resend
from workflow.steps import Actor, Call, Flow, Refused, Step
from workflow.switch import is_switched

ADMIN = (Role.ADMINISTRATOR,)


_is_off = is_switched(False, "It is off: turn it on first.")


def _has_a_secret(channel: Channel, by: Actor, now: datetime) -> str:
    return "" if channel.secret else "A chat has no secret but its address."


def _no_test_waits(channel: Channel, by: Actor, now: datetime) -> str:
    waits = channel.pk and channel.posts.filter(Post.WAITING, kind=posts.TEST).exists()
    return "A test post is on its way already." if waits else ""


def _some_given_up(channel: Channel, by: Actor, now: datetime) -> str:
    """Lists have counted already: `given_up`."""
    known = vars(channel)
    some = known["given_up"] if "given_up" in known else posts.given_up(now).filter(channel=channel.pk).exists()
    return "" if some else "No post of this channel was given up in the last seven days."


def _create(call: Call) -> None:
    channel: Channel = call.obj
    _alone_with_its_name(channel)
    call.note |= {"kind": channel.kind, **_heard(channel)}


def _change(call: Call) -> None:
    """Given the fields by name, `address` sealed and with its `host` where it is another one."""
    channel: Channel = call.obj
    for name, value in call.given.items():
        setattr(channel, name, value)
    _alone_with_its_name(channel)
    call.note |= _heard(channel) | ({"address": "replaced"} if "address" in call.given else {})


def _alone_with_its_name(channel: Channel) -> None:
    if Channel.objects.filter(name=channel.name).exclude(pk=channel.pk).exists():
        raise Refused.because(f"{channel.name} is in releaseflow already. Choose another name.")


def _heard(channel: Channel) -> dict[str, object]:
    events = [posts.EVENTS[kind][0] for kind in channel.events]
    return {"name": channel.name, "host": channel.host, "team": str(channel.team or ""), "events": events}


def _renew(call: Call) -> None:
    """Given `secret`, sealed."""
    call.obj.secret = call.given["secret"]


def _test(call: Call) -> None:
    posts.tell_test(call.obj, call.person.name, posts.absolute(call.obj.get_absolute_url()), now=call.now)


def _again(call: Call) -> None:
    call.note["posts"] = posts.again(call.obj, now=call.now)


def _turn_off(call: Call) -> None:
    call.obj.active = False
    call.note["taken_back"] = posts.stop(call.obj, now=call.now)


def _turn_on(call: Call) -> None:
    call.obj.active = True


CHANNEL = Flow(
    "channel",
    Channel,
    lambda pk: Channel.objects.select_for_update(no_key=True).get(pk=pk),
    [
        Step("create", "Add channel", roles=ADMIN, effect=_create, plain=False),
        Step("change", "Save channel", roles=ADMIN, effect=_change, plain=False),
        Step("renew", "Make a new secret", roles=ADMIN, guards=(_has_a_secret,), effect=_renew, plain=False),
        Step(
            "test",
            "Send a test post",
            roles=ADMIN,
            guards=(_is_off, _no_test_waits),
            effect=_test,
            done="A test post is on its way. What became of it stands below in a few seconds: load the page again.",
        ),
        Step(
            "resend",
            "Send all again",
            roles=ADMIN,
            guards=(_is_off, _some_given_up),
            effect=_again,
            done="They are sent again.",
        ),
        Step(
            "disable",
            "Turn off",
            roles=ADMIN,
            effect=_turn_off,
            already=is_switched(False, "It is off."),
            done="It is off: what waited was taken back, and it hears of nothing more.",
        ),
        Step(
            "enable",
            "Turn on",
            roles=ADMIN,
            effect=_turn_on,
            already=is_switched(True, "It is on."),
            done="It is on: it hears of what happens from now on.",
        ),
    ],
)


def _was_given_up(post: Post, by: Actor, now: datetime) -> str:
    return "" if post.parked_at else "This post was not given up, so nothing is to be sent again."


def _channel_is_on(post: Post, by: Actor, now: datetime) -> str:
    return _is_off(post.channel, by, now)


def _resend(call: Call) -> None:
    call.note |= {"channel": str(call.obj.channel), "error": call.obj.last_error}
    resend(call.obj, now=call.now)


POST = Flow(
    "post",
    Post,
    lambda pk: Post.objects.select_for_update(no_key=True, of=("self",)).select_related("channel").get(pk=pk),
    [
        Step(
            "resend",
            "Send again",
            roles=ADMIN,
            guards=(_was_given_up, _channel_is_on),
            effect=_resend,
            done="It is sent again.",
        )
    ],
)
