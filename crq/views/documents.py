"""Attaching files to a CRQ, several at once or one by one, and handing them out."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib import messages
from django.core.files import File
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.person import person
from crq.flow import CRQ_FLOW
from crq.forms import AttachFilesForm, AttachForm
from crq.keeping import only_with_its_record, sha256
from crq.models import CRQ, Document
from crq.retention import gone
from crq.uploads import safe_name
from workflow.machine import perform
from workflow.navigation import came_from
from workflow.steps import Refused

logger = logging.getLogger(__name__)


def _crq(number: str) -> CRQ:
    return get_object_or_404(CRQ.objects.select_related("deployment__week", "deployment__application"), number=number)


@require_POST
def attach_files(request: HttpRequest, number: str) -> HttpResponse:
    """Each file becomes the next version of its kind. One that is refused does not keep the others back."""
    crq = _crq(number)
    form = AttachFilesForm(request.POST, request.FILES)
    attached: list[str] = []
    if form.is_valid():
        for upload in form.cleaned_data["documents"]:
            try:
                attached.append(_attach(crq, form.kind_of(upload), upload, request))
            except Refused as refused:
                form.add_error("documents", f"{safe_name(upload.name)}: {refused.refusal.sentence}")
    if attached:
        messages.success(request, f"Attached: {', '.join(attached)}.")
    if form.errors:
        return _form_page(request, crq, form, "Attach documents")
    return redirect(came_from(request, f"{crq.get_absolute_url()}#documents"))


@require_POST
def attach(request: HttpRequest, number: str, kind: str) -> HttpResponse:
    """The next version of one kind of document. A script that sends files one by one is answered in JSON."""
    crq = _crq(number)
    if kind not in Document.Kind.values:
        raise Http404
    form = AttachForm(request.POST, request.FILES)
    done = ""
    if form.is_valid():
        try:
            done = _attach(crq, kind, form.cleaned_data["file"], request)
        except Refused as refused:
            form.add_error("file", refused.refusal.sentence)
    if request.accepts("text/html"):
        if done:
            messages.success(request, f"{done} attached.")
            return redirect(f"{crq.get_absolute_url()}#documents")
        return _form_page(request, crq, form, CRQ_FLOW.steps[f"attach_{kind}"].label)
    sentence = " ".join(str(error) for errors in form.errors.values() for error in errors)
    answer = JsonResponse({"sentence": sentence or f"{done} attached."})
    answer.status_code = 201 if done else 422
    return answer


def _attach(crq: CRQ, kind: str, upload: UploadedFile[Any], request: HttpRequest) -> str:
    """Attaches it and returns the name it got."""
    name = safe_name(upload.name or "")
    with only_with_its_record():
        perform(CRQ_FLOW, f"attach_{kind}", crq, by=person(request), kind=kind, file=upload, name=name)
    return name


def _form_page(request: HttpRequest, crq: CRQ, form: Any, title: str) -> HttpResponse:
    deployment = crq.deployment
    context = {"form": form, "title": title, "submit_label": "Attach"}
    context |= {"back_url": deployment.get_absolute_url(), "back_label": deployment.title}
    return render(request, "deployments/form.html", context, status=422)


def as_attached(found: Document) -> File[bytes]:
    """The stored file, once its content is known to be what was attached; Refused, in words, when it is not."""
    if found.purged_at:
        raise Refused.because(gone(found))
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
    content = as_attached(found)
    return FileResponse(content, as_attachment=True, filename=found.name, content_type="application/octet-stream")
