"""Pages of the settings that not everybody reads."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from accounts.person import person
from releaseflow.settings_pages.page import why_not
from workflow import clock
from workflow.steps import Flow

View = Callable[..., HttpResponseBase]


def for_those_who_may(action: str, flow: Flow) -> Callable[[View], View]:
    """Lets in whoever may begin such an object; the others read who may."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **given: Any) -> HttpResponseBase:
            if sentence := why_not(flow, action, flow.model(), by=person(request), now=clock.now()):
                raise PermissionDenied(sentence)
            return view(request, *args, **given)

        return guarded

    return guard
