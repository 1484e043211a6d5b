"""Calendar addresses: one's own page of them, and what a calendar application reads."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import Team, User
from accounts.person import person
from accounts.secrets import new_secret
from accounts.tokens import digest_of
from releaseflow.feeds.dates import dates, feed_url
from releaseflow.feeds.flow import FEED
from releaseflow.models import Feed
from workflow import clock
from workflow.acts import act
from workflow.machine import begin
from workflow.steps import Refused

NAMES = {Feed.Kind.MINE: "Releases that concern me", Feed.Kind.WEEK: "Release weeks"}


class FeedForm(forms.Form):
    kind = forms.ChoiceField(label="What it tells", choices=Feed.Kind.choices, widget=forms.RadioSelect, initial="mine")
    team = forms.ModelChoiceField(Team.objects.all(), required=False, empty_label="Choose a team")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("kind") == Feed.Kind.TEAM and not given.get("team"):
            self.add_error("team", "Choose the team.")
        return given

    def unsaved(self, user: User, key: str) -> Feed:
        kind = self.cleaned_data["kind"]
        team = self.cleaned_data["team"] if kind == Feed.Kind.TEAM else None
        return Feed(user=user, kind=kind, team=team, digest=digest_of(key))


@require_http_methods(["GET", "HEAD", "POST"])
def feeds(request: HttpRequest) -> HttpResponse:
    """One's addresses; posting makes one and shows it, this once."""
    form, user, key = FeedForm(request.POST or None), person(request), ""
    if form.is_bound and form.is_valid():
        key = new_secret()
        try:
            begin(FEED, "make", form.unsaved(user, key), by=user)
            form = FeedForm()
        except Refused as refused:
            form.add_error(None, str(refused))
            key = ""
    now = clock.now()
    mine = Feed.objects.filter(user=user, revoked_at=None).select_related("team")
    confirm = "Calendars that read it get nothing more."
    rows = [(each, act(FEED, "revoke", each, by=user, now=now, confirm=confirm)) for each in mine]
    context = {"rows": rows, "form": form, "made": feed_url(key) if key else "", "now": now}
    answer = render(request, "feeds/feeds.html", context, status=422 if form.errors else 200)
    answer["Cache-Control"] = "no-store"
    return answer


@login_not_required
@require_safe
def feed(request: HttpRequest, key: str) -> HttpResponse:
    """The file. An unknown or revoked key, and one of somebody who is switched off, is a 404."""
    from releaseflow.feeds.ics import as_ics  # brings icalendar

    live = Feed.objects.filter(revoked_at=None, user__is_active=True).select_related("team")
    found = live.filter(digest=digest_of(key)).first()
    if found is None:
        raise Http404
    name = f"Releases of {found.team}" if found.team else NAMES[Feed.Kind(found.kind)]
    content = as_ics(name, dates(found, clock.now()))
    etag = f'"{sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if request.headers.get("If-None-Match") == etag:
        return HttpResponseNotModified(headers=headers)
    headers["Content-Disposition"] = 'inline; filename="releases.ics"'
    return HttpResponse(content, content_type="text/calendar; charset=utf-8", headers=headers)
