"""The frame by keyboard alone, its live parts, and the same without any script; in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from crq.flow import CRQ_FLOW
from crq.models import CRQ
from deployments.models import ReleaseWeek
from deployments.weeks import open_for_plans, open_weeks
from tests.cast import Cast
from tests.stages import Stage
from workflow.machine import perform

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def this_week(cast: Cast) -> Stage:
    """The cast in the next open week, by the real clock, which the server has too."""
    now = datetime.now(UTC)  # noqa: TID251 (the server's own clock runs)
    open_weeks(now)
    week: ReleaseWeek = open_for_plans(now + timedelta(days=8))[0]
    return Stage(cast, week)


def sign_in(context: BrowserContext, live_server: LiveServer, user: User) -> Page:
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
    page = context.new_page()
    page.set_default_timeout(10_000)
    return page


@pytest.fixture
def manager(context: BrowserContext, live_server: LiveServer, this_week: Stage) -> Page:
    """Two CRQs wait for the manager, one deployment for the developer."""
    this_week.ready()
    this_week.beside().ready()
    this_week.beside().planned()
    return sign_in(context, live_server, this_week.cast.manager)


@pytest.fixture
def without_scripts(browser: Browser, live_server: LiveServer, this_week: Stage) -> Iterator[Page]:
    this_week.ready()
    this_week.beside().ready()
    context = browser.new_context(java_script_enabled=False)
    yield sign_in(context, live_server, this_week.cast.manager)
    context.close()


# --- By keyboard ---------------------------------------------------------------------------------------------
def test_the_ways_around_by_keyboard(manager: Page, live_server: LiveServer, this_week: Stage) -> None:
    errors: list[str] = []
    manager.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    manager.on("pageerror", lambda error: errors.append(str(error)))
    keyboard = manager.keyboard
    manager.goto(live_server.url)

    keyboard.press("g")
    keyboard.press("w")
    manager.wait_for_url("**/weeks/2*/")
    manager.goto(f"{live_server.url}{this_week.week.get_absolute_url()}")
    keyboard.press("j")
    keyboard.press("j")
    keyboard.press("k")
    expect(manager.locator("[data-row]").first).to_be_focused()
    keyboard.press("Enter")
    expect(manager.get_by_role("heading", level=1)).to_contain_text("Session timeout")
    keyboard.press("g")
    keyboard.press("t")
    expect(manager.get_by_role("heading", name="My tasks")).to_be_visible()
    keyboard.press("n")
    manager.wait_for_url("**/deployments/new/**")
    keyboard.press("?")
    expect(manager.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    keyboard.press("Escape")
    expect(manager.locator("#keys")).to_be_hidden()
    assert errors == []


def test_finding_while_typing(manager: Page, live_server: LiveServer) -> None:
    manager.goto(f"{live_server.url}/weeks/")
    manager.keyboard.press("/")
    expect(manager.locator("#find")).to_be_focused()

    manager.keyboard.type("timeo")
    expect(manager.locator("#found")).to_contain_text("Session timeout for the admin portal")
    expect(manager.locator("#say")).to_contain_text("found")
    manager.keyboard.press("Escape")
    expect(manager.locator("#found")).to_be_empty()
    manager.keyboard.type("ut")
    manager.locator("#found a").first.wait_for()
    manager.keyboard.press("ArrowDown")
    manager.keyboard.press("Enter")

    expect(manager.get_by_role("heading", level=1)).to_contain_text("Session timeout for the admin portal")


def test_the_command_menu(manager: Page, live_server: LiveServer) -> None:
    manager.goto(live_server.url)
    manager.keyboard.press("Control+k")
    menu = manager.get_by_role("dialog", name="Command menu")
    expect(menu.get_by_label("Go to a page, or find something")).to_be_focused()

    manager.keyboard.type("install")
    expect(menu.get_by_role("link", name="Install day")).to_be_visible()
    expect(menu.get_by_role("link", name="New deployment")).to_be_hidden()
    manager.keyboard.press("Enter")
    manager.wait_for_url("**/install/")

    manager.keyboard.press("Control+k")
    manager.keyboard.type("Hannah Cole")
    expect(menu).to_contain_text("Dev Team of Identity")
    manager.keyboard.press("Escape")
    expect(menu).to_be_hidden()


def test_several_approvals_by_keyboard(manager: Page, live_server: LiveServer) -> None:
    manager.goto(live_server.url)
    for key in ("j", "x", "j", "x"):
        manager.keyboard.press(key)
    expect(manager.locator(".task-pick input:checked")).to_have_count(2)

    manager.get_by_role("button", name="Approve 2 together").press("Enter")
    manager.get_by_role("button", name="Approve those that are ticked").press("Enter")

    expect(manager.get_by_text("Approved. It is cleared for install.")).to_have_count(2)
    assert CRQ.objects.filter(status="approved").count() == 2


def test_single_keys_can_be_switched_off(manager: Page, live_server: LiveServer) -> None:
    manager.goto(f"{live_server.url}/me/")
    manager.get_by_role("button", name="Switch single keys off").click()
    expect(manager.get_by_text("Single-key shortcuts are off.")).to_be_visible()

    manager.keyboard.press("/")
    expect(manager.locator("#find")).not_to_be_focused()
    manager.keyboard.press("Control+k")
    expect(manager.locator("#menu")).to_be_visible()


def test_keys_are_left_alone_while_typing(manager: Page, live_server: LiveServer) -> None:
    manager.goto(f"{live_server.url}/pull-requests/new/")
    manager.get_by_label("Title").fill("")
    manager.get_by_label("Title").press_sequentially("gt n/?")

    expect(manager.get_by_label("Title")).to_have_value("gt n/?")
    expect(manager).to_have_url(f"{live_server.url}/pull-requests/new/")


# --- Live ----------------------------------------------------------------------------------------------------
def test_the_board_follows_what_others_do(manager: Page, live_server: LiveServer, this_week: Stage) -> None:
    """The page asks by itself; here its timer is not waited for."""
    manager.goto(f"{live_server.url}{this_week.week.get_absolute_url()}")
    manager.locator("#options > summary").click()
    manager.get_by_label("Save this view as").fill("Half typed")
    manager.locator("[data-row]").nth(1).focus()
    ask = (
        "htmx.ajax('GET', document.getElementById('live').getAttribute('hx-get'), {source: '#live', swap: 'outerHTML'})"
    )
    with manager.expect_response("**live=*") as answer:
        manager.evaluate(ask)
    assert answer.value.status == 204

    crq = CRQ.objects.order_by("pk")[0]
    perform(CRQ_FLOW, "approve", crq, by=this_week.cast.second_manager)
    with manager.expect_response("**live=*") as answer:
        manager.evaluate(ask)

    assert answer.value.status == 200
    expect(manager.locator(".band")).to_contain_text(["Due by", "Due by", "Ready for Thursday"])
    expect(manager.locator(".legend")).to_contain_text("Updated just now")
    expect(manager.get_by_label("Save this view as")).to_have_value("Half typed")
    expect(manager.locator("#options")).to_have_attribute("open", "")


def test_the_board_asks_by_itself(manager: Page, live_server: LiveServer, this_week: Stage) -> None:
    manager.clock.install()
    manager.goto(f"{live_server.url}{this_week.week.get_absolute_url()}")

    with manager.expect_response("**live=*") as answer:
        manager.clock.fast_forward(21_000)

    assert answer.value.status == 204
    expect(manager.locator(".legend")).to_contain_text("Updated just now")


def test_whoever_was_signed_out_is_asked_to_sign_in(manager: Page, live_server: LiveServer) -> None:
    manager.clock.install()
    manager.goto(live_server.url)
    manager.context.clear_cookies()

    manager.clock.fast_forward(21_000)

    manager.wait_for_url("**/sign-in/**")


# --- Without scripts -----------------------------------------------------------------------------------------
def test_search_without_scripts(without_scripts: Page, live_server: LiveServer) -> None:
    page = without_scripts
    page.goto(live_server.url)
    page.locator("#find").fill("admin portal")
    page.locator("#find").press("Enter")

    expect(page.get_by_role("heading", name="Search")).to_be_visible()
    page.get_by_role("link", name="Session timeout for the admin portal").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Session timeout")
    expect(page.locator("#menu")).to_be_hidden()


@pytest.mark.parametrize("width", [1440, 390])
def test_saved_views_without_scripts(
    without_scripts: Page, live_server: LiveServer, this_week: Stage, width: int
) -> None:
    page = without_scripts
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{live_server.url}{this_week.week.get_absolute_url()}?view=mine")
    page.locator("#options > summary").click()
    page.get_by_label("Save this view as").fill("Ours")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved as “Ours”.")).to_be_visible()

    page.locator("#options > summary").click()
    page.get_by_role("link", name="Ours").click()
    expect(page).to_have_url(f"{live_server.url}{this_week.week.get_absolute_url()}?view=mine")
    page.locator("#options > summary").click()
    page.get_by_role("button", name="Delete the view Ours").click()
    expect(page.get_by_text("“Ours” is deleted.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Saved as “Ours”.")).to_be_visible()


def test_a_touch_beside_the_sheet_of_views_closes_it(
    without_scripts: Page, live_server: LiveServer, this_week: Stage
) -> None:
    page = without_scripts
    page.set_viewport_size({"width": 390, "height": 640})
    page.goto(f"{live_server.url}{this_week.week.get_absolute_url()}")
    page.locator("#options > summary").click()
    expect(page.get_by_label("Save this view as")).to_be_visible()

    page.mouse.click(195, 20)

    expect(page.get_by_label("Save this view as")).to_be_hidden()


def test_several_approvals_without_scripts(without_scripts: Page, live_server: LiveServer) -> None:
    page = without_scripts
    page.goto(live_server.url)
    page.get_by_role("button", name="Approve 2 together").click()
    page.locator("input[name=crq]").first.uncheck()
    page.get_by_role("button", name="Approve those that are ticked").click()

    expect(page.get_by_text("Approved. It is cleared for install.")).to_have_count(1)
    assert CRQ.objects.filter(status="approved").count() == 1


# --- Small screens -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["/", "/weeks/", "/search/?q=admin", "/approve/", "/me/"])
def test_no_page_scrolls_sideways_at_320(manager: Page, live_server: LiveServer, path: str) -> None:
    manager.set_viewport_size({"width": 320, "height": 640})
    manager.goto(f"{live_server.url}{path}")

    assert manager.evaluate("document.documentElement.scrollWidth") <= 320
