"""The week board as a page and as a file."""

from __future__ import annotations

from datetime import date, datetime

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.person import person
from crq.board import Board
from crq.board import board as week_board
from crq.cells import COLUMNS
from deployments.live import Unchanged, address, is_current, is_part
from releaseflow.saved_views import saved_views
from workflow import clock
from workflow.spreadsheet import spreadsheet
from workflow.templatetags.components import state_word

HEAD = ("Deployment", "Application", "Team", "CRQ number", "Status", *COLUMNS, "Group", "Next step", "Owner", "Since")


@require_safe
def board(request: HttpRequest, thursday: date) -> HttpResponse:
    """`?view=` is one of `crq.board.VIEWS`, `?team=` a team's slug; anything else shows all."""
    now = clock.now()
    if is_current(request, now=now):
        return Unchanged()
    found = _board(request, thursday, now)
    context = {
        "now": now,
        "board": found,
        "live_url": address(request, found.mark),
        "saved": [] if is_part(request) else saved_views(person(request), "board"),  # the part has no options
    }
    return render(request, f"releaseflow/{'_live' if is_part(request) else 'board'}.html", context)


@require_safe
def board_csv(request: HttpRequest, thursday: date) -> HttpResponseBase:
    """What the page shows with the same filter, one line a deployment."""
    found = _board(request, thursday, clock.now())
    lines = [
        (
            *(row.title, row.application, row.team, row.crq, row.state),
            *(f"{state_word(cell.state)} {cell.note}".strip() for cell in row.cells),
            *(band.label, row.next.text, row.next.owner, row.next.since),
        )
        for band in found.bands
        for row in band.rows
    ]
    return spreadsheet(f"week-{thursday}", HEAD, lines)


def _board(request: HttpRequest, thursday: date, now: datetime) -> Board:
    view, team = request.GET.get("view", ""), request.GET.get("team", "")
    found = week_board(thursday, by=person(request), now=now, view=view, team=team)
    if found is None:
        raise Http404("There is no such release week.")
    return found
