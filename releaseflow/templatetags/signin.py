"""What the pages of the sign-in ask for."""

from __future__ import annotations

from django import template
from django.conf import settings

register = template.Library()
BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (
    *(("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows")),
    *(("Mac OS", "macOS"), ("Linux", "Linux")),
)


@register.simple_tag
def sign_in_with() -> str:
    """The name of the identity provider, or nothing where there is none."""
    return str(settings.OIDC.name) if settings.OIDC else ""


@register.filter
def device(user_agent: str) -> str:
    """ "Firefox on Windows", as far as the browser says it."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "A browser")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    return f"{browser} on {system}" if system else browser
