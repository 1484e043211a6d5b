"""The page of one's own tokens."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.models import Token
from accounts.person import person
from accounts.roles import Role
from accounts.tokens import digest_of, new_key
from releaseflow.people.tokens import TOKEN, TokenForm
from workflow import clock
from workflow.acts import Act, act
from workflow.eastern import eastern_day, say_day
from workflow.machine import begin
from workflow.steps import Refused


@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """The list; posting to it makes a token and shows its key, this once."""
    user, now = person(request), clock.now()
    form = TokenForm(request.POST if request.method == "POST" else None, user=user)
    if form.is_valid():
        key = new_key()
        try:
            token = begin(TOKEN, "create", form.unsaved(user, digest_of(key), now=now), by=user)
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            return _shown(request, token, key)
    rows = [(each, _line(each), _revoke(each, request, now)) for each in user.tokens.filter(revoked_at=None)]
    context = {"form": form, "rows": rows, "now": now}
    return render(request, "accounts/tokens.html", context, status=422 if form.errors else 200)


def _shown(request: HttpRequest, token: Token, key: str) -> HttpResponse:
    answer = render(request, "accounts/token.html", {"token": token, "key": key})
    answer["Cache-Control"] = "no-store"
    return answer


def _line(token: Token) -> str:
    """ "Dev Team, DevOps · until Tue Mar 9 · last used Wed Dec 9"."""
    roles = ", ".join(str(Role(role).label) for role in token.roles) or "Only reads"
    used = f"last used {say_day(eastern_day(token.last_used_at))}" if token.last_used_at else "never used"
    return f"{roles} · until {say_day(eastern_day(token.expires_at))} · {used}"


def _revoke(token: Token, request: HttpRequest, now: datetime) -> Act:
    return act(TOKEN, "revoke", token, by=person(request), now=now, confirm="What uses it stops working at once.")
