"""A whole release week by hand: gunicorn, worker, beat, Redis, the database and Chromium, all real.

Time is moved with the demonstration's clock.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from deployments.models import Deployment, ReleaseWeek
from deployments.weeks import open_for_plans, open_weeks
from tests.cast import Cast
from tests.factories import RepositoryFactory
from tests.support import processes
from tests.support.ports import free_port
from workflow.eastern import machine_time
from workflow.models import DemoClock

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.django_db(transaction=True)]
Start = Callable[[processes.Process], processes.Process]
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n"


@pytest.fixture
def cast_of_week(application_env: dict[str, str]) -> tuple[Cast, ReleaseWeek]:
    """The cast on the Tuesday, eight days before the Tuesday of an open week: before its weekly review."""
    now = datetime.now(UTC)  # noqa: TID251 (real processes take part)
    open_weeks(now)
    week = open_for_plans(now + timedelta(days=8))[0]
    DemoClock.objects.update_or_create(pk=1, defaults={"ahead": _due(week, "code_review") - timedelta(hours=20) - now})
    cast = Cast.assemble()
    RepositoryFactory(application=cast.application, name="acme/session-service")
    return cast, week


def _due(week: ReleaseWeek, key: str) -> datetime:
    return week.milestones.get(key=key).due_at


@pytest.fixture
def site(cast_of_week: tuple[Cast, ReleaseWeek], application_env: dict[str, str], start: Start) -> str:
    """The address of the running application."""
    port = free_port()
    env = application_env | {"DEMO": "1", "DEBUG": "1", "SITE_URL": f"http://127.0.0.1:{port}"}
    command = [sys.executable, "-m", "gunicorn", "releaseflow.wsgi", "-b", f"127.0.0.1:{port}", "--threads", "4"]
    web = start(processes.Process(command, env=env))
    web.wait_for("Listening at")
    start(processes.worker(env))
    start(processes.beat(env))
    return f"http://127.0.0.1:{port}"


class Hands:
    """What a person does with the browser."""

    def __init__(self, page: Page, site: str, week: ReleaseWeek) -> None:
        self.page, self.site, self.week = page, site, week
        page.set_default_timeout(10_000)

    def sign_in(self, name: str) -> None:
        self.page.goto(f"{self.site}/sign-in/")
        self.page.get_by_role("button", name=name).first.click()

    def become(self, name: str) -> None:
        select = self.page.get_by_label("Act as")
        select.select_option(select.locator("option", has_text=name).first.get_attribute("value"))
        self.press("Switch")
        expect(self.page.get_by_label("Act as").locator("option:checked")).to_contain_text(name)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.site}{path}")

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def move_clock(self, key: str, minutes: int) -> None:
        """To so many minutes after a milestone of the week: one of the moments that the bar offers."""
        self.page.get_by_label("Clock").select_option(machine_time(_due(self.week, key) + timedelta(minutes=minutes)))
        self.press("Go")

    def submit_pull_request(self, repository: str, number: int, title: str) -> None:
        self.open("/pull-requests/new/")
        self.page.get_by_label("Address").fill(f"https://github.com/acme/{repository}/pull/{number}")
        self.page.get_by_label("Title").fill(title)
        self.page.get_by_label("Head commit").fill(f"{number:040x}")
        self.press("Submit pull request")
        expect(self.page.get_by_role("heading", name=title)).to_be_visible()

    def approve_pull_request(self, title: str) -> None:
        self.open("/pull-requests/?view=all")
        self.page.get_by_role("link", name=title).click()
        self.page.get_by_label("Approve", exact=True).check()
        self.press("Record review")
        expect(self.page.locator("main")).to_contain_text("Fully approved")

    def send(self) -> None:
        """Sending cannot be undone, so it is asked twice."""
        self.page.locator("summary", has_text="Send now").click()
        self.page.locator("button[value=send]").click()
        expect(self.page.locator("main")).to_contain_text("Sent")

    def attach(self, kind: str, name: str, content: bytes) -> None:
        self.page.locator("#attach").evaluate("folded => folded.open = true")
        file = FilePayload(name=name, mimeType="application/pdf", buffer=content)
        self.page.set_input_files("#files", [file])
        self.page.get_by_label(f"What {name} is").select_option(kind)
        self.press("Attach")
        expect(self.page.locator(".rows a", has_text=name)).to_be_visible()


def test_a_release_week_from_pull_request_to_both_emails(
    page: Page, site: str, cast_of_week: tuple[Cast, ReleaseWeek], tmp_path: Path
) -> None:
    week = cast_of_week[1]
    hands = Hands(page, site, week)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    # Submit and review two pull requests.
    hands.sign_in("Hannah Cole")
    hands.submit_pull_request("identity-admin", 482, "Expire idle admin sessions")
    hands.submit_pull_request("session-service", 119, "Warn before the session ends")
    hands.become("Wei Zhang")
    hands.approve_pull_request("Expire idle admin sessions")
    hands.approve_pull_request("Warn before the session ends")

    # The weekly review plans both into one deployment.
    hands.become("Maya Lind")
    hands.open(week.code_reviews.get().get_absolute_url())
    page.locator("li", has_text="Expire idle admin sessions").get_by_role("button", name="Planned").click()
    page.locator("li", has_text="Warn before the session ends").get_by_role("button", name="Planned").click()
    hands.press("Mark as held")
    hands.open("/emails/")
    planned = page.locator("section", has_text="Planned deployments").filter(has_text=_day(week))
    planned.get_by_role("link", name="Planned deployments").click()
    hands.press("Begin the draft")
    page.get_by_label("Introduction").fill("A short week: please attach documents on Monday.")
    page.get_by_role("button", name="Save draft", exact=True).last.click()
    hands.send()

    # The CRQ and its three documents.
    hands.become("Hannah Cole")
    hands.open(week.get_absolute_url())
    page.get_by_role("link", name="Expire idle admin sessions").first.click()
    page.get_by_role("link", name="Create the CRQ").first.click()
    hands.press("Create CRQ")
    hands.attach("justification", "Why now.pdf", PDF + b"%justification")
    hands.attach("tests", "Results.pdf", PDF + b"%results")
    crq = page.url
    hands.become("Grace Okafor")
    page.goto(crq)
    hands.attach("plan", "Install and backout.pdf", PDF + b"%plan")
    page.get_by_role("link", name="Record branch and core dev").first.click()
    page.get_by_label("Core dev").select_option("success")
    page.get_by_label("Build").fill("build-1042")
    hands.press("Record")

    # Approval on Tuesday, then both deadlines pass.
    hands.move_clock("cutoff", -5)
    hands.become("Anita Desai")
    page.goto(crq)
    hands.press("Approve CRQ")
    expect(page.locator("main")).to_contain_text("Cleared for install")
    hands.move_clock("cutoff", 1)
    hands.move_clock("approval", 1)
    page.goto(crq)
    expect(page.locator("main")).to_contain_text("Cleared for install")

    # Install day.
    hands.move_clock("install", -5)
    hands.become("Grace Okafor")
    hands.open(f"{week.get_absolute_url()}install/")
    hands.press("Mark batch complete")
    hands.press("Start install")
    hands.press("Mark installed")
    hands.become("Wei Zhang")
    hands.open(f"{week.get_absolute_url()}install/")
    hands.press("Verify install")
    expect(page.locator("main")).to_contain_text("1 of 1 verified")

    # The completion e-mail, and both in the mailbox.
    hands.become("Maya Lind")
    hands.open("/emails/")
    page.locator("section", has_text=_day(week)).get_by_role("link", name="Completion status").click()
    hands.press("Begin the draft")
    hands.send()
    hands.open("/demo/mailbox/")
    expect(page.locator("main")).to_contain_text("1 deployment planned for")
    expect(page.locator("main")).to_contain_text("Installed and verified: 1 of 1")
    assert errors == []


def _day(week: ReleaseWeek) -> str:
    assert week.install_day
    return f"{week.install_day:%a %b} {week.install_day.day}"


def test_beat_holds_what_is_not_ready(page: Page, site: str, cast_of_week: tuple[Cast, ReleaseWeek]) -> None:
    week = cast_of_week[1]
    hands = Hands(page, site, week)
    hands.sign_in("Hannah Cole")
    hands.open("/deployments/new/")
    page.get_by_label("Application").select_option(label="Admin portal")
    page.get_by_label("Week").select_option(str(week.pk))
    page.get_by_label("Title").fill("Not ready in time")
    hands.press("Save and continue")
    hands.press("Save and continue")
    expect(page.get_by_label("CRQ number")).to_be_visible()
    deployment = f"{site}{Deployment.objects.get().get_absolute_url()}"

    hands.move_clock("cutoff", -5)
    hands.move_clock("cutoff", 1)
    held = page.locator("main").get_by_role("heading", name="Held")
    for _ in range(40):
        page.goto(deployment)
        if held.count():
            break
        page.wait_for_timeout(250)

    expect(held).to_be_visible()
    expect(page.locator("main")).to_contain_text("CRQ created")
