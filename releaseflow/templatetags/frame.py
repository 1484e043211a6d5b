"""`{% frame as frame %}`: what stands around the content of a person's page."""

from __future__ import annotations

from django import template
from django.template import Context

from releaseflow import context as around

register = template.Library()


@register.simple_tag(takes_context=True)
def frame(context: Context) -> around.Frame:
    """By `now` and `tasks` of the context, and the name of the page's address."""
    match = context["request"].resolver_match
    page = (match and match.url_name) or ""
    return around.frame(context["user"], page=page, now=context["now"], tasks=context.get("tasks") or 0)
