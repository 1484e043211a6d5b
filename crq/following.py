"""Following a deployment: to hear what happens to it without having a part in it."""

from __future__ import annotations

from datetime import datetime

from accounts.models import User
from accounts.prepared import Prepared, Slot
from accounts.roles import Role
from crq.models import Follower
from deployments.models import Deployment
from workflow.acts import Act, act
from workflow.addresses import address
from workflow.steps import Actor, Flow, Step

ANYBODY = tuple(Role)


def follow_act(deployment: Deployment, *, by: User, now: datetime) -> Act:
    """The button that follows, or stops: one statement."""
    for mine in _MINE(deployment=deployment.pk, user=by.pk):
        return act(FOLLOWER, "unfollow", mine, by=by, now=now)
    url = address("follow", deployment.pk)
    return act(FOLLOWER, "follow", Follower(deployment=deployment, user=by), by=by, now=now, url=url)


_MINE = Prepared(lambda: Follower.objects.filter(deployment=Slot("deployment"), user=Slot("user")))


def _for_oneself(follower: Follower, by: Actor, now: datetime) -> str:
    return "" if by and by.pk == follower.user_id else "Everybody follows, or stops following, for themselves."


def _lock(pk: int) -> Follower:
    return Follower.objects.select_for_update(no_key=True, of=("self",)).select_related("deployment", "user").get(pk=pk)


FOLLOWER = Flow(
    "follower",
    Follower,
    _lock,
    [
        Step("follow", "Follow", roles=ANYBODY, guards=(_for_oneself,), plain=False),
        Step(
            "unfollow",
            "Stop following",
            roles=ANYBODY,
            guards=(_for_oneself,),
            done="You hear of it no more than your roles need.",
        ),
    ],
)
FOLLOWER.complete(consequences={"unfollow": lambda call: call.obj.delete()})
