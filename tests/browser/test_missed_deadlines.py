"""What follows a missed deadline, by hand: exemptions, moves, deputies, backouts, weeks without an install day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from playwright.sync_api import FilePayload, Page, expect

from accounts.models import User
from deployments.models import ClosedDay, Deployment
from deployments.weeks import open_week
from releaseflow.tick import tick
from tests.cast import Cast
from tests.stages import EARLY, PDF, Stage, a_week, moment
from workflow import clock
from workflow.models import DemoClock

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.support.demo_urls")]


class Desk:
    """A browser before the application, the clock beside it, and the week's people in front."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        page.set_default_timeout(20_000)
        with clock.frozen(EARLY - timedelta(days=30)):
            self.following = open_week(date(2026, 12, 17))
        self.stage = Stage(Cast.assemble(), a_week())

    def at(self, key: str, **offset: float) -> None:
        """Sets the clock to a milestone of the week, and does what beat does then."""
        target = moment(self.stage.week, key, **offset)
        real = datetime.now(UTC)  # noqa: TID251 (the server's threads run by real time)
        DemoClock.objects.update_or_create(pk=1, defaults={"ahead": target - real})
        tick(clock.now())

    def sit(self, person: User, path: str) -> None:
        """Another person sits down and opens a page."""
        self.page.context.clear_cookies()
        self.page.goto(f"{self.address}/sign-in/")
        self.page.get_by_label("E-mail address").fill(person.email)
        self.page.get_by_label("Password").fill("a quiet harbour")
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.goto(f"{self.address}{path}")

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def reads(self, words: str) -> None:
        expect(self.page.locator("main")).to_contain_text(words)

    def ask(self, deployment: Deployment) -> None:
        self.sit(self.stage.cast.manager, f"/crqs/{deployment.crq.number}/exemption/")
        self.page.get_by_label("Why you ask for an exemption").fill("A regulator asked for it")
        self.page.get_by_label("Why it cannot wait").fill("The date is fixed by law")
        self.page.get_by_label("Risk of installing it late").fill("Low: a switch turns it off")
        self.page.locator("form .btn-primary[type=submit]").last.click()

    def decide(self, word: str) -> None:
        self.sit(self.stage.cast.director, "/exemptions/")
        self.page.get_by_role("link", name="Session timeout for the admin portal").first.click()
        self.page.locator("summary", has_text=word).click()
        self.page.locator("details[open]").get_by_label("Reason").fill("Looked at the plan and the risk")
        self.press(f"{word} the exemption")

    def attach(self, crq: Any, content: bytes) -> None:
        self.sit(self.stage.cast.developer, crq.get_absolute_url())
        self.page.locator("#attach").evaluate("folded => folded.open = true")
        self.page.set_input_files(
            "#files", [FilePayload(name="New results.pdf", mimeType="application/pdf", buffer=PDF + content)]
        )
        self.press("Attach")
        expect(self.page.locator(".rows", has_text="New results.pdf").first).to_be_visible()


@pytest.fixture
def desk(page: Page, live_server: Any, settings: LazySettings) -> Desk:
    settings.DEMO = True  # only for its clock
    return Desk(page, live_server.url)


def held(desk: Desk) -> Deployment:
    """Ready, but not approved at 5:00 pm."""
    with clock.frozen(EARLY):
        deployment = desk.stage.ready()
    desk.at("approval", minutes=1)
    return desk.stage.fresh(deployment)


def test_a_granted_exemption_clears_the_deployment(desk: Desk) -> None:
    deployment = held(desk)
    desk.sit(desk.stage.cast.manager, deployment.crq.get_absolute_url())
    desk.reads("Held")
    desk.ask(deployment)
    desk.decide("Grant")
    desk.reads("Granted")

    desk.sit(desk.stage.cast.devops, deployment.crq.get_absolute_url())
    desk.reads("Cleared for install")


def test_a_denied_exemption_leads_to_a_new_week(desk: Desk) -> None:
    deployment = held(desk)
    desk.ask(deployment)
    desk.decide("Deny")

    desk.sit(desk.stage.cast.manager, "/")
    desk.page.get_by_role("link", name="Choose a new week for").click()
    desk.page.get_by_label("Why").fill("Denied for this week")
    desk.press("Move")
    desk.reads("Thu Dec 17")
    assert desk.stage.fresh(deployment).status == Deployment.Status.PLANNED


