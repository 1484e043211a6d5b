"""Ending somebody's sessions."""

from __future__ import annotations

from allauth.usersessions.models import UserSession

from accounts.models import User


def end_sessions(user: User) -> None:
    """Signs the person out everywhere. Whoever is switched off is nobody at the next request in any case."""
    for session in UserSession.objects.filter(user=user):
        session.end()
