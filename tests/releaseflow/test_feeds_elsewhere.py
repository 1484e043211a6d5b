"""The calendar feed as another library reads it, and as calendar applications keep it: by UID and SEQUENCE."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import ics
import pytest
from django.test import Client

from accounts.tokens import digest_of
from deployments.flow import WEEK
from deployments.weeks import open_week
from releaseflow.models import Feed
from tests.cast import Cast
from tests.stages import EARLY, Stage
from workflow import clock
from workflow.machine import perform

EASTERN = ZoneInfo("America/New_York")
Events = dict[str, ics.Event]


def read(key: str = "a-key") -> Events:
    calendar = ics.Calendar(Client().get(f"/feeds/{key}.ics").content.decode())
    return {each.uid.partition("@")[0]: each for each in calendar.events}


def wall(event: ics.Event) -> str:
    """When it starts on Eastern clocks."""
    at: datetime = event.begin.datetime.astimezone(EASTERN)
    return f"{at:%Y-%m-%d %H:%M}"


def told(event: ics.Event, name: str) -> str:
    """A property that this library keeps as it stands."""
    return str(next(each.value for each in event.extra if each.name == name))


@pytest.fixture
def feed(cast: Cast) -> Feed:
    found: Feed = Feed.objects.create(user=cast.developer, kind="week", digest=digest_of("a-key"), made_at=EARLY)
    return found


class Kept:
    """A calendar that keeps events as Thunderbird and Outlook do: a lower SEQUENCE of the same UID changes nothing."""

    def __init__(self) -> None:
        self.events: Events = {}

    def take(self, told_now: Events) -> None:
        for uid, event in told_now.items():
            known = self.events.get(uid)
            if known is None or _age(event) > _age(known):
                self.events[uid] = event


def _age(event: ics.Event) -> tuple[int, datetime]:
    return int(told(event, "SEQUENCE")), event.last_modified.datetime


def test_a_moved_install_day_moves(feed: Feed, stage: Stage) -> None:
    kept = Kept()
    kept.take(read())
    assert wall(kept.events["install-2026-12-10"]) == "2026-12-10 14:00"

    perform(WEEK, "substitute", stage.week, by=stage.cast.scrum_master, day=date(2026, 12, 11), reason="A fair")
    kept.take(read())

    assert wall(kept.events["install-2026-12-10"]) == "2026-12-11 14:00"
    assert len(kept.events) == len(read())


def test_a_skipped_week_says_that_it_is_cancelled(feed: Feed, stage: Stage) -> None:
    kept = Kept()
    kept.take(read())
    perform(WEEK, "skip", stage.week, by=stage.cast.administrator, reason="Year-end freeze")
    kept.take(read())

    event = kept.events["install-2026-12-10"]
    assert (event.status, event.name.startswith("Cancelled: ")) == ("CANCELLED", True)


@pytest.mark.parametrize(
    ("thursday", "before"), [(date(2026, 11, 5), date(2026, 10, 29)), (date(2027, 3, 18), date(2027, 3, 11))]
)
def test_the_wall_time_stays_when_the_clocks_change(cast: Cast, feed: Feed, thursday: date, before: date) -> None:
    for each in (before, thursday):
        with clock.frozen(datetime(2026, 8, 1, tzinfo=EASTERN)):
            open_week(each)
    with clock.frozen(datetime.combine(before, datetime.min.time(), EASTERN) - timedelta(days=1)):
        events = read()

    starts = [events[f"install-{each}"].begin.datetime for each in (before, thursday)]
    assert [f"{at.astimezone(EASTERN):%H:%M}" for at in starts] == ["14:00", "14:00"]
    assert starts[0].utcoffset() != starts[1].utcoffset()
