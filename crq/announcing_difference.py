"""What changed between two editions of an announcement, computed from what the earlier one said when it was sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from crq.announcing_lines import Content, Line
from crq.models import Announcement
from deployments.models import Deferral, Deployment, ReleaseWeek
from notifications.outbox import one_line
from workflow.eastern import say_day, say_long_day
from workflow.models import Event

S, Kind = Deployment.Status, Announcement.Kind
CLEARANCE = {
    (S.PLANNED, S.CLEARED): "Cleared for install",
    (S.HELD, S.CLEARED): "Cleared for install, no longer held",
    (S.HELD, S.PLANNED): "No longer held, not cleared yet",
    (S.CLEARED, S.PLANNED): "No longer cleared: its content changed, so it needs approval again",
}


@dataclass(frozen=True)
class Change:
    """What is different about one deployment, or about the week itself: then `title` is the week's."""

    what: str
    title: str
    words: tuple[str, ...]
    url: str = ""

    @property
    def sentence(self) -> str:
        return "; ".join(self.words)


def difference(kind: str, before: Content, after: Content, left: Mapping[int, str] | None = None) -> list[Change]:
    """`left` says of deployments that are gone where to and why (`whereabouts`)."""
    old = {line.deployment: line for line in before.lines}
    new = {line.deployment: line for line in after.lines}
    looks = LOOKS[kind]
    changes = _of_week(before, after)
    changes += [_change("Added", line, [_added(line)]) for pk, line in new.items() if pk not in old]
    for pk, line in old.items():
        if pk not in new:
            changes += [_change("Left", line, [(left or {}).get(pk, "No longer in this week")])]
        elif words := [each for look in looks for each in look(line, new[pk])]:
            changes += [_change("Changed", new[pk], words)]
    return changes


def missing(before: Content, after: Content) -> set[int]:
    """The deployments that are no longer there (primary keys)."""
    return {line.deployment for line in before.lines} - {line.deployment for line in after.lines}


def whereabouts(gone: Iterable[int], week: ReleaseWeek) -> dict[int, str]:
    """Where each deployment went that left the week, and why: at most two statements."""
    ids = set(gone)
    if not ids:
        return {}
    found = {}
    for event in Event.objects.filter(object_type="deployment", object_id__in=ids, action="withdraw"):
        found[event.object_id] = _because("Withdrawn", event.reason)
    moves = Deferral.objects.filter(deployment__in=ids, from_week=week).select_related("to_week").order_by("pk")
    for move in moves.exclude(deployment__in=found):
        day = say_day(move.to_week.install_day or move.to_week.thursday)
        found[move.deployment_id] = _because(f"Moved to {day}", move.why)
    return found


def _because(what: str, why: str) -> str:
    return f"{what}: {one_line(why)}" if why else what


def _change(what: str, line: Line, words: list[str]) -> Change:
    url = settings.SITE_URL + reverse("deployment", args=[line.deployment])
    return Change(what, line.title, tuple(words), url)


def _added(line: Line) -> str:
    return f"{line.application}, {line.team}"


def _of_week(before: Content, after: Content) -> list[Change]:
    if before.day == after.day:
        return []
    if after.day is None:
        return [Change("Changed", "No code install", (f"{after.skip_reason}",))]
    was = f" instead of {say_long_day(before.day)}" if before.day else ""
    return [Change("Changed", "Install day", (f"{say_long_day(after.day)}{was}",))]


# --- What is looked at in one deployment ---------------------------------------------------------------------
def _title(old: Line, new: Line) -> list[str]:
    return [f"Was called {old.title}"] if old.title != new.title else []


def _crq(old: Line, new: Line) -> list[str]:
    if old.crq == new.crq:
        return []
    return [f"CRQ is there now: {new.crq}" if not old.crq else f"CRQ is {new.crq or 'gone'}, it was {old.crq}"]


def _clearance(old: Line, new: Line) -> list[str]:
    if new.state == S.HELD:
        return [new.outcome] if (old.state, old.outcome) != (new.state, new.outcome) else []
    words = CLEARANCE.get((S(old.state), S(new.state)))
    return [words] if words else []


def _pull_requests(old: Line, new: Line) -> list[str]:
    joined = [each for each in new.pull_requests if each not in old.pull_requests]
    gone = [each for each in old.pull_requests if each not in new.pull_requests]
    said = [(joined, "added"), (gone, "taken out")]
    return [f"{_pulls(each)} {verb}: {', '.join(each)}" for each, verb in said if each]


def _pulls(names: list[str]) -> str:
    return f"{len(names)} pull request{'' if len(names) == 1 else 's'}"


def _outcome(old: Line, new: Line) -> list[str]:
    """What was held and then moved has the outcome that it had: not installed."""
    if old.state == new.state:
        return []
    return [f"{new.outcome} (was: {old.outcome[:1].lower()}{old.outcome[1:]})"]


Look = Callable[[Line, Line], list[str]]
LOOKS: dict[str, tuple[Look, ...]] = {
    Kind.PLANNED: (_title, _crq, _clearance, _pull_requests),
    Kind.COMPLETION: (_outcome,),
}
