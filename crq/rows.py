"""One row of the week board: the deployment, its cells, and the next step in words with its owner and since when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from accounts.roles import TEAM_ROLES, Role
from crq.cells import Cell, cells
from crq.deliverables import TABLE
from crq.turns import BEFORE_INSTALL, Turn, Turns
from deployments.models import Deployment
from deployments.policy import Deadline
from workflow.eastern import WEEKDAYS, eastern_day, say_clock, say_day, say_near, to_eastern

S = Deployment.Status
UNDER_WAY = {S.INSTALLING, S.INSTALLED, S.FAILED}
ROLE_INITIALS = {Role.DEVOPS: "DO", Role.MANAGER: "DM", Role.DEVELOPER: "DT"}


@dataclass(frozen=True)
class Next:
    """The next step; `tone` is ok, stop or empty. `owner` and `since` say apart what `detail` says in one line."""

    text: str
    detail: str = ""
    tone: str = ""
    initials: str = ""
    is_you: bool = False
    action_label: str = ""
    url: str = ""
    owner: str = ""
    since: datetime | None = None


@dataclass(frozen=True, eq=False)
class Row:
    """`rank` sorts the bands, most urgent first; `views` are the filters that show it; `reached` names deliverables."""

    url: str
    title: str
    meta: str
    cells: tuple[Cell, ...]
    next: Next
    band: str
    rank: tuple[int, float]
    left: bool
    application: str
    team: str
    team_slug: str
    crq: str
    state: str
    views: frozenset[str]
    reached: frozenset[str]

    @property
    def key(self) -> str:
        """For ids in the page: the address as one word."""
        return self.url.strip("/").replace("/", "-").lower()

    @property
    def done(self) -> int:
        return sum(cell.state == "done" for cell in self.cells)

    @property
    def total(self) -> int:
        return len(self.cells)


def row(turns: Turns, *, left: bool, now: datetime) -> Row:
    """The deployment as a week shows it, which it may have left."""
    deployment = turns.deployment
    shown = cells(turns, now)
    step = _next(turns, left=left, now=now)
    rank, band = (9, 0.0), "Left this week"
    if not left:
        rank, band = _band(turns, now)
    return Row(
        url=turns.url,
        title=deployment.title,
        meta=_meta(turns),
        cells=shown,
        next=step,
        band=band,
        rank=rank,
        left=left,
        application=deployment.application.name,
        team=deployment.application.team.name,
        team_slug=deployment.application.team.slug,
        crq=turns.facts.crq.number if turns.facts.crq else "",
        state=str(deployment.get_status_display()),
        views=frozenset() if left else _views(turns, shown, step, now),
        reached=frozenset(each.key for each in TABLE if turns.complete(each.key)),
    )


def _meta(turns: Turns) -> str:
    deployment, count = turns.deployment, turns.facts.count
    came_from: date | None = getattr(deployment, "came_from", None)
    crq = turns.facts.crq
    words = [
        deployment.application.team.name,
        crq.number if crq else "no CRQ yet",
        f"moved from {say_day(came_from)}" if came_from else f"{count or 'no'} pull request{'' if count == 1 else 's'}",
    ]
    if turns.facts.exempted:
        words.append("exempted")
    elif getattr(deployment, "missed_cutoff", False) and deployment.status != S.HELD:  # a hold says it itself
        words.append("late at the cutoff")
    return " · ".join(words)


# --- Where it stands -----------------------------------------------------------------------------------------
def _band(turns: Turns, now: datetime) -> tuple[tuple[int, float], str]:
    status = turns.deployment.status
    if status == S.PLANNED:
        due = _due(turns)
        if due is None or now > due:
            return (0, 0.0), "Overdue"
        wall = to_eastern(due)
        return (1, due.timestamp()), f"Due by {WEEKDAYS[wall.weekday()][:3]} {say_clock(wall.time())}"
    if status == S.HELD:
        return (2, 0.0), "Held"
    if status in UNDER_WAY:
        return (3, 0.0), "Installing"
    return ((4, 0.0), f"Ready for {_install_day(turns)}") if status == S.CLEARED else ((5, 0.0), "Done")


def _due(turns: Turns) -> datetime | None:
    """The earliest deadline before the install that something is still missing for."""
    missing = [key for key in BEFORE_INSTALL if not turns.complete(key)]
    return min((due for key in missing if (due := turns.due(key))), default=turns.due("approved"))


def _install_day(turns: Turns) -> str:
    week = turns.deployment.week
    return WEEKDAYS[(week.install_day or week.thursday).weekday()]


def _views(turns: Turns, shown: Iterable[Cell], step: Next, now: datetime) -> frozenset[str]:
    status, today = turns.deployment.status, eastern_day(now)
    due = _due(turns) if status == S.PLANNED else turns.deployment.week.due(Deadline.INSTALL_CLOSE)
    found = set()
    if status in {S.PLANNED, S.CLEARED, *UNDER_WAY} and due and eastern_day(due) <= today:
        found.add("due")
    if not turns.ended and (step.tone == "stop" or any(cell.state == "stop" for cell in shown)):
        found.add("blocked")
    if turns.deployment.application.team_id in turns.who.team_ids():
        found.add("mine")
    return frozenset(found)


# --- The next step -------------------------------------------------------------------------------------------
def _next(turns: Turns, *, left: bool, now: datetime) -> Next:
    if left:
        return _gone(turns)
    turn = turns.first
    return _of_turn(turn, turns, now) if turn else _at_rest(turns, now)


def _gone(turns: Turns) -> Next:
    deployment = turns.deployment
    why, by = getattr(deployment, "left_why", None), (getattr(deployment, "left_by", None) or "").strip()
    if why is not None:
        now_in: date = deployment.now_in  # type: ignore[attr-defined]
        return Next(f"Moved to {say_day(now_in)}", " · ".join(filter(None, [by, why])))
    return Next("Withdrawn", getattr(deployment, "withdrawn_why", None) or "")


def _at_rest(turns: Turns, now: datetime) -> Next:
    """Nobody has to do anything now: it waits for the batch, or it is over."""
    deployment = turns.deployment
    if deployment.status == S.VERIFIED and deployment.verified_by and deployment.verified_at:
        return Next(
            "Verified",
            f"{deployment.verified_by.name_for(deployment.verified_for)} · {say_near(deployment.verified_at, now)}",
            "ok",
        )
    if deployment.status == S.BACKED_OUT:
        return Next("Backed out", "Its pull requests are back in the queue")
    return Next("Ready", f"Installs {_install_day(turns)} after batch", "ok")


def _of_turn(turn: Turn, turns: Turns, now: datetime) -> Next:
    return Next(
        text=turn.words,
        detail=_detail(turn, turns, now),
        tone="stop" if turn.stuck else "",
        initials=turns.by.initials if turn.mine else _initials(turn),
        is_you=turn.mine,
        action_label=turn.button if turn.mine else "",
        url=turn.url,
        owner=turns.by.name if turn.mine else turn.owner or str(turn.role.label),
        since=turn.since,
    )


def _detail(turn: Turn, turns: Turns, now: datetime) -> str:
    """ "You · since 10:58 am", "Samuel Ortiz · since Mon Dec 7", "DevOps · since 9:20 am".

    The team stands in the row's first cell; it follows only what is no person's name.
    """
    place = turns.deployment.application.team.name if turn.role in TEAM_ROLES else turn.role.label
    who = ["You"] if turn.mine else [turn.owner or turn.role.label]
    if not turn.mine and (not turn.since or not turn.owner or turn.role not in TEAM_ROLES):
        who.append(place)
    since = [f"since {_near(turn.since, now)}"] if turn.since else []
    return " · ".join(dict.fromkeys([*who, *since]))


def _near(at: datetime, now: datetime) -> str:
    wall = to_eastern(at)
    return say_clock(wall.time()) if wall.date() == eastern_day(now) else say_day(wall.date())


def _initials(turn: Turn) -> str:
    words = turn.owner.split()
    return "".join(word[0] for word in (words[0], words[-1])).upper() if words else ROLE_INITIALS.get(turn.role, "")
