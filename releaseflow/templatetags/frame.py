"""What stands around the content of a person's page."""

from __future__ import annotations

from django import template
from django.template import Context
from django.utils.safestring import SafeString

from releaseflow import context as around
from workflow.addresses import address
from workflow.templatetags.components import face, fragment, icon

register = template.Library()


@register.simple_tag(takes_context=True)
def frame(context: Context) -> around.Frame:
    """`{% frame as frame %}`, by `now` and `tasks` of the context and the name of the page's address."""
    match = context["request"].resolver_match
    page = (match and match.url_name) or ""
    return around.frame(context["user"], page=page, now=context["now"], tasks=context.get("tasks") or 0)


@register.simple_tag(takes_context=True)
def me(context: Context) -> SafeString:
    """`{% me as me %}`: who is signed in, in which roles, and the way out; after `frame`. A page shows it twice."""
    user = context["user"]
    return fragment(
        "components/_me",
        face=face(context, user, size="lg", you=True),
        url=address("me"),
        name=user.name,
        role_line=context["frame"].role_line,
        sign_out=address("sign-out"),
        token=context["csrf_token"],
        icon=icon("leave"),
    )
