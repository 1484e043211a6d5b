"""Filters that a person gave a name, for each list page that has them."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from django.db.models import CharField

from accounts.models import SavedView, User
from accounts.prepared import Prepared, Slot

FILTERS = {"board": ("view", "team")}
"""For each page what its filter consists of; anything else in an address is no part of a view."""
MOST = 20


def saved_views(user: User, page: str) -> list[SavedView]:
    return _OF_PAGE(user=user.pk, page=page)


_OF_PAGE = Prepared(lambda: SavedView.objects.filter(user=Slot("user"), page=Slot("page", CharField())))


def save(user: User, page: str, name: str, query: str) -> str:
    """Keeps the filter under the name, in place of one that had it; returns a sentence when that is not possible."""
    name = " ".join("".join(char if char.isprintable() else " " for char in name).split())
    if not name:
        return "Give the view a name."
    if len(name) > 40:
        return "That name is too long: at most 40 characters."
    others = user.saved_views.filter(page=page).exclude(name=name)
    if others.count() >= MOST:
        return f"You have {MOST} saved views already. Delete one first."
    kept = {"query": _kept(page, query)}
    SavedView.objects.update_or_create(user=user, page=page, name=name, defaults=kept)
    return ""


def _kept(page: str, query: str) -> str:
    return urlencode([(key, value) for key, value in parse_qsl(query[:300]) if key in FILTERS[page]])[:300]
