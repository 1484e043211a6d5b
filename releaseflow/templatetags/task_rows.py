"""The rows of My tasks: what a person owes, and what others owe them."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from releaseflow.home import Line, Waiting
from workflow import eastern
from workflow.templatetags.components import act_id, fragment, icon, plain_act
from workflow.templatetags.eastern_time import near

register = template.Library()


@register.simple_tag(takes_context=True)
def task_row(context: Context, task: Line) -> SafeString:
    """`{% task_row task %}`: releaseflow/_task.fragment.html, to be picked where several are approved together."""
    state, zone = "stop" if task.late else "you", getattr(context["user"], "time_zone", "")
    return fragment(
        "releaseflow/_task",
        late=" is-late" if task.late else "",
        state=state,
        icon=icon(state, size="lg"),
        url=task.url,
        verb=task.verb,
        subject=task.subject,
        why=task.why,
        pick=fragment("releaseflow/_pick", crq=task.pick) if task.pick and context["page"].together else "",
        due=_due(task.due, context["now"], zone) if task.due else "",
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
    return fragment(
        "releaseflow/_waiting",
        icon=icon("wait", size="lg"),
        url=task.url,
        verb=task.verb,
        subject=task.subject,
        who=task.who,
        since=format_html(" · since {}", near(context, task.since)) if task.since else "",
        **_nudge(context, task),
    )


def _nudge(context: Context, task: Waiting) -> dict[str, Any]:
    if task.nudge is None:
        return {"why_not": "", "nudge": ""}
    key = act_id(task.nudge)
    off = "" if task.nudge.enabled else format_html('<span class="by" id="{}">{}</span>', key, task.nudge.why_not)
    button = plain_act(context, task.nudge, key, small=True)
    return {"why_not": off, "nudge": format_html('<div class="task-act">{}</div>', button)}
