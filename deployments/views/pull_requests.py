"""The queue, the page of one pull request, and submitting one."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.person import person
from deployments import planning, pull_request_page
from deployments.flow import PULL_REQUEST
from deployments.forms import HeadForm, PullRequestForm, ReviewForm, refuse
from deployments.models import PullRequest
from deployments.pull_request_page import Panel
from deployments.queue import HEAD, cells, queue, with_reviews
from workflow import clock
from workflow.eastern import say_day
from workflow.machine import perform
from workflow.spreadsheet import spreadsheet
from workflow.steps import Refused

NO_REPOSITORY = "Pull requests are submitted by the team that owns the repository, and none of your teams owns one."


@require_safe
def index(request: HttpRequest) -> HttpResponseBase:
    """`?format=csv` gives the whole of the view as a spreadsheet."""
    by, now = person(request), clock.now()
    asked = {name: request.GET.get(name, "") for name in ("view", "q")}
    if request.GET.get("format") == "csv":
        return spreadsheet("pull-requests", HEAD, cells(by, **asked, now=now))
    found = queue(by, **asked, at=request.GET.get("at", ""), now=now)
    context = {"queue": found, "new_url": reverse("new-pull-request"), "now": now}
    return render(request, "deployments/pull_requests.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    form = PullRequestForm(request.POST if request.method == "POST" else None, user=person(request), now=now)
    if form.is_valid():
        try:
            pull_request = planning.submit(form.unsaved(), by=person(request))
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, f"{pull_request} is in the queue for the next review.")
            return redirect(pull_request)
    context = {
        "now": now,
        "form": form,
        "title": "Submit a pull request",
        "submit_label": "Submit pull request",
        "back_url": reverse("pull-requests"),
        "back_label": "Pull requests",
        "why_not": "" if form.own else NO_REPOSITORY,
    }
    return render(request, "deployments/form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def pull_request(request: HttpRequest, pk: int) -> HttpResponse:
    """The page; its forms are posted to it with the name of their action."""
    found = get_object_or_404(with_reviews(PullRequest.objects.all()), pk=pk)
    posted = request.POST.get("form", "")
    data = request.POST if request.method == "POST" else None
    now = clock.now()
    page = pull_request_page.page(found, by=person(request), now=now, posted=posted, data=data)
    panel = next((each for each in page.panels if each.name == posted), None)
    if data is not None and panel is None:
        raise Http404
    if panel is not None and panel.form.is_valid():
        try:
            done = _act(panel, found, person(request))
        except Refused as refused:
            _start_over(panel, found)
            refuse(panel.form, refused)
        else:
            messages.success(request, done)
            return redirect(found)
    status = 422 if page.problem else 200
    return render(request, "deployments/pull_request.html", {"page": page, "now": now}, status=status)


def _act(panel: Panel, pull_request: PullRequest, by: User) -> str:
    """Does what the form asks; the sentence says what was done."""
    given = panel.form.cleaned_data
    if isinstance(panel.form, ReviewForm):
        perform(PULL_REQUEST, "review", pull_request, by=by, **given)
        return f"Your review of {pull_request} is recorded."
    if isinstance(panel.form, HeadForm):
        perform(PULL_REQUEST, "new_head", pull_request, by=by, sha=given["sha"])
        return f"The head commit of {pull_request} is now {given['sha'][: pull_request_page.SHORT]}."
    deployment = planning.plan_into(pull_request, given["week"], by=by, title=given["title"])
    return f"{pull_request} is planned for {say_day(deployment.week.thursday)}: {deployment.title}."


def _start_over(panel: Panel, pull_request: PullRequest) -> None:
    """The page now shows the newest commit, so a second try is a review of that one."""
    if isinstance(panel.form, ReviewForm):
        panel.form.data = dict(panel.form.data.items()) | {panel.form.add_prefix("sha"): pull_request.head_sha}
