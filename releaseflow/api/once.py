"""The same request done once: an `Idempotency-Key` brings back the first answer instead of a second effect."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from accounts.models import Token
from releaseflow.api.problems import Problem
from releaseflow.models import Answered

KEY = re.compile(r"[\x21-\x7e]{1,100}")
REPEATED = ("ETag", "Location", "Content-Type")


def key_of(request: HttpRequest) -> str:
    """Empty where none was sent."""
    key = request.headers.get("Idempotency-Key", "")
    if "Idempotency-Key" in request.headers and not KEY.fullmatch(key):
        raise Problem(422, "idempotency_key", "An Idempotency-Key has 1 to 100 visible characters without spaces.")
    return key


def digest_of(request: HttpRequest) -> str:
    """Of what is asked for. The parts of a form count, not the line that separates them, which is random."""
    found = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    if request.content_type != "multipart/form-data":
        found.update(request.body)
        return found.hexdigest()
    found.update(json.dumps(sorted(request.POST.lists())).encode())
    for name, upload in sorted(request.FILES.items()):
        found.update(f"\n{name} {getattr(upload, 'name', '')}\n".encode())
        for chunk in upload.chunks():  # type: ignore[union-attr]
            found.update(chunk)
        upload.seek(0)  # type: ignore[union-attr]
    return found.hexdigest()


def claim(token: Token, key: str, digest: str, *, now: datetime) -> tuple[Answered, HttpResponse | None]:
    """The row to keep the answer in, or the answer that was given before. Whoever comes at the same time waits here."""
    Answered.objects.filter(token=token, key=key, at__lte=now - Answered.KEPT).delete()
    try:
        with transaction.atomic():
            return Answered.objects.create(token=token, key=key, digest=digest, at=now), None
    except IntegrityError:
        known = Answered.objects.get(token=token, key=key)
    if known.digest != digest:
        raise Problem(422, "idempotency_key", "This Idempotency-Key was used for another request. Use a new one.")
    again = HttpResponse(known.body, status=known.code, headers=known.headers | {"Idempotency-Replayed": "true"})
    return known, again


def keep(row: Answered, response: HttpResponse) -> None:
    row.code, row.body = response.status_code, response.content.decode()
    row.headers = {name: response[name] for name in REPEATED if name in response}
    row.save(update_fields=["code", "body", "headers"])
