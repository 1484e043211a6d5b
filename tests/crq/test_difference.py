"""What changed between two editions: each kind of change in its words, and nothing said of what is the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from crq.announcing_difference import difference, whereabouts
from crq.announcing_lines import Content, Line, read
from crq.announcing_words import subject
from crq.models import Announcement
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment, ReleaseWeek
from tests.stages import Stage, a_week
from workflow.machine import perform

S, Kind = Deployment.Status, Announcement.Kind
LINE = Line(
    deployment=7,
    title="Session timeout",
    application="Admin portal",
    team="Identity",
    crq="CRQ000000418207",
    state=str(S.PLANNED),
    pull_requests=("identity-admin #481",),
)
HELD = "Held. Not done by Tue Dec 8, 2:00 pm ET: CRQ created."


def content(*lines: Line, day: str = "2026-12-10", **more: Any) -> Content:
    return Content(lines, install_day=day, **more)


def said(kind: str, old: Content, new: Content) -> list[tuple[str, str, str]]:
    return [(each.what, each.title, each.sentence) for each in difference(kind, old, new)]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({}, {}, None),
        ({}, {"note": "Please test early"}, None),
        ({"crq": ""}, {}, "CRQ is there now: CRQ000000418207"),
        ({}, {"crq": "CRQ000000000001"}, "CRQ is CRQ000000000001, it was CRQ000000418207"),
        ({"title": "Idle time"}, {}, "Was called Idle time"),
        ({}, {"state": "cleared", "outcome": "Cleared for install"}, "Cleared for install"),
        ({}, {"state": "held", "outcome": HELD}, HELD),
        ({"state": "held", "outcome": HELD}, {"state": "held", "outcome": HELD}, None),
        ({"state": "held", "outcome": HELD}, {}, "No longer held, not cleared yet"),
        ({"state": "held", "outcome": HELD}, {"state": "cleared"}, "Cleared for install, no longer held"),
        (
            {"state": "cleared"},
            {},
            "No longer cleared: its content changed, so it needs approval again",
        ),
        ({}, {"pull_requests": ("identity-admin #481", "portal #2")}, "1 pull request added: portal #2"),
        (
            {"pull_requests": ("a #1", "b #2")},
            {"pull_requests": ("c #3",)},
            "1 pull request added: c #3; 2 pull requests taken out: a #1, b #2",
        ),
        (
            {"crq": "", "title": "Idle time"},
            {},
            "Was called Idle time; CRQ is there now: CRQ000000418207",
        ),
    ],
)
def test_one_deployment_of_a_plan(before: dict[str, Any], after: dict[str, Any], words: str | None) -> None:
    new = replace(LINE, **after)

    found = said(Kind.PLANNED, content(replace(LINE, **before)), content(new))

    assert found == ([("Changed", new.title, words)] if words else [])


def test_what_came_and_what_went(stage: Stage) -> None:
    other = replace(LINE, deployment=8, title="Typo tolerance")

    found = said(Kind.PLANNED, content(LINE), content(other))

    assert found == [
        ("Added", "Typo tolerance", "Admin portal, Identity"),
        ("Left", "Session timeout", "No longer in this week"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("2026-12-10", "2026-12-10", []),
        ("2026-12-10", "2026-12-11", [("Install day", "Friday, December 11 instead of Thursday, December 10")]),
        ("", "2026-12-11", [("Install day", "Friday, December 11")]),
        ("2026-12-10", "", [("No code install", "Storm")]),
    ],
)
def test_the_week_itself(before: str, after: str, expected: list[tuple[str, str]]) -> None:
    new = content(LINE, day=after, skip_reason="" if after else "Storm")

    assert said(Kind.PLANNED, content(LINE, day=before), new) == [("Changed", *each) for each in expected]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("installed", "verified", "Installed and verified (was: installed, not verified yet)"),
        ("verified", "verified", None),
        ("held", "held", None),
    ],
)
def test_a_completion_speaks_of_outcomes_alone(old: str, new: str, words: str | None) -> None:
    outcomes = {"installed": "Installed, not verified yet", "verified": "Installed and verified", "held": "Not"}
    before = replace(LINE, state=old, outcome=outcomes[old], crq="")
    after = replace(LINE, state=new, outcome=f"{outcomes[new]}", title="Renamed")

    found = said(Kind.COMPLETION, content(before), content(after))

    assert found == ([("Changed", "Renamed", words)] if words else [])


def test_what_left_says_where_to_and_why(stage: Stage) -> None:
    following = a_week(stage.week.thursday.replace(day=17))
    moved, withdrawn = stage.plan(), stage.beside().plan("Second")
    before = read(Kind.PLANNED, stage.week)
    perform(DEPLOYMENT, "move", moved, by=stage.cast.manager, reason="Waits\r\nfor the bank", week=following)
    perform(DEPLOYMENT, "withdraw", withdrawn, by=stage.cast.manager, reason="No longer wanted")

    after = read(Kind.PLANNED, stage.week)
    gone = whereabouts({moved.pk, withdrawn.pk}, stage.week)

    assert [each.sentence for each in difference(Kind.PLANNED, before, after, gone)] == [
        "Moved to Thu Dec 17: Waits for the bank",
        "Withdrawn: No longer wanted",
    ]


def test_a_record_gives_back_what_was_kept(stage: Stage) -> None:
    stage.with_crq()
    found = read(Kind.PLANNED, stage.week)

    assert Content.from_record(found.as_record()) == found
    assert Content.from_record(found.as_record()).digest == found.digest
    assert found.noted({found.lines[0].deployment: "A note"}).digest == found.digest


@pytest.mark.parametrize(
    ("kind", "edition", "statuses", "expected"),
    [
        (Kind.PLANNED, "first", ["planned"] * 8, "8 deployments planned for Thu Dec 10"),
        (Kind.PLANNED, "first", [], "Nothing planned for Thu Dec 10"),
        (Kind.PLANNED, "revision", ["planned"], "Revised: 1 deployment planned for Thu Dec 10"),
        (Kind.PLANNED, "final", ["cleared", "cleared", "held"], "Final: 2 cleared, 1 held for Thu Dec 10"),
        (Kind.PLANNED, "final", ["cleared", "cleared"], "Final: 2 deployments cleared for Thu Dec 10"),
        (Kind.PLANNED, "final", ["held"], "Final: 0 cleared, 1 held for Thu Dec 10"),
        (Kind.PLANNED, "final", [], "Final: nothing planned for Thu Dec 10"),
        (Kind.COMPLETION, "first", ["verified", "verified"], "Installed and verified: 2 of 2 on Thu Dec 10"),
        (
            Kind.COMPLETION,
            "first",
            ["verified", "installed", "backed_out", "held"],
            "Installed and verified: 1 of 4 on Thu Dec 10 (1 not verified, 1 backed out, 1 not installed)",
        ),
        (Kind.COMPLETION, "update", ["verified"], "Update: installed and verified: 1 of 1 on Thu Dec 10"),
        (Kind.COMPLETION, "first", [], "Nothing to install on Thu Dec 10"),
    ],
)
def test_subjects_say_the_fact_first(kind: str, edition: str, statuses: list[str], expected: str) -> None:
    lines = [replace(LINE, deployment=number, state=status) for number, status in enumerate(statuses)]
    announcement = Announcement(kind=kind, edition=edition, week=ReleaseWeek(thursday=a_day()))

    assert subject(announcement, content(*lines)) == expected


def test_an_edition_is_named_before_the_scrum_masters_own_subject_too() -> None:
    week = ReleaseWeek(thursday=a_day())
    written = Announcement(kind=Kind.PLANNED, edition="final", week=week, subject="A quiet week")
    named = Announcement(kind=Kind.PLANNED, edition="final", week=week, subject="Final: a quiet week")

    assert subject(written, content(LINE)) == "Final: A quiet week"
    assert subject(named, content(LINE)) == "Final: a quiet week"


def a_day() -> Any:
    return content(LINE).day
