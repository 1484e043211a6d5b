"""What forges deliver: signatures, once and only once, late and in any order, and what becomes of it."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.secrets import seal
from deployments.flow import PULL_REQUEST
from deployments.hooks import receiving
from deployments.hooks.flow import CONNECTION, DELIVERY, FORGE_NAME
from deployments.hooks.receiving import forget_bodies, take_again
from deployments.models import Check, Connection, Delivery, PullRequest, Repository, Review
from tests.deployments.forges import FORGES, Forge, connect, known_there
from tests.factories import RepositoryFactory
from tests.stages import Stage
from workflow import clock
from workflow.machine import perform
from workflow.models import Event


@pytest.fixture
def stage(stage: Stage) -> Stage:
    return known_there(stage)


@pytest.fixture(params=FORGES, ids=lambda forge: forge.kind)
def forge(request: pytest.FixtureRequest, stage: Stage, client: Client) -> Forge:
    """Each of the forges, connected, with a repository of the cast's application."""
    return connect(request.param, client, stage.cast.application)


@pytest.fixture
def github(stage: Stage, client: Client) -> Forge:
    return connect(FORGES[0], client, stage.cast.application)


def the_pull() -> PullRequest:
    return PullRequest.objects.select_related("repository").prefetch_related("reviews").get()


# --- A pull request's life, by webhooks alone -----------------------------------------------------------------
def test_from_opened_to_fully_approved_to_stale_and_back(forge: Forge) -> None:
    forge.opened("a")
    assert the_pull().author_name == "Hannah Cole"
    assert the_pull().standing.sentence == "needs one more approval"

    forge.approved("a", by="weizhang", minute=5)
    assert the_pull().standing.full

    forge.pushed("b", minute=10)
    assert the_pull().standing.sentence == "needs one more approval on the new commit"

    forge.approved("b", by="weizhang", minute=15)
    assert the_pull().standing.full
    forge.merged("b", minute=20)
    assert the_pull().forge_state == "merged"


def test_failing_checks_block_until_they_pass(forge: Forge) -> None:
    forge.opened("a")
    forge.approved("a", by="weizhang", minute=5)

    forge.checked("a", passing=False, minute=6)
    assert the_pull().standing.blockers == ("checks are failing",)
    forge.checked("a", passing=True, minute=7)
    assert the_pull().standing.full
    forge.checked("a", passing=False, minute=6)  # told late
    assert the_pull().standing.full


def test_a_check_that_is_told_before_its_commit(forge: Forge) -> None:
    forge.opened("a")
    forge.checked("b", passing=False, minute=3)
    assert the_pull().checks == "unknown"

    forge.pushed("b", minute=2)

    assert the_pull().checks == "failing"


def test_what_is_told_late_replaces_nothing_newer(forge: Forge) -> None:
    forge.opened("a")
    forge.pushed("b", minute=10)
    forge.approved("b", by="weizhang", minute=11)

    forge.pushed("a", minute=5)

    assert the_pull().head_sha == forge.sha("b")
    assert the_pull().standing.full


def test_an_approval_of_an_old_commit_that_is_told_late_restores_nothing(forge: Forge) -> None:
    forge.opened("a")
    forge.pushed("b", minute=10)

    forge.approved("a", by="weizhang", minute=5)

    assert not the_pull().standing.full


@pytest.mark.parametrize("forge", [each for each in FORGES if each.takes_back], indirect=True)
def test_an_approval_that_was_taken_back(forge: Forge) -> None:
    forge.opened("a")
    forge.approved("a", by="weizhang", minute=5)

    forge.taken_back("a", by="weizhang", minute=6)

    assert not the_pull().standing.full
    assert Review.objects.filter(verdict="approved").count() == 1


@pytest.mark.parametrize("forge", [each for each in FORGES if each.asks_for_changes], indirect=True)
def test_changes_that_are_asked_for(forge: Forge) -> None:
    forge.opened("a")

    forge.asked_for_changes("a", by="weizhang", minute=5)

    assert the_pull().standing.blockers == ("Wei Zhang asked for changes",)


