"""The one way anything happens: lock, read the clock, settle, check, write, audit, queue e-mails; one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from copy import deepcopy
from datetime import datetime
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError

from accounts.roles import TEAM_ROLES, Role, people, standing
from workflow import audit, clock
from workflow.eastern import eastern_day, say_near
from workflow.models import Event
from workflow.steps import Actor, Call, Flow, Refusal, Refused, Step, scope_of
from workflow.transactions import whole

LONGEST_REASON = 4000
NO_REASON = "Say why in a few words: the reason is kept with the decision."
Outcome = tuple[Any, Refusal | None]


class Gone(ObjectDoesNotExist):
    """There is no object with this key, or no longer."""


def refusal(flow: Flow, action: str, obj: Any, *, by: Actor, now: datetime) -> Refusal | None:
    """Why this person cannot do this now, or None when it is possible (a missing reason is only seen by `perform`).

    For an object's first step `obj` is the one that is not saved yet, as for `begin`.
    """
    step = flow.steps[action]
    return _wrong_status(flow, step, obj, now) or _wrong_role(step, obj, by, now) or _guarded(step, obj, by, now)


def perform(flow: Flow, action: str, obj: Any, *, by: Actor, reason: str = "", **given: Any) -> Any:
    """Does it and returns the fresh object, or raises Refused with the sentence to show. Of `obj` only the key counts.

    The database clock is read after the lock is held, so an action that had to wait is judged by when it got its turn.
    What the clock had decided before (a hold at a missed deadline) is written even when the action is refused.
    """
    fresh, no = _perform(flow, action, obj.pk, by, reason, given)
    if no is not None:
        raise Refused(no)
    return fresh


@whole
def _perform(flow: Flow, action: str, pk: int, by: Actor, reason: str, given: dict[str, Any]) -> Outcome:  # noqa: PLR0917
    step = flow.steps[action]
    fresh = _locked(flow, step, pk, given)
    call = Call(flow, step, fresh, by, clock.now(), _cleaned(reason), dict(given))
    return fresh, _settle_and_do(call, as_read=True)


def _locked(flow: Flow, step: Step, pk: int, given: dict[str, Any]) -> Any:
    try:
        return step.lock(pk, given) if step.lock else flow.lock(pk)
    except ObjectDoesNotExist as error:
        raise Gone(f"There is no {flow.name} with the key {pk}.") from error


def begin(flow: Flow, action: str, obj: Any, *, by: Actor, reason: str = "", **given: Any) -> Any:
    """Performs an object's first step: `obj` is not saved yet; the flow's `join` locks what it will belong to.

    When two make the same thing in the same moment, the database lets one of them through: the other is refused.
    """
    try:
        _, no = _begin(flow, action, obj, obj.pk, by, reason, given)
    except IntegrityError as error:
        if not _is_taken(error):
            raise
        raise Refused.because(f"{obj} is in releaseflow already: somebody was faster. Look again.", "done") from error
    if no is not None:
        raise Refused(no)
    return obj


@whole
def _begin(  # noqa: PLR0917
    flow: Flow, action: str, obj: Any, pk: int | None, by: Actor, reason: str, given: dict[str, Any]
) -> Outcome:
    obj.pk, obj._state.adding = pk, pk is None  # noqa: SLF001 # as at first, when this is tried again
    if flow.join:
        flow.join(obj)
    call = Call(flow, flow.steps[action], obj, by, clock.now(), _cleaned(reason), dict(given))
    return obj, _settle_and_do(call)


def _settle_and_do(call: Call, *, as_read: bool = False) -> Refusal | None:
    """What the clock decided is written first and stays, even when the action is refused after it.

    `as_read`: the object is as the database has it, so that only what the step changes needs to be written.
    """
    if call.flow.settle:
        call.flow.settle(call.obj, call.now)
    no = _no(call)
    if no is None:
        _write(call, _columns(call.obj) if as_read else None)
    return no


def _is_taken(error: IntegrityError) -> bool:
    """Whether a unique constraint refused the row; any other broken constraint is a mistake of ours."""
    codes = {getattr(error.__cause__, "pgcode", ""), getattr(error.__cause__, "sqlite_errorname", "")}
    return not codes.isdisjoint({"23505", "SQLITE_CONSTRAINT_UNIQUE"})


def take(flow_name: str, obj: Any, *, during: Call | None = None) -> Any:
    """Locks and settles another object that an action is about to join; returns it fresh.

    The action may have had to wait for it, so from here on it happens now, not when it was asked for.
    """
    flow = Flow.registry[flow_name]
    fresh = flow.lock(obj.pk)
    now = clock.now()
    if during:
        during.now = now
    if flow.settle:
        flow.settle(fresh, now)
    return fresh


def follow(cause: Call, flow: Flow, action: str, obj: Any, *, reason: str = "", **given: Any) -> Any:
    """Performs what follows from another action, by the system, at the same instant and under the same locks."""
    call = Call(flow, flow.steps[action], obj, None, cause.now, reason, given)
    no = _no(call)
    if no is not None:
        raise Refused(no)
    _write(call)
    return obj


def impose(flow: Flow, action: str, objects: Sequence[Any], reasons: Sequence[str], *, now: datetime) -> None:
    """Performs one step of the system on many locked objects with few statements; the caller has chosen legal ones."""
    step = flow.steps[action]
    calls = [Call(flow, step, obj, None, now, reason) for obj, reason in zip(objects, reasons, strict=True)]
    for call in calls:
        if call.obj.status not in step.sources:
            raise Refused.because(f"{call.obj} is {call.obj.status}, so the system cannot {action} it.", "status")
        _change(call)
    _save_all(flow.model, objects)
    audit.record([_event(call) for call in calls])
    _follow_up(flow, step, calls)


def _save_all(model: Any, objects: Iterable[Any]) -> None:
    """One statement for all that come to the same: `bulk_update` would name each row's values, which costs the most."""
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for obj in objects:
        alike[tuple(getattr(obj, name) for name in model.IMPOSED_FIELDS)].append(obj.pk)
    for values, keys in alike.items():
        model._default_manager.filter(pk__in=keys).update(**dict(zip(model.IMPOSED_FIELDS, values, strict=True)))


