"""Where forges deliver. The signature authenticates; nobody is signed in here."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from deployments.hooks.receiving import receive
from deployments.hooks.signing import is_authentic
from deployments.models import Connection, Delivery
from workflow import clock

LARGEST = 1024 * 1024


@login_not_required
@csrf_exempt
@require_POST
def hook(request: HttpRequest, key: str) -> HttpResponse:
    """Answers 200 with what became of the delivery, 400 for what cannot be read, 401 unsigned, 413 above 1 MB."""
    body = _body(request)
    if body is None:
        return JsonResponse({"why": "A delivery may be 1 MB at most."}, status=413)
    now = clock.now()
    connection = Connection.objects.filter(key=key, active=True).first()
    if connection is None or not is_authentic(connection, request.headers, body, now=now):
        return JsonResponse({"why": "The signature is missing or wrong."}, status=401)
    delivery, is_new = receive(connection, request.headers, body, now=now)
    answer = {"outcome": delivery.outcome, "subject": delivery.subject, "why": delivery.why, "known": not is_new}
    return JsonResponse(answer, status=400 if delivery.outcome == Delivery.Outcome.MALFORMED else 200)


def _body(request: HttpRequest) -> bytes | None:
    """The raw body, or None where it is too large: by what it says of itself, before it is read."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > LARGEST:
        return None
    try:
        return request.body
    except RequestDataTooBig:
        return None