def test_a_draft_is_taken_when_it_is_ready(forge: Forge) -> None:
    assert forge.opened("a", draft=True).json()["why"] == "It is a draft: it is taken when it is ready for review."
    forge.opened("a", minute=1)

    assert the_pull().forge_state == "open"


def test_one_that_was_closed_without_merging(forge: Forge) -> None:
    forge.opened("a")
    forge.closed("a", minute=3)

    assert the_pull().forge_state == "closed"


# --- Once, and only from the forge ---------------------------------------------------------------------------
def test_the_same_delivery_ten_times(forge: Forge) -> None:
    forge.opened("a")
    events = Event.objects.count()

    answers = [forge.again().json() for _ in range(9)]

    assert all(answer["known"] for answer in answers)
    assert (Delivery.objects.count(), Event.objects.count()) == (1, events)


def test_what_is_not_signed_is_not_kept(forge: Forge) -> None:
    for sign in (
        lambda body: {},
        lambda body: forge.signed(body, secret="another"),
        lambda body: forge.signed(body, secret=""),
        lambda body: forge.signed(body + b" ") if forge.signs_the_body else {},
        lambda body: {name: text[:-1] for name, text in forge.signed(body).items()},
        lambda body: dict.fromkeys(forge.signed(body), ""),
    ):
        assert forge.opened("a", sign=sign).status_code == 401
    assert not Delivery.objects.exists()
    assert not PullRequest.objects.exists()


def test_sha1_alone_is_no_signature(github: Forge) -> None:
    def sha1(body: bytes) -> dict[str, str]:
        return {"X-Hub-Signature": "sha1=" + hmac.new(github.secret.encode(), body, hashlib.sha1).hexdigest()}

    assert github.opened("a", sign=sha1).status_code == 401


def test_a_secret_opens_no_other_repository(github: Forge, stage: Stage) -> None:
    RepositoryFactory(application=stage.cast.application, name="rival/vault", url="https://github.com/rival/vault")

    answer = github.opened("a", repository="https://github.com/rival/vault").json()

    assert answer["why"] == "The forge does not speak for rival/vault."
    assert not PullRequest.objects.exists()


def test_a_repository_that_nobody_added(github: Forge) -> None:
    answer = github.opened("a", repository="https://github.com/acme/unheard-of").json()

    assert (answer["outcome"], answer["why"]) == ("skipped", "acme/unheard-of is not a repository known here.")


def test_the_former_secret_is_accepted_for_a_day(github: Forge, stage: Stage) -> None:
    perform(CONNECTION, "rotate", github.connection, by=stage.cast.administrator, secret=seal("new"))

    with clock.frozen(clock.now() + timedelta(hours=23)):
        assert github.opened("a").status_code == 200
    with clock.frozen(clock.now() + timedelta(hours=25)):
        assert github.opened("a", minute=1).status_code == 401


def test_a_connection_that_does_not_listen(github: Forge, stage: Stage) -> None:
    perform(CONNECTION, "disable", github.connection, by=stage.cast.administrator)

    assert github.opened("a").status_code == 401


# --- What cannot be read ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{", "The body is not JSON."),
        (b"", "The body is not JSON."),
        (b"\xff\xfe", "The body is not JSON."),
        (b"[" * 100_000, "The body is not JSON."),
        (b"[]", "Expected an object, not NoneType."),
        (b'{"pull_request": {"html_url": 3}}', "html_url is missing."),
    ],
)
def test_a_body_that_cannot_be_read(github: Forge, body: bytes, why: str) -> None:
    answer = github.post("pull_request", body)

    assert (answer.status_code, answer.json()["why"]) == (400, why)
    assert Delivery.objects.get().outcome == "malformed"


def test_a_body_above_one_megabyte(github: Forge) -> None:
    assert github.post("pull_request", b" " * (1024 * 1024 + 1)).status_code == 413
    assert not Delivery.objects.exists()


def test_an_event_that_says_nothing_here(github: Forge) -> None:
    answer = github.post("star", b'{"action": "created"}')

    assert (answer.status_code, answer.json()["why"]) == (200, "Nothing of this event is kept here.")