def who_can(step: Step, obj: Any, now: datetime) -> str:
    """The people who hold a role for the step, in words: "Samuel Ortiz or Anita Desai"."""
    names = [person.name for role in step.roles for person in people(role, scope_of(obj).team_id, on=eastern_day(now))]
    unique = list(dict.fromkeys(names))
    if len(unique) > 3:
        return f"{', '.join(unique[:3])} or {len(unique) - 3} more"
    return _either(unique)


def _either(words: list[str]) -> str:
    """Says `Grace, Ivan or Maya`."""
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _no(call: Call) -> Refusal | None:
    return refusal(call.flow, call.step.action, call.obj, by=call.by, now=call.now) or _unreasoned(call)


def _wrong_status(flow: Flow, step: Step, obj: Any, now: datetime) -> Refusal | None:
    if step.already and (sentence := step.already(obj, None, now)):
        return Refusal("done", sentence)
    if not hasattr(obj, "status") or obj.status in step.sources or (obj.pk is None and not step.sources):
        return None
    if obj.status == step.target and (event := _last(flow, step, obj)):
        return Refusal("done", f"{event.actor_name} did this {say_near(event.at, now)}.")
    noun = flow.model._meta.verbose_name
    return Refusal("status", f"This {noun} is {obj.get_status_display().lower()}, so this cannot be done now.")


def _last(flow: Flow, step: Step, obj: Any) -> Event | None:
    done = Event.objects.filter(object_type=flow.name, object_id=obj.pk, action=step.action)
    return done.select_related("actor").last()


