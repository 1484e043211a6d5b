"""Small things that people set for themselves: saved views, the density of rows, single-key shortcuts."""

from __future__ import annotations

from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.person import person
from releaseflow.saved_views import FILTERS, save
from workflow.navigation import came_from

A_YEAR = 31_536_000


class ViewNameForm(forms.Form):
    """What may be a name is said by `save`; the field is never refused on its own."""

    name = forms.CharField(label="Save this view as", widget=forms.TextInput(attrs={"maxlength": 40}))


@require_POST
def save_view(request: HttpRequest) -> HttpResponse:
    """Keeps the filter of the page it came from under a name; Undo after a deletion has all of it in its address."""
    given = request.POST if "page" in request.POST else request.GET
    page, name = given.get("page", ""), given.get("name", "")
    if page not in FILTERS:
        raise Http404
    query = given.get("query", "")
    if sentence := save(person(request), page, name, query):
        form = ViewNameForm(given)
        form.add_error("name", sentence)
        hidden = {"page": page, "query": query, "next": came_from(request)}
        context = {"form": form, "title": "Save this view", "hidden": hidden, "back_url": came_from(request)}
        return render(request, "deployments/form.html", context, status=422)
    messages.success(request, f"Saved as “{name.strip()}”. It is in the view menu of every week.")
    return redirect(came_from(request))


@require_POST
def delete_view(request: HttpRequest, pk: int) -> HttpResponse:
    view = get_object_or_404(person(request).saved_views, pk=pk)
    view.delete()
    kept = urlencode({"page": view.page, "name": view.name, "query": view.query})
    messages.success(request, f"“{view.name}” is deleted.", extra_tags=f"{reverse('save-view')}?{kept}")
    return redirect(came_from(request))


@require_POST
def density(request: HttpRequest) -> HttpResponse:
    """Kept in a cookie, as the appearance is: it belongs to the screen."""
    answer = redirect(came_from(request))
    compact = request.POST.get("density") == "compact"
    answer.set_cookie(
        "density",
        "compact" if compact else "roomy",
        max_age=A_YEAR,
        samesite="Lax",
        secure=settings.SECURE,
        httponly=True,
    )
    return answer


@require_POST
def shortcuts(request: HttpRequest) -> HttpResponse:
    """Switches keys without Ctrl or Alt on or off for this person."""
    user = person(request)
    user.shortcuts = request.POST.get("shortcuts") == "on"
    user.save(update_fields=["shortcuts"])
    messages.success(request, f"Single-key shortcuts are {'on. Press ? to see them' if user.shortcuts else 'off'}.")
    return redirect(came_from(request, "/me/"))
