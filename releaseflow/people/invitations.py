"""Inviting somebody: the person and their roles are there at once, the way in is a link that is good once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.core.signing import BadSignature, Signer
from django.urls import reverse
from django.utils.text import slugify

from accounts.models import Appointment, Invitation, Membership, Team, User
from accounts.roles import Role
from notifications import sealed
from notifications.models import Email
from notifications.outbox import enqueue
from workflow.eastern import say_day, say_instant
from workflow.steps import Actor, Call, Flow, Refused, Step

ADMIN = (Role.ADMINISTRATOR,)
GOOD_FOR = timedelta(days=7)
_signer = Signer(salt="releaseflow.invitation")


@dataclass(frozen=True)
class Place:
    """The roles that somebody begins with."""

    in_teams: tuple[tuple[Team, Role], ...] = ()
    offices: tuple[Role, ...] = field(default=())

    @property
    def words(self) -> list[str]:
        teams = [f"{role.label} · {team}" for team, role in self.in_teams]
        return teams + [str(office.label) for office in self.offices]

    def give(self, user: User) -> None:
        Membership.objects.bulk_create(Membership(user=user, team=team, role=role) for team, role in self.in_teams)
        Appointment.objects.bulk_create(Appointment(user=user, role=role) for role in self.offices)


def newcomer(*, first_name: str, last_name: str, email: str) -> User:
    """Somebody who cannot sign in yet; not saved. `username` is what comments mention them by."""
    user = User(first_name=first_name, last_name=last_name, email=email.lower())
    stem = ".".join(filter(None, (slugify(first_name), slugify(last_name))))[:120] or slugify(email.partition("@")[0])
    taken = set(User.objects.filter(username__startswith=stem).values_list("username", flat=True))
    endings = ["", *(str(number) for number in range(2, len(taken) + 3))]
    user.username = next(stem + ending for ending in endings if stem + ending not in taken)
    user.set_unusable_password()
    return user


# --- What can happen to an invitation ------------------------------------------------------------------------
def _open(invitation: Invitation, by: Actor, now: datetime) -> str:
    if invitation.accepted_at:
        return f"{invitation.user.name} has accepted already."
    return ""


def _not_revoked(invitation: Invitation, by: Actor, now: datetime) -> str:
    return f"It was revoked on {say_instant(invitation.revoked_at)}." if invitation.revoked_at else ""


def _not_switched_off(invitation: Invitation, by: Actor, now: datetime) -> str:
    """Revoking switches the account off with the invitation, and sending again takes both back."""
    if invitation.user.is_active or invitation.revoked_at:
        return ""
    return f"{invitation.user.name} was switched off. Let them sign in again first."


def _invitee(invitation: Invitation, by: Actor, now: datetime) -> str:
    if by and by.pk != invitation.user_id:
        return f"Only {invitation.user.name} accepts this."
    return "" if invitation.user.is_active else "This account was switched off. Ask an administrator."


def _in_time(invitation: Invitation, by: Actor, now: datetime) -> str:
    return "" if now < invitation.expires_at else f"It was good until {say_instant(invitation.expires_at)}."


def _invite(call: Call) -> None:
    """Given `place`. The invitation's user is not saved yet."""
    invitation, place = call.obj, call.given["place"]
    if Role.ADMINISTRATOR in place.offices and call.by:
        raise Refused.because("Invite first; the role Administrator is given on the person's page, by two.")
    if User.objects.filter(email__iexact=invitation.user.email).exists():
        raise Refused.because(f"{invitation.user.email} belongs to somebody who is in releaseflow already.")
    invitation.user.save()
    invitation.user = invitation.user
    place.give(invitation.user)
    invitation.invited_by = call.by
    call.note |= {"email": invitation.user.email, "roles": place.words}
    _send(call)


def _send(call: Call) -> None:
    call.obj.sent_at, call.obj.expires_at = call.now, call.now + GOOD_FOR


