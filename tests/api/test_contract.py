"""What programs can rely on: problems, tags, keys, pages, and a fixed number of statements."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crq.flow import CRQ_FLOW
from crq.models import Document
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment
from releaseflow.api.actions import for_people
from releaseflow.api.document import openapi
from releaseflow.api.kinds import KINDS
from releaseflow.models import Answered
from tests.api.programs import WEEK, Program
from tests.stages import EARLY, PDF, Stage
from workflow import clock
from workflow.machine import perform, refusal
from workflow.models import Event


@pytest.fixture(autouse=True)
def _no_failures_yet() -> None:
    cache.clear()


@pytest.fixture
def developer(stage: Stage) -> Program:
    return Program(stage.cast.developer)


# --- Problems ------------------------------------------------------------------------------------------------
def test_a_refusal_is_the_sentence_of_the_disabled_button(stage: Stage) -> None:
    deployment = stage.ready()
    number, by = deployment.crq.number, stage.cast.other_manager
    no = refusal(CRQ_FLOW, "approve", deployment.crq, by=by, now=EARLY)
    program = Program(by)

    answer = program.post(f"crqs/{number}/actions/approve", {"digest": "0" * 64})
    listed = {each["action"]: each for each in program.get(f"crqs/{number}").json()["actions"]}

    assert no is not None
    assert answer.status_code == 403
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json() | {"title": ""} == {
        "type": "about:blank",
        "title": "",
        "status": 403,
        "detail": no.sentence,
        "instance": f"/api/v1/crqs/{number}/actions/approve",
        "code": "role",
        "action": "crq.approve",
    }
    assert listed["approve"]["why_not"] == no.sentence


@pytest.mark.parametrize(
    ("path", "body", "code", "what"),
    [
        ("deployments", {"application": "x"}, 422, "input"),
        ("deployments", {"application": 999_999, "week": WEEK, "title": "x"}, 422, "input"),
        ("crqs", {"deployment": 999_999}, 422, "input"),
        ("deployments/999999/actions/start", {}, 404, "missing"),
        ("deployments/1/actions/hold", {"reason": "x"}, 404, "missing"),
        ("deployments/1/actions/dance", {}, 404, "missing"),
        ("me", {}, 405, "method"),
    ],
)
def test_what_cannot_be_is_a_problem(developer: Program, path: str, body: Any, code: int, what: str) -> None:
    answer = developer.post(path, body)

    assert (answer.status_code, answer.json()["code"]) == (code, what)
    assert answer["Content-Type"] == "application/problem+json"


def test_fields_are_named(developer: Program) -> None:
    answer = developer.post("exemptions", {"crq": "CRQ1", "why": "", "why_now": "x"})

    assert {each["field"] for each in answer.json()["errors"]} == {"crq", "why", "risk"}


def test_bodies_of_another_kind_or_size_are_not_read(developer: Program, settings: Any) -> None:
    as_text = developer.client.post("/api/v1/crqs", "deployment=1", content_type="text/plain")
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    too_large = developer.post("crqs", {"deployment": 1, "title": "long enough"})
    broken = developer.client.post("/api/v1/crqs", "{", content_type="application/json")

    assert (as_text.status_code, too_large.status_code, broken.status_code) == (415, 413, 400)


def test_an_action_done_before_is_a_conflict(stage: Stage, developer: Program) -> None:
    path = f"deployments/{stage.planned().pk}/actions/withdraw"
    developer.post(path, {"reason": "Not needed"})

    again = developer.post(path, {"reason": "Not needed"})

    assert (again.status_code, again.json()["code"]) == (409, "done")


def test_a_mistake_of_ours_saves_nothing(stage: Stage, developer: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = stage.planned()
    monkeypatch.setattr("releaseflow.api.actions.outcome", lambda *a, **g: 1 / 0)

    answer = developer.post(f"deployments/{deployment.pk}/actions/withdraw", {"reason": "x"}, Idempotency_Key="a")

    assert answer.status_code == 500
    assert stage.fresh(deployment).status == Deployment.Status.PLANNED
    assert not Answered.objects.exists()


# --- Tags ----------------------------------------------------------------------------------------------------
def test_what_is_known_already_is_not_sent_again(stage: Stage, developer: Program) -> None:
    path = f"deployments/{stage.planned().pk}"
    tag = developer.get(path)["ETag"]

    same = developer.get(path, **{"If-None-Match": tag})
    developer.do(path, "withdraw", reason="Not needed")
    other = developer.get(path, **{"If-None-Match": tag})

    assert (same.status_code, same.content) == (304, b"")
    assert other.status_code == 200


def test_nobody_acts_on_what_they_have_not_seen(stage: Stage, developer: Program) -> None:
    deployment = stage.planned()
    path = f"deployments/{deployment.pk}"
    seen = developer.get(path)["ETag"]
    stage.open_crq(deployment)

    refused = developer.post(f"{path}/actions/withdraw", {"reason": "x"}, If_Match=seen)
    done = developer.post(f"{path}/actions/withdraw", {"reason": "x"}, If_Match=refused["ETag"])

    assert (refused.status_code, refused.json()["code"]) == (412, "changed")
    assert done.status_code == 200


def test_the_clock_alone_changes_no_facts(stage: Stage, developer: Program) -> None:
    """What may be done changes at the deadline; who acts on the facts that were read may go on."""
    path = f"weeks/{WEEK}"
    devops = Program(stage.cast.devops)
    seen = devops.get(path)["ETag"]
    with clock.frozen(EARLY + timedelta(days=3, hours=5)):
        assert devops.get(path, **{"If-None-Match": seen}).status_code == 200
        done = devops.post(f"{path}/actions/complete_batch", If_Match="*")

    assert done.status_code == 200


# --- Once ----------------------------------------------------------------------------------------------------
def test_the_same_request_is_done_once(stage: Stage, developer: Program) -> None:
    path = f"deployments/{stage.planned().pk}/actions/comment"

    first = developer.post(path, {"text": "Ready?"}, Idempotency_Key="comment-1")
    again = developer.post(path, {"text": "Ready?"}, Idempotency_Key="comment-1")

    assert (first.status_code, again.status_code) == (200, 200)
    assert (again.content, again["ETag"], again["Idempotency-Replayed"]) == (first.content, first["ETag"], "true")
    assert Event.objects.filter(action="comment").count() == 1


def test_another_request_needs_another_key(stage: Stage, developer: Program) -> None:
    path = f"deployments/{stage.planned().pk}/actions/comment"
    developer.post(path, {"text": "Ready?"}, Idempotency_Key="comment-1")

    other = developer.post(path, {"text": "Steady?"}, Idempotency_Key="comment-1")

    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key")
    assert Event.objects.filter(action="comment").count() == 1


def test_a_refused_request_is_remembered_as_well(stage: Stage, developer: Program) -> None:
    path = f"deployments/{stage.planned().pk}/actions/start"

    answers = [developer.post(path, Idempotency_Key="start-1") for _ in range(2)]

    assert [each.status_code for each in answers] == [409, 409]
    assert answers[1]["Idempotency-Replayed"] == "true"


def test_an_upload_sent_again_is_attached_once(stage: Stage, developer: Program) -> None:
    """The line between the parts of a form is random, and counts for nothing."""
    number = stage.with_crq().crq.number

    answers = [developer.attach(number, "tests", Idempotency_Key="tests-1") for _ in range(2)]

    assert [each.status_code for each in answers] == [200, 200]
    assert Document.objects.count() == 1


def test_keys_are_of_one_token_and_one_day(stage: Stage, developer: Program) -> None:
    path = f"deployments/{stage.planned().pk}/actions/comment"
    developer.post(path, {"text": "Ready?"}, Idempotency_Key="1")
    Program(stage.cast.reviewer).post(path, {"text": "Steady?"}, Idempotency_Key="1")
    with clock.frozen(EARLY + timedelta(hours=24)):
        developer.post(path, {"text": "Go?"}, Idempotency_Key="1")
        assert Event.objects.filter(action="comment").count() == 3
        Answered.forget(clock.now())

    assert Answered.objects.count() == 1


# --- Files and lists -----------------------------------------------------------------------------------------
def test_a_document_comes_back_as_it_was_attached(stage: Stage, developer: Program) -> None:
    number = stage.with_crq().crq.number
    developer.attach(number, "tests")
    [document] = developer.get(f"crqs/{number}").json()["documents"]

    answer = developer.client.get(document["download"])
    content = b"".join(answer)

    assert content == PDF + b"tests"
    assert hashlib.sha256(content).hexdigest() == document["sha256"]
    assert answer["Content-Disposition"].startswith("attachment")


def test_a_file_of_a_strange_kind_is_refused(stage: Stage, developer: Program) -> None:
    answer = developer.attach(stage.with_crq().crq.number, "tests", content=b"<html>")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "file")


def test_pages_follow_each_other(stage: Stage, developer: Program) -> None:
    made = [stage.planned().pk, stage.beside().planned().pk, stage.beside().planned().pk]

    first = developer.get("deployments", {"limit": 2}).json()
    second = developer.get("deployments", {"limit": 2, "cursor": first["next"]}).json()

    assert [each["id"] for each in first["items"] + second["items"]] == made[::-1]
    assert (first["previous"], second["next"]) == ("", "")


def test_lists_are_narrowed_as_on_the_screen(stage: Stage, developer: Program) -> None:
    kept, other = stage.with_crq(), stage.beside().with_crq()
    perform(DEPLOYMENT, "withdraw", other, by=stage.cast.developer, reason="Not needed")

    found = developer.get("crqs", {"q": kept.crq.number, "state": "open", "week": WEEK}).json()["items"]
    withdrawn = developer.get("deployments", {"status": "withdrawn", "team": stage.cast.team.pk}).json()["items"]

    assert [each["number"] for each in found] == [kept.crq.number]
    assert [each["id"] for each in withdrawn] == [other.pk]
    assert developer.get("crqs", {"state": "eaten"}).status_code == 422


LISTS = {
    "weeks": 3,
    "weeks/2026-12-10/deployments": 12,
    "deployments": 11,
    "crqs": 2,
    "pull-requests": 3,
    "activity": 5,
    "me/tasks": 9,
    "applications": 3,
}


@pytest.mark.parametrize("path", LISTS)
def test_statements_do_not_grow_with_the_rows(stage: Stage, path: str) -> None:
    program = Program(stage.cast.developer)
    program.get("me")

    def statements() -> int:
        with CaptureQueriesContext(connection) as caught:
            assert program.get(path).status_code == 200
        return len(caught)

    stage.ready()
    with_one = statements()
    for _ in range(2):
        stage.beside().ready()

    assert (with_one, statements()) == (LISTS[path], LISTS[path])


# --- The document --------------------------------------------------------------------------------------------
def test_every_action_of_every_flow_has_an_address() -> None:
    paths = openapi()["paths"]
    wanted = {f"/api/v1/{kind.path}/{{key}}/actions/{step.action}" for kind in KINDS for step in for_people(kind.flow)}

    assert openapi()["openapi"].startswith("3.1")
    assert {path for path in paths if "/actions/" in path} == wanted


def test_the_document_is_open(client: Any, db: None) -> None:
    assert client.get("/api/v1/openapi.json").json()["info"]["title"] == "releaseflow"
