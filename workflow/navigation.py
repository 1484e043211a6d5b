"""Where a form goes back to."""

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def came_from(request: HttpRequest, default: str = "/") -> str:
    """The form's `next` or the referring page when it is a whole address of ours, else the default."""
    for candidate in (request.POST.get("next", ""), request.headers.get("referer", "")):
        is_ours = url_has_allowed_host_and_scheme(candidate, {request.get_host()}, request.is_secure())
        if is_ours and candidate.startswith(("/", "http://", "https://")):
            return candidate
    return default
