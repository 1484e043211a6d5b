"""A passkey from adding it to signing in with it alone, in Chromium with an authenticator of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import override_settings
from playwright.sync_api import BrowserContext, CDPSession, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.cast import Cast
from workflow.models import Event

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "a quiet harbour"


@pytest.fixture
def site(live_server: LiveServer, cast: Cast) -> Iterator[str]:
    """The server under a name for which browsers allow passkeys."""
    cache.clear()
    url = live_server.url.replace("127.0.0.1", "localhost")
    with override_settings(CSRF_TRUSTED_ORIGINS=[url], SITE_URL=url):
        yield url


@pytest.fixture
def page(context: BrowserContext) -> Page:
    found = context.new_page()
    found.set_default_timeout(10_000)
    return found


@pytest.fixture
def phone(context: BrowserContext, page: Page) -> CDPSession:
    """A phone, as it were, that keeps keys and always recognises its owner."""
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return session


def add_a_passkey(page: Page, site: str, cast: Cast) -> None:
    page.goto(f"{site}/sign-in/?next=/me/sign-in/")
    page.get_by_label("E-mail address").fill(cast.manager.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Name of this passkey").fill("Work laptop")
    page.get_by_role("button", name="Add it now").click()
    expect(page.get_by_role("heading", name="Recovery codes", level=1)).to_be_visible()


def test_a_passkey_signs_in_alone_and_serves_as_second_step(
    page: Page, phone: CDPSession, site: str, cast: Cast
) -> None:
    add_a_passkey(page, site, cast)
    assert [str(each) for each in Authenticator.objects.filter(type="webauthn")] == ["Work laptop"]

    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{site}/sign-in/?next=/me/sign-in/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Sign-in and security")).to_be_visible()
    assert Event.objects.filter(action="sign_in").latest("pk").data == {"method": "passkey"}

    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{site}/sign-in/?next=/me/sign-in/passkeys/")
    page.get_by_label("E-mail address").fill(cast.manager.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_role("link", name="Remove Work laptop").click()
    page.get_by_label("Password").fill(PASSWORD)  # asked for however fresh the session
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No passkey yet")).to_be_visible()


def test_a_device_that_does_not_know_its_owner_signs_nobody_in(page: Page, phone: CDPSession, site: str) -> None:
    page.goto(f"{site}/sign-in/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("[data-passkey-says]")).not_to_be_empty()
    assert page.url.endswith("/sign-in/")
