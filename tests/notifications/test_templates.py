"""Every letter has its three parts, says what it must and stays harmless whatever people type."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.template.loader import get_template, render_to_string

from accounts.models import Team, User
from accounts.roles import Standing
from crq import emails, readers, reminders
from crq.announcing_lines import Content, line
from crq.announcing_words import letter_context
from crq.letters import kind_label
from crq.models import CRQ, Announcement, ExemptionRequest
from crq.readiness import Facts
from crq.reminders import Reminder, Section
from deployments.models import Application, CodeReview, Deployment, Milestone, ReleaseWeek
from deployments.policy import Deadline
from notifications import outbox
from notifications.models import Letter
from workflow.eastern import eastern_day
from workflow.inbox import Task
from workflow.steps import Call, Flow

HOSTILE = "Sign-in\r\nBcc: everyone@example.com\r\n<script>alert(1)</script>\u200f\u202e" + "x" * 500
NOW = datetime(2026, 12, 8, 15, tzinfo=UTC)
CUTOFF = datetime(2026, 12, 8, 19, tzinfo=UTC)
DUE = {
    Deadline.CUTOFF: CUTOFF,
    Deadline.APPROVAL: CUTOFF + timedelta(hours=3),
    Deadline.EXEMPTION_CLOSE: CUTOFF + timedelta(days=1, hours=22),
    Deadline.INSTALL_CLOSE: CUTOFF + timedelta(days=2, hours=4),
}
S, Kind = Deployment.Status, Announcement.Kind
Write = Callable[[str, dict[str, Any]], Letter]


def named_kinds() -> list[str]:
    """Every kind that a step of a flow, a writer or an announcement names."""
    steps = (step for flow in Flow.registry.values() for step in flow.steps.values())
    return sorted(
        {"audit_heads"}
        | {kind for step in steps for kind in step.emails}
        | set(emails.WRITERS)
        | set(emails.DIGESTS)
        | set(Kind.values)
        | {"approval_needed", "reminder"}
    )


NAMED = named_kinds()


def week() -> ReleaseWeek:
    found = ReleaseWeek(pk=1, thursday=date(2026, 12, 10), install_day=date(2026, 12, 10))
    found.__dict__["_due"] = dict(DUE)
    milestones = [Milestone(week=found, key=key, due_at=at) for key, at in DUE.items()]
    found._prefetched_objects_cache = {"milestones": milestones}  # type: ignore[attr-defined]
    return found


def deployment(title: str = "Passkey sign-in", *, status: str = S.CLEARED, crq: bool = True) -> Deployment:
    application = Application(name="Identity admin", team=Team(name="Falcon"))
    found = Deployment(pk=7, title=title, application=application, week=week(), status=status)
    found._prefetched_objects_cache = {"pull_requests": []}  # type: ignore[attr-defined]
    found.installed_by = User(first_name="Grace", last_name="Okafor")
    found._state.fields_cache["crq"] = CRQ(pk=7, number="CRQ000000418207", deployment=found) if crq else None
    return found


def announced(kind: str, found: list[Deployment], **fields: Any) -> dict[str, Any]:
    """The context of an announcement of these deployments, each with two pull requests."""
    lines = [replace(line(Facts(each), kind), pull_requests=("portal #1", "portal #2")) for each in found]
    return letter_context(
        Announcement(kind=kind, week=week(), **fields), Content(tuple(lines), install_day="2026-12-10")
    )


def told(kind: str, found: Deployment, reason: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The context that the writer of this kind queues."""
    queued: dict[str, Any] = {}
    for name in ("parts", "of_review", "of_window"):
        monkeypatch.setattr(readers, name, lambda *_: [("You get this because.", [])])
    monkeypatch.setattr(readers, "of_held", lambda held, day: [("You get this because.", [], tuple(held))])
    monkeypatch.setattr(emails, "post", lambda *_, **__: None)
    monkeypatch.setattr(emails, "enqueue_each", lambda kind, parts, **_: queued.update(parts[0][0]))
    flow = Flow.registry["deployment"]
    note = {"from": "Thu Dec 3", "to": "Thu Dec 10", "text": reason, "mentioned": []}
    request = ExemptionRequest(pk=5, crq=found.crq, week=found.week, why=reason, why_now=reason, risk=reason)
    about = request if kind.startswith("exemption") else found
    by = User(first_name="Grace", last_name="Kim")
    by.__dict__["_standings"] = dict.fromkeys((None, eastern_day(NOW)), Standing(frozenset(), frozenset()))
    call = Call(flow, flow.steps["move"], about, by, NOW, reason, note=note)
    if kind == "approval_needed":
        emails.ask_approval(call, found, "digest")
    elif kind in emails.DIGESTS:
        emails.DIGESTS[kind]([call])
    else:
        emails.WRITERS[kind](call)
    return queued


