"""The week's e-mails: drafts to look at, edit and send, and what was sent."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_safe

from accounts.person import person
from crq.announcement_form import AnnouncementForm
from crq.announcing import ANNOUNCEMENT
from crq.mail_pages import letter_of, mail_page, mail_room
from crq.models import Announcement
from workflow import clock
from workflow.machine import perform
from workflow.steps import Refused

# A letter is shown as a document of its own: no script, no form, nothing from elsewhere, only its own inlined style.
SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    return render(request, "crq/emails.html", {"now": now, "page": mail_room(now=now)})


@require_http_methods(["GET", "HEAD", "POST"])
def announcement(request: HttpRequest, pk: int) -> HttpResponse:
    """POST saves subject and introduction of a draft; sending is the plain act "send"."""
    found = _found(pk)
    initial = {"subject": found.subject, "introduction": found.introduction}
    form = AnnouncementForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            perform(ANNOUNCEMENT, "edit", found, by=person(request), **form.cleaned_data)
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, "Draft saved.")
            return redirect(found)
    now = clock.now()
    context = {"now": now, "page": mail_page(found, by=person(request), now=now), "form": form}
    template = "crq/emails_draft.html" if found.status == Announcement.Status.DRAFT else "crq/emails_sent.html"
    return render(request, template, context, status=422 if form.errors else 200)


@require_safe
@xframe_options_sameorigin
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """The HTML part as the mail program would show it."""
    return sandboxed(letter_of(_found(pk), now=clock.now()).html)


def sandboxed(html: str) -> HttpResponse:
    """A letter's HTML as a page that can do nothing."""
    response = HttpResponse(html)
    response["Content-Security-Policy"] = SANDBOX
    response["Referrer-Policy"] = "no-referrer"
    return response


def _found(pk: int) -> Announcement:
    rows = Announcement.objects.select_related("week", "sent_by", "letter").prefetch_related("week__milestones")
    return get_object_or_404(rows, pk=pk)
