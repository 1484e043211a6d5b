"""Channels that posts go to, and what became of each post. For administrators."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.person import person
from accounts.secrets import seal
from notifications.models import Channel, Post
from notifications.shapes import new_signing_secret
from releaseflow.channels import page
from releaseflow.channels.flow import CHANNEL
from releaseflow.channels.forms import ChannelForm, NewChannelForm
from releaseflow.settings_pages.guard import for_those_who_may
from workflow import clock
from workflow.machine import begin, perform
from workflow.spreadsheet import spreadsheet
from workflow.steps import Refused

Both = require_http_methods(["GET", "HEAD", "POST"])
for_administrators = for_those_who_may("create", CHANNEL)


@Both
@for_administrators
def channels(request: HttpRequest) -> HttpResponse:
    """The list; posting to it adds a channel, and shows a signed webhook's secret, this once."""
    form = NewChannelForm(request.POST or None)
    if form.is_bound and form.is_valid():
        try:
            return _added(request, form.unsaved())
        except Refused as refused:
            form.add_error("name", str(refused))
    now = clock.now()
    context = {"fares": [page.fare(each, now) for each in page.channels(now)], "form": form, "now": now}
    return render(request, "channels/channels.html", context, status=422 if form.errors else 200)


def _added(request: HttpRequest, unsaved: Channel) -> HttpResponse:
    secret = new_signing_secret() if unsaved.kind == Channel.Kind.WEBHOOK else ""
    unsaved.secret = seal(secret) if secret else ""
    channel = begin(CHANNEL, "create", unsaved, by=person(request))
    if secret:
        return _secret(request, channel, secret)
    messages.success(request, f"{channel} is added. Send a test post now.")
    return redirect(channel)


@Both
@for_administrators
def channel(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One channel with its posts; posting to it changes what it hears. `?format=csv` gives a spreadsheet."""
    now = clock.now()
    found = get_object_or_404(page.channels(now), pk=pk)
    only = "trouble" if request.GET.get("only") == "trouble" else ""
    if request.GET.get("format") == "csv":
        return spreadsheet("posts", page.HEAD, page.cells(found, only))
    form = ChannelForm(request.POST if request.method == "POST" else None, channel=found)
    if form.is_bound and form.is_valid():
        try:
            perform(CHANNEL, "change", found, by=person(request), **form.values())
        except Refused as refused:
            form.add_error("name", str(refused))
        else:
            messages.success(request, "The channel is saved.")
            return redirect(found)
    shown = page.channel_page(found, at=request.GET.get("at", ""), only=only, by=person(request), now=now)
    context = {"page": shown, "only": only, "now": now, "form": form}
    return render(request, "channels/channel.html", context, status=422 if form.errors else 200)


@require_POST
@for_administrators
def renew(request: HttpRequest, pk: int) -> HttpResponse:
    """A new secret, shown this once; from now on nothing is signed with the former one."""
    secret = new_signing_secret()
    found = get_object_or_404(Channel, pk=pk)
    return _secret(request, perform(CHANNEL, "renew", found, by=person(request), secret=seal(secret)), secret)


def _secret(request: HttpRequest, channel: Channel, secret: str) -> HttpResponse:
    answer = render(request, "channels/secret.html", {"channel": channel, "secret": secret})
    answer["Cache-Control"] = "no-store"
    return answer


@require_safe
@for_administrators
def post(request: HttpRequest, pk: int) -> HttpResponse:
    now = clock.now()
    found = get_object_or_404(Post.objects.select_related("channel"), pk=pk)
    shown = page.post_page(found, by=person(request), now=now)
    return render(request, "channels/post.html", {"page": shown, "now": now})
