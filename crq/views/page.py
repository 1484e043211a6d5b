"""The page of one deployment and its CRQ."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.person import person
from crq.forms import CommentForm, NoteForm
from crq.page import build
from crq.views.found import of_crq, of_key
from deployments.models import Deployment
from workflow import clock
from workflow.clash import Clash


@require_safe
def crq_page(request: HttpRequest, number: str) -> HttpResponse:
    """Found by its number in any case; a deployment that has no CRQ yet is at `deployment_page`."""
    deployment = of_crq(number)
    return _show(request, deployment)


@require_safe
def deployment_page(request: HttpRequest, pk: int) -> HttpResponse:
    deployment = of_key(pk)
    if hasattr(deployment, "crq"):
        return redirect(deployment.crq)
    return _show(request, deployment)


def again(
    request: HttpRequest,
    deployment: Deployment,
    *,
    note_form: NoteForm | None = None,
    comment_form: CommentForm | None = None,
    clash: Clash | None = None,
) -> HttpResponse:
    """The page once more, with what was typed: 422, or 409 when somebody else changed what it is about."""
    return _show(request, of_key(deployment.pk), note_form=note_form, comment_form=comment_form, clash=clash)


def _show(
    request: HttpRequest,
    deployment: Deployment,
    *,
    note_form: NoteForm | None = None,
    comment_form: CommentForm | None = None,
    clash: Clash | None = None,
) -> HttpResponse:
    now = clock.now()
    page = build(deployment, by=person(request), now=now, note_form=note_form, comment_form=comment_form)
    status = 409 if clash else 422 if page.problem else 200
    return render(request, "crq/crq.html", {"page": page, "clash": clash, "now": now}, status=status)
