from typing import Any

from django.http import HttpRequest

from workflow import clock


def frame(request: HttpRequest) -> dict[str, Any]:
    return {"now": clock.now()}
