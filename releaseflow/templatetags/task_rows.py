"""The rows of My tasks: what a person owes, and what others owe them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from django import template
from django.template import Context
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString

from crq.owed import Waiting
from releaseflow.home import Line
from workflow import eastern
from workflow.eastern import say_near
from workflow.templatetags.components import act_id, fragment, icon, in_a_row, plain_act
from workflow.templatetags.eastern_time import near, time_element

register = template.Library()


@register.simple_tag(takes_context=True)
def task_rows(context: Context, tasks: Iterable[Line]) -> SafeString:
    """`{% task_rows tasks %}`: releaseflow/_task.fragment.html, to be picked where several are approved together."""
    now, zone = context["now"], getattr(context["user"], "time_zone", "")
    together = bool(context["page"].together)
    rows = (_task(each, _due(each.due, now, zone) if each.due else "", together) for each in tasks)
    return in_a_row(rows)


@lru_cache(maxsize=1024)
def _task(task: Line, due: str, together: bool) -> SafeString:
    state = "stop" if task.late else "you"
    return fragment(
        "releaseflow/_task",
        late=" is-late" if task.late else "",
        state=state,
        icon=icon(state, size="lg"),
        url=task.url,
        verb=task.verb,
        subject=task.subject,
        why=task.why,
        pick=fragment("releaseflow/_pick", crq=task.pick) if task.pick and together else "",
        due=due,
    )


@lru_cache(maxsize=64)
def _due(due: datetime, now: datetime, zone: str) -> SafeString:
    # The tasks of one page share a few deadlines.
    context = Context({"now": now})
    return fragment(
        "releaseflow/_due",
        at=eastern.machine_time(due),
        left=eastern.say_countdown(due, now),
        near=near(context, due),
        yours=eastern.say_elsewhere(due, zone),
    )


@register.simple_tag(takes_context=True)
def waiting_row(context: Context, task: Waiting) -> SafeString:
    """`{% waiting_row task %}`: releaseflow/_waiting.fragment.html with the button that nudges, or why not."""
    since, nudge = say_near(task.since, context["now"]) if task.since else "", SafeString()
    if task.nudge:
        button = plain_act(context, task.nudge, act_id(task.nudge), small=True)
        nudge = format_html('<div class="task-act">{}</div>', button)
    return fragment("releaseflow/_waiting", **_waiting(task, since), nudge=nudge)


@lru_cache(maxsize=1024)
def _waiting(task: Waiting, since: str) -> dict[str, SafeString]:
    """All but the button, which has the request's token. What was not judged anew is the same object."""
    off = SafeString()
    if task.nudge and not task.nudge.enabled:
        off = format_html('<span class="by" id="{}">{}</span>', act_id(task.nudge), task.nudge.why_not)
    values = {
        "icon": icon("wait", size="lg"),
        "url": task.url,
        "verb": task.verb,
        "subject": task.subject,
        "who": task.who,
        "since": format_html(" · since {}", time_element(task.since, since)) if task.since else "",
        "why_not": off,
    }
    return {name: conditional_escape(value) for name, value in values.items()}