def _wrong_role(step: Step, obj: Any, by: Actor, now: datetime) -> Refusal | None:
    if by is None or step.anyone:
        return None
    if not step.roles:
        return Refusal("role", "releaseflow does this by itself.")
    team_id = scope_of(obj).team_id
    who = standing(by, eastern_day(now))
    if any(who.holds(role, team_id) for role in step.roles):
        return None
    roles = _either([Role(role).in_a_sentence for role in step.roles])
    own = " of the owning team" if all(role in TEAM_ROLES for role in step.roles) else ""
    can = who_can(step, obj, now)
    who_then = f": {can}" if can else ", and nobody holds that role yet"
    return Refusal("role", f"Only {roles}{own} can do this{who_then}.")


def _guarded(step: Step, obj: Any, by: Actor, now: datetime) -> Refusal | None:
    for guard in step.guards:
        if sentence := guard(obj, by, now):
            return Refusal("guard", sentence)
    return None


def _cleaned(reason: str) -> str:
    """Without control characters, which no database and no mail header wants; line breaks stay."""
    return "".join(char for char in reason if char.isprintable() or char == "\n").strip()


def _unreasoned(call: Call) -> Refusal | None:
    if len(call.reason) > LONGEST_REASON:
        return Refusal("reason", f"That is too long: at most {LONGEST_REASON:,} characters are kept.")
    if call.step.needs_reason and not call.reason:
        return Refusal("reason", NO_REASON)
    return None


def _columns(obj: Any) -> dict[str, Any]:
    """What is in the object's columns now; a list or an object of JSON as a copy, because effects may change it."""
    loaded = vars(obj)
    names = [field.attname for field in obj._meta.concrete_fields if field.attname in loaded and not field.primary_key]
    return {name: deepcopy(loaded[name]) if isinstance(loaded[name], list | dict) else loaded[name] for name in names}


def _change(call: Call) -> None:
    """Gives the object its new facts and status, in memory."""
    if call.obj.pk:
        call.before, call.came_from = getattr(call.obj, "status", ""), scope_of(call.obj)
    if call.step.effect:
        call.step.effect(call)
    if call.step.target:
        call.obj.status = call.step.target


def _write(call: Call, known: dict[str, Any] | None = None) -> None:
    """`known`: the columns as the database has them; without it all are written."""
    _change(call)
    if known is None:
        call.obj.save()
    else:
        now = _columns(call.obj)
        call.obj.save(update_fields=[name for name in now if name not in known or known[name] != now[name]])
    audit.record([_event(call)])
    _follow_up(call.flow, call.step, [call])


def _follow_up(flow: Flow, step: Step, calls: Sequence[Call]) -> None:
    if consequence := flow.consequences.get(step.action):
        for call in calls:
            consequence(call)
    for kind in step.emails:
        if kind in flow.digests:
            flow.digests[kind](calls)
        else:
            for call in calls:
                flow.emails[kind](call)
    if flow.after:
        flow.after(calls)


def for_whom(call: Call) -> Actor:
    """Whose deputy the actor was in this, when nothing else allowed it."""
    if call.by is None:
        return None
    who, team_id = standing(call.by, eastern_day(call.now)), scope_of(call.obj).team_id
    if any(who.holds_own(role, team_id) for role in call.step.roles):
        return None
    return next((lender for role in call.step.roles if (lender := who.for_whom(role, team_id))), None)


def _event(call: Call) -> Event:
    scope = scope_of(call.obj)
    if scope.deployment_id is None:  # what left a deployment belongs to that deployment's story
        scope = call.came_from or scope
    return Event(
        at=call.now,
        actor=call.by,
        for_user=for_whom(call),
        action=call.step.action,
        object_type=call.flow.name,
        object_id=call.obj.pk,
        subject=str(call.obj)[:300],
        deployment_id=scope.deployment_id,
        week=scope.week,
        before=call.before,
        after=getattr(call.obj, "status", ""),
        reason=call.reason,
        data=call.note,
    )
