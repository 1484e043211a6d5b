"""Who asks: the session and its person, for every request one prepared statement each."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db.models import CharField
from django.db.models.functions import Now

from accounts.models import User
from accounts.prepared import Prepared, Slot

_SESSION = Prepared(
    lambda: Session.objects.filter(session_key=Slot("key", CharField()), expire_date__gt=Now())  # not yet over
)
_PERSON = Prepared(lambda: User.objects.filter(pk=Slot("person"), is_active=True).order_by())


class SessionStore(db.SessionStore):
    def _get_session_from_db(self) -> Session | None:
        for session in _SESSION(key=self.session_key):
            return session
        self._session_key = None  # so that nobody chooses the key of a session to come
        return None


class Backend(AuthenticationBackend):
    """Signs in as allauth does."""

    def get_user(self, user_id: Any) -> User | None:
        return next(iter(_PERSON(person=user_id)), None)
