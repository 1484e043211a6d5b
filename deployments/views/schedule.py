"""The calendar, the schedule's rules and the closed days. What changes is shown before it is saved."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count
from django.db.models.functions import ExtractYear
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.person import person
from deployments import schedule
from deployments.calendar_page import calendar_page
from deployments.federal import propose_closed_days
from deployments.forms import refuse
from deployments.models import ClosedDay
from deployments.rules import current_policy
from deployments.schedule_forms import ClosedDaysForm, PolicyForm, ProposalForm
from deployments.schedule_page import closed_rows, policy_lines, why_not_calendar, why_not_policy, years
from deployments.views.preview import confirms, goes_on_editing, preview_page
from workflow import clock
from workflow.eastern import eastern_day, say_day
from workflow.steps import Refused


@require_safe
def calendar(request: HttpRequest) -> HttpResponse:
    """`?month=2026-12` begins there."""
    now = clock.now()
    page = calendar_page(now, request.GET.get("month", ""))
    return render(request, "deployments/calendar.html", {"now": now, "page": page})


@require_http_methods(["GET", "HEAD", "POST"])
def policy(request: HttpRequest) -> HttpResponse:
    """The schedule's rules; posting shows what changes, and posting that saves it."""
    user, now = person(request), clock.now()
    current = current_policy()
    why_not = why_not_policy(user, now)
    form = PolicyForm(request.POST if request.method == "POST" else None, current=current)
    if form.is_valid() and why_not:
        form.add_error(None, why_not)
    elif form.is_valid() and not goes_on_editing(request):
        lines = policy_lines(current, form.policy)
        if lines:
            wish = schedule.NewPolicy(form.policy)
            words: dict[str, Any] = {"lines": lines, "save_label": "Save schedule", "back": (request.path, "Schedule")}
            if answer := _decide(request, form, wish, now=now, **words):
                return answer
        else:
            form.add_error(None, "Nothing differs from the schedule as it is.")
    context = {"form": form, "why_not": why_not}
    return render(request, "deployments/schedule.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def closed_days(request: HttpRequest) -> HttpResponse:
    """The calendar's closed days, year by year: adding, taking over a proposal, removing."""
    user, now = person(request), clock.now()
    year = _year(request, now)
    why_not = why_not_calendar(user, now)
    wished = request.POST.get("what", "")
    add = ClosedDaysForm(request.POST if wished == "add" else None, now=now)
    proposal = _proposal(request, year, wished, now)
    form: forms.Form | None = {"add": add, "propose": proposal}.get(wished)
    if wished == "remove":
        form = _Removal(request.POST)
    if form and form.is_valid() and why_not:
        form.add_error(None, why_not)
    elif form and form.is_valid() and not goes_on_editing(request):
        wish = _new_closed_days(form)
        back = f"{request.path}?year={wish.year}"
        words: dict[str, Any] = {"lines": wish.words, "save_label": "Save closed days", "back": (back, "Closed days")}
        if answer := _decide(request, form, wish, now=now, **words):
            return answer
    context = _closed_days_context(year, now) | {"add": add, "proposal": proposal, "why_not": why_not, "form": form}
    return render(request, "deployments/closed_days.html", context, status=422 if form and form.errors else 200)


class _Removal(forms.Form):
    day = forms.DateField()

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        if not ClosedDay.objects.filter(day=day).exists():
            raise forms.ValidationError(f"{say_day(day)} is not closed any more.")
        return day


def _decide(
    request: HttpRequest, form: forms.Form, wish: schedule.Wish, *, now: datetime, back: tuple[str, str], **page: Any
) -> HttpResponse | None:
    """Shows what the wish means, or saves it; None when it was refused, with the sentence on the form."""
    page |= {"title": "What changes", "back": back}
    if not confirms(request):
        return preview_page(request, schedule.preview(wish, now), **page)
    try:
        found = schedule.apply(wish, by=person(request), digest=confirms(request))
    except schedule.Stale as stale:
        return preview_page(request, stale.preview, stale=stale, **page)
    except Refused as refused:
        refuse(form, refused)
        return None
    messages.success(request, f"Saved. {found.sentence}")
    return redirect(back[0])


def _new_closed_days(form: forms.Form) -> schedule.NewClosedDays:
    if isinstance(form, ClosedDaysForm):
        return schedule.NewClosedDays(add=tuple(form.days))
    if isinstance(form, ProposalForm):
        return schedule.NewClosedDays(add=tuple(form.chosen))
    return schedule.NewClosedDays(remove=(form.cleaned_data["day"],))


def _proposal(request: HttpRequest, year: int, wished: str, now: datetime) -> ProposalForm | None:
    """Offered for the years ahead, on demand."""
    if year < eastern_day(now).year or not (wished == "propose" or "propose" in request.GET):
        return None
    data = request.POST if wished == "propose" else None
    return ProposalForm(data, proposed=propose_closed_days(year), now=now)


def _closed_days_context(year: int, now: datetime) -> dict[str, Any]:
    url, today = reverse("closed-days"), eastern_day(now)
    by_year = ClosedDay.objects.values_list(ExtractYear("day")).annotate(Count("pk")).order_by()
    rows = ClosedDay.objects.filter(day__year=year)
    return {
        "year": year,
        "years": years(year, today.year, dict(by_year), url),
        "rows": closed_rows(rows, schedule.open_now(now), today),
        "propose_url": f"{url}?year={year}&propose=1#propose" if year >= today.year else "",
    }


def _year(request: HttpRequest, now: datetime) -> int:
    """The year that is asked for, within ten of this one; anything else means this one."""
    this = eastern_day(now).year
    text = request.GET.get("year", "")
    asked = int(text) if text.isascii() and text.isdigit() and len(text) == 4 else this
    return asked if abs(asked - this) <= 10 else this