def test_an_undecided_exemption_lapses(desk: Desk) -> None:
    deployment = held(desk)
    desk.ask(deployment)
    desk.at("exemption_close", minutes=1)

    desk.sit(desk.stage.cast.director, deployment.crq.exemptions.get().get_absolute_url())
    desk.reads("No decision")
    expect(desk.page.get_by_role("button", name="Grant the exemption")).to_have_count(0)


def test_a_miss_of_two_o_clock_says_what_was_missing(desk: Desk) -> None:
    with clock.frozen(EARLY):
        deployment = desk.stage.planned()
    desk.at("cutoff", minutes=1)

    desk.sit(desk.stage.cast.developer, deployment.get_absolute_url())
    desk.reads("Held")
    desk.reads("CRQ created")
    desk.sit(desk.stage.cast.scrum_master, f"{desk.stage.week.get_absolute_url()}snapshots/")
    desk.reads("Missing")


def test_a_document_replaced_before_the_deadline_asks_the_manager_again(desk: Desk) -> None:
    with clock.frozen(EARLY):
        crq = desk.stage.cleared().crq
    desk.at("approval", hours=-1)
    desk.attach(crq, b"newer")
    desk.sit(desk.stage.cast.manager, crq.get_absolute_url())
    desk.reads("Ready for your decision")
    desk.press("Approve CRQ")
    desk.reads("Cleared for install")


def test_a_document_replaced_after_the_deadline_holds_the_deployment(desk: Desk) -> None:
    with clock.frozen(EARLY):
        crq = desk.stage.cleared().crq
    desk.at("approval", hours=1)
    desk.sit(desk.stage.cast.developer, crq.get_absolute_url())
    desk.page.locator("#attach > summary").click()
    desk.reads("a new document voids the approval")
    desk.attach(crq, b"newer")
    desk.reads("Held")
    desk.reads("New results.pdf was attached")


def test_a_manager_away_has_a_deputy(desk: Desk) -> None:
    with clock.frozen(EARLY):
        crq = desk.stage.ready().crq
    desk.at("cutoff", hours=-2)
    desk.sit(desk.stage.cast.manager, "/me/")
    desk.page.locator("#id_deputy").select_option(label="Nick Nowhere")
    desk.page.locator("#id_role").select_option(label="Dev Manager")
    desk.page.locator("#id_starts").fill("2026-12-08")
    desk.page.locator("#id_ends").fill("2026-12-08")
    desk.press("Appoint")
    desk.sit(desk.stage.cast.outsider, crq.get_absolute_url())
    desk.press("Approve CRQ")
    desk.reads("Nick Nowhere for Anita Desai")


def test_a_failed_install_is_backed_out(desk: Desk) -> None:
    with clock.frozen(EARLY):
        desk.stage.cleared()
    desk.at("install", minutes=5)
    desk.sit(desk.stage.cast.devops, f"{desk.stage.week.get_absolute_url()}install/")
    desk.press("Mark batch complete")
    desk.press("Start install")
    desk.page.locator("summary", has_text="Report failure").click()
    desk.page.locator(".install-row details[open] textarea").fill("The disk is full")
    desk.page.locator(".install-row details[open] button").click()
    desk.page.locator("summary", has_text="Back out").click()
    desk.page.locator(".install-row details[open] button").click()
    desk.reads("Backed out")


@pytest.mark.parametrize(
    ("thursday", "closed", "name", "words"),
    [
        (date(2026, 11, 26), date(2026, 11, 26), "Thanksgiving Day", "Thanksgiving Day"),
        (date(2025, 11, 13), date(2025, 11, 11), "Veterans Day", "Mon Nov 10"),
    ],
)
def test_weeks_with_a_holiday(desk: Desk, thursday: date, closed: date, name: str, words: str) -> None:
    ClosedDay.objects.create(day=closed, name=name)
    with clock.frozen(EARLY - timedelta(days=400)):
        week = open_week(thursday)
    assert week
    desk.sit(desk.stage.cast.developer, week.get_absolute_url())
    desk.reads(words)
