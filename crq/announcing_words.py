"""The words of an announcement: its subject, and all that its templates show. Pure: everything comes from the data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings

from crq.announcing_difference import Change
from crq.announcing_lines import Content
from crq.models import Announcement
from deployments.models import Deployment
from deployments.policy import Deadline
from workflow.eastern import say_day

S = Deployment.Status
Kind, Edition = Announcement.Kind, Announcement.Edition
PREFIX = {Edition.REVISION: "Revised", Edition.FINAL: "Final", Edition.UPDATE: "Update"}


def subject(announcement: Announcement, content: Content) -> str:
    """What the Scrum Master wrote, or the facts: "8 deployments planned for Thu Dec 10".

    A later edition says so in either case: "Revised: …".
    """
    words = announcement.subject or _facts(announcement, content)
    prefix = PREFIX.get(Edition(announcement.edition), "")
    if not prefix or words.lower().startswith(prefix.lower()):
        return words
    return f"{prefix}: {announcement.subject or words[:1].lower() + words[1:]}"


def _facts(announcement: Announcement, content: Content) -> str:
    day = say_day(content.day or announcement.week.thursday)
    if content.day is None:
        return f"No code install on {day}"
    if announcement.kind == Kind.COMPLETION:
        return _outcomes(content, day)
    if announcement.edition == Edition.FINAL and content.lines:
        return f"{_clearance(content)} for {day}"
    return f"{_count(content)} planned for {day}"


def _count(content: Content) -> str:
    number = len(content.lines)
    return f"{number} deployment{'' if number == 1 else 's'}" if number else "Nothing"


def _clearance(content: Content) -> str:
    """ "6 deployments cleared", or "6 cleared, 2 held, 1 not cleared yet"."""
    counts = Counter(line.state for line in content.lines)
    if set(counts) == {S.CLEARED}:
        return f"{_count(content)} cleared"
    said = ((S.CLEARED, "cleared"), (S.HELD, "held"), (S.PLANNED, "not cleared yet"))
    return ", ".join(f"{counts[status]} {word}" for status, word in said if counts[status] or status == S.CLEARED)


def _outcomes(content: Content, day: str) -> str:
    """ "Installed and verified: 6 of 8 on Thu Dec 10 (1 backed out, 1 not installed)"."""
    if not content.lines:
        return f"Nothing to install on {day}"
    counts = Counter(line.state for line in content.lines)
    waiting = counts[S.HELD] + counts[S.PLANNED] + counts[S.CLEARED]
    said = (
        (counts[S.INSTALLED], "not verified"),
        (counts[S.INSTALLING], "installing"),
        (counts[S.FAILED], "failed"),
        (counts[S.BACKED_OUT], "backed out"),
        (waiting, "not installed"),
    )
    rest = ", ".join(f"{number} {word}" for number, word in said if number)
    facts = f"Installed and verified: {counts[S.VERIFIED]} of {len(content.lines)} on {day}"
    return f"{facts} ({rest})" if rest else facts


def letter_context(
    announcement: Announcement,
    content: Content,
    *,
    changes: Sequence[Change] = (),
    since: datetime | None = None,
    is_test: bool = False,
) -> dict[str, Any]:
    """All that the templates show. `changes` since the edition of `since` stand at the top."""
    week = announcement.week
    return {
        "announcement": announcement,
        "subject": f"Test: {subject(announcement, content)}" if is_test else subject(announcement, content),
        "week": week,
        "content": content,
        "lines": content.lines,
        "changes": changes,
        "since": since,
        "unverified": sum(line.state == S.INSTALLED for line in content.lines),
        "unfinished": sum(line.state in {S.INSTALLING, S.PLANNED, S.CLEARED} for line in content.lines),
        "url": settings.SITE_URL + week.get_absolute_url(),
        "cutoff": week.due(Deadline.CUTOFF),
        "approval": week.due(Deadline.APPROVAL),
    }