def test_a_form_that_wraps_the_json(github: Forge) -> None:
    body = urlencode({"payload": json.dumps(github.pull_event("a"))}).encode()

    assert github.post("pull_request", body, content_type="application/x-www-form-urlencoded").status_code == 200
    assert PullRequest.objects.exists()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_in_it_never_breaks(forge: Forge, data: Any) -> None:
    """A real payload with some of its values replaced by anything."""
    kind, payload = data.draw(st.sampled_from(forge.samples()))
    for _ in range(data.draw(st.integers(1, 3))):
        here: Any = payload
        while isinstance(here, dict) and here:
            name = data.draw(st.sampled_from(sorted(here)))
            if not isinstance(here[name], dict) or data.draw(st.booleans()):
                here[name] = data.draw(json_values)
                break
            here = here[name]

    answer = forge.post(kind, json.dumps(payload).encode())

    assert answer.status_code in {200, 400}
    assert answer.json()["outcome"] != "failed"


# --- When something breaks here --------------------------------------------------------------------------------
@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(receiving, "_taken", fail)
        yield patch


def test_what_broke_is_kept_and_tried_again(github: Forge, broken: pytest.MonkeyPatch) -> None:
    assert github.opened("a").json()["outcome"] == "failed"
    broken.undo()

    with clock.frozen(clock.now() + timedelta(minutes=2)):
        assert take_again(clock.now()) == 1
        assert take_again(clock.now()) == 0

    assert the_pull().author_name == "Hannah Cole"
    assert Delivery.objects.get().outcome == "taken"


def test_a_replay_changes_nothing_more(github: Forge, stage: Stage, django_capture_on_commit_callbacks: Any) -> None:
    github.opened("a")
    github.pushed("b", minute=5)
    first = Delivery.objects.order_by("pk")[0]

    with django_capture_on_commit_callbacks(execute=True):
        perform(DELIVERY, "replay", first, by=stage.cast.administrator)

    assert the_pull().head_sha == github.sha("b")
    first.refresh_from_db()
    assert (first.outcome, bool(first.replayed_at)) == ("unchanged", True)


def test_bodies_go_after_thirty_days_and_lines_stay(github: Forge) -> None:
    github.opened("a")
    forget_bodies(clock.now() + timedelta(days=29))
    assert Delivery.objects.get().body

    forget_bodies(clock.now() + timedelta(days=31))

    assert Delivery.objects.get().body == ""
    assert Delivery.objects.get().outcome == "taken"


# --- People who are not known yet --------------------------------------------------------------------------------
def test_a_reviewer_who_becomes_known_counts_from_then_on(github: Forge, stage: Stage) -> None:
    github.opened("a")
    github.approved("a", by="samo", minute=5)
    assert not the_pull().standing.full

    perform(FORGE_NAME, "link", stage.cast.second_manager, by=stage.cast.administrator, login="SamO")

    assert the_pull().standing.full
    assert Event.objects.filter(action="recognise", object_type="pull_request").count() == 1


def test_an_author_who_becomes_known_does_not_review_their_own(github: Forge, stage: Stage) -> None:
    github.author = "samo"
    github.opened("a")
    github.approved("a", by="samo", minute=5)

    perform(FORGE_NAME, "link", stage.cast.second_manager, by=stage.cast.administrator, login="samo")

    assert the_pull().author == stage.cast.second_manager
    assert not the_pull().standing.full


def test_what_is_shipped_stays_as_it_was_judged(github: Forge, stage: Stage) -> None:
    github.opened("a")
    github.approved("a", by="samo", minute=5)
    pull = the_pull()
    perform(PULL_REQUEST, "withdraw", pull, by=stage.cast.developer)

    perform(FORGE_NAME, "link", stage.cast.second_manager, by=stage.cast.administrator, login="samo")

    assert Review.objects.get().reviewer is None


def test_a_check_is_kept_once(github: Forge) -> None:
    for minute in (1, 2, 3):
        github.checked("a", passing=True, minute=minute)

    assert Check.objects.count() == 1


def test_the_secret_is_nowhere_in_clear(github: Forge) -> None:
    github.opened("a")
    stored = [*Connection.objects.values_list("secret", flat=True), *map(str, Event.objects.values_list("data"))]
    stored += Delivery.objects.values_list("body", flat=True)

    assert not any(github.secret in each for each in stored)
    assert Repository.objects.filter(forge="github").exists()
