"""Pages in states that no link leads to: refused forms, errors, whatever opens over a page, an empty product."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.test import Client
from django.urls import get_resolver, reverse
from playwright.sync_api import expect

from crq.models import ExemptionRequest
from releaseflow.views import home as home_views
from tests.browser.product import FirstDay, Product, Wednesday
from tests.browser.visits import EVERYWHERE, NO_PAGES, ON_WEDNESDAY, Step, Visit, first, week
from tests.cast import Cast
from tests.support.reader import PHONE, UNFOLD, Reader

pytestmark = pytest.mark.browser
Readers = Callable[[str], Reader]
ADDRESSES = "tests.support.demo_urls"
KEYS = {"number": "CRQ000000418200", "flow_name": "crq", "action": "approve", "kind": "plan", "pk": 1}
on_wednesday = pytest.mark.parametrize("product", [Wednesday], indirect=True)
EMPTY = """button => {
  for (const each of button.form.elements) {
    if (each.matches("[type=checkbox]")) each.checked = false;
    else if (each.matches("input:not([type=hidden], [type=radio]), textarea")) each.value = "";
  }
}"""


@dataclass(frozen=True)
class Refused:
    """A form that is sent empty but for `typed`, by its button."""

    visit: Visit
    button: str
    typed: dict[str, str] = field(default_factory=dict)
    inside: str = "main"

    def __str__(self) -> str:
        return f"{self.button} on {self.visit}"


REFUSED = (
    Refused(Visit("sign-in", ""), "Sign in"),
    Refused(Visit("new-pull-request"), "Submit pull request"),
    Refused(Visit("new-deployment"), "Save and continue"),
    Refused(Visit("new-deployment-crq", keys=lambda story: (story.drafts[Step.CRQ].pk,)), "Create CRQ and continue"),
    Refused(Visit("merge", "devops", lambda story: (story.begun.pk,)), "Record", {"Build": "x" * 200}),
    Refused(Visit("move", "manager", lambda story: (story.waiting.pk,)), "Move"),
    Refused(Visit("ask-exemption", "manager", lambda story: (story.crq("dark").number,)), "Ask for an exemption"),
    Refused(Visit("exemption", "director", first(ExemptionRequest)), "Grant the exemption"),
    Refused(Visit("crq", "manager", lambda story: (story.waiting.crq.number,)), "Ask for changes"),
    Refused(Visit("crq", "manager", lambda story: (story.waiting.crq.number,)), "Comment"),
    Refused(Visit("reviews", "scrum_master"), "Record review"),
    Refused(Visit("approvals", "manager"), "Approve those that are ticked"),
    Refused(Visit("people", "administrator"), "Appoint"),
    Refused(Visit("setting-teams", "administrator"), "Add team"),
    Refused(Visit("setting-applications", "administrator"), "Add application"),
    Refused(Visit("setting-recipients", "administrator"), "Add recipient"),
    Refused(Visit("schedule", "administrator"), "Show what changes"),
    Refused(Visit("closed-days", "administrator"), "Show what changes"),
    Refused(Visit("week-schedule", "scrum_master", week), "Show what changes", inside="#skip"),
)


@on_wednesday
@pytest.mark.parametrize("visit", ON_WEDNESDAY, ids=str)
def test_a_page_before_decisions(reader: Readers, product: Product, visit: Visit) -> None:
    window = reader(visit.by)
    window.open(visit.path(product.story))
    window.finds_nothing_wrong()


@on_wednesday
@pytest.mark.parametrize("form", REFUSED, ids=str)
def test_a_form_that_is_refused(reader: Readers, product: Product, form: Refused) -> None:
    window = reader(form.visit.by)
    window.open(form.visit.path(product.story))
    window.page.evaluate(UNFOLD)
    button = window.page.locator(form.inside).get_by_role("button", name=form.button, exact=True).first
    button.evaluate(EMPTY)
    for label, words in form.typed.items():
        window.page.get_by_label(label).first.fill(words)

    window.send(button, status=422)

    expect(window.page).to_have_title(re.compile("^Problem: "))
    window.finds_nothing_wrong()


# --- Errors --------------------------------------------------------------------------------------------------
def _stuck() -> OperationalError:
    """What PostgreSQL says to one of two who wait for each other."""
    error, cause = OperationalError("deadlock detected"), Exception()
    cause.pgcode = "40P01"  # type: ignore[attr-defined]
    error.__cause__ = cause
    return error


ERRORS = {
    400: SuspiciousOperation(),
    403: PermissionDenied("Only an administrator can do this: Ada Quist."),
    409: _stuck(),
    413: RequestDataTooBig(),
    500: ZeroDivisionError(),
}


@on_wednesday
@pytest.mark.parametrize("status", ERRORS)
def test_an_error(reader: Readers, product: Product, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    def fails(*args: Any, **kwargs: Any) -> None:
        raise ERRORS[status]

    monkeypatch.setattr(home_views, "home", fails)
    window = reader("developer")
    window.open(reverse("my-tasks"), status=status)
    window.finds_nothing_wrong()


@on_wednesday
@pytest.mark.parametrize("who", ["developer", ""], ids=["somebody", "nobody"])
def test_what_is_not_there(reader: Readers, product: Product, who: str) -> None:
    window = reader(who)
    window.open("/nowhere/", status=404)
    window.finds_nothing_wrong()


@on_wednesday
def test_a_form_without_our_token(reader: Readers, product: Product) -> None:
    window = reader("")
    window.open(reverse("sign-in"))
    window.page.context.clear_cookies()
    window.send(window.page.get_by_role("button", name="Sign in", exact=True), status=403)
    window.finds_nothing_wrong()


# --- What opens over a page ----------------------------------------------------------------------------------
def _command_menu(window: Reader) -> None:
    window.page.keyboard.press("Control+k")
    window.page.keyboard.type("admin")
    window.page.locator("#menu-hits a").first.wait_for()


def _keys(window: Reader) -> None:
    window.page.keyboard.press("?")
    window.page.get_by_role("dialog", name="Keyboard shortcuts").wait_for()


def _found(window: Reader) -> None:
    window.page.keyboard.press("/")
    window.page.keyboard.type("admin")
    window.page.locator("#found a").first.wait_for()


def _found_nothing(window: Reader) -> None:
    window.page.keyboard.press("/")
    window.page.keyboard.type("zzzz")
    expect(window.page.locator("#found")).not_to_be_empty()


def _more(window: Reader) -> None:
    window.look("light", PHONE)
    window.page.locator(".tabbar summary").click()


def _views_on_a_phone(window: Reader) -> None:
    window.look("light", PHONE)
    window.page.locator("#options > summary").click()
    expect(window.page.get_by_label("Save this view as")).to_be_in_viewport()


def _notice(window: Reader) -> None:
    window.page.get_by_role("button", name=re.compile("^(Follow|Stop following)")).first.click()
    window.page.locator(".notice").wait_for()


def _dark_by_hand(window: Reader) -> None:
    window.page.get_by_role("button", name="Switch to dark appearance").click()


def _compact(window: Reader) -> None:
    window.page.evaluate("document.body.dataset.density = 'compact'")


@on_wednesday
@pytest.mark.parametrize(
    "opened", [_command_menu, _keys, _found, _found_nothing, _more, _views_on_a_phone, _compact, _dark_by_hand]
)
def test_the_board_with(reader: Readers, product: Product, opened: Callable[[Reader], None]) -> None:
    window = reader("reviewer")
    window.open(reverse("week", args=week(product.story)))
    opened(window)
    window.finds_nothing_wrong()


@on_wednesday
def test_a_notice(reader: Readers, product: Product) -> None:
    window = reader("other_manager")
    window.open(reverse("crq", args=[product.story.crq("dark").number]))
    _notice(window)
    window.finds_nothing_wrong()


# --- Nothing yet ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("product", [FirstDay], indirect=True)
@pytest.mark.parametrize("visit", EVERYWHERE, ids=str)
def test_a_list_with_nothing_in_it(reader: Readers, product: Product, visit: Visit) -> None:
    window = reader(visit.by)
    window.open(visit.path(product.story))
    window.finds_nothing_wrong()


# --- No pages ------------------------------------------------------------------------------------------------
@pytest.mark.urls(ADDRESSES)
def test_what_only_a_form_sends_shows_no_page(client: Client, cast: Cast, settings: LazySettings) -> None:
    settings.DEMO = True
    client.force_login(cast.administrator)
    answers = {name: client.get(_any_address(name)).status_code for name in NO_PAGES["a form's address alone"]}

    assert set(answers.values()) == {405}, answers


def _any_address(name: str) -> str:
    _, wanted = get_resolver(ADDRESSES).reverse_dict.getlist(name)[0][0][0]
    return reverse(name, ADDRESSES, kwargs={key: KEYS[key] for key in wanted})
