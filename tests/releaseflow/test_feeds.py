"""Calendar addresses: what they tell, that it stays the same date when it moves, and who reads it."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from icalendar import Calendar

from accounts.tokens import digest_of
from crq.flow import CRQ_FLOW  # noqa: F401 (completes the flows)
from crq.following import FOLLOWER
from crq.models import Follower
from deployments.flow import CODE_REVIEW, DEPLOYMENT, WEEK
from deployments.models import ReleaseWeek
from deployments.weeks import open_week
from releaseflow.models import Feed
from tests.cast import Cast
from tests.stages import EARLY, Stage, a_week
from workflow import clock
from workflow.machine import begin, perform
from workflow.models import Event as Audited

EASTERN = ZoneInfo("America/New_York")


class Reader:
    """A calendar application without any cookie, that reads one person's address."""

    def __init__(self, cast: Cast, kind: str = "mine", who: str = "developer") -> None:
        self.key, self.client = f"key-{kind}-{who}", Client()
        team = cast.team if kind == "team" else None
        user = getattr(cast, who)
        self.feed = Feed.objects.create(user=user, kind=kind, team=team, digest=digest_of(self.key), made_at=EARLY)

    def get(self, **headers: str) -> Any:
        return self.client.get(f"/feeds/{self.key}.ics", headers=headers)

    def events(self) -> dict[str, Any]:
        calendar = Calendar.from_ical(self.get().content)
        return {str(each["uid"]).partition("@")[0]: each for each in calendar.walk("VEVENT")}


@pytest.fixture
def reader(client: Client, stage: Stage) -> Reader:
    return Reader(stage.cast)


def wall(event: Any) -> tuple[date, str]:
    """The Eastern day and wall time at which it starts."""
    at: datetime = event.decoded("dtstart").astimezone(EASTERN)
    return at.date(), f"{at:%H:%M}"


# --- What is told ----------------------------------------------------------------------------------------------
def test_the_week_and_the_deployments_of_ones_team(reader: Reader, stage: Stage) -> None:
    deployment = stage.with_crq()
    events = reader.events()

    assert wall(events["cutoff-2026-12-10"]) == (date(2026, 12, 8), "14:00")
    assert wall(events["approval-2026-12-10"]) == (date(2026, 12, 8), "17:00")
    mine = events[f"deployment-{deployment.pk}"]
    assert wall(mine) == (date(2026, 12, 10), "14:00")
    assert mine["summary"] == "Install Admin portal: Session timeout for the admin portal"
    assert (mine["status"], mine["description"]) == ("CONFIRMED", deployment.crq.number)
    assert mine["url"] == f"http://testserver{deployment.get_absolute_url()}"


def test_another_teams_deployments_are_told_to_followers_only(stage: Stage) -> None:
    deployment = stage.plan()
    stranger = Reader(stage.cast, who="other_developer")
    assert f"deployment-{deployment.pk}" not in stranger.events()

    follower = Follower(deployment=deployment, user=stage.cast.other_developer)
    begin(FOLLOWER, "follow", follower, by=stage.cast.other_developer)

    assert f"deployment-{deployment.pk}" in stranger.events()
    assert f"deployment-{deployment.pk}" in Reader(stage.cast, "team").events()
    assert f"deployment-{deployment.pk}" not in Reader(stage.cast, "week").events()


@pytest.mark.parametrize(
    ("thursday", "before"), [(date(2026, 11, 5), date(2026, 10, 29)), (date(2027, 3, 18), date(2027, 3, 11))]
)
def test_the_wall_time_stays_when_the_clocks_change(cast: Cast, thursday: date, before: date) -> None:
    for each in (before, thursday):
        with clock.frozen(datetime(2026, 8, 1, tzinfo=EASTERN)):
            open_week(each)
    with clock.frozen(datetime.combine(before, datetime.min.time(), EASTERN) - timedelta(days=1)):
        reader = Reader(cast, "week")
        events, text = reader.events(), reader.get().content.decode()

    starts = [events[f"install-{each}"].decoded("dtstart") for each in (before, thursday)]
    assert [f"{at:%H:%M}" for at in starts] == ["14:00", "14:00"]
    assert starts[0].utcoffset() != starts[1].utcoffset()
    assert "BEGIN:VTIMEZONE" in text
    assert "DTSTART;TZID=America/New_York:" in text
    assert "19700101" not in text


# --- What moves and what is cancelled -----------------------------------------------------------------------------
def test_a_moved_install_day_is_the_same_date_with_a_higher_sequence(reader: Reader, stage: Stage) -> None:
    deployment = stage.plan()
    before = reader.events()
    perform(WEEK, "substitute", stage.week, by=stage.cast.scrum_master, day=date(2026, 12, 11), reason="A fair")
    after = reader.events()

    for uid in ("install-2026-12-10", f"deployment-{deployment.pk}"):
        assert wall(after[uid]) == (date(2026, 12, 11), "14:00")
        assert after[uid]["sequence"] > before[uid]["sequence"]
        assert after[uid].decoded("last-modified") == clock.now()
    assert after["install-2026-12-10"]["status"] == "CONFIRMED"


