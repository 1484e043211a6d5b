"""What can happen to a CRQ, as one table; and what deployments and pull requests mean for it (`consequences.py`)."""

from __future__ import annotations

from accounts.prepared import Prepared, Slot
from accounts.roles import Role
from crq import effects, guards, retention
from crq.models import CRQ
from deployments.flow import lock_deployment
from deployments.models import Deployment
from workflow.steps import Flow, Step

DEV, MANAGER, DEVOPS = Role.DEVELOPER, Role.MANAGER, Role.DEVOPS


def lock_crq(pk: int) -> CRQ:
    """Locks the deployment, then its CRQ."""
    return lock_crq_of(lock_deployment(_DEPLOYMENT_OF.one(crq=pk)))


def lock_crq_of(deployment: Deployment) -> CRQ:
    crq = _LOCKED.one(deployment=deployment.pk)
    crq.deployment = deployment
    return crq


_DEPLOYMENT_OF = Prepared(lambda: CRQ.objects.filter(pk=Slot("crq")).values_list("deployment_id", flat=True))
_LOCKED = Prepared(
    lambda: CRQ.objects.select_for_update(no_key=True, of=("self",)).filter(deployment=Slot("deployment"))
)


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
