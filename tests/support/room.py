"""The week's people at one screen, with a clock that a journey sets."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django.conf import LazySettings
from django.test import Client
from playwright.sync_api import FilePayload

from accounts.models import User
from deployments.weeks import open_week
from releaseflow.tick import tick
from tests.cast import Cast
from tests.stages import EARLY, PDF, Stage, a_week, moment
from tests.support.hands import Hands
from workflow import clock
from workflow.models import DemoClock


class Room:
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


def pdf(name: str) -> FilePayload:
    return FilePayload(name=name, mimeType="application/pdf", buffer=PDF + name.encode())
