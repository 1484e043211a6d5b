"""How the outbox fares: what was given up, what is tried again and what waits; and sending again what was given up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Q, QuerySet

from accounts.models import User
from accounts.roles import Role, people, standing
from crq.letters import kind_label, state_badge
from crq.sections import Section
from notifications.models import Email, Letter, Outgoing
from notifications.outbox import resend
from workflow.acts import Act, act
from workflow.badge import Badge
from workflow.eastern import eastern_day, say_near
from workflow.steps import Actor, Call, Flow, Step

SHOWN = 50
MOST_IN_A_FILE = 20_000
HEAD = ("Subject", "Kind", "To", "State", "Tries", "Next try", "Given up at", "Last error")
OFFICES = (Role.SCRUM_MASTER, Role.ADMINISTRATOR)
GIVEN_UP = Q(parked_at__isnull=False)
RETRYING = Q(Email.WAITING, attempts__gt=0)
UNTRIED = Q(Email.WAITING, attempts=0)


# --- What can happen to it -----------------------------------------------------------------------------------
def _was_given_up(email: Email, by: Actor, now: datetime) -> str:
    if email.parked_at:
        return ""
    return "This e-mail was sent." if email.sent_at else "This e-mail was not given up, so nothing is to be sent again."


def _some_given_up(letter: Letter, by: Actor, now: datetime) -> str:
    """Lists have counted already: `given_up`."""
    given_up = vars(letter).get("given_up")
    some = letter.emails.filter(GIVEN_UP).exists() if given_up is None else given_up
    return "" if some else "No copy of this e-mail is given up any more."


def _resend(call: Call) -> None:
    call.note |= {"to": call.obj.to, "error": call.obj.last_error}
    resend(call.obj, now=call.now)


def _resend_all(call: Call) -> None:
    rows = call.obj.emails.select_for_update(no_key=True).filter(GIVEN_UP)
    call.note["to"] = [email.to for email in rows]
    for email in rows:
        resend(email, now=call.now)


def _lock(pk: int) -> Email:
    locked = Email.objects.select_for_update(no_key=True, of=("self",))
    return locked.select_related("letter").get(pk=pk)


def _lock_letter(pk: int) -> Letter:
    return Letter.objects.select_for_update(no_key=True).get(pk=pk)


EMAIL = Flow(
    "email",
    Email,
    _lock,
    [Step("resend", "Send again", roles=OFFICES, guards=(_was_given_up,), effect=_resend, done="It is sent again.")],
)
LETTER = Flow(
    "letter",
    Letter,
    _lock_letter,
    [
        Step(
            "resend",
            "Send all again",
            roles=OFFICES,
            guards=(_some_given_up,),
            effect=_resend_all,
            done="They are sent again.",
        )
    ],
)


# --- The page ------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Row:
    """One copy of a letter; `when` says what happens or happened, `error` what the mail server said last."""

    subject: str
    detail: str
    when: str
    error: str
    badge: Badge
    act: Act | None


def why_not_shown(by: User, *, now: datetime) -> str:
    """The sentence for those whom the page does not concern."""
    day = eastern_day(now)
    if any(standing(by, day).holds(role) for role in OFFICES):
        return ""
    names = [person.name for role in OFFICES for person in people(role, on=day)]
    can = f" {' or '.join(dict.fromkeys(names))} can see it." if names else " Nobody holds that role yet."
    return f"This page is for {' or '.join(role.label for role in OFFICES)}.{can}"


def delivery_page(*, by: User, now: datetime) -> list[Section[Row]]:
    """Five statements, however many e-mails there are."""
    counts = Email.objects.aggregate(
        parked=Count("pk", filter=GIVEN_UP), retrying=Count("pk", filter=RETRYING), waiting=Count("pk", filter=UNTRIED)
    )
    parked = _found(GIVEN_UP).order_by("-parked_at", "-pk")[:SHOWN]
    retrying = _found(RETRYING).order_by("not_before", "pk")[:SHOWN]
    waiting = _found(UNTRIED).order_by("not_before", "pk")[:SHOWN]
    return [
        Section(
            "parked",
            "Given up",
            "No e-mail was given up.",
            counts["parked"],
            [_row(email, now, act(EMAIL, "resend", email, by=by, now=now)) for email in parked],
            _all_again(by, now),
        ),
        Section(
            "retrying",
            "Tried again",
            "No e-mail has to be tried again.",
            counts["retrying"],
            [_row(email, now) for email in retrying],
        ),
        Section(
            "waiting",
            "Waiting",
            "No e-mail is waiting.",
            counts["waiting"],
            [_row(email, now) for email in waiting],
        ),
    ]


def _found(where: Q) -> QuerySet[Email]:
    rows = Email.objects.filter(where).select_related("letter", "recipient")
    return rows.defer("letter__text", "letter__html")


def cells() -> Iterator[tuple[object, ...]]:
    """What has not left as rows of a spreadsheet, what was given up first; at most MOST_IN_A_FILE."""
    rows = _found(GIVEN_UP | Email.WAITING).order_by(F("parked_at").desc(nulls_last=True), "-attempts", "pk")
    for each in rows[:MOST_IN_A_FILE].iterator(chunk_size=500):
        yield (
            each.letter.subject, kind_label(each.letter), each.to, state_badge(each).text, each.attempts,
            None if each.parked_at else each.not_before, each.parked_at, each.last_error,
        )  # fmt: skip


def _all_again(by: User, now: datetime) -> list[Act]:
    """For each letter of which more than one copy was given up, the newest letters first."""
    counted = Letter.objects.defer("text", "html").annotate(
        given_up=Count("emails", filter=Q(emails__parked_at__isnull=False))
    )
    return [
        act(
            LETTER,
            "resend",
            letter,
            by=by,
            now=now,
            label=f"Send all {vars(letter)['given_up']} again: {letter.subject}",
            confirm="Each recipient who was given up is tried again at once.",
        )
        for letter in counted.filter(given_up__gt=1).order_by("-pk")[:3]
    ]


def _row(email: Email, now: datetime, again: Act | None = None) -> Row:
    name = f"{email.recipient.name}, {email.to}" if email.recipient else email.to
    return Row(
        subject=email.letter.subject,
        detail=f"{kind_label(email.letter)} · {name}",
        when=when(email, now),
        error=email.last_error,
        badge=state_badge(email),
        act=again,
    )


def when(row: Outgoing, now: datetime) -> str:
    """What happens, or happened last, to what has not left."""
    tries = f"{row.attempts} {'try' if row.attempts == 1 else 'tries'}"
    if row.parked_at:
        return f"Given up after {tries}, {say_near(row.parked_at, now)}"
    if row.leased_until and row.leased_until > now:
        return "Being sent now"
    coming = f"next {say_near(row.not_before, now)}" if row.not_before > now else "next at once"
    return f"{tries}, {coming}" if row.attempts else coming.replace("next", "Goes out").replace("at once", "now")
