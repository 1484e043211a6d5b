"""What can happen to a deputy, appointed for some days and ended early, and to the e-mails that a person wants."""

from __future__ import annotations

from datetime import datetime

from accounts.mail import Topic
from accounts.models import Deputy, Muted, User
from accounts.roles import Role, standing
from workflow.eastern import eastern_day, say_day
from workflow.steps import Actor, Call, Flow, Step


def _for_oneself(deputy: Deputy, by: Actor, now: datetime) -> str:
    """Everyone appoints their own deputies; only an administrator themselves does it for others."""
    if by is None or by.pk == deputy.for_user_id or standing(by).holds_own(Role.ADMINISTRATOR):
        return ""
    return f"Deputies of {deputy.for_user.name} are appointed by {deputy.for_user.name} or an administrator."


def _of_a_role_held(deputy: Deputy, by: Actor, now: datetime) -> str:
    """What was lent cannot be lent on."""
    role = Role(deputy.role)
    if standing(deputy.for_user).holds_own(role):
        return ""
    subject = "You do" if by and by.pk == deputy.for_user_id else f"{deputy.for_user.name} does"
    return f"{subject} not hold the role {role.label}, so nobody can deputise in it."


def _someone_else(deputy: Deputy, by: Actor, now: datetime) -> str:
    if deputy.deputy_id == deputy.for_user_id:
        return "Nobody is their own deputy. Choose somebody else."
    return "" if deputy.deputy.is_active else f"{deputy.deputy.name} no longer signs in. Choose somebody else."


def _in_days_ahead(deputy: Deputy, by: Actor, now: datetime) -> str:
    if deputy.ends < deputy.starts:
        return "The last day is before the first."
    return "" if deputy.starts >= eastern_day(now) else "The first day is over already. Begin today or later."


def _once(deputy: Deputy, by: Actor, now: datetime) -> str:
    same = Deputy.objects.filter(for_user=deputy.for_user_id, deputy=deputy.deputy_id, role=deputy.role, ended_at=None)
    twin = same.filter(starts__lte=deputy.ends, ends__gte=deputy.starts).first()
    if twin is None:
        return ""
    days = f"{say_day(twin.starts)} to {say_day(twin.ends)}"
    return f"{deputy.deputy.name} is the deputy in this role from {days} already. Choose other days, or end that first."


def _not_over(deputy: Deputy, by: Actor, now: datetime) -> str:
    if deputy.ended_at:
        return f"This was ended on {say_day(eastern_day(deputy.ended_at))}."
    return f"This ended on {say_day(deputy.ends)}." if deputy.ends < eastern_day(now) else ""


def _appoint(call: Call) -> None:
    deputy: Deputy = call.obj
    call.note |= {
        "for": deputy.for_user.name,
        "role": str(Role(deputy.role).label),
        "from": deputy.starts.isoformat(),
        "until": deputy.ends.isoformat(),
    }


def _end(call: Call) -> None:
    """At once: a role that was lent does not last until midnight."""
    call.obj.ended_at = call.now
    _appoint(call)


def _lock(pk: int) -> Deputy:
    locked = Deputy.objects.select_for_update(no_key=True, of=("self",))
    return locked.select_related("for_user", "deputy").get(pk=pk)


def _join(deputy: Deputy) -> None:
    """The principal is locked, so that the same deputy is not appointed twice at once."""
    deputy.for_user = User.objects.select_for_update(no_key=True).get(pk=deputy.for_user_id)


ANYBODY = tuple(Role)
DEPUTY = Flow(
    "deputy",
    Deputy,
    _lock,
    [
        Step(
            "appoint",
            "Appoint a deputy",
            roles=ANYBODY,
            guards=(_for_oneself, _of_a_role_held, _someone_else, _in_days_ahead, _once),
            effect=_appoint,
            plain=False,
        ),
        Step(
            "end",
            "End now",
            roles=ANYBODY,
            guards=(_for_oneself, _not_over),
            effect=_end,
            done="Ended. The deputy no longer acts.",
        ),
    ],
    join=_join,
)


def _own_choice(user: User, by: Actor, now: datetime) -> str:
    return "" if by and by.pk == user.pk else "Everybody chooses their own e-mails."


def _choose(call: Call) -> None:
    """Given `topics`, those that the person wants: the others are muted."""
    muted = [topic for topic in Topic.values if topic not in call.given["topics"]]
    call.obj.muted.exclude(topic__in=muted).delete()
    Muted.objects.bulk_create([Muted(user=call.obj, topic=topic) for topic in muted], ignore_conflicts=True)
    call.note["muted"] = muted


PERSON = Flow(
    "person",
    User,
    lambda pk: User.objects.select_for_update(no_key=True).get(pk=pk),
    [Step("choose_emails", "Choose e-mails", anyone=True, guards=(_own_choice,), effect=_choose, plain=False)],
)
