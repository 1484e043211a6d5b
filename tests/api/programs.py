"""Programs that use the API as people of the cast, each with a token of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Token, User
from accounts.roles import standing
from accounts.tokens import digest_of, new_key
from releaseflow.people.tokens import TOKEN, own_roles
from tests.stages import PDF, THURSDAY
from workflow import clock
from workflow.machine import begin


class Program:
    """Sends JSON with its token; `headers` go with every request."""

    def __init__(self, user: User, *, roles: list[str] | None = None, days: int = 90) -> None:
        self.key, now = new_key(), clock.now()
        chosen = [role.value for role in own_roles(user)] if roles is None else roles
        token = Token(user=user, name="Pipeline", roles=chosen, digest=digest_of(self.key))
        token.expires_at = now + timedelta(days=days)
        self.token = begin(TOKEN, "create", token, by=user) if standing(user).line != "No role yet" else _bare(token)
        self.client = Client(headers={"Authorization": f"Bearer {self.key}"})

    def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> Any:
        return self.client.get(f"/api/v1/{path}", query or {}, headers=headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(f"/api/v1/{path}", body or {}, content_type="application/json", headers=more)

    def do(self, path: str, action: str, **body: Any) -> Any:
        """Performs an action that must succeed; returns the object after it."""
        answer = self.post(f"{path}/actions/{action}", body)
        assert answer.status_code == 200, answer.content
        return answer.json()["object"]

    def make(self, path: str, **body: Any) -> Any:
        answer = self.post(path, body)
        assert answer.status_code == 201, answer.content
        return answer.json()

    def attach(self, number: str, kind: str, content: bytes = PDF, **headers: str) -> Any:
        file = SimpleUploadedFile(f"{kind}.pdf", content + kind.encode(), "application/pdf")
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(f"/api/v1/crqs/{number}/actions/attach_{kind}", {"file": file}, headers=more)


def _bare(token: Token) -> Token:
    """Of somebody without a role, who cannot make one: as if the role had been taken away since."""
    token.created_at = clock.now()
    token.save()
    return token


WEEK = THURSDAY.isoformat()