def reminded(text: str) -> dict[str, Any]:
    """What a reminder of one task with this subject shows."""
    milestone = Milestone(pk=4, week=week(), key=Deadline.CUTOFF, due_at=CUTOFF)
    task = Task("Create the CRQ", text, "/deployments/7/", text, CUTOFF)
    return reminders._context((Section(Reminder(milestone, 24), (task,)),))


def context(kind: str, text: str, monkeypatch: pytest.MonkeyPatch, *, title: str = "") -> dict[str, Any]:
    """What the templates of this kind get when people typed `text` wherever they can, or another title."""
    found = deployment(title or text)
    about = {**emails._when(found.week), "url": "http://testserver/", "actor": text, "reason": text, "why": "Because."}
    skipped = ReleaseWeek(pk=2, thursday=date(2026, 11, 26), skip_reason=text)
    skipped.__dict__["_due"] = {}
    review = {**about, "review": CodeReview(pk=3, week=found.week, at=NOW)}
    row = emails.Waiting(title or text, "http://testserver/pull-requests/1/", text, text)
    special = {
        "audit_heads": {**about, "events": 1204, "anchor": text},
        "nudge": {**about, "deployment": found, "crq": found.crq, "step": text, "due": CUTOFF},
        "reminder": reminded(title or text),
        "review_agenda": {**review, "agenda": [{"team": text, "rows": [row]}], "count": 1},
        "review_cancelled": review,
        "week_warning": {**about, **emails._when(skipped)},
        "window_open": {**about, "deployments": [found]},
    }
    if kind in Kind.values:
        return announced(kind, [found], subject=text, introduction=text)
    return special.get(kind) or told(kind, found, text, monkeypatch)


@pytest.fixture
def write() -> Write:
    """Writes a letter as the outbox does, without saving it."""
    return lambda kind, context: outbox.compose(kind, context, now=NOW)


def test_kinds_are_found():
    assert {"deadline_missed", "review_cancelled", "planned_deployments"} <= set(NAMED)


@pytest.mark.parametrize("kind", NAMED)
def test_the_name_of_a_kind_keeps_its_capitals(kind: str):
    assert "Crq" not in kind_label(Letter(kind=kind))


@pytest.mark.parametrize("part", ["subject.txt", "txt", "html"])
@pytest.mark.parametrize("kind", NAMED)
def test_every_kind_has_its_three_templates(kind: str, part: str):
    get_template(f"emails/{kind}.{part}")


@pytest.mark.parametrize("kind", NAMED)
def test_hostile_words_stay_harmless(kind: str, write: Write, monkeypatch: pytest.MonkeyPatch):
    letter = write(kind, context(kind, HOSTILE, monkeypatch))

    assert 0 < len(letter.subject) <= 200
    assert letter.subject.isprintable()
    assert "&" not in letter.subject
    assert "<script" not in letter.html
    assert "&lt;script&gt;" in letter.html
    assert "<script>" in letter.text
    assert "&lt;" not in letter.text


@pytest.mark.parametrize("kind", sorted(set(NAMED) - set(Kind.values)))
def test_a_long_title_leaves_the_subject_short(kind: str, write: Write, monkeypatch: pytest.MonkeyPatch):
    letter = write(kind, context(kind, HOSTILE, monkeypatch))

    assert len(letter.subject) <= 80


@pytest.mark.parametrize("kind", NAMED)
def test_a_line_break_in_a_title_adds_no_line_to_the_text(kind: str, write: Write, monkeypatch: pytest.MonkeyPatch):
    title = "Sign-in\r\nChange notifications: https://elsewhere.example"

    letter = write(kind, context(kind, "Said.", monkeypatch, title=title))

    assert "\nChange notifications: https://elsewhere.example" not in letter.text


