"""Links that open something by themselves: they are made as the message leaves, and stand nowhere before or after.

The outbox keeps what was written for good, and several pages show it. So a letter of these kinds is written with PLACE
where the link belongs, and only the copy on its way to the mail server has the link. See docs/adr/0022.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings

from notifications.models import Email

MAKERS: dict[str, Callable[[Email], str]] = {}
"""For each such kind of letter what makes the link for one recipient: a path below SITE_URL. Higher apps add theirs."""
PRIVATE = ("password_reset", "account_changed")
"""Kinds that are of one person's sign-in and nobody else's business: lists of what was sent leave them out."""
PLACE = f"{settings.SITE_URL}/link-only-in-the-delivered-copy/"


def opened(email: Email) -> tuple[str, str]:
    """The letter's text and HTML with this recipient's link. Made again for each try, so it never outlives its time."""
    link = settings.SITE_URL + MAKERS[email.letter.kind](email)
    return email.letter.text.replace(PLACE, link), email.letter.html.replace(PLACE, link)
