"""What another change system was told of, is still to be told, and has otherwise than we; and what people can do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.utils.text import Truncator

from accounts.models import User
from accounts.roles import standing
from crq.change_system.by_hand import CARRIERS, NUMBER
from crq.models import CRQ, ChangeThere, NumberThere
from crq.sections import Section
from deployments.flow import lock_deployment
from workflow.acts import Act, act
from workflow.eastern import eastern_day, say_near
from workflow.machine import begin
from workflow.steps import Actor, Call, Flow, Refused, Step

SHOWN = 50
MOST_IN_A_FILE = 20_000
HEAD = ("CRQ", "Number there", "State there", "What", "Field there", "Ours", "Theirs", "Told", "Read at")
OPEN = ChangeThere.DIFFERS | ChangeThere.GIVEN_UP | ChangeThere.OWED


# --- What can happen to it -----------------------------------------------------------------------------------
def _lock(pk: int) -> ChangeThere:
    lock_deployment(ChangeThere.objects.values_list("crq__deployment", flat=True).get(pk=pk))
    found = ChangeThere.objects.select_related("crq__deployment__application", "crq__deployment__week")
    return found.select_for_update(no_key=True, of=("self",)).get(pk=pk)


def _nobody_tells_it(row: ChangeThere, by: Actor, now: datetime) -> str:
    being_told = row.leased_until and row.leased_until > now
    return "It is being told just now. Try again in a minute." if being_told else ""


def _some_differ(row: ChangeThere, by: Actor, now: datetime) -> str:
    return "" if row.differences() else "No text differs any more that nobody has seen."


def _number_differs(row: ChangeThere, by: Actor, now: datetime) -> str:
    """Lists have the noted number already."""
    if not row.number:
        return "Their number is not known yet."
    return "Their number is noted already." if row.number == noted(row) else ""


def _send(call: Call) -> None:
    """All of ours is sent again, and a change that is not found by its numbers is made anew."""
    row: ChangeThere = call.obj
    call.note = {"number": row.number, "error": row.last_error}
    row.ours, row.seen, row.number, row.differing = {}, {}, "", 0
    row.revision, row.not_before, row.attempts, row.parked_at = row.revision + 1, call.now, 0, None


def _accept(call: Call) -> None:
    """Given `digest`, what the person looked at of theirs."""
    row: ChangeThere = call.obj
    if call.given.get("digest") != digest(row):
        raise Refused.because("It changed there after you opened this page. Look at it again.")
    differences = row.differences()
    call.note = {name: theirs[:1000] for name, (_, theirs) in differences.items()}
    row.seen |= {name: theirs for name, (_, theirs) in differences.items()}
    row.differing = row.count(noted(row))


def _take(call: Call) -> None:
    """The number is the only thing of theirs that is ever taken."""
    row: ChangeThere = call.obj
    call.note = {"number": row.number}
    row.differing = row.count(row.number)
    begin(NUMBER, "note", NumberThere(crq=row.crq, number=row.number), by=call.by)


def digest(row: ChangeThere) -> str:
    said = "\n".join(f"{name}={theirs}" for name, (_, theirs) in sorted(row.differences().items()))
    return sha256(said.encode()).hexdigest()[:16]


def noted(row: ChangeThere) -> str:
    there = getattr(row.crq, "number_there", None)
    return there.number if there else ""


CHANGE = Flow(
    "change_there",
    ChangeThere,
    _lock,
    [
        Step(
            "send",
            "Send ours",
            roles=CARRIERS,
            guards=(_nobody_tells_it,),
            effect=_send,
            done="It is sent within a minute.",
        ),
        Step(
            "accept",
            "Seen, they may differ",
            roles=CARRIERS,
            guards=(_nobody_tells_it, _some_differ),
            effect=_accept,
            takes=("digest",),
            done="Noted. It is shown again when it changes there.",
        ),
        Step(
            "take",
            "Take their number",
            roles=CARRIERS,
            guards=(_number_differs,),
            effect=_take,
            done="Their number is noted.",
        ),
    ],
)


# --- The page ------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Difference:
    """One field: its name there, where our text for it comes from, and both texts."""

    field: str
    label: str
    ours: str
    theirs: str

    @property
    def ours_alone(self) -> str:
        return _alone(self.ours, self.theirs)

    @property
    def theirs_alone(self) -> str:
        return _alone(self.theirs, self.ours)


@dataclass(frozen=True)
class Row:
    url: str
    title: str
    meta: str
    when: str
    error: str
    differences: list[Difference]
    acts: list[Act]


def totals() -> dict[str, int]:
    """How many differ, were given up, and wait."""
    return ChangeThere.objects.filter(OPEN).aggregate(
        differing=Count("pk", filter=ChangeThere.DIFFERS),
        given_up=Count("pk", filter=ChangeThere.GIVEN_UP),
        waiting=Count("pk", filter=ChangeThere.WAITING),
    )


def sections(*, by: User, now: datetime) -> list[Section[Row]]:
    """Four statements, however many changes there are."""
    total = totals()
    differing = _found(ChangeThere.DIFFERS).order_by("-pk")[:SHOWN]
    parked = _found(ChangeThere.GIVEN_UP).order_by("-parked_at", "-pk")[:SHOWN]
    waiting = _found(ChangeThere.WAITING).order_by("not_before", "pk")[:SHOWN]
    return [
        Section(
            "differs",
            "Differences",
            "What is there is what is here, as far as it was read.",
            total["differing"],
            [_row(each, now, differences(each), _answers(each, by, now)) for each in differing],
        ),
        Section(
            "parked",
            "Given up",
            "Nothing was given up.",
            total["given_up"],
            [_row(each, now, [], _answers(each, by, now)) for each in parked],
        ),
        Section(
            "waiting",
            "Waiting",
            "Nothing waits to be told.",
            total["waiting"],
            [_row(each, now, [], []) for each in waiting],
        ),
    ]


def row_of(crq: CRQ, *, by: User, now: datetime) -> Row | None:
    """How it stands with one, where another system is told: one statement."""
    found = _found(Q(crq=crq)).first() if settings.CHANGE_SYSTEM else None
    return _row(found, now, differences(found), _answers(found, by, now)) if found else None


def _found(where: Q) -> QuerySet[ChangeThere]:
    rows = ChangeThere.objects.filter(where)
    return rows.select_related("crq__deployment__application__team", "crq__deployment__week", "crq__number_there")


def differences(row: ChangeThere) -> list[Difference]:
    """Their number first; then the fields that nobody has seen differ."""
    mapped = settings.CHANGE_SYSTEM.fields.mapped if settings.CHANGE_SYSTEM else {}
    found = [
        Difference(name, mapped[name].label if name in mapped else "", ours, theirs)
        for name, (ours, theirs) in row.differences().items()
    ]
    if row.number not in {"", noted(row)}:
        found.insert(0, Difference("", "Its number there", noted(row), row.number))
    return found


def _alone(text: str, other: str) -> str:
    """The lines that the other text lacks, so that the difference of long texts is seen."""
    lines = [line for line in text.splitlines() if line not in other.splitlines()]
    return Truncator("\n".join(lines) or text).chars(600)


def _answers(row: ChangeThere, by: User, now: datetime) -> list[Act]:
    """None for who may settle nothing of this team: a sentence would look their people up for each row."""
    who, team_id = standing(by, eastern_day(now)), row.crq.deployment.application.team_id
    if not any(who.holds(role, team_id) for role in CARRIERS):
        return []
    if row.parked_at:
        return [act(CHANGE, "send", row, by=by, now=now, label="Send again")]
    found = []
    if row.differences():
        hidden = {"digest": digest(row)}
        found += [
            act(CHANGE, "send", row, by=by, now=now),
            act(CHANGE, "accept", row, by=by, now=now, hidden=hidden),
        ]
    if row.number not in {"", noted(row)}:
        found.append(act(CHANGE, "take", row, by=by, now=now))
    return found


def _row(row: ChangeThere, now: datetime, differences: list[Difference], acts: list[Act]) -> Row:
    there = " · ".join(filter(None, [row.number or "No number there yet", row.state]))
    return Row(
        url=row.crq.get_absolute_url(),
        title=f"{row.crq.number}: {row.crq.title}",
        meta=there,
        when=when(row, now),
        error=row.last_error,
        differences=differences,
        acts=acts,
    )


def when(row: ChangeThere, now: datetime) -> str:
    tries = f"{row.attempts} {'try' if row.attempts == 1 else 'tries'}"
    if row.parked_at:
        return f"Given up after {tries}, {say_near(row.parked_at, now)}"
    if row.leased_until and row.leased_until > now:
        return "Being told now"
    if row.revision > row.told:
        coming = f"next {say_near(row.not_before, now)}" if row.not_before and row.not_before > now else "next at once"
        return f"{tries}, {coming}" if row.attempts else coming.replace("next", "Goes out").replace("at once", "now")
    return f"Read {say_near(row.read_at, now)}" if row.read_at else "Nothing was told"


def cells(now: datetime) -> Iterator[tuple[object, ...]]:
    """Each difference, then what was given up and what waits, as rows of a spreadsheet; at most MOST_IN_A_FILE CRQs."""
    rows = _found(OPEN).order_by("-pk")[:MOST_IN_A_FILE]
    for row in rows.iterator(chunk_size=500):
        told, read = row.told == row.revision, row.read_at
        for each in differences(row):
            yield (
                row.crq.number, row.number, row.state, each.label or "Field", each.field, each.ours, each.theirs,
                "yes" if told else "no", read,
            )  # fmt: skip
        if row.parked_at or not told:
            what = f"{when(row, now)}{f': {row.last_error}' if row.last_error else ''}"
            yield row.crq.number, row.number, row.state, what, "", "", "", "yes" if told else "no", read
