"""The week's e-mails: drafts to look at, edit and send, and what was sent."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.person import person
from crq import announcing
from crq import announcing_drafts as drafts
from crq.announcement_form import AnnouncementForm
from crq.announcing import ANNOUNCEMENT
from crq.announcing_recipients import audience_of
from crq.mail_archive import archive
from crq.mail_composer import composer, letter_of
from crq.mail_pages import mail_room
from crq.mail_parts import PARTS
from crq.models import Announcement
from deployments.models import ReleaseWeek
from workflow import clock
from workflow.machine import perform, refusal
from workflow.steps import Refused

# A letter is shown as a document of its own: no script, no form, nothing from elsewhere, only its own inlined style.
SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
DARK = "(prefers-color-scheme: dark)"
CHOICES = ("leave_out", "put_back", "drop")
BUTTONS = ("refresh", "test", "schedule", "unschedule", "send")


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    return render(request, "crq/emails.html", {"now": now, "page": mail_room(now=now)})


@require_http_methods(["GET", "HEAD", "POST"])
def of_week(request: HttpRequest, thursday: date, kind: str) -> HttpResponse:
    """To the week's draft, or to what was sent last, while that still tells what is; else POST begins one."""
    if kind not in Announcement.Kind.values:
        raise Http404
    week = get_object_or_404(ReleaseWeek.objects.prefetch_related("milestones"), thursday=thursday)
    sent = drafts.last_sent([week], kind)
    if sent and not drafts.outdated(sent, [week], kind, clock.now()):
        return redirect(sent[week.pk])
    if draft := announcing.open_draft(kind, week):
        return redirect(draft)
    if request.method == "POST":
        return redirect(announcing.draft(kind, week, by=person(request)))
    no = refusal(ANNOUNCEMENT, "draft", Announcement(kind=kind, week=week), by=person(request), now=clock.now())
    context = {"week": week, "label": Announcement.Kind(kind).label, "is_next": bool(sent)}
    return render(request, "crq/emails_begin.html", context | {"why_not": no.sentence if no else ""})


@require_http_methods(["GET", "HEAD", "POST"])
def announcement(request: HttpRequest, pk: int) -> HttpResponse:
    """POST saves what was written into a draft and does what the pressed button says; its name is `do`."""
    found = _found(pk)
    if request.method != "POST" and found.status == Announcement.Status.SENT:
        now = clock.now()
        page = archive(found, part=_part(request), by=person(request), now=now)
        return render(request, "crq/emails_sent.html", {"now": now, "page": page})
    form = _form(found, request)
    if request.method == "POST" and form.is_valid():
        try:
            messages.success(request, _save(found, form, request.POST, person(request)))
        except Refused as refused:
            form.add_error(None, str(refused))
            found = drafts.remember(_found(pk))
            form.audience = audience_of(found)
        else:
            return redirect(_here(request, found))
    return _compose(request, found, form)


def _compose(request: HttpRequest, found: Announcement, form: AnnouncementForm) -> HttpResponse:
    now = clock.now()
    page = composer(found, form.audience, part=_part(request), by=person(request), now=now)
    context = {"now": now, "page": page, "form": form}
    return render(request, "crq/emails_draft.html", context, status=422 if form.errors else 200)


def _form(found: Announcement, request: HttpRequest) -> AnnouncementForm:
    drafts.remember(found)
    typed = request.POST if request.method == "POST" else None
    return AnnouncementForm(typed, announcement=found, content=drafts.shown(found), audience=audience_of(found))


def _save(found: Announcement, form: AnnouncementForm, typed: Any, by: User) -> str:
    """Saves first, so that nothing typed is lost when the rest is refused; returns what to say."""
    choice, _, address = typed.get("do", "save").partition(":")
    chosen = {choice: address[:254]} if choice in CHOICES else {}
    words = {name: form.cleaned_data[name] for name in ("subject", "introduction")}
    perform(ANNOUNCEMENT, "edit", found, by=by, notes=form.notes(), recipients=form.recipients(**chosen), **words)
    if choice in BUTTONS:
        perform(ANNOUNCEMENT, choice, found, by=by, **_given(choice, form, typed))
    return ANNOUNCEMENT.steps[choice if choice in BUTTONS else "edit"].done


def _given(choice: str, form: AnnouncementForm, typed: Any) -> dict[str, Any]:
    if choice == "send":
        return {"digest": typed.get("digest", "")}
    if choice != "schedule":
        return {}
    if (at := form.chosen_time()) is None:
        raise Refused.because("Choose a day and a time first.")
    return {"at": at}


@require_safe
@xframe_options_sameorigin
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """The HTML part as a mail program would show it, by `?part=dark` on a dark screen."""
    html = letter_of(_found(pk), now=clock.now()).html
    return sandboxed(html.replace(DARK, "all" if _part(request) == "dark" else "not all"))


def sandboxed(html: str) -> HttpResponse:
    """A letter's HTML as a page that can do nothing."""
    response = HttpResponse(html)
    response["Content-Security-Policy"] = SANDBOX
    response["Referrer-Policy"] = "no-referrer"
    return response


def _here(request: HttpRequest, found: Announcement) -> str:
    """Where the preview stays on the part that was looked at, or that a button of the preview asked for."""
    address = found.get_absolute_url()
    if "part" in request.POST:
        return f"{address}?part={_part(request)}#mail"
    return f"{address}?part={_part(request)}" if _part(request) != "html" else address


def _part(request: HttpRequest) -> str:
    part = request.POST.get("part") or request.GET.get("part", "html")
    return part if part in PARTS else "html"


def _found(pk: int) -> Announcement:
    rows = Announcement.objects.select_related("week", "sent_by", "letter").prefetch_related("week__milestones")
    return get_object_or_404(rows, pk=pk)
