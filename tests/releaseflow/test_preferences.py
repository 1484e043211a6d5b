"""Saved views, the board's filter and file, density, shortcuts."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client

from accounts.models import SavedView, User
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment
from tests.cast import Cast
from tests.factories import ApplicationFactory
from tests.stages import Stage
from tests.support.sheets import records
from workflow.machine import begin

BOARD = "/weeks/2026-12-10/"


@pytest.fixture
def manager(client: Client, stage: Stage) -> Client:
    client.force_login(stage.cast.manager)
    return client


def save(client: Client, name: str, query: str = "view=blocked") -> str:
    given = {"page": "board", "name": name, "query": query, "next": BOARD}
    return client.post("/me/views/", given, follow=True).content.decode()


# --- Saved views ---------------------------------------------------------------------------------------------
def test_a_view_is_kept_under_its_name_for_every_week(manager: Client, stage: Stage) -> None:
    stage.planned()

    html = save(manager, " My  blocked ", "view=blocked&team=identity&page=9&x=<b>")

    assert "Saved as “My  blocked”" in html
    assert f'href="{BOARD}?view=blocked&amp;team=identity"' in html
    [view] = stage.cast.manager.saved_views.all()
    assert (view.name, view.query) == ("My blocked", "view=blocked&team=identity")


def test_the_same_name_takes_the_new_filter(manager: Client, stage: Stage) -> None:
    save(manager, "Mine", "view=mine")
    save(manager, "Mine", "view=due")

    assert [view.query for view in stage.cast.manager.saved_views.all()] == ["view=due"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("", "Give the view a name."), ("\n \t", "Give the view a name."), ("x" * 41, "at most 40 characters")],
)
def test_a_name_that_cannot_be_is_refused(manager: Client, name: str, sentence: str) -> None:
    answer = manager.post("/me/views/", {"page": "board", "name": name, "query": "view=blocked", "next": BOARD})

    html = answer.content.decode()
    assert answer.status_code == 422
    assert html.count(sentence) == 2  # at the top and at the field
    assert f'value="{name}"' in html or not name.strip()
    assert 'name="query" value="view=blocked"' in html
    assert not SavedView.objects.exists()


def test_there_is_an_end_to_it(manager: Client) -> None:
    for number in range(20):
        save(manager, f"View {number}")

    assert "You have 20 saved views already." in save(manager, "One more")
    assert "Saved as" in save(manager, "View 3", "view=due")


def test_a_view_is_deleted_by_its_owner_alone(manager: Client, stage: Stage) -> None:
    save(manager, "Mine")
    view = SavedView.objects.get()
    other = Client()
    other.force_login(stage.cast.developer)

    assert other.post(f"/me/views/{view.pk}/delete/").status_code == 404
    assert SavedView.objects.exists()
    assert "“Mine” is deleted." in manager.post(f"/me/views/{view.pk}/delete/", follow=True).content.decode()
    assert not SavedView.objects.exists()


def test_a_deleted_view_comes_back_from_its_notice(manager: Client, stage: Stage) -> None:
    save(manager, "A & B", "view=mine&team=identity")
    html = manager.post(f"/me/views/{SavedView.objects.get().pk}/delete/", follow=True).content.decode()

    [undo] = re.findall(r'action="(/me/views/\?[^"]+)"', html)
    manager.post(unescape(undo))

    [view] = stage.cast.manager.saved_views.all()
    assert (view.page, view.name, view.query) == ("board", "A & B", "view=mine&team=identity")


def test_other_pages_have_no_views(manager: Client) -> None:
    assert manager.post("/me/views/", {"page": "users", "name": "x"}).status_code == 404


# --- The board's team filter and file ------------------------------------------------------------------------
def test_a_team_narrows_the_board_and_its_counts(manager: Client, stage: Stage) -> None:
    stage.planned()
    ledger = ApplicationFactory(name="Ledger", team=stage.cast.other_team)
    other = Deployment(application=ledger, week=stage.week, title="Ledger rounding")
    begin(DEPLOYMENT, "plan", other, by=stage.cast.other_developer)

    both = manager.get(BOARD).context["board"]
    billing = manager.get(f"{BOARD}?team=billing").context["board"]

    assert [team.name for team in both.teams] == ["Billing", "Identity"]
    assert [row.title for band in billing.bands for row in band.rows] == ["Ledger rounding"]
    assert next((view.label, view.count, view.url) for view in billing.views) == ("All", 1, f"{BOARD}?team=billing")
    assert billing.is_filtered
    assert manager.get(f"{BOARD}?team=nonsense").context["board"].query == ""


def test_the_file_has_what_the_screen_shows(manager: Client, stage: Stage) -> None:
    deployment = stage.planned()
    deployment.title = "=cmd|'/c calc'!A1"
    deployment.save(update_fields=["title"])
    stage.beside().cleared()

    answer = manager.get(f"{BOARD}board.csv?view=mine")
    lines = records(answer)

    assert answer.headers["Content-Disposition"] == 'attachment; filename="week-2026-12-10.csv"'
    assert [line["Deployment"] for line in lines] == ["'=cmd|'/c calc'!A1", "Session timeout for the admin portal"]
    assert {key: lines[0][key] for key in ("Team", "CRQ number", "Status", "PRs", "Next step", "Owner", "Since")} == {
        "Team": "Identity",
        "CRQ number": "",
        "Status": "Planned",
        "PRs": "Done",
        "Next step": "Create the CRQ",
        "Owner": "Hannah Cole",
        "Since": "2026-12-07T10:00:00-05:00",
    }
    assert not records(manager.get(f"{BOARD}board.csv?view=blocked"))


def test_a_file_of_no_week_is_not_found(manager: Client) -> None:
    assert manager.get("/weeks/2026-12-09/board.csv").status_code == 404


# --- Density and shortcuts -----------------------------------------------------------------------------------
def test_the_density_is_remembered(manager: Client, stage: Stage) -> None:
    stage.planned()
    assert "data-density" not in manager.get(BOARD).content.decode()

    manager.post("/me/density/", {"density": "compact", "next": BOARD})
    assert 'data-density="compact"' in manager.get(BOARD).content.decode()

    manager.post("/me/density/", {"density": "roomy", "next": BOARD})
    assert "data-density" not in manager.get(BOARD).content.decode()


def test_single_keys_are_switched_off_and_on(manager: Client, stage: Stage) -> None:
    assert "data-keys" in manager.get("/me/").content.decode()

    html = manager.post("/me/shortcuts/", {"shortcuts": "off"}, follow=True).content.decode()

    assert "data-keys" not in html
    assert "Single-key shortcuts are off." in html
    assert not User.objects.get(pk=stage.cast.manager.pk).shortcuts
    assert "data-keys" in manager.post("/me/shortcuts/", {"shortcuts": "on"}, follow=True).content.decode()


@pytest.mark.parametrize("address", ["/me/shortcuts/", "/me/density/", "/me/views/"])
def test_looking_changes_nothing(client: Client, cast: Cast, address: str) -> None:
    client.force_login(cast.manager)

    assert client.get(address).status_code == 405
