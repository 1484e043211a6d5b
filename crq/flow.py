"""What can happen to a CRQ, as one table; and what deployments and pull requests mean for it (`consequences.py`)."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from accounts.prepared import Prepared, Slot
from accounts.roles import Role
from crq import effects, guards, retention
from crq.models import CRQ
from crq.readiness import Facts
from deployments.flow import lock_deployment
from deployments.models import Deployment
from workflow.steps import Flow, Step

DEV, MANAGER, DEVOPS = Role.DEVELOPER, Role.MANAGER, Role.DEVOPS


def lock_crq(pk: int) -> CRQ:
    """Locks the deployment, then its CRQ, which is read with the deployment as it is now that its lock is held."""
    if not _LOCK_DEPLOYMENT(crq=pk):
        raise CRQ.DoesNotExist(f"There is no CRQ with the key {pk}.")
    return _LOCKED.one(crq=pk)


def lock_crq_of(deployment: Deployment) -> CRQ:
    """The CRQ of a deployment whose lock is held."""
    crq = _LOCKED_OF.one(deployment=deployment.pk)
    crq.deployment = deployment
    return crq


def lock_to_decide(pk: int, given: dict[str, Any]) -> CRQ:
    """With all facts, which nobody can change now: the guards, the decision and its letters go by the same ones."""
    crq = lock_crq(pk)
    facts = Facts.fresh(crq.deployment).remember(crq.deployment)
    crq.deployment.week = facts.deployment.week  # which has its deadlines
    return crq


def _lockable() -> QuerySet[CRQ]:
    return CRQ.objects.select_for_update(no_key=True, of=("self",)).order_by()


_LOCK_DEPLOYMENT = Prepared(
    lambda: (
        Deployment.objects.select_for_update(no_key=True, of=("self",))
        .filter(crq=Slot("crq"))
        .order_by()
        .values_list("pk", flat=True)
    )
)
_LOCKED = Prepared(
    lambda: _lockable().select_related("deployment__application__team", "deployment__week").filter(pk=Slot("crq"))
)
_LOCKED_OF = Prepared(lambda: _lockable().filter(deployment=Slot("deployment")))


def join_deployment(crq: CRQ) -> None:
    """A new CRQ joins its deployment under the deployment's lock."""
    crq.deployment = lock_deployment(crq.deployment_id)


S = CRQ.Status
CHANGEABLE = (S.OPEN, S.APPROVED)
CRQ_FLOW = Flow(
    "crq",
    CRQ,
    lock_crq,
    [
        Step("open", "Create CRQ", (), S.OPEN, (DEV, MANAGER), (guards.deployment_takes_a_crq,), effects.open_crq),
        Step(
            "attach_justification",
            "Attach business justification",
            CHANGEABLE,
            "",
            (DEV, MANAGER),
            (guards.content_can_change,),
            effects.attach,
            plain=False,
        ),
        Step(
            "attach_tests",
            "Attach test results",
            CHANGEABLE,
            "",
            (DEV, MANAGER),
            (guards.content_can_change,),
            effects.attach,
            plain=False,
        ),
        Step(
            "attach_plan",
            "Attach install and backout plan",
            CHANGEABLE,
            "",
            (DEVOPS,),
            (guards.content_can_change,),
            effects.attach,
            plain=False,
        ),
        Step(
            "approve",
            "Approve CRQ",
            (S.OPEN,),
            S.APPROVED,
            (MANAGER,),
            (
                guards.not_own_change,
                guards.approval_in_time,
                guards.deployment_is_not_held,
                guards.everything_before_approval,
            ),
            effects.approve,
            emails=("crq_approved",),
            takes=("digest",),
            lock=lock_to_decide,
            done="Approved. It is cleared for install.",
        ),
        Step(
            "return",
            "Ask for changes",
            CHANGEABLE,
            S.OPEN,
            (MANAGER,),
            (guards.content_can_change,),
            effects.send_back,
            needs_reason=True,
            emails=("crq_returned",),
            done="Sent back to the team. New documents or commits ask you again.",
        ),
        Step("void", "Void approval", (S.APPROVED,), S.OPEN, effect=effects.void, emails=("approval_voided",)),
        Step("close", "Close CRQ", CHANGEABLE, S.CLOSED, effect=effects.close),
        Step("correct", "Correct how the CRQ was closed", (S.CLOSED,), effect=effects.correct),
        Step(
            "purge",
            "Delete the files after the retention period",
            (S.CLOSED,),
            guards=(retention.not_on_hold, retention.is_over, retention.has_files),
            effect=retention.purge,
        ),
    ],
    join=join_deployment,
)