def test_a_deployment_that_moves_and_moves_back_keeps_rising(reader: Reader, stage: Stage) -> None:
    deployment, seen = stage.plan(), []
    other = a_week(date(2026, 12, 17))
    perform(WEEK, "substitute", stage.week, by=stage.cast.scrum_master, day=date(2026, 12, 11), reason="A fair")
    seen.append(reader.events()[f"deployment-{deployment.pk}"])
    for week in (other, stage.week):
        perform(DEPLOYMENT, "move", deployment, by=stage.cast.manager, week=week, reason="Later")
        seen.append(reader.events()[f"deployment-{deployment.pk}"])

    assert [wall(each)[0] for each in seen] == [date(2026, 12, 11), date(2026, 12, 17), date(2026, 12, 11)]
    assert sorted({each["sequence"] for each in seen}) == [each["sequence"] for each in seen]


def test_a_skipped_week_says_so_where_it_would_have_been(reader: Reader, stage: Stage) -> None:
    before = reader.events()["install-2026-12-10"]
    perform(WEEK, "skip", stage.week, by=stage.cast.administrator, reason="Year-end freeze")
    after = reader.events()["install-2026-12-10"]

    assert (after["status"], wall(after)) == ("CANCELLED", wall(before))
    assert after["summary"].startswith("Cancelled: ")
    assert after["sequence"] == before["sequence"] + 1


def test_a_withdrawn_deployment_and_a_cancelled_review(reader: Reader, stage: Stage) -> None:
    deployment, review = stage.plan(), stage.week.code_reviews.get()
    perform(DEPLOYMENT, "withdraw", deployment, by=stage.cast.developer, reason="Not needed")
    perform(CODE_REVIEW, "cancel", review, by=stage.cast.scrum_master, reason="Nothing to look at")
    events = reader.events()

    for uid in (f"deployment-{deployment.pk}", f"review-{review.pk}"):
        assert (events[uid]["status"], events[uid]["sequence"] > 0) == ("CANCELLED", True)


# --- The file ------------------------------------------------------------------------------------------------------
def test_the_same_facts_are_the_same_bytes(reader: Reader, stage: Stage) -> None:
    stage.with_crq()
    first = reader.get()
    with clock.frozen(clock.now() + timedelta(hours=3)):
        again = reader.get()
        unchanged = reader.get(if_none_match=first["ETag"])

    assert again.content == first.content
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    stage.beside().plan()
    assert reader.get(if_none_match=first["ETag"]).status_code == 200


def test_a_hostile_title_stays_within_its_line(reader: Reader, stage: Stage) -> None:
    title = "Fine\r\nATTENDEE:mailto:x@evil.example\nEND:VEVENT;,\\ \u202etxt \U0001f600" + "é" * 100
    deployment = stage.plan(title[:200])
    text = reader.get().content.decode()

    assert "\nATTENDEE" not in text.replace("\r\n ", "")
    assert str(reader.events()[f"deployment-{deployment.pk}"]["summary"]).count("é") > 50
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert not re.search(r"(?<!\r)\n", text)


@pytest.mark.parametrize("weeks", [1, 3])
def test_as_many_statements_for_three_weeks_as_for_one(
    reader: Reader, stage: Stage, weeks: int, django_assert_num_queries: Any
) -> None:
    for number in range(weeks):
        if number:
            stage.week = a_week(date(2026, 12, 10 + 7 * number))
        stage.with_crq() if not number else stage.plan()

    with django_assert_num_queries(9):
        reader.get()


# --- Who reads it ---------------------------------------------------------------------------------------------------
def test_an_address_is_shown_once_and_kept_as_a_digest(client: Client, stage: Stage) -> None:
    client.force_login(stage.cast.developer)
    page = client.post("/me/calendars/", {"kind": "team", "team": stage.cast.team.pk})

    [url] = re.findall(r"http://testserver(/feeds/[\w-]+\.ics)", page.text)
    key = url.removeprefix("/feeds/").removesuffix(".ics")
    assert Client().get(url).status_code == 200
    assert key not in client.get("/me/calendars/").text
    assert key not in str(list(Feed.objects.values_list("digest"))) + str(list(Audited.objects.values_list("data")))


def test_a_team_has_to_be_named(client: Client, stage: Stage) -> None:
    client.force_login(stage.cast.developer)
    assert client.post("/me/calendars/", {"kind": "team"}).status_code == 422


def test_ten_addresses_are_enough(client: Client, stage: Stage) -> None:
    client.force_login(stage.cast.developer)
    answers = [client.post("/me/calendars/", {"kind": "mine"}).status_code for _ in range(11)]

    assert answers == [200] * 10 + [422]


def test_a_revoked_address_is_gone(client: Client, reader: Reader, stage: Stage) -> None:
    client.force_login(stage.cast.manager)
    client.post(f"/act/feed/{reader.feed.pk}/revoke/")
    assert reader.get().status_code == 200  # somebody else's

    client.force_login(stage.cast.developer)
    client.post(f"/act/feed/{reader.feed.pk}/revoke/")

    assert reader.get().status_code == 404


def test_whoever_is_switched_off_reads_nothing(reader: Reader, stage: Stage) -> None:
    stage.cast.developer.is_active = False
    stage.cast.developer.save()

    assert reader.get().status_code == 404
    assert Client().get("/feeds/guessed.ics").status_code == 404
    assert ReleaseWeek.objects.exists()


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_costs_the_same_for_one_and_three(
    client: Client, stage: Stage, rows: int, django_assert_num_queries: Any
) -> None:
    client.force_login(stage.cast.developer)
    for _ in range(rows):
        client.post("/me/calendars/", {"kind": "mine"})

    with django_assert_num_queries(5):
        client.get("/me/calendars/")
