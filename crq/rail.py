"""The deadlines of one week as a line of steps with tallies, and the one that is next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from crq.deliverables import TABLE
from crq.models import Snapshot
from deployments.models import ReleaseWeek
from deployments.policy import Deadline
from workflow.eastern import WEEKDAYS, eastern_day, say_clock, say_day, say_time, to_eastern

FIRST = tuple(each.key for each in TABLE if each.due == Deadline.CUTOFF)
EVIDENCE = tuple(each.key for each in TABLE if each.due == Deadline.APPROVAL and each.key != "approved")
Reached = frozenset[str]
"""The deliverables of one deployment that are there."""
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
    week: ReleaseWeek, live: Sequence[Reached], now: datetime, *, plan_sent: datetime | None, sent: datetime | None
) -> list[Step]:
    """The six steps of the week; none for a skipped week. `plan_sent` and `sent` are those of the two e-mails.

    A deadline that was enforced is told as it was then; one statement, once the first has passed.
    """
    plan, cutoff, approval = week.due(Deadline.PLAN_EMAIL), week.due(Deadline.CUTOFF), week.due(Deadline.APPROVAL)
    install, close = week.due(Deadline.INSTALL), week.due(Deadline.INSTALL_CLOSE)
    if not (plan and cutoff and approval and install and close):
        return []
    then = _missed_then(week) if now > cutoff else {}
    status = _when(sent, now) if sent else f"{_day(close, now)}, after install"
    steps = [
        Step("Plan shared", _when(plan_sent or plan, now), f"{len(live)} planned", plan, bool(plan_sent)),
        _tallied("PRs and CRQs", cutoff, live, FIRST, now, then.get(Deadline.CUTOFF)),
        replace(
            _tallied("Docs and branch", approval, live, EVIDENCE, now, then.get(Deadline.APPROVAL)),
            when=_day(approval, now),
        ),
        _tallied("CRQ approvals", approval, live, ("approved",), now, then.get(Deadline.APPROVAL)),
        replace(
            _tallied("Code install", install, live, ("installed",), now), when=_when(install, now, "about "), at=close
        ),
        Step("Status email", status, "Sent" if sent else "Not sent", close, bool(sent)),
    ]
    return _placed(steps, now)


def _missed_then(week: ReleaseWeek) -> dict[str, list[list[str]]]:
    """By deadline that was enforced: for each deployment judged, the deliverables that were missing."""
    found: dict[str, list[list[str]]] = defaultdict(list)
    taken = Snapshot.objects.filter(milestone__week=week, milestone__enforced_at__isnull=False)
    for key, missing in taken.order_by("pk").values_list("milestone__key", "missing"):
        found[key].append(missing)
    return found


def _tallied(  # noqa: PLR0917
    label: str,
    at: datetime,
    live: Sequence[Reached],
    keys: tuple[str, ...],
    now: datetime,
    then: list[list[str]] | None = None,
) -> Step:
    """`then`: what each deployment missed at the deadline, which counts from there on."""
    if then:
        ready = [not set(keys).intersection(missing) for missing in then]
        return Step(label, _when(at, now), f"{sum(ready)} of {len(ready)} at the deadline", at, all(ready))
    done = sum(each.issuperset(keys) for each in live)
    return Step(label, _when(at, now), f"{done} of {len(live)}", at, bool(live) and done == len(live))


def _placed(steps: list[Step], now: datetime) -> list[Step]:
    """Marks what is over, the step people work on now, and the one after it.

    Small screens show these two alone, so a week that is over keeps its last step there.
    """
    ahead = [step for step in steps if not step.complete and now <= step.at]
    states = dict.fromkeys((step.label for step in ahead), "")
    states |= {step.label: state for step, state in zip(ahead, ("now", "next"), strict=False)} or {
        steps[-1].label: "next"
    }
    return [_marked(step, states.get(step.label, "past"), now) for step in steps]


def _marked(step: Step, state: str, now: datetime) -> Step:
    if step.complete:
        return replace(step, state=state, node="done")
    if state == "now":
        return replace(step, state=state, node="you")
    missed = now > step.at and not step.tally.endswith(" of 0")
    return replace(step, state=state, node="stop" if missed else "none")


def _when(at: datetime, now: datetime, about: str = "") -> str:
    """With the zone where the hour counts, today; there is little room: "Fri Dec 4, 3:12 pm", "Today, 2:00 pm ET"."""
    day = _day(at, now)
    return f"{day}, {about}{say_time(at) if day == 'Today' else say_clock(to_eastern(at).time())}"


def _day(at: datetime, now: datetime) -> str:
    """Today, the weekday in the days just ahead, else the date: there is little room."""
    away = (eastern_day(at) - eastern_day(now)).days
    if away == 0:
        return "Today"
    return WEEKDAYS[to_eastern(at).weekday()][:3] if 0 < away < 7 else say_day(at)
