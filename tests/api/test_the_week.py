"""A whole week through the API alone: five people's tokens, the clock's own work, and an audit trail that verifies."""

from __future__ import annotations

from typing import Any

import pytest

from crq.models import CRQ
from deployments.models import Deployment
from tests.api.programs import WEEK, Program
from tests.cast import Cast
from tests.stages import a_week
from tests.the_week import at, moment
from workflow import clock
from workflow.audit import verify

pytestmark = pytest.mark.django_db


def test_a_week_from_pull_request_to_verification(cast: Cast) -> None:
    a_week()
    with clock.frozen(at(1, 9)):
        names = ("developer", "reviewer", "manager", "devops", "director")
        developer, reviewer, manager, devops, director = (Program(getattr(cast, name)) for name in names)

    with moment(1, 10):
        pull = developer.make(
            "pull-requests",
            url=f"{cast.repository.url}/pull/481",
            title="Expire idle sessions",
            head_sha="5f2c1e7a9b",
        )
        reviewer.do(f"pull-requests/{pull['id']}", "review", verdict="approved", sha=pull["head_sha"])
    with moment(4, 11):
        body = {"application": cast.application.pk, "week": WEEK, "title": "Session timeout"}
        planned = developer.make("deployments", **body, pull_requests=[pull["id"]])
        crq = developer.make("crqs", deployment=planned["id"])
    with moment(7, 10):
        for program, kind in ((developer, "justification"), (developer, "tests"), (devops, "plan")):
            assert program.attach(crq["number"], kind).status_code == 200
        branch = {"repository": cast.repository.pk, "name": "release/2026-12-10"}
        path = f"deployments/{planned['id']}"
        devops.do(path, "record_branch", branches=[branch])
    with moment(8, 17, 0, 1):
        devops.do(path, "record_core_dev", result="success", build="build-1042")
    with moment(8, 18):
        asked = _ask(manager, crq["number"])
    with moment(9, 9):
        director.do(f"exemptions/{asked['id']}", "grant", reason="The switch makes it safe.")
        assert director.get(path).json()["status"] == "cleared"
    with moment(10, 14):
        devops.do(f"weeks/{WEEK}", "complete_batch")
        devops.do(path, "start")
    with moment(10, 14, 20):
        devops.do(path, "finish")
        verified = reviewer.do(path, "verify")

    assert verified["status"] == "verified"
    assert all(each["complete"] for each in verified["deliverables"])
    assert Deployment.objects.get().status == Deployment.Status.VERIFIED
    assert CRQ.objects.get().closure == CRQ.Closure.SUCCESSFUL
    assert not verify().findings


def _ask(manager: Program, number: str) -> Any:
    """The manager approves late, in the same request, what was looked at."""
    digest = manager.get(f"crqs/{number}").json()["digest"]
    words = {"why": "Search needs it.", "why_now": "It opens on Friday.", "risk": "Low: a switch turns it off."}
    return manager.make("exemptions", crq=number, approve=True, digest=digest, **words)
