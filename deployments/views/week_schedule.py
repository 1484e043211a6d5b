"""The dates of one week: skipping it, another install day, and following the calendar again."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.person import person
from deployments import schedule
from deployments.dates import Choice
from deployments.flow import WEEK
from deployments.forms import refuse
from deployments.models import ReleaseWeek
from deployments.schedule_forms import SkipForm, SubstituteForm
from deployments.schedule_page import week_dates, why_not_week
from deployments.views.preview import confirms, goes_on_editing, preview_page
from workflow import clock
from workflow.acts import act
from workflow.eastern import say_day
from workflow.steps import Refused

LABELS = {"skip": "Skip this week", "substitute": "Set the install day", "reopen": "Follow the calendar again"}


@require_http_methods(["GET", "HEAD", "POST"])
def week_schedule(request: HttpRequest, thursday: date) -> HttpResponse:
    user, now = person(request), clock.now()
    week = get_object_or_404(ReleaseWeek.objects.prefetch_related("milestones"), thursday=thursday)
    action = request.POST.get("what", "") if request.method == "POST" else ""
    why_not = {each: why_not_week(each, week, by=user, now=now) for each in LABELS}
    made = _forms(request, week, action, now)
    form = made.get(action)
    if form and form.is_valid() and why_not[action]:
        form.add_error(None, why_not[action])
    elif form and form.is_valid() and not goes_on_editing(request):
        answer = _decide(request, week, action, form, by=user, now=now)
        if answer is not None:
            return answer
    context: dict[str, Any] = {
        "week": week,
        "dates": week_dates(week, now),
        "forms": made,
        "form": form,
        "why_not": why_not,
        "labels": LABELS,
        "hold": act(WEEK, "unkeep" if week.legal_hold else "keep", week, by=user, now=now),
    }
    return render(request, "deployments/week_schedule.html", context, status=422 if form and form.errors else 200)


def _forms(request: HttpRequest, week: ReleaseWeek, action: str, now: datetime) -> dict[str, forms.Form]:
    def data(each: str) -> Any:
        return request.POST if action == each else None

    return {
        "substitute": SubstituteForm(data("substitute"), week=week, now=now),
        "skip": SkipForm(data("skip")),
        "reopen": forms.Form(data("reopen")),
    }


def _decide(
    request: HttpRequest, week: ReleaseWeek, action: str, form: forms.Form, *, by: User, now: datetime
) -> HttpResponse | None:
    """Shows what the choice means, or does it; None when it was refused, with the sentence on the form."""
    given = form.cleaned_data
    choice = Choice(skip_because=given.get("reason", ""), substitute=given.get("day"))
    page: dict[str, Any] = {
        "title": "What changes",
        "save_label": LABELS[action],
        "lines": [_wish(action, choice, week)],
        "back": (request.path, f"Dates of the {week}"),
    }
    try:
        if not confirms(request):
            return preview_page(request, schedule.preview_week(week, choice, now), **page)
        done = schedule.apply_to_week(week, action, choice, by=by, digest=confirms(request), reason=choice.skip_because)
    except schedule.Stale as stale:
        return preview_page(request, stale.preview, stale=stale, **page)
    except (Refused, ValueError) as error:
        refuse(form, error if isinstance(error, Refused) else Refused.because(str(error)))
        return None
    messages.success(request, _done(done))
    return redirect(request.path)


def _wish(action: str, choice: Choice, week: ReleaseWeek) -> str:
    if action == "skip":
        return f"The {week} is skipped: {choice.skip_because}"
    if choice.substitute:
        return f"Code install of the {week} on {say_day(choice.substitute)}"
    return f"The {week} follows the schedule and the calendar"


def _done(week: ReleaseWeek) -> str:
    if week.install_day:
        return f"Saved. Code install on {say_day(week.install_day)}."
    return f"Saved. The {week} is skipped, and what was planned for it has moved."
