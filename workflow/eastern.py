"""How people see time: Eastern wall-clock words for aware instants.

The clock abbreviation is always "ET", never EST or EDT. Names of days and months are spelled here rather than taken
from the operating system's locale. Functions that take an instant raise ValueError when it has no time zone.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
NOON = time(12)


def to_eastern(at: datetime) -> datetime:
    """The same instant on Eastern clocks."""
    if at.utcoffset() is None:
        raise ValueError(f"{at.isoformat()} has no time zone, so it is not an instant.")
    return at.astimezone(EASTERN)


def eastern_day(at: datetime) -> date:
    """The date on Eastern calendars; at 8 pm there, UTC is already in tomorrow."""
    return to_eastern(at).date()


def machine_time(at: datetime) -> str:
    """`2026-12-08T19:00:00Z`, for the `datetime` attribute of `<time>`."""
    return to_eastern(at).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def say_clock(wall: time) -> str:
    """`2:00 pm`, without a zone; `12:00 noon`, because 12:00 pm is read both ways."""
    hour = f"{wall.hour % 12 or 12}:{wall.minute:02}"
    if (wall.hour, wall.minute) == (NOON.hour, NOON.minute):
        return f"{hour} noon"
    return f"{hour} {'am' if wall < NOON else 'pm'}"


def say_time(at: datetime) -> str:
    """`2:00 pm ET`."""
    return f"{say_clock(to_eastern(at).time())} ET"


def say_day(day: date) -> str:
    """`Thu Dec 10`; an instant is taken on its Eastern date."""
    day = _plain_date(day)
    return f"{WEEKDAYS[day.weekday()][:3]} {MONTHS[day.month - 1][:3]} {day.day}"


def say_long_day(day: date) -> str:
    """`Thursday, December 10`; an instant is taken on its Eastern date."""
    day = _plain_date(day)
    return f"{WEEKDAYS[day.weekday()]}, {MONTHS[day.month - 1]} {day.day}"


def say_instant(at: datetime, *, now: datetime | None = None) -> str:
    """`Tue Dec 8, 2:00 pm ET`; with the year, `Tue Dec 8, 2026, 2:00 pm ET`, when `now` is in another Eastern year."""
    day = eastern_day(at)
    year = f", {day.year}" if now is not None and day.year != eastern_day(now).year else ""
    return f"{say_day(day)}{year}, {say_time(at)}"


def say_near(at: datetime, now: datetime) -> str:
    """`today, 2:00 pm ET`, likewise yesterday and tomorrow; any other day as `say_instant` does."""
    word = {-1: "yesterday", 0: "today", 1: "tomorrow"}.get((eastern_day(at) - eastern_day(now)).days)
    return f"{word}, {say_time(at)}" if word else say_instant(at, now=now)


def say_elsewhere(at: datetime, zone: str) -> str:
    """`1:00 pm your time`, with the weekday when that differs: `Wed 4:00 am your time`.

    Empty where clocks show the Eastern time, and for a zone that is blank or unknown: people then still have ET.
    """
    there, eastern = _in_zone(at, zone), to_eastern(at)
    if there is None or there.utcoffset() == eastern.utcoffset():
        return ""
    day = "" if there.date() == eastern.date() else f"{WEEKDAYS[there.weekday()][:3]} "
    return f"{day}{say_clock(there.time())} your time"


def say_span(delta: timedelta) -> str:
    """`3 d 4 h`, `2 h 18 min`, `40 min` or `less than a minute`: the two largest units, rounded down.

    A negative span has the same length as its opposite; the caller's words carry the direction.
    """
    minutes = abs(delta) // timedelta(minutes=1)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    largest = [(days, "d"), (hours, "h")] if days else [(hours, "h"), (minutes, "min")]
    return " ".join(f"{number} {unit}" for number, unit in largest if number) or "less than a minute"


def say_ago(at: datetime, now: datetime) -> str:
    """`2 h 18 min ago`, `3 days ago`, `just now` within a minute on either side, `in 40 min` for what is ahead."""
    elapsed = to_eastern(now).astimezone(UTC) - to_eastern(at).astimezone(UTC)
    if abs(elapsed) < timedelta(minutes=1):
        return "just now"
    if elapsed >= timedelta(days=2):
        return f"{elapsed.days} days ago"
    return f"{say_span(elapsed)} ago" if elapsed > timedelta(0) else f"in {say_span(elapsed)}"


def say_countdown(at: datetime, now: datetime) -> str:
    """`2 h 18 min` up to and including the instant, since that is still on time; `late 2 h` after it."""
    left = to_eastern(at).astimezone(UTC) - to_eastern(now).astimezone(UTC)
    return say_span(left) if left >= timedelta(0) else f"late {say_span(left)}"


def _plain_date(day: date) -> date:
    return eastern_day(day) if isinstance(day, datetime) else day


def _in_zone(at: datetime, zone: str) -> datetime | None:
    try:
        return at.astimezone(ZoneInfo(zone)) if zone else None
    except (KeyError, ValueError, OSError):  # what ZoneInfo raises for unknown names, odd paths and folders
        return None
