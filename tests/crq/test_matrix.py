"""Who may do what in which state: written from the specification's tables (states and actions), not from the code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from crq.flow import CRQ_FLOW
from crq.models import CRQ
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment
from tests.cast import Cast
from tests.stages import Stage, moment
from workflow import clock
from workflow.machine import perform, refusal
from workflow.steps import Refused

DEV, OTHER_DEV = "developer", "other_developer"
MANAGER, OTHER_MANAGER = "manager", "other_manager"
SCRUM, OPS, DIRECTOR, ADMIN, OUTSIDER = "scrum_master", "devops", "director", "administrator", "outsider"
EVERYONE = (DEV, OTHER_DEV, MANAGER, OTHER_MANAGER, SCRUM, OPS, DIRECTOR, ADMIN, OUTSIDER)
SYSTEM = "system"

STATUSES = (
    "planned", "cleared", "held", "installing", "installed", "verified", "failed", "backed_out", "withdrawn",
)  # fmt: skip

# action: (statuses it starts from, who)
DEPLOYMENT_ACTIONS: dict[str, tuple[set[str], set[str]]] = {
    "clear": ({"planned"}, {SYSTEM}),
    "unclear": ({"cleared"}, {SYSTEM}),
    "hold": ({"planned", "cleared"}, {SYSTEM}),
    "release": ({"held"}, {SYSTEM}),
    "move": ({"planned", "cleared", "held"}, {MANAGER, SCRUM}),
    "withdraw": ({"planned", "cleared", "held"}, {DEV, MANAGER, SCRUM}),
    "start": ({"cleared"}, {OPS}),
    "finish": ({"installing"}, {OPS}),
    "undo_start": ({"installing"}, {OPS}),
    "undo_finish": ({"installed"}, {OPS}),
    "fail": ({"installing", "installed"}, {OPS, DEV}),
    "back_out": ({"installing", "installed", "failed"}, {OPS}),
    "retry": ({"failed"}, {OPS}),
    "verify": ({"installed"}, {DEV}),
}
CRQ_ACTIONS: dict[str, tuple[set[str], set[str]]] = {
    "approve": ({"open"}, {MANAGER}),
    "return": ({"open", "approved"}, {MANAGER}),
    "void": ({"approved"}, {SYSTEM}),
    "close": ({"open", "approved"}, {SYSTEM}),
}

# When a status is looked at, in seconds from a deadline: what can be undone within its ten minutes.
WHEN = {
    "cleared": ("install", 2400),
    "installing": ("install", 600),
    "installed": ("install", 1500),
    "failed": ("install", 2400),
}


def bring_to(stage: Stage, status: str) -> Deployment:  # noqa: PLR0911 (one line a status)
    """A deployment in this status, by real actions."""
    cast = stage.cast
    if status == "planned":
        return stage.ready()
    if status == "cleared":
        return stage.cleared()
    if status == "held":
        deployment = stage.plan()
        with clock.frozen(moment(stage.week, "cutoff", seconds=1)), pytest.raises(Refused):
            perform(DEPLOYMENT, "start", deployment, by=cast.devops)
        return stage.fresh(deployment)
    if status == "withdrawn":
        return perform(DEPLOYMENT, "withdraw", stage.plan(), by=cast.developer, reason="Not needed")  # type: ignore[no-any-return]
    if status == "installing":
        return stage.installing()
    if status == "installed":
        return stage.installed()
    started = stage.installed() if status == "verified" else stage.installing()
    with clock.frozen(moment(stage.week, "install", minutes=30)):
        if status == "verified":
            return perform(DEPLOYMENT, "verify", started, by=cast.developer)  # type: ignore[no-any-return]
        failed = perform(DEPLOYMENT, "fail", started, by=cast.devops, reason="Out of disk")
        if status == "failed":
            return failed  # type: ignore[no-any-return]
        return perform(DEPLOYMENT, "back_out", failed, by=cast.devops)  # type: ignore[no-any-return]


@pytest.fixture(params=STATUSES)
def deployment(request: pytest.FixtureRequest, stage: Stage) -> Iterator[Deployment]:
    found = bring_to(stage, request.param)
    when = WHEN.get(request.param, ("cutoff", -600))
    if request.param == "cleared":
        stage.complete_batch()
    with clock.frozen(moment(stage.week, when[0], seconds=when[1])):
        yield stage.fresh(found)


def codes(flow: Any, action: str, obj: Any, cast: Cast) -> dict[str, str]:
    """Each person's refusal code for an action, empty where it is possible."""
    found = {}
    for name in EVERYONE:
        no = refusal(flow, action, obj, by=getattr(cast, name), now=clock.now())
        found[name] = no.code if no else ""
    return found


def test_deployment_actions(deployment: Deployment, cast: Cast) -> None:
    for action, (sources, who) in DEPLOYMENT_ACTIONS.items():
        found = codes(DEPLOYMENT, action, deployment, cast)
        expected = {name: "" if name in who else "role" for name in EVERYONE}
        if deployment.status not in sources:
            assert set(found.values()) <= {"status", "done"}, action
            continue
        if action == "fail":  # DevOps reports a failed install, the owning team a failed verification
            expected[DEV if deployment.status == "installing" else OPS] = "guard"
        assert found == expected, action


@pytest.mark.parametrize("status", ["open", "approved", "closed"])
def test_crq_actions(stage: Stage, status: str) -> None:
    made = {"open": "planned", "approved": "cleared", "closed": "verified"}[status]
    crq = CRQ.objects.select_related("deployment__week", "deployment__application").get(
        deployment=bring_to(stage, made)
    )
    for action, (sources, who) in CRQ_ACTIONS.items():
        found = codes(CRQ_FLOW, action, crq, stage.cast)
        if status not in sources:
            assert set(found.values()) <= {"status", "done"}, action
        else:
            assert found == {name: "" if name in who else "role" for name in EVERYONE}, action


def test_the_tables_here_name_every_status_change() -> None:
    """A new action must be written down here from the specification."""
    changing = {step.action for step in DEPLOYMENT.steps.values() if step.target and step.sources}
    assert changing == set(DEPLOYMENT_ACTIONS)
    assert {step.action for step in CRQ_FLOW.steps.values() if step.target and step.sources} == set(CRQ_ACTIONS)
    assert set(STATUSES) == set(Deployment.Status.values)
