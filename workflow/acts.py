"""An action as a page shows it: a button that works, or the same button disabled with the sentence that says why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from accounts.models import User
from workflow.addresses import address
from workflow.machine import refusal
from workflow.steps import Flow, Step


@dataclass(frozen=True)
class Act:
    """`url` takes the POST of a plain button; `form_url` is the page of an action that needs more input."""

    action: str
    label: str
    url: str
    enabled: bool
    why_not: str = ""
    code: str = ""
    primary: bool = False
    needs_reason: bool = False
    reason_label: str = "Reason"
    confirm: str = ""
    form_url: str = ""
    hidden: dict[str, str] = field(default_factory=dict)


def act(
    flow: Flow,
    action: str,
    obj: Any,
    *,
    by: User,
    now: datetime,
    label: str = "",
    primary: bool = False,
    url: str = "",
    form_url: str = "",
    confirm: str = "",
    hidden: dict[str, str] | None = None,
) -> Act:
    """The action as this person may do it to this object now; `url` where it has an address of its own."""
    step = flow.steps[action]
    no = refusal(flow, action, obj, by=by, now=now)
    return Act(
        action=action,
        label=label or step.label,
        url=url or address("act", flow.name, obj.pk, action),
        enabled=no is None,
        why_not=no.sentence if no else "",
        code=no.code if no else "",
        primary=primary,
        needs_reason=step.needs_reason,
        confirm=confirm,
        form_url=form_url,
        hidden=hidden or {},
    )


def way_back(flow: Flow, step: Step, done: Any, *, by: User, now: datetime) -> str:
    """Where the button leads that takes a step back, for its notice; nothing where this person has none."""
    name = step.undone_by
    if not name or refusal(flow, name, done, by=by, now=now):
        return ""
    return address("act", flow.name, done.pk, name)


def worth_showing(acts: Iterable[Act]) -> list[Act]:
    """Leaves out what the object's status rules out: such an action is of another day, not refused to this person."""
    return [each for each in acts if each.code not in {"status", "done"}]
