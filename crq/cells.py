"""One cell of the week board: how far a deployment is with one column of the deliverables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from crq.deliverables import TABLE, Deliverable
from crq.turns import Turns
from deployments.models import Deployment, ReleaseWeek
from deployments.policy import Deadline
from workflow.eastern import WEEKDAYS, say_clock, say_instant, to_eastern

S = Deployment.Status
COLUMNS: dict[str, tuple[Deliverable, ...]] = {
    column: tuple(each for each in TABLE if each.column == column)
    for column in dict.fromkeys(each.column for each in TABLE)
}
SHOWN_WAITING = {"approved", "installed", "verified"}


@dataclass(frozen=True)
class Cell:
    """`state` is done, part, you, wait, stop or none; `sentence` says it in words."""

    state: str
    note: str
    sentence: str


DONE = {column: Cell("done", "", f"{column}: done") for column in COLUMNS}


@dataclass(frozen=True)
class Head:
    """Neighbouring columns that are due together, and when."""

    due: str
    columns: list[str]


def heads(week: ReleaseWeek) -> list[Head]:
    found: list[Head] = []
    for column, deliverables in COLUMNS.items():
        label = _due_label(week, deliverables[0])
        if found and found[-1].due == label:
            found[-1].columns.append(column)
        else:
            found.append(Head(label, [column]))
    return found


def _due_label(week: ReleaseWeek, deliverable: Deliverable) -> str:
    """The hour where a decision hangs on it ("Tue 2 pm"), else the day."""
    at = week.due(deliverable.due)
    if at is None:
        return ""
    wall = to_eastern(at)
    if deliverable.due == Deadline.CUTOFF or deliverable.key == "approved":
        return f"{WEEKDAYS[wall.weekday()][:3]} {say_clock(wall.time()).replace(':00', '')}"
    return WEEKDAYS[wall.weekday()]


def cells(turns: Turns, now: datetime) -> tuple[Cell, ...]:
    return tuple(_cell(turns, column, now) for column in COLUMNS)


def _cell(turns: Turns, column: str, now: datetime) -> Cell:
    keys = [each.key for each in COLUMNS[column]]
    if all(turns.complete(key) for key in keys):
        return DONE[column]
    done, total = _count(turns, keys)
    note = f"{done}/{total}" if 0 < done < total else ""
    if why := _stopped(turns, column, now):
        return Cell("stop", "", f"{column}: {why}")
    so_far = f", {done} of {total} done" if note else ""
    if any(turns.mine(key) for key in keys):
        return Cell("you", note, f"{column}: your turn{so_far}")
    if note:
        return Cell("part", note, f"{column}: {done} of {total} done")
    if any(turn.key in SHOWN_WAITING.intersection(keys) for turn in turns.all):
        return Cell("wait", "", f"{column}: waiting")
    return Cell("none", "", f"{column}: not started")


def _count(turns: Turns, keys: list[str]) -> tuple[int, int]:
    if len(keys) == 1:
        found = turns.readiness.of[keys[0]]
        return found.done, found.total
    return sum(turns.complete(key) for key in keys), len(keys)


def _stopped(turns: Turns, column: str, now: datetime) -> str:
    """Why this column is blocked, in words, or nothing."""
    status = turns.deployment.status
    if column == "Install" and status in {S.FAILED, S.BACKED_OUT}:
        return str(turns.deployment.get_status_display()).lower()
    if turns.ended:
        return ""
    missing = [each for each in COLUMNS[column] if not turns.complete(each.key)]
    if any(each.key == "core_dev" for each in missing) and turns.core_dev_failed:
        return "the deployment to core dev failed"
    dues = (turns.due(each.key) for each in missing)
    late = next((due for due in dues if due and now > due), None)
    return f"late, was due {say_instant(late, now=now)}" if late else ""
