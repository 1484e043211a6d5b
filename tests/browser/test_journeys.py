"""Each role's work from its first page to its last, walked twice: by keyboard alone, and without any script."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import LazySettings
from django.test import Client
from playwright.sync_api import Browser, FilePayload
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from deployments.weeks import open_week
from releaseflow.tick import tick
from tests.cast import Cast
from tests.stages import EARLY, PDF, Stage, a_week, moment
from tests.support.hands import Hands, Keyboard, WithoutScripts
from workflow import clock
from workflow.models import DemoClock

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.browser.urls")]

WAYS: dict[str, type[Hands]] = {"by keyboard": Keyboard, "without scripts": WithoutScripts}


class Room:
    """The week's people at one screen, and the clock beside it."""

    def __init__(self, hands: Hands, server: str, settings: LazySettings) -> None:
        self.hands, self.server, self.settings = hands, server, settings
        with clock.frozen(EARLY - timedelta(days=30)):
            self.following = open_week(date(2026, 12, 17))
        self.stage = Stage(Cast.assemble(), a_week())

    def at(self, key: str, **offset: float) -> None:
        """Sets the clock to a milestone of the week, and does what beat does then."""
        self.at_instant(moment(self.stage.week, key, **offset))

    def at_instant(self, instant: datetime) -> None:
        real = datetime.now(UTC)  # noqa: TID251 (the server's threads run by real time)
        DemoClock.objects.update_or_create(pk=1, defaults={"ahead": instant - real})
        tick(clock.now())

    def sit(self, person: User, path: str) -> Hands:
        """A person who is signed in opens a page."""
        client = Client()
        client.force_login(person)
        name = self.settings.SESSION_COOKIE_NAME
        self.hands.page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": self.server}])
        self.hands.page.goto(f"{self.server}{path}")
        return self.hands


@pytest.fixture(params=WAYS, ids=[name.replace(" ", "-") for name in WAYS])
def room(
    request: pytest.FixtureRequest, browser: Browser, live_server: LiveServer, settings: LazySettings
) -> Iterator[Room]:
    settings.DEMO = True  # only for its clock
    way = WAYS[request.param]
    errors: list[str] = []
    with browser.new_context(java_script_enabled=way is Keyboard) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield Room(way(page), live_server.url, settings)
    assert errors == []


def pdf(name: str) -> FilePayload:
    return FilePayload(name=name, mimeType="application/pdf", buffer=PDF + name.encode())


# --- The developer -------------------------------------------------------------------------------------------
def test_a_developer_brings_a_change_to_its_approval(room: Room) -> None:
    room.at_instant(EARLY)
    hands = room.sit(room.stage.cast.developer, "/pull-requests/new/")
    hands.fill("Address", "https://github.com/acme/identity-admin/pull/482")
    hands.fill("Title", "Expire idle admin sessions")
    hands.fill("Head commit", "c" * 40)
    hands.press("Submit pull request")
    hands.reads("Expire idle admin sessions")

    room.sit(room.stage.cast.developer, "/deployments/new/")
    hands.choose("Application", "Admin portal")
    hands.choose("Week", "Dec 10")
    hands.fill("Title", "Session timeout")
    hands.press("Save and continue")
    hands.tick("Expire idle admin sessions")
    hands.press("Save and continue")
    hands.fill("CRQ number", "CRQ000000700001")
    hands.press("Create CRQ and continue")
    hands.attach("Choose files", pdf("Justification.pdf"))
    hands.press("Attach")
    hands.attach("Choose files", pdf("Test results.pdf"))
    hands.press("Attach")
    hands.press("Finish")
    hands.reads("CRQ000000700001", "Justification.pdf", "Test results.pdf")

    hands.fill("Comment", "Ready for @Anita Desai to look at.")
    hands.press("Comment")
    hands.reads("Ready for @Anita Desai to look at.")


# --- The manager ---------------------------------------------------------------------------------------------
def test_a_manager_sends_back_approves_and_nudges(room: Room) -> None:
    with clock.frozen(EARLY):
        crq = room.stage.ready().crq
        room.stage.beside().planned()
    room.at("cutoff", hours=-1)

    hands = room.sit(room.stage.cast.manager, "/")
    hands.follow("Session timeout for the admin portal")
    hands.fill("Note", "The plan names no backout.")
    hands.press("Ask for changes")
    hands.reads("The plan names no backout.")

    with clock.frozen(clock.now()):
        room.stage.attach(crq, "plan", PDF + b"backout")
    room.sit(room.stage.cast.manager, crq.get_absolute_url())
    hands.press("Approve CRQ")
    hands.reads("Cleared for install")

    room.sit(room.stage.cast.manager, "/")
    hands.press("Nudge")
    hands.reads("Nudged")


# --- DevOps --------------------------------------------------------------------------------------------------
def test_devops_installs(room: Room) -> None:
    with clock.frozen(EARLY):
        room.stage.cleared()
    room.at("install", minutes=5)

    hands = room.sit(room.stage.cast.devops, f"{room.stage.week.get_absolute_url()}install/")
    hands.press("Mark batch complete")
    hands.press("Start install")
    hands.press("Mark installed")
    hands.unfold("Undo installed")
    hands.press("Undo installed")
    hands.reads("Taken back")
    hands.explain("Report failure", "The health check fails.")
    hands.press("Try again")
    hands.press("Mark installed")
    hands.reads("Installed. The team verifies it now.")

    room.sit(room.stage.cast.reviewer, "/")
    hands.follow("Session timeout for the admin portal")
    hands.press("Verify install")
    hands.reads("Verified. Nothing is left to do for it.")


# --- The director --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("answer", ["Grant", "Deny"])
def test_a_director_asks_and_decides(room: Room, answer: str) -> None:
    with clock.frozen(EARLY):
        deployment = room.stage.ready()
    room.at("approval", minutes=1)

    hands = room.sit(room.stage.cast.developer, deployment.crq.get_absolute_url())
    hands.reads("Held")
    room.sit(room.stage.cast.manager, deployment.crq.get_absolute_url())
    hands.follow("Ask for an exemption")
    hands.fill("Why you ask for an exemption", "A regulator asked for it.")
    hands.fill("Why it cannot wait", "The date is fixed by law.")
    hands.fill("Risk of installing it late", "Low: a switch turns it off.")
    hands.press("Approve late and ask for an exemption")

    room.sit(room.stage.cast.director, "/exemptions/")
    hands.follow("Session timeout for the admin portal")
    hands.fill("Question or answer", "Who can turn it off at night?")
    hands.press("Ask or answer")
    hands.reads("Who can turn it off at night?")
    hands.unfold(answer)
    hands.fill("Reason", "The plan and the risk are clear.")
    hands.press(f"{answer} the exemption")
    hands.reads("The plan and the risk are clear.")
