"""Code reviews: the list with the form for one held ad hoc, and the agenda of one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.person import person
from deployments import planning
from deployments.agenda import agenda, review_rows, slide
from deployments.flow import CODE_REVIEW
from deployments.forms import AdHocReviewForm, DecisionForm, refuse
from deployments.models import CodeReview, PullRequest
from workflow import clock
from workflow.machine import begin
from workflow.steps import Refused


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """The list; posting to it records an ad hoc review."""
    user, now = person(request), clock.now()
    form = AdHocReviewForm(request.POST if request.method == "POST" else None, user=user, now=now)
    if form.is_valid():
        given = form.cleaned_data
        review = CodeReview(
            kind=CodeReview.Kind.AD_HOC, team=given["team"], week=given["week"], at=given["at"], note=form.full_note()
        )
        try:
            begin(CODE_REVIEW, "record", review, by=user)
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, "The review is recorded. Say here what was decided.")
            return redirect(review)
    ahead, over = review_rows(now)
    context = {"now": now, "form": form, "ahead": ahead, "over": over, "may_record": bool(form.own)}
    return render(request, "deployments/reviews.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """The agenda; posting to it records what was decided about one pull request. `?present=3` shows the third alone."""
    user, now = person(request), clock.now()
    found = get_object_or_404(CodeReview.objects.select_related("week", "team"), pk=pk)
    form = DecisionForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        given: dict[str, Any] = form.cleaned_data
        try:
            planning.decide(found, by=user, **given)
        except Refused as refused:
            refuse(form, refused)
        else:
            return redirect(_onwards(request, found, given["pull_request"]))
    page = agenda(found, by=user, now=now)
    present = _number(request.GET.get("present", ""))
    context = {"now": now, "page": page, "form": form, "typed": _typed(request), "slide": slide(page, present)}
    template = "review_present" if present and context["slide"] else "review"
    return render(request, f"deployments/{template}.html", context, status=422 if form.errors else 200)


def _onwards(request: HttpRequest, review: CodeReview, decided: PullRequest) -> str:
    """The next one on the screen, or the place in the agenda."""
    if after := _number(request.POST.get("after", "")):
        return f"{review.get_absolute_url()}?present={after}"
    return f"{review.get_absolute_url()}#pull-request-{decided.pk}"


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _typed(request: HttpRequest) -> dict[str, str]:
    """The note of the pull request that could not be decided, so that it is not lost."""
    return {"pull_request": request.POST.get("pull_request", ""), "note": request.POST.get("note", "")}