@pytest.mark.parametrize("kind", NAMED)
def test_templates_use_only_what_they_are_given(kind: str, settings: LazySettings, monkeypatch: pytest.MonkeyPatch):
    values = {**context(kind, "Sign-in", monkeypatch), "now": NOW, "site_url": "http://testserver"}
    layout = layout_of(kind)
    told_as_text = render_to_string(f"emails/{kind}.txt", values)
    engines: list[dict[str, Any]] = deepcopy(settings.TEMPLATES)
    engines[0]["OPTIONS"]["string_if_invalid"] = "unknown[%s]"
    settings.TEMPLATES = engines

    parts = [
        render_to_string(f"emails/{kind}.subject.txt", values),
        render_to_string(f"emails/{kind}.html", values),
        render_to_string(f"emails/{kind}.txt", {**values, "layout": f"{layout}.txt"}),
    ]

    assert "unknown[" not in "".join(parts)
    assert parts[2] == told_as_text


def layout_of(kind: str) -> str:
    """The layout that the HTML part names; the text part's own is the same one."""
    found = re.search(r'layout="(.+)\.html"', get_template(f"emails/{kind}.html").template.source)  # type: ignore[attr-defined]
    assert found
    return found[1]


def test_the_plan_lists_each_deployment_and_the_deadlines(write: Write):
    found = [deployment(), deployment("Typo tolerance", crq=False)]

    letter = write(Kind.PLANNED, announced(Kind.PLANNED, found, introduction="Hello.\n\nA small week."))

    assert letter.subject == "2 deployments planned for Thu Dec 10"
    for part in (letter.text, letter.html):
        assert re.search(r"CRQ000000418207( ·|,) 2 pull requests", part)
        assert re.search(r"no CRQ yet( ·|,) 2 pull requests", part)
        assert "Tue Dec 8, 2:00 pm ET" in part
        assert "Tue Dec 8, 5:00 pm ET" in part
        assert "http://testserver/deployments/7/" in part
    assert re.search(r"<p[^>]*>A small week\.</p>", letter.html)


@pytest.mark.parametrize("kind", Kind.values)
def test_an_empty_week_says_so(kind: str, write: Write):
    letter = write(kind, announced(kind, []))

    assert "Nothing is planned for Thursday, December 10." in letter.text
    assert "Nothing is planned for Thursday, December 10." in letter.html


def test_completion_is_never_claimed_while_something_is_unverified(write: Write):
    found = [deployment(status=S.VERIFIED), deployment(status=S.INSTALLED), deployment(status=S.INSTALLED)]

    letter = write(Kind.COMPLETION, announced(Kind.COMPLETION, found))

    for part in (letter.text, letter.html):
        assert "2 installations are not verified yet." in part
        assert "complete" not in part.lower()
        assert part.count("Installed, not verified yet") == 2


@pytest.mark.parametrize(("held", "says"), [(50, ""), (51, "1 more is"), (53, "3 more are")])
def test_a_digest_names_fifty_and_says_how_many_more_there_are(
    write: Write, monkeypatch: pytest.MonkeyPatch, held: int, says: str
) -> None:
    found = [deployment(f"Portal {number}.", status=S.HELD) for number in range(held)]
    monkeypatch.setattr(readers, "of_held", lambda reasons, day: [("Because.", [], tuple(found))])
    queued: dict[str, Any] = {}
    monkeypatch.setattr(emails, "enqueue_each", lambda kind, parts, **_: queued.update(parts[0][0]))
    monkeypatch.setattr(emails, "post", lambda *_, **__: None)
    emails.tell_missed(dict.fromkeys(found, "Not done."), now=NOW)

    letter = write("deadline_missed", queued)

    for part in (letter.text, letter.html):
        assert part.count("Portal ") == part.count("Not done.") == 50
        assert (f"{says} on the page of the week." in part) is bool(says)
        assert "/weeks/2026-12-10/" in part
    assert letter.subject.startswith(f"{held} deployments held")


@pytest.mark.parametrize(("after", "can_be_asked"), [(0, True), (1, False)])
def test_a_missed_deadline_offers_the_exemption_while_it_can_be_asked(
    after: int, can_be_asked: bool, monkeypatch: pytest.MonkeyPatch
):
    now = DUE[Deadline.EXEMPTION_CLOSE] + timedelta(seconds=after)
    values = told("deadline_missed", deployment(status=S.HELD), "Install window missed.", monkeypatch)

    text = render_to_string("emails/deadline_missed.txt", {**values, "now": now, "site_url": "http://testserver"})

    assert ("exemption" in text) is can_be_asked
    assert "another week" in text
