"""The deadlines of one week as a line of steps with tallies, and the one that is next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from crq.deliverables import TABLE
from crq.turns import Turns
from deployments.models import ReleaseWeek
from deployments.policy import Deadline
from workflow.eastern import WEEKDAYS, eastern_day, say_day, say_near, to_eastern

FIRST = tuple(each.key for each in TABLE if each.due == Deadline.CUTOFF)
EVIDENCE = tuple(each.key for each in TABLE if each.due == Deadline.APPROVAL and each.key != "approved")
UNTIL = {
    Deadline.CODE_REVIEW: "until the code review",
    Deadline.PLAN_EMAIL: "until the plan e-mail goes out",
    Deadline.CUTOFF: "until pull requests and CRQs are due",
    Deadline.APPROVAL: "until CRQ approvals are due",
    Deadline.INSTALL: "until code install",
    Deadline.INSTALL_CLOSE: "until the install window closes",
}


@dataclass(frozen=True)
class NextDue:
    at: datetime
    label: str


@dataclass(frozen=True)
class Step:
    """`state` is past, now, next or empty; `node` the shape it shows."""

    label: str
    when: str
    tally: str
    at: datetime
    complete: bool
    state: str = ""
    node: str = "none"


def next_due(week: ReleaseWeek, now: datetime) -> NextDue | None:
    """The next deadline of the week that is still ahead, with the words that follow its countdown."""
    for key, words in UNTIL.items():
        at = week.due(key)
        if at and now <= at:
            day = "" if eastern_day(at) == eastern_day(now) else f" on {WEEKDAYS[to_eastern(at).weekday()]}"
            return NextDue(at, words + day)
    return None


def rail(
    week: ReleaseWeek, live: Sequence[Turns], now: datetime, *, plan_sent: datetime | None, sent: datetime | None
) -> list[Step]:
    """The six steps of the week; none for a skipped week. `plan_sent` and `sent` are those of the two e-mails."""
    plan, cutoff, approval = week.due(Deadline.PLAN_EMAIL), week.due(Deadline.CUTOFF), week.due(Deadline.APPROVAL)
    install, close = week.due(Deadline.INSTALL), week.due(Deadline.INSTALL_CLOSE)
    if not (plan and cutoff and approval and install and close):
        return []
    steps = [
        Step("Plan shared", _when(plan_sent or plan, now), f"{len(live)} planned", plan, bool(plan_sent)),
        _tallied("PRs and CRQs", cutoff, live, FIRST, now),
        replace(_tallied("Docs and branch", approval, live, EVIDENCE, now), when=_day(approval, now)),
        _tallied("CRQ approvals", approval, live, ("approved",), now),
        replace(_tallied("Code install", install, live, ("installed",), now), when=_about(install, now), at=close),
        Step("Status email", _after(close, sent, now), "Sent" if sent else "Not sent", close, bool(sent)),
    ]
    return _placed(steps, now)


def _tallied(label: str, at: datetime, live: Sequence[Turns], keys: tuple[str, ...], now: datetime) -> Step:
    done = sum(all(each.complete(key) for key in keys) for each in live)
    return Step(label, _when(at, now), f"{done} of {len(live)}", at, bool(live) and done == len(live))


def _placed(steps: list[Step], now: datetime) -> list[Step]:
    """Marks what is over, the step people work on now, and the one after it."""
    over = [step.complete or now > step.at for step in steps]
    current = over.index(False) if False in over else len(steps)
    states = ["now" if number == current else "next" if number == current + 1 else "" for number in range(len(steps))]
    return [
        replace(step, state="past" if over[number] else states[number], node=_node(step, states[number], now))
        for number, step in enumerate(steps)
    ]


def _node(step: Step, state: str, now: datetime) -> str:
    if step.complete:
        return "done"
    if state == "now":
        return "you"
    return "stop" if now > step.at and not step.tally.endswith(" of 0") else "none"


def _when(at: datetime, now: datetime) -> str:
    words = say_near(at, now)
    return words[0].upper() + words[1:]


def _day(at: datetime, now: datetime) -> str:
    return "Today" if eastern_day(at) == eastern_day(now) else say_day(at)


def _about(at: datetime, now: datetime) -> str:
    return (
        _when(at, now).replace(", ", ", about ")
        if eastern_day(at) == eastern_day(now)
        else f"{say_day(at)}, about {_clock(at)}"
    )


def _clock(at: datetime) -> str:
    return say_near(at, at).partition(", ")[2]


def _after(close: datetime, sent: datetime | None, now: datetime) -> str:
    return _when(sent, now) if sent else f"{_day(close, now)}, after install"
