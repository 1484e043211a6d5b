"""In Chromium: files by the drop zone with and without scripts, and words that survive a reload."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, expect

from accounts.models import User
from crq.models import CRQ, Document
from tests.stages import PDF, Stage

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.django_db(transaction=True)]


def sign_in(context: BrowserContext, server: str, user: User) -> Page:
    client = Client()
    client.force_login(user)
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": server}])
    page = context.new_page()
    page.set_default_timeout(10_000)
    return page


def pdf(name: str, content: bytes = b"") -> FilePayload:
    return FilePayload(name=name, mimeType="application/pdf", buffer=PDF + content + name.encode())


@pytest.fixture
def crq(stage: Stage) -> CRQ:
    return stage.with_crq().crq


def test_several_files_are_guessed_confirmed_and_attached(
    context: BrowserContext, live_server: Any, stage: Stage, crq: CRQ
) -> None:
    page = sign_in(context, live_server.url, stage.cast.developer)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{live_server.url}{crq.get_absolute_url()}")

    page.set_input_files("#files", [pdf("Test results.pdf"), pdf("Notes.pdf")])
    expect(page.get_by_label("What Test results.pdf is")).to_have_value("tests")
    expect(page.get_by_label("What Notes.pdf is")).to_have_value("")
    page.get_by_role("button", name="Attach 2 files").click()
    expect(page.locator(".drop-files")).to_contain_text("Choose what it is.")
    page.get_by_label("What Notes.pdf is").select_option("justification")
    page.get_by_role("button", name="Attach 2 files").click()

    expect(page.locator(".rows").first).to_contain_text("Notes.pdf")
    assert dict(Document.objects.values_list("name", "kind")) == {
        "Test results.pdf": "tests",
        "Notes.pdf": "justification",
    }
    assert errors == []


def test_what_the_server_refuses_is_said_at_the_file(
    context: BrowserContext, live_server: Any, stage: Stage, crq: CRQ
) -> None:
    page = sign_in(context, live_server.url, stage.cast.developer)
    page.goto(f"{live_server.url}{crq.get_absolute_url()}")
    wrong = FilePayload(name="Test results.pdf", mimeType="application/pdf", buffer=b"<html>")

    page.set_input_files("#files", [wrong])
    page.get_by_role("button", name="Attach", exact=True).click()

    expect(page.locator(".drop-files")).to_contain_text("not what its name says")
    assert not Document.objects.exists()


def test_files_without_scripts(browser: Browser, live_server: Any, stage: Stage, crq: CRQ) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = sign_in(context, live_server.url, stage.cast.developer)
        page.goto(f"{live_server.url}{crq.get_absolute_url()}")
        page.set_input_files("#files", [pdf("Test results.pdf"), pdf("Business case.pdf")])
        page.get_by_role("button", name="Attach", exact=True).click()
        expect(page.locator(".rows").first).to_contain_text("Business case.pdf")
        page.locator("summary", has_text="Add documents").click()
        page.set_input_files("#files", [pdf("Notes.pdf")])
        page.get_by_role("button", name="Attach", exact=True).click()
        expect(page.locator("main")).to_contain_text("The name of Notes.pdf does not say. Choose its kind.")

    assert set(Document.objects.values_list("kind", flat=True)) == {"tests", "justification"}


def test_words_survive_a_reload_and_being_signed_out(
    context: BrowserContext, live_server: Any, stage: Stage, crq: CRQ
) -> None:
    page = sign_in(context, live_server.url, stage.cast.developer)
    url = f"{live_server.url}{crq.get_absolute_url()}"
    page.goto(url)
    page.get_by_label("Comment").fill("A long thought about the backout.")
    page.reload()
    expect(page.get_by_label("Comment")).to_have_value("A long thought about the backout.")
    expect(page.locator(".restored")).to_contain_text("Restored what you typed at")

    cookies = context.cookies()
    context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.locator("main")).to_contain_text("You were signed out before this was saved.")
    assert crq.number in page.url
    context.add_cookies([each for each in cookies if each["name"] == settings.SESSION_COOKIE_NAME])  # type: ignore[misc]
    page.goto(url)
    expect(page.get_by_label("Comment")).to_have_value("A long thought about the backout.")

    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.locator(".said")).to_contain_text("A long thought about the backout.")
    expect(page.get_by_label("Comment")).to_have_value("")
    page.reload()
    expect(page.get_by_label("Comment")).to_have_value("")


def test_discarding_a_restored_text(context: BrowserContext, live_server: Any, stage: Stage, crq: CRQ) -> None:
    page = sign_in(context, live_server.url, stage.cast.developer)
    page.goto(f"{live_server.url}{crq.get_absolute_url()}")
    page.get_by_label("Comment").fill("Never mind.")
    page.reload()
    page.get_by_role("button", name="Discard").click()
    page.reload()
    expect(page.get_by_label("Comment")).to_have_value("")
