"""What administrators do with connections to forges, and with deliveries. Secrets are in no event."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from accounts.roles import Role
from deployments.flow import PULL_REQUEST
from deployments.hooks.receiving import take
from deployments.models import Connection, Delivery, PullRequest
from workflow import machine
from workflow.machine import follow
from workflow.steps import Actor, Call, Flow, Refused, Step
from workflow.switch import is_switched

ADMIN = (Role.ADMINISTRATOR,)
OVERLAP = timedelta(days=1)
"""How long the former secret is accepted beside a new one."""
NOTED = ("name", "forge", "speaks_for")


def _lock(pk: int) -> Connection:
    return Connection.objects.select_for_update(no_key=True).get(pk=pk)


def _create(call: Call) -> None:
    call.note |= {name: str(getattr(call.obj, name)) for name in NOTED}
    if Connection.objects.filter(name=call.obj.name).exists():
        raise Refused.because(f"{call.obj.name} is in releaseflow already. Choose another name.")


def _rotate(call: Call) -> None:
    """Given `secret`, sealed."""
    call.obj.former_secret, call.obj.former_until = call.obj.secret, call.now + OVERLAP
    call.obj.secret = call.given["secret"]


def _ask(call: Call) -> None:
    """Given `token`, sealed or empty, and `api_url`: each address is given its token anew, so none goes elsewhere."""
    call.obj.token, call.obj.api_url = call.given["token"], call.given["api_url"]
    call.note |= {"token": "set" if call.obj.token else "removed", "api_url": call.obj.api_url}


def _switch(active: bool) -> Callable[[Call], None]:
    def effect(call: Call) -> None:
        call.obj.active = active

    return effect


CONNECTION = Flow(
    "forge_connection",
    Connection,
    _lock,
    [
        Step("create", "Add connection", roles=ADMIN, effect=_create, plain=False),
        Step("rotate", "Make a new secret", roles=ADMIN, effect=_rotate, plain=False),
        Step("ask", "Save token", roles=ADMIN, effect=_ask, plain=False),
        Step(
            "disable",
            "Stop listening",
            roles=ADMIN,
            effect=_switch(False),
            already=is_switched(False, "It does not listen any more."),
            done="It no longer listens: deliveries are refused.",
        ),
        Step(
            "enable",
            "Listen again",
            roles=ADMIN,
            effect=_switch(True),
            already=is_switched(True, "It listens."),
            done="It listens again.",
        ),
    ],
)


def _has_a_body(delivery: Delivery, by: Actor, now: datetime) -> str:
    return "" if delivery.body else "Its body was kept for 30 days and is gone, so it cannot be taken again."


def _replay(call: Call) -> None:
    call.obj.replayed_at = call.now


DELIVERY = Flow(
    "forge_delivery",
    Delivery,
    lambda pk: Delivery.objects.select_for_update(no_key=True, of=("self",)).select_related("connection").get(pk=pk),
    [
        Step(
            "replay",
            "Take it again",
            roles=ADMIN,
            guards=(_has_a_body,),
            effect=_replay,
            done="Taken again: what became of it stands below.",
        )
    ],
)
# Each fact is taken in a transaction of its own, so not inside this one.
DELIVERY.complete(consequences={"replay": lambda call: transaction.on_commit(lambda: take(call.obj))})


# --- People ----------------------------------------------------------------------------------------------------
def _link(call: Call) -> None:
    """Given `login`: the name at the forge, which is one person's."""
    login = call.given["login"].strip()
    if not login:
        raise Refused.because("Say the name at the forge.")
    taken = User.objects.filter(forge_login__iexact=login).exclude(pk=call.obj.pk).first()
    if taken:
        raise Refused.because(f"{login} is {taken.name} already.")
    if call.obj.forge_login and call.obj.forge_login.lower() != login.lower():
        raise Refused.because(f"{call.obj.name} is {call.obj.forge_login} at the forge already.")
    call.obj.forge_login = login
    call.note["login"] = login


def _recognise_everywhere(call: Call) -> None:
    """In what is not shipped yet: what is over stays as it was judged."""
    found = PullRequest.objects.filter(status__in=PullRequest.LIVE)
    written = found.filter(author=None, author_login__iexact=call.obj.forge_login)
    said = found.filter(reviews__reviewer=None, reviews__reviewer_login__iexact=call.obj.forge_login)
    for pk in sorted({*written.values_list("pk", flat=True), *said.values_list("pk", flat=True)}):
        follow(call, PULL_REQUEST, "recognise", machine.take("pull_request", PullRequest(pk=pk)), person=call.obj)


FORGE_NAME = Flow(
    "forge_name",
    User,
    lambda pk: User.objects.select_for_update(no_key=True).get(pk=pk),
    [Step("link", "Link to a person", roles=ADMIN, effect=_link, plain=False)],
)
FORGE_NAME.complete(consequences={"link": _recognise_everywhere})
