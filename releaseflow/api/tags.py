"""Entity tags: whether something is still what a program last read.

That of an object has two parts: its facts, and what this token may do with it now, which changes with the clock alone.
`If-None-Match` looks at both, `If-Match` at the facts.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified

from releaseflow.api.problems import Problem


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:20]


def _hash_of(told: Any) -> str:
    return _hash(json.dumps(told, cls=DjangoJSONEncoder, sort_keys=True).encode())


def tag_of(told: dict[str, Any]) -> str:
    """Of one object as its own address tells it."""
    facts = {name: value for name, value in told.items() if name != "actions"}
    return f'"{_hash_of(facts)}.{_hash_of(told.get("actions"))}"'


def _named(header: str) -> list[str]:
    return [each.strip().removeprefix("W/") for each in header.split(",")]


def _facts(tag: str) -> str:
    return tag.strip('"').partition(".")[0]


def must_match(request: HttpRequest, present: str) -> None:
    """Raises Problem 412 when the program acts on something that it has not seen as it is now."""
    asked = _named(request.headers["If-Match"])
    if "*" not in asked and _facts(present) not in {_facts(each) for each in asked}:
        words = "It changed after you read it, so nothing was done. Read it again, then decide."
        raise Problem(412, "changed", words, headers={"ETag": present})


def conditional(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Gives an answer its tag; to a program that has exactly this already, just says so."""
    if response.status_code != 200 or response.streaming:
        return response
    response.headers.setdefault("ETag", f'"{_hash(response.content)}"')
    asked = _named(request.headers.get("If-None-Match", ""))
    if response["ETag"] in asked or "*" in asked:
        return HttpResponseNotModified(headers={"ETag": response["ETag"]})
    return response