def _send_again(call: Call) -> None:
    """The earlier link opens nothing from now on. What was revoked counts again."""
    invitation = call.obj
    invitation.edition += 1
    invitation.revoked_at = None
    User.objects.filter(pk=invitation.user_id).update(is_active=True)
    _send(call)


def _revoke(call: Call) -> None:
    """Nobody has come in by it, so the account goes as well: it is switched off, as people are."""
    call.obj.revoked_at = call.now
    User.objects.filter(pk=call.obj.user_id).update(is_active=False)


def _accept(call: Call) -> None:
    """Given `edition` where a link was used, and `password` where one was chosen."""
    invitation = call.obj
    if call.given.get("edition", invitation.edition) != invitation.edition:
        raise Refused.because("A newer invitation was sent to you. Use the link in that e-mail.", "guard")
    invitation.accepted_at = call.now
    if password := call.given.get("password"):
        invitation.user.set_password(password)
        invitation.user.save(update_fields=["password"])
    call.note["with"] = "a password" if password else "another way to sign in"


def _arrive(call: Call) -> None:
    call.obj.accepted_at = call.now


def _write(call: Call) -> None:
    invitation = call.obj
    context = {
        "person": invitation.user.first_name,
        "by": invitation.invited_by.name if invitation.invited_by else "",
        "until": invitation.expires_at,
        "url": sealed.PLACE,
    }
    enqueue(
        "invitation",
        context,
        to=[invitation.user],
        key=f"invitation:{invitation.pk}:{invitation.edition}",
        now=call.now,
    )


def _lock(pk: int) -> Invitation:
    locked = Invitation.objects.select_for_update(no_key=True, of=("self",))
    return locked.select_related("user", "invited_by").get(pk=pk)


INVITATION = Flow(
    "invitation",
    Invitation,
    _lock,
    [
        Step("invite", "Invite", roles=ADMIN, effect=_invite, plain=False),
        Step(
            "send_again",
            "Send again",
            roles=ADMIN,
            guards=(_open, _not_switched_off),
            effect=_send_again,
            done="Queued again.",
        ),
        Step(
            "revoke",
            "Revoke",
            roles=ADMIN,
            guards=(_open, _not_revoked),
            effect=_revoke,
            done="Revoked. The link opens nothing any more.",
        ),
        Step(
            "accept",
            "Accept",
            anyone=True,
            guards=(_open, _not_revoked, _invitee, _in_time),
            effect=_accept,
            plain=False,
        ),
        Step("arrive", "Come in another way", guards=(_open, _not_revoked), effect=_arrive),
    ],
)
INVITATION.complete(consequences={"invite": _write, "send_again": _write})


# --- The link ------------------------------------------------------------------------------------------------
def token(invitation: Invitation) -> str:
    """What only whoever got the e-mail knows; kept nowhere."""
    return _signer.sign(f"{invitation.pk}-{invitation.edition}").replace(":", "-")


def by_token(text: str) -> tuple[Invitation, int] | None:
    """The invitation and edition that a link names, whatever has become of it; None where the link is not ours."""
    try:
        pk, edition, signature = text.split("-", 2)
        _signer.unsign(f"{pk}-{edition}:{signature}")
    except (BadSignature, ValueError):
        return None
    found = Invitation.objects.select_related("user", "invited_by").filter(pk=int(pk)).first()
    return (found, int(edition)) if found else None


def _path(email: Email) -> str:
    invitation = Invitation.objects.get(user=email.recipient)
    return reverse("accept-invitation", args=[token(invitation)])


sealed.MAKERS["invitation"] = _path


def state(invitation: Invitation | None, now: datetime) -> tuple[str, str]:
    """A badge's state and words; nothing for somebody who was never invited or is in."""
    if invitation is None or invitation.accepted_at:
        return "", ""
    if invitation.revoked_at:
        return "idle", "Invitation revoked"
    if now >= invitation.expires_at:
        return "stop", "Invitation is over"
    return "wait", f"Invited until {say_day(invitation.expires_at)}"
