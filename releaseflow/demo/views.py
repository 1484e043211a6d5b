"""The demonstration's own pages: become someone, move the clock, read the mail. They exist only with DEMO=1."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Page
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from crq.deadlines import Enforced
from crq.views.emails import sandboxed
from deployments.weeks import open_weeks
from notifications.models import Letter
from releaseflow.demo import moments
from releaseflow.demo.mailbox import mailbox as read_mailbox
from releaseflow.models import Heartbeat
from releaseflow.tick import tick
from workflow import clock
from workflow.eastern import say_instant
from workflow.navigation import came_from

View = Callable[..., HttpResponse]


def only_in_a_demo(view: View) -> View:
    """A second lock: even where these addresses were routed by mistake, they answer 404 without DEMO=1."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not settings.DEMO:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


@login_not_required
@only_in_a_demo
@require_POST
def become(request: HttpRequest) -> HttpResponse:
    """Signs in as `user` (a primary key) without a password, and returns to the page."""
    pk = request.POST.get("user", "")
    user = get_object_or_404(User, pk=pk if pk.isdecimal() else 0, is_active=True)
    login(request, user)
    back = came_from(request)
    return redirect("my-tasks" if reverse("sign-in") in back else back)


@only_in_a_demo
@require_POST
def move_clock(request: HttpRequest) -> HttpResponse:
    """Moves the clock to `to` and enforces what it passed, in order; beat would do the same a moment later."""
    at = moments.move_clock(request.POST.get("to", ""))
    now = clock.now()
    open_weeks(now)
    messages.success(request, f"It is {say_instant(at)} now.{_passed(tick(now))}")
    Heartbeat.mark("enforce_deadlines", now)
    return redirect(came_from(request))


def _passed(done: list[Enforced]) -> str:
    if not done:
        return ""
    held = sum(each.held for each in done)
    names = ", ".join(each.milestone.get_key_display() for each in done[:4])
    more = f" and {len(done) - 4} more" if len(done) > 4 else ""
    holds = f" {held} deployment{'' if held == 1 else 's'} held." if held else ""
    return f" Passed: {names}{more}.{holds}"


@only_in_a_demo
@require_safe
def mailbox(request: HttpRequest) -> HttpResponse:
    box = read_mailbox(reader=request.GET.get("to", ""), number=request.GET.get("page", "1"))
    return render(request, "demo/mailbox.html", {"now": clock.now(), "box": box, **_pages(box.page, box.reader)})


def _pages(page: Page[Letter], reader: str) -> dict[str, str]:
    def url(number: int) -> str:
        return "?" + urlencode(({"to": reader} if reader else {}) | {"page": number})

    return {
        "previous_page_url": url(page.previous_page_number()) if page.has_previous() else "",
        "next_page_url": url(page.next_page_number()) if page.has_next() else "",
    }


@only_in_a_demo
@require_safe
@xframe_options_sameorigin
def letter(request: HttpRequest, pk: int) -> HttpResponse:
    """The HTML part as a mail program would show it."""
    return sandboxed(get_object_or_404(Letter, pk=pk).html)
