"""People see Eastern words; machines see the instant."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from types import SimpleNamespace

import pytest
from django.template import Context, Engine
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow import eastern
from workflow.templatetags import eastern_time

DUE = datetime(2026, 12, 8, 19, tzinfo=UTC)  # Tue Dec 8, 2:00 pm ET


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2026-12-08 19:00", "Tue Dec 8, 2:00 pm ET"),
        ("2026-07-07 18:00", "Tue Jul 7, 2:00 pm ET"),
        ("2026-12-09 04:59", "Tue Dec 8, 11:59 pm ET"),
        ("2026-12-09 05:00", "Wed Dec 9, 12:00 am ET"),
        ("2026-12-10 17:00", "Thu Dec 10, 12:00 noon ET"),
        ("2026-12-10 17:01", "Thu Dec 10, 12:01 pm ET"),
        ("2026-03-08 06:59", "Sun Mar 8, 1:59 am ET"),
        ("2026-03-08 07:00", "Sun Mar 8, 3:00 am ET"),
        ("2026-11-01 05:30", "Sun Nov 1, 1:30 am ET"),
        ("2026-11-01 06:30", "Sun Nov 1, 1:30 am ET"),
        ("2026-12-08 22:00:59.999999", "Tue Dec 8, 5:00 pm ET"),
    ],
)
def test_an_instant_in_words(at: str, said: str) -> None:
    assert eastern.say_instant(utc(at)) == said


def test_the_zone_has_its_lasting_name() -> None:
    assert eastern.EASTERN.key == "America/New_York"


def test_an_instant_given_in_another_zone_is_the_same_instant() -> None:
    assert eastern.say_instant(DUE.astimezone(timezone(timedelta(hours=9)))) == "Tue Dec 8, 2:00 pm ET"


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("2026-01-01 05:00", "Tue Dec 8, 2:00 pm ET"),
        ("2026-01-01 04:59", "Tue Dec 8, 2026, 2:00 pm ET"),  # still 2025 on Eastern clocks
        ("2027-01-01 04:59", "Tue Dec 8, 2:00 pm ET"),  # still 2026
        ("2027-01-01 05:00", "Tue Dec 8, 2026, 2:00 pm ET"),
    ],
)
def test_the_year_is_said_when_it_is_another_eastern_year(now: str, said: str) -> None:
    assert eastern.say_instant(DUE, now=utc(now)) == said


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("2026-12-07 04:59", "Tue Dec 8, 2:00 pm ET"),
        ("2026-12-07 05:00", "tomorrow, 2:00 pm ET"),
        ("2026-12-08 04:59", "tomorrow, 2:00 pm ET"),
        ("2026-12-08 05:00", "today, 2:00 pm ET"),
        ("2026-12-09 04:59", "today, 2:00 pm ET"),
        ("2026-12-09 05:00", "yesterday, 2:00 pm ET"),
        ("2026-12-10 05:00", "Tue Dec 8, 2:00 pm ET"),
        ("2027-02-10 05:00", "Tue Dec 8, 2026, 2:00 pm ET"),
    ],
)
def test_near_days_have_words(now: str, said: str) -> None:
    assert eastern.say_near(DUE, utc(now)) == said


def test_the_short_day_after_a_change_is_still_yesterday() -> None:
    saturday_night, sunday_night = utc("2026-03-08 04:30"), utc("2026-03-09 03:30")  # 23 hours, both 11:30 pm

    assert eastern.say_near(saturday_night, sunday_night) == "yesterday, 11:30 pm ET"


def test_days_in_words() -> None:
    assert eastern.say_day(date(2026, 12, 10)) == "Thu Dec 10"
    assert eastern.say_long_day(date(2026, 12, 10)) == "Thursday, December 10"


def test_an_instant_given_as_a_day_is_taken_on_its_eastern_date() -> None:
    late_evening = utc("2026-12-11 01:00")

    assert eastern.say_day(late_evening) == "Thu Dec 10"
    assert eastern.say_long_day(late_evening) == "Thursday, December 10"
    assert eastern.eastern_day(late_evening) == date(2026, 12, 10)


@settings(deadline=None)
@given(st.dates())
def test_names_of_days_are_those_of_the_calendar(day: date) -> None:
    assert eastern.say_day(day) == f"{day:%a %b} {day.day}"
    assert eastern.say_long_day(day) == f"{day:%A, %B} {day.day}"


@settings(deadline=None)
@given(st.times())
def test_clock_words_read_back_as_the_same_minute(wall: time) -> None:
    said = eastern.say_clock(wall).replace("noon", "pm")

    assert datetime.strptime(said, "%I:%M %p").replace(tzinfo=UTC).time() == wall.replace(second=0, microsecond=0)


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("America/Chicago", "1:00 pm your time"),
        ("Europe/London", "7:00 pm your time"),
        ("Asia/Kolkata", "Wed 12:30 am your time"),
        ("Asia/Tokyo", "Wed 4:00 am your time"),
        ("UTC", "7:00 pm your time"),
        ("America/New_York", ""),
        ("America/Toronto", ""),
        ("", ""),
        ("Mars/Olympus", ""),
        ("America", ""),
        ("../etc/passwd", ""),
        ("Europe/Lon\x00don", ""),
    ],
)
def test_a_persons_own_time_is_said_only_where_it_differs(zone: str, said: str) -> None:
    assert eastern.say_elsewhere(DUE, zone) == said


def test_the_day_before_is_named_too() -> None:
    assert eastern.say_elsewhere(utc("2026-12-09 05:30"), "America/Los_Angeles") == "Tue 9:30 pm your time"


def test_another_zone_may_differ_on_some_days_only() -> None:
    assert eastern.say_elsewhere(utc("2026-07-07 18:00"), "America/Panama") == "1:00 pm your time"
    assert eastern.say_elsewhere(utc("2026-12-08 19:00"), "America/Panama") == ""


@pytest.mark.parametrize(
    ("delta", "said"),
    [
        (timedelta(0), "less than a minute"),
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(minutes=1), "1 min"),
        (timedelta(minutes=40, seconds=59), "40 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(hours=2, minutes=18), "2 h 18 min"),
        (timedelta(hours=23, minutes=59, seconds=59), "23 h 59 min"),
        (timedelta(days=1), "1 d"),
        (timedelta(days=1, minutes=59), "1 d"),
        (timedelta(days=3, hours=4, minutes=50), "3 d 4 h"),
        (timedelta(days=400), "400 d"),
        (-timedelta(hours=2, minutes=18), "2 h 18 min"),
        (-timedelta(seconds=1), "less than a minute"),
    ],
)
def test_a_span_is_its_two_largest_units(delta: timedelta, said: str) -> None:
    assert eastern.say_span(delta) == said


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("2026-12-11 21:18", "3 days ago"),
        ("2026-12-08 21:18", "2 h 18 min ago"),
        ("2026-12-08 19:01", "1 min ago"),
        ("2026-12-08 19:00:59", "just now"),
        ("2026-12-08 18:59:01", "just now"),
        ("2026-12-08 18:20", "in 40 min"),
    ],
)
def test_ago(now: str, said: str) -> None:
    assert eastern.say_ago(DUE, utc(now)) == said


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("2026-12-08 16:42", "2 h 18 min"),
        ("2026-12-08 18:59:30", "less than a minute"),
        ("2026-12-08 19:00", "less than a minute"),
        ("2026-12-08 19:00:00.000001", "late less than a minute"),
        ("2026-12-08 21:00", "late 2 h"),
    ],
)
def test_countdown_is_late_only_after_the_instant(now: str, said: str) -> None:
    assert eastern.say_countdown(DUE, utc(now)) == said


def test_elapsed_time_is_real_time_across_a_change() -> None:
    before = utc("2026-03-08 05:00").astimezone(eastern.EASTERN)  # midnight
    after = utc("2026-03-08 08:00").astimezone(eastern.EASTERN)  # 4 am on the clock, three hours later

    assert eastern.say_ago(before, after) == "3 h ago"
    assert eastern.say_countdown(after, before) == "3 h"


@pytest.mark.parametrize(
    "say", [eastern.say_instant, eastern.say_time, eastern.say_day, eastern.machine_time, eastern.eastern_day]
)
def test_a_time_without_a_zone_is_refused(say: Callable[[datetime], object]) -> None:
    with pytest.raises(ValueError, match="2026-12-08T14:00:00 has no time zone"):
        say(datetime(2026, 12, 8, 14))  # noqa: DTZ001 - the mistake under test


def test_machines_read_utc() -> None:
    assert eastern.machine_time(utc("2026-12-08 19:00:00.5")) == "2026-12-08T19:00:00Z"


def test_filters_give_bare_text() -> None:
    assert eastern_time.instant(DUE) == "Tue Dec 8, 2:00 pm ET"
    assert eastern_time.clock_time(DUE) == "2:00 pm ET"
    assert eastern_time.day(date(2026, 12, 10)) == "Thu Dec 10"
    assert eastern_time.long_day(date(2026, 12, 10)) == "Thursday, December 10"


def render(source: str, **context: object) -> str:
    engine = Engine(builtins=["workflow.templatetags.eastern_time"])
    return engine.from_string(source).render(Context(context))


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("{% when at %}", '<time datetime="2026-12-08T19:00:00Z">Tue Dec 8, 2:00 pm ET</time>'),
        ("{% near at %}", '<time datetime="2026-12-08T19:00:00Z">today, 2:00 pm ET</time>'),
        ("{% countdown at %}", '<time datetime="2026-12-08T19:00:00Z" data-countdown>2 h 18 min</time>'),
        ("{% your_time at %}", "1:00 pm your time"),
        ("{{ at|instant }} {{ at|clock_time }}", "Tue Dec 8, 2:00 pm ET 2:00 pm ET"),
        ("{{ at|day }}; {{ at|long_day }}", "Tue Dec 8; Tuesday, December 8"),
    ],
)
def test_tags_and_filters_in_a_template(source: str, html: str) -> None:
    person = SimpleNamespace(time_zone="America/Chicago")

    assert render(source, at=DUE, now=utc("2026-12-08 16:42"), user=person) == html


def test_when_says_another_year_where_the_context_knows_now() -> None:
    assert "Tue Dec 8, 2026, 2:00 pm ET" in render("{% when at %}", at=DUE, now=utc("2027-02-01 12:00"))
    assert "Tue Dec 8, 2:00 pm ET" in render("{% when at %}", at=DUE)


@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_instant_gives_nothing(value: object) -> None:
    source = "{% when at %}{% near at %}{% countdown at %}{% your_time at %}{{ at|instant }}{{ at|clock_time }}"

    assert render(source + "{{ at|day }}{{ at|long_day }}", at=value, now=DUE) == ""


@pytest.mark.parametrize("context", [{}, {"user": None}, {"user": SimpleNamespace(is_authenticated=False)}])
def test_nobody_signed_in_has_no_time_of_their_own(context: dict[str, object]) -> None:
    assert render("{% your_time at %}", at=DUE, **context) == ""
