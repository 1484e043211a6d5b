"""Actions of the CRQ page that need more than a button."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib import messages
from django.core.files import File
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.person import person
from crq.flow import CRQ_FLOW
from crq.forms import AttachForm, MergeForm, MoveForm, OpenCRQForm
from crq.keeping import only_with_its_record, sha256
from crq.models import CRQ, Document
from crq.readiness import Facts
from crq.uploads import safe_name
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment
from workflow import clock
from workflow.machine import begin, perform, refusal
from workflow.steps import Flow, Refused
from workflow.transactions import whole

logger = logging.getLogger(__name__)


def _form_page(request: HttpRequest, form: Any, deployment: Deployment, title: str, **more: Any) -> HttpResponse:
    context = {"form": form, "title": title, "back_url": deployment.get_absolute_url(), "back_label": deployment.title}
    return render(request, "deployments/form.html", context | more, status=422 if form.errors else 200)


def _why_not(flow: Flow, action: str, obj: Any, request: HttpRequest) -> str:
    """The sentence beside the disabled button; a form that was just sent shows its own."""
    no = refusal(flow, action, obj, by=person(request), now=clock.now()) if request.method == "GET" else None
    return no.sentence if no else ""


def open_crq(request: HttpRequest, pk: int) -> HttpResponse:
    deployment = get_object_or_404(Deployment.objects.select_related("application__team", "week"), pk=pk)
    form = OpenCRQForm(request.POST or None, initial={"title": deployment.title})
    if request.method == "POST" and form.is_valid():
        try:
            crq = begin(CRQ_FLOW, "open", CRQ(deployment=deployment, **form.cleaned_data), by=person(request))
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, f"{crq.number} created.")
            return redirect(crq)
    why_not = _why_not(CRQ_FLOW, "open", CRQ(deployment=deployment), request)
    return _form_page(request, form, deployment, "Create the CRQ", submit_label="Create CRQ", why_not=why_not)


@require_POST
def attach(request: HttpRequest, number: str, kind: str) -> HttpResponse:
    """The next version of one kind of document."""
    crq = get_object_or_404(CRQ.objects.select_related("deployment__week", "deployment__application"), number=number)
    if kind not in Document.Kind.values:
        raise Http404
    form = AttachForm(request.POST, request.FILES)
    if form.is_valid():
        upload = form.cleaned_data["file"]
        given = {"kind": kind, "file": upload, "name": safe_name(upload.name)}
        try:
            with only_with_its_record():
                perform(CRQ_FLOW, f"attach_{kind}", crq, by=person(request), **given)
        except Refused as refused:
            form.add_error("file", str(refused))
        else:
            messages.success(request, f"{given['name']} attached.")
            return redirect(f"{crq.get_absolute_url()}#documents")
    title = CRQ_FLOW.steps[f"attach_{kind}"].label
    return _form_page(request, form, crq.deployment, title, submit_label="Attach")


def merge(request: HttpRequest, pk: int) -> HttpResponse:
    """Release branches and the core-dev result, recorded in one transaction."""
    deployment = get_object_or_404(Deployment.objects.select_related("application__team", "week"), pk=pk)
    form = MergeForm(request.POST or None, facts=Facts.fresh(deployment))
    if request.method == "POST" and form.is_valid():
        try:
            _record(deployment, form, request)
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, "Recorded.")
            return redirect(deployment)
    why_not = _why_not(DEPLOYMENT, "record_branch", deployment, request)
    return _form_page(request, form, deployment, "Release branch and core dev", submit_label="Record", why_not=why_not)


@whole
def _record(deployment: Deployment, form: MergeForm, request: HttpRequest) -> None:
    perform(DEPLOYMENT, "record_branch", deployment, by=person(request), names=form.names())
    if result := form.cleaned_data["result"]:
        build = form.cleaned_data["build"]
        perform(DEPLOYMENT, "record_core_dev", deployment, by=person(request), result=result, build=build)


def move(request: HttpRequest, pk: int) -> HttpResponse:
    deployment = get_object_or_404(Deployment.objects.select_related("application__team", "week"), pk=pk)
    form = MoveForm(request.POST or None, deployment=deployment, now=clock.now())
    if request.method == "POST" and form.is_valid():
        week, reason = form.cleaned_data["week"], form.cleaned_data["reason"]
        try:
            perform(DEPLOYMENT, "move", deployment, by=person(request), reason=reason, week=week)
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, f"Moved to the {week}. The team and DevOps are e-mailed.")
            return redirect(deployment)
    consequence = "Pull requests, CRQ and documents go along. Approval, release branch and core dev must be done again."
    why_not = _why_not(DEPLOYMENT, "move", deployment, request)
    title = f"Move {deployment.title}"
    return _form_page(request, form, deployment, title, submit_label="Move", consequence=consequence, why_not=why_not)


def _as_attached(found: Document) -> File[bytes]:
    """The stored file, once its content is known to be what was attached; Refused, in words, when it is not."""
    try:
        content = found.file.open("rb")
        digest = sha256(content)
    except OSError as error:
        logger.error("The file of document %s cannot be read: %s", found.pk, error)
        raise Refused.because(f"The file of {found.name} cannot be read now. Tell your administrator.") from error
    if digest != found.sha256:
        content.close()
        logger.error("The file of document %s is not the one that was attached", found.pk)
        raise Refused.because(
            f"The stored file of {found.name} is not the one that was attached, so it is not given out."
        )
    return content


@require_safe
def document(request: HttpRequest, number: str, pk: int) -> FileResponse:
    """The file itself, always as a download and never as a page of ours."""
    found = get_object_or_404(Document, pk=pk, crq__number=number)
    content = _as_attached(found)
    response = FileResponse(content, as_attachment=True, filename=found.name, content_type="application/octet-stream")
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
