"""Who gets in with which token, and as what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import Token, User
from accounts.roles import Role
from deployments.models import Deployment
from releaseflow.people.tokens import TOKEN
from tests.api.programs import Program
from tests.stages import EARLY, Stage
from workflow import clock
from workflow.machine import perform
from workflow.models import Event

EVERYONE = ("developer", "manager", "scrum_master", "devops", "director", "administrator", "outsider")
READS: tuple[str, ...] = (
    "weeks",
    "deployments",
    "crqs",
    "pull-requests",
    "reviews",
    "exemptions",
    "activity",
    "announcements",
)
READS += ("me", "me/tasks", "teams", "applications")


@pytest.fixture(autouse=True)
def _no_failures_yet() -> None:
    cache.clear()


@pytest.fixture
def deployment(stage: Stage) -> Deployment:
    return stage.ready()


@pytest.mark.parametrize("path", [*READS, "people", "nowhere"])
def test_nobody_reads_without_a_token(stage: Stage, path: str) -> None:
    answer = Client().get(f"/api/v1/{path}")

    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_session_is_no_token(stage: Stage, deployment: Deployment) -> None:
    client = Client()
    client.force_login(stage.cast.developer)

    assert client.get("/api/v1/me").status_code == 401
    assert client.post(f"/api/v1/deployments/{deployment.pk}/actions/withdraw", {"reason": "x"}).status_code == 401


def test_the_query_string_is_no_place_for_a_token(stage: Stage) -> None:
    key = Program(stage.cast.developer).key

    assert Client().get("/api/v1/me", {"token": key, "access_token": key}).status_code == 401


@pytest.mark.parametrize("name", EVERYONE)
def test_everybody_reads_what_everybody_sees(stage: Stage, deployment: Deployment, name: str) -> None:
    program = Program(getattr(stage.cast, name), roles=[])
    paths = [*READS, f"deployments/{deployment.pk}", f"crqs/{deployment.crq.number}", "weeks/2026-12-10"]

    assert {path: program.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)
    assert program.get("people").status_code == (200 if name == "administrator" else 403)
    assert program.get("emails").status_code == (200 if name in {"administrator", "scrum_master"} else 403)


def expired(program: Program) -> Any:
    Token.objects.filter(pk=program.token.pk).update(created_at=EARLY - timedelta(days=9), expires_at=EARLY)


def revoked(program: Program) -> Any:
    perform(TOKEN, "revoke", program.token, by=program.token.user)


def disabled(program: Program) -> Any:
    program.token.user.is_active = False
    program.token.user.save()


@pytest.mark.parametrize("end", [expired, revoked, disabled])
def test_an_ended_token_opens_nothing_at_once(stage: Stage, end: Any) -> None:
    program = Program(stage.cast.developer)
    assert program.get("me").status_code == 200

    end(program)

    assert program.get("me").status_code == 401


def test_a_token_without_roles_only_reads(stage: Stage, deployment: Deployment) -> None:
    program = Program(stage.cast.developer, roles=[])

    answer = program.post(f"deployments/{deployment.pk}/actions/withdraw", {"reason": "Not needed"})

    assert answer.status_code == 403
    assert Deployment.objects.get().status == Deployment.Status.PLANNED


def test_a_token_acts_only_in_its_roles(stage: Stage, deployment: Deployment) -> None:
    """Grace installs and is Dev Manager of the team as well; her pipeline is only DevOps."""
    stage.cast.team.memberships.create(user=stage.cast.devops, role=Role.MANAGER)
    grace = User.objects.get(pk=stage.cast.devops.pk)
    digest = Program(grace, roles=[]).get(f"crqs/{deployment.crq.number}").json()["digest"]
    path = f"crqs/{deployment.crq.number}/actions/approve"
    pipeline, manager = (Program(grace, roles=[role]) for role in ("devops", "manager"))

    refused = pipeline.post(path, {"digest": digest})

    assert (refused.status_code, refused.json()["code"]) == (403, "role")
    assert manager.post(path, {"digest": digest}).json().get("code") != "role"


def test_nobody_gives_a_token_a_role_that_they_lack(stage: Stage) -> None:
    client = Client()
    client.force_login(stage.cast.developer)

    answer = client.post(reverse("tokens"), {"name": "Pipeline", "roles": ["devops"], "days": "30"})

    assert answer.status_code == 422
    assert not Token.objects.exists()


def test_a_key_is_shown_once_and_kept_nowhere(stage: Stage) -> None:
    client = Client()
    client.force_login(stage.cast.devops)

    shown = client.post(reverse("tokens"), {"name": "Pipeline", "roles": ["devops"], "days": "30"})
    key = shown.context["key"]
    [event] = Event.objects.filter(object_type="token")

    assert key in shown.content.decode()
    assert shown["Cache-Control"] == "no-store"
    assert key.startswith("rf_")
    assert Client(headers={"Authorization": f"Bearer {key}"}).get("/api/v1/me").json()["name"] == "Grace Okafor"
    assert key not in client.get(reverse("tokens")).content.decode()
    assert key not in f"{vars(event)} {Token.objects.values()}"


def test_use_is_noted_by_the_hour(stage: Stage) -> None:
    program = Program(stage.cast.developer)
    for minutes in (0, 30, 70):
        with clock.frozen(EARLY + timedelta(minutes=minutes)):
            program.get("me")
        last = Token.objects.get().last_used_at
        assert last == EARLY + timedelta(minutes=70 if minutes == 70 else 0)


def test_guessing_ends_in_429_and_leaves_the_others_alone(stage: Stage) -> None:
    program, guesser = Program(stage.cast.developer), Client(headers={"Authorization": "Bearer rf_guess"})

    codes = [guesser.get("/api/v1/me").status_code for _ in range(21)]
    last = guesser.get("/api/v1/me")

    assert codes[:20] == [401] * 20
    assert (last.status_code, last["Retry-After"]) == (429, "300")
    assert program.get("me").status_code == 200
