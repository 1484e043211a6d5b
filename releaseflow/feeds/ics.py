"""Dates as an iCalendar file (RFC 5545). The same dates give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from django.conf import settings
from icalendar import Calendar, Event

from releaseflow.feeds.dates import Dated, absolute

ZONE = ZoneInfo("America/New_York")
EVERY = "PT1H"
"""How often calendar applications are asked to look again."""


def as_ics(name: str, dates: Sequence[Dated]) -> bytes:
    """Wall times are Eastern, so that an install at 2:00 pm stays there when the clocks change."""
    calendar = Calendar()
    calendar.add("prodid", "-//releaseflow//releaseflow//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", _plain(name))
    calendar.add("refresh-interval;value=duration", EVERY)
    calendar.add("x-published-ttl", EVERY)
    for each in dates:
        calendar.add_component(_event(each))
    if dates:
        calendar.add_missing_timezones(first_date=_day(dates[0], -1), last_date=_day(dates[-1], 1))
    content: bytes = calendar.to_ical()
    return content


def _event(dated: Dated) -> Event:
    event = Event()
    event.add("uid", f"{dated.uid}@{settings.MAIL_DOMAIN}")
    event.add("sequence", dated.sequence)
    event.add("dtstamp", dated.changed_at)
    event.add("last-modified", dated.changed_at)
    event.add("dtstart", dated.start.astimezone(ZONE))
    event.add("dtend", dated.end.astimezone(ZONE))
    event.add("summary", _plain(f"Cancelled: {dated.summary}" if dated.cancelled else dated.summary))
    event.add("status", "CANCELLED" if dated.cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT")  # a deadline blocks nobody's time
    event.add("url", absolute(dated.url))
    if dated.description:
        event.add("description", _plain(dated.description))
    return event


def _plain(text: str) -> str:
    """Without control characters, which would end a line of the file; line breaks stay, escaped."""
    return "".join(char for char in text if char.isprintable() or char == "\n")


def _day(dated: Dated, years: int) -> date:
    """A year around: zones are told from one change of the clocks to the next."""
    return dated.start.date().replace(month=1, day=1, year=dated.start.year + years)
