"""What a flow is made of: one table of steps per object, keyed by action, and what every step is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from django.db.models import Model

from accounts.models import User
from accounts.roles import Role

Actor = User | None
"""Whoever acts; None is the system itself."""

Guard = Callable[[Any, Actor, datetime], str]
"""Looks at (object, actor, now) and says in one sentence why not, or nothing at all."""


@dataclass(frozen=True)
class Refusal:
    """Why an action is not possible: the disabled button's explanation and the error are this one sentence.

    `code` is one of "done" (somebody already did it), "status", "role", "guard", "reason", "input", "busy" (others were
    in the way, so trying once more may do).
    """

    code: str
    sentence: str


class Refused(Exception):
    """An action was not possible; nothing of it was written."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.sentence)
        self.refusal = refusal

    @classmethod
    def because(cls, sentence: str, code: str = "input") -> Refused:
        return cls(Refusal(code, sentence))


@dataclass(frozen=True)
class Scope:
    """Where an object belongs: the team that owns it, and the deployment and week that gather its events."""

    team_id: int | None = None
    deployment_id: int | None = None
    week: date | None = None


def scope_of(obj: Any) -> Scope:
    """The object's own `scope()`; what belongs to no team, deployment or week has none."""
    scope: Scope = obj.scope() if hasattr(obj, "scope") else Scope()
    return scope


@dataclass
class Call:
    """One action being performed, as its effect, consequences and e-mails see it. `obj` is locked and fresh."""

    flow: Flow
    step: Step
    obj: Any
    by: Actor
    now: datetime
    reason: str = ""
    given: dict[str, Any] = field(default_factory=dict)
    note: dict[str, Any] = field(default_factory=dict)
    before: str = ""
    came_from: Scope | None = None

    @property
    def person(self) -> User:
        """Who acts, in a step that only people perform."""
        if self.by is None:
            raise TypeError(f"Only a person can {self.step.action} a {self.flow.name}.")
        return self.by


@dataclass(frozen=True)
class Step:
    """One row of a flow's table.

    No `sources`: the object begins with this step. No `target`: a fact is recorded and the status stays.
    No `roles`: only the system does it, unless it is for `anyone` who is signed in.
    `effect` sets facts on the locked object and may refuse the input.
    `done` is what people read when it is done, as a sentence; who was e-mailed is added to it (`outcome.py`).
    `undone_by` is the step that takes it back: its button stands in the notice, where the person may press it.
    `lock` takes the place of the flow's, given (key, input), where a step needs more than its object.
    `already` says who did it before, for an object without a status that would tell. A `plain` step needs nothing but
    a button, a reason where `needs_reason`, and the hidden values named by `takes`; any other has a form of its own.
    """

    action: str
    label: str
    sources: tuple[str, ...] = ()
    target: str = ""
    roles: tuple[Role, ...] = ()
    guards: tuple[Guard, ...] = ()
    effect: Callable[[Call], None] | None = None
    needs_reason: bool = False
    emails: tuple[str, ...] = ()
    already: Guard | None = None
    plain: bool = True
    anyone: bool = False
    takes: tuple[str, ...] = ()
    lock: Callable[[int, dict[str, Any]], Any] | None = None
    done: str = ""
    undone_by: str = ""


class Flow:
    """All that can happen to one kind of object.

    `lock` takes the rows an action needs, the deployment always first, and returns the fresh object; `join` locks what
    a new object will belong to. `settle` makes what the clock has already decided true before an action is looked at.
    `consequences` run in the same transaction, after the action; `after` runs there at the end of every action, once
    for all objects that one act concerns.
    A higher app adds these, more guards and the e-mails with `complete`, because only it knows the objects concerned.
    E-mails of a kind in `digests` are written once for all objects that one act concerns, others once for each.
    """

    registry: dict[str, Flow] = {}

    def __init__(
        self,
        name: str,
        model: type[Model],
        lock: Callable[[int], Any],
        steps: Iterable[Step],
        *,
        join: Callable[[Any], None] | None = None,
    ) -> None:
        self.name, self.model, self.lock, self.join = name, model, lock, join
        self.steps = {step.action: step for step in steps}
        self.settle: Callable[[Any, datetime], None] | None = None
        self.consequences: dict[str, Callable[[Call], None]] = {}
        self.emails: dict[str, Callable[[Call], None]] = {}
        self.digests: dict[str, Callable[[Sequence[Call]], None]] = {}
        self.after: Callable[[Sequence[Call]], None] | None = None
        Flow.registry[name] = self

    def complete(
        self,
        *,
        settle: Callable[[Any, datetime], None] | None = None,
        guards: dict[str, tuple[Guard, ...]] | None = None,
        consequences: dict[str, Callable[[Call], None]] | None = None,
        emails: dict[str, Callable[[Call], None]] | None = None,
        digests: dict[str, Callable[[Sequence[Call]], None]] | None = None,
        after: Callable[[Sequence[Call]], None] | None = None,
    ) -> None:
        self.settle = settle or self.settle
        for action, more in (guards or {}).items():
            step = self.steps[action]
            self.steps[action] = replace(step, guards=step.guards + more)
        self.consequences |= consequences or {}
        self.emails |= emails or {}
        self.digests |= digests or {}
        self.after = after or self.after
