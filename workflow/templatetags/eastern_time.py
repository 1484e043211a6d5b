"""Time in templates: Eastern words, with the instant for machines in `<time datetime>`.

The filters give bare text and suit plain-text e-mails; `when`, `near` and `countdown` give HTML. A missing instant
gives nothing. `near` and `countdown` need `now` in the context; `when` adds the year when `now` is there to compare.
"""

from datetime import date, datetime

from django import template
from django.template import Context
from django.utils.html import format_html

from workflow import eastern

register = template.Library()


@register.filter
def instant(at: datetime | None) -> str:
    return eastern.say_instant(at) if at else ""


@register.filter
def clock_time(at: datetime | None) -> str:
    return eastern.say_time(at) if at else ""


@register.filter
def day(value: date | None) -> str:
    return eastern.say_day(value) if value else ""


@register.filter
def long_day(value: date | None) -> str:
    return eastern.say_long_day(value) if value else ""


@register.filter
def machine_time(at: datetime) -> str:
    return eastern.machine_time(at)


@register.simple_tag(takes_context=True)
def when(context: Context, at: datetime | None) -> str:
    """`{% when milestone.due_at %}`: the full words, `Tue Dec 8, 2:00 pm ET`."""
    return time_element(at, eastern.say_instant(at, now=context.get("now"))) if at else ""


@register.simple_tag(takes_context=True)
def near(context: Context, at: datetime | None) -> str:
    """`{% near event.at %}`: `today, 2:00 pm ET`, or the full words for another day."""
    return time_element(at, eastern.say_near(at, context["now"])) if at else ""


@register.simple_tag(takes_context=True)
def countdown(context: Context, at: datetime | None) -> str:
    """`{% countdown milestone.due_at %}`: `2 h 18 min` or `late 2 h`, marked for the script that keeps it fresh."""
    if not at:
        return ""
    words = eastern.say_countdown(at, context["now"])
    return format_html('<time datetime="{}" data-countdown>{}</time>', eastern.machine_time(at), words)


@register.simple_tag(takes_context=True)
def your_time(context: Context, at: datetime | None) -> str:
    """`{% your_time at %}`: `1:00 pm your time` for a signed-in person whose clock differs, otherwise nothing."""
    zone = getattr(context.get("user"), "time_zone", "")
    return eastern.say_elsewhere(at, zone) if at else ""


def time_element(at: datetime, words: str) -> str:
    return format_html('<time datetime="{}">{}</time>', eastern.machine_time(at), words)
