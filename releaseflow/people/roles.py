"""Who holds which office, and who may sign in at all. Nobody decides this about themselves; see docs/adr/0022."""

from __future__ import annotations

from datetime import datetime

from accounts.models import Appointment, Invitation, Nomination, User
from accounts.roles import OFFICE_ROLES, Role, people
from releaseflow.signin.sessions import end_sessions
from workflow.steps import Actor, Call, Flow, Refused, Step

ADMIN = (Role.ADMINISTRATOR,)


def not_oneself(user: User, by: Actor, now: datetime) -> str:
    return "Nobody changes their own place. Ask another administrator." if by and by.pk == user.pk else ""


def _switched_on(user: User, by: Actor, now: datetime) -> str:
    return "" if user.is_active else f"{user.name} no longer signs in. Let them sign in again first."


def _is_on(user: User, by: Actor, now: datetime) -> str:
    return f"{user.name} can sign in already." if user.is_active else ""


def _is_off(user: User, by: Actor, now: datetime) -> str:
    return "" if user.is_active else f"{user.name} no longer signs in."


def _nominated(user: User, by: Actor, now: datetime) -> str:
    if not Nomination.objects.filter(user=user).exists():
        return f"Nobody asks for {user.name} as administrator now."
    return ""


def _another_confirms(user: User, by: Actor, now: datetime) -> str:
    if by and Nomination.objects.filter(user=user, by=by).exists():
        return "You asked for this yourself, so another administrator confirms it."
    return ""


def _give(call: Call) -> None:
    """Given an office as `role`. Administrators come by two: one asks, another confirms, where there is another."""
    user, role = call.obj, _office(call)
    if Appointment.objects.filter(user=user, role=role).exists():
        raise Refused.because(f"{user.name} is {role.label} already.", "done")
    if role == Role.ADMINISTRATOR and call.by and any(each.pk != call.by.pk for each in _administrators()):
        call.note["waits_for"] = "another administrator"
        Nomination.objects.update_or_create(user=user, defaults={"by": call.by, "at": call.now})
    else:
        Appointment.objects.create(user=user, role=role)


def _take(call: Call) -> None:
    user, role = call.obj, _office(call)
    if role == Role.ADMINISTRATOR:
        _leave_one(user)
    if not Appointment.objects.filter(user=user, role=role).delete()[0]:
        raise Refused.because(f"{user.name} is not {role.label}.", "done")


def _office(call: Call) -> Role:
    role = call.given.get("role")
    if role not in OFFICE_ROLES:
        raise Refused.because("Choose a role for the whole organisation. Those of a team are given on the team's page.")
    call.note["role"] = str(Role(role).label)
    return Role(role)


def _administrators() -> list[User]:
    """Those in office who can sign in and have come in, locked: two who dismiss each other come one after the other."""
    list(Appointment.objects.select_for_update().filter(role=Role.ADMINISTRATOR).order_by("pk"))
    invited = set(Invitation.objects.filter(accepted_at=None).values_list("user_id", flat=True))
    return [each for each in people(Role.ADMINISTRATOR) if each.pk not in invited]


def _leave_one(user: User) -> None:
    found = _administrators()
    if found == [user]:
        raise Refused.because(
            f"{user.name} is the only administrator. Make somebody else administrator first.", "guard"
        )


def _confirm(call: Call) -> None:
    nomination = Nomination.objects.select_for_update().get(user=call.obj)
    call.note |= {"role": str(Role.ADMINISTRATOR.label), "asked_by": nomination.by.name}
    nomination.delete()
    Appointment.objects.get_or_create(user=call.obj, role=Role.ADMINISTRATOR)


def _decline(call: Call) -> None:
    Nomination.objects.filter(user=call.obj).delete()


def _switch_off(call: Call) -> None:
    _leave_one(call.obj)
    call.obj.is_active = False
    Nomination.objects.filter(user=call.obj).delete()


def _switch_on(call: Call) -> None:
    call.obj.is_active = True


PLACE = Flow(
    "place",
    User,
    lambda pk: User.objects.select_for_update(no_key=True).get(pk=pk),
    [
        Step(
            "give_role",
            "Give the role",
            roles=ADMIN,
            guards=(not_oneself, _switched_on),
            effect=_give,
            takes=("role",),
            done="Given. Administrator counts when another administrator confirms; any other role at once.",
        ),
        Step(
            "take_role",
            "Take the role away",
            roles=ADMIN,
            guards=(not_oneself,),
            effect=_take,
            takes=("role",),
            done="Taken away. It counts at once.",
        ),
        Step(
            "confirm",
            "Confirm as administrator",
            roles=ADMIN,
            guards=(not_oneself, _nominated, _another_confirms, _switched_on),
            effect=_confirm,
            done="Confirmed.",
        ),
        Step("decline", "Decline", roles=ADMIN, guards=(not_oneself, _nominated), effect=_decline, done="Declined."),
        Step(
            "switch_off",
            "Switch off",
            roles=ADMIN,
            guards=(not_oneself, _is_off),
            effect=_switch_off,
            done="Switched off, and signed out everywhere.",
        ),
        Step("switch_on", "Switch on", roles=ADMIN, guards=(_is_on,), effect=_switch_on, done="Can sign in again."),
    ],
)
PLACE.complete(consequences={"switch_off": lambda call: end_sessions(call.obj)})
