"""What can happen to a deployment, a pull request, a review, a week and the schedule: one table each, by action.

`crq/` completes these tables with what only it knows: guards that look at the CRQ, and consequences for it.
"""

from __future__ import annotations

from accounts.roles import Role
from deployments import effects, guards, week_effects, week_guards
from deployments.models import ClosedDay, CodeReview, Deployment, PullRequest, ReleaseWeek, SchedulePolicy
from deployments.rules import lock_policy
from workflow.steps import Flow, Step

DEV, MANAGER, SCRUM, DEVOPS = Role.DEVELOPER, Role.MANAGER, Role.SCRUM_MASTER, Role.DEVOPS
ADMIN = Role.ADMINISTRATOR
PLANNERS = (DEV, MANAGER, SCRUM)


def lock_deployment(pk: int) -> Deployment:
    """Locks the row, then reads it with what it belongs to as it is now that the lock is held."""
    Deployment.objects.select_for_update(no_key=True).filter(pk=pk).values_list("pk").get()
    return Deployment.objects.select_related("application__team", "week").get(pk=pk)


def join_week(deployment: Deployment) -> None:
    """A new deployment joins its week under the week's lock, so that a deadline cannot pass it by."""
    deployment.week = lock_week(deployment.week_id)


def lock_pull_request(pk: int) -> PullRequest:
    """Locks its deployment, then the pull request; again from the start if it changed deployments meanwhile."""
    while True:
        deployment_id = PullRequest.objects.values_list("deployment_id", flat=True).get(pk=pk)
        deployment = lock_deployment(deployment_id) if deployment_id else None
        locked = PullRequest.objects.select_for_update(no_key=True, of=("self",))
        pull_request = locked.select_related("repository__application", "author").get(pk=pk)
        if pull_request.deployment_id == deployment_id:
            pull_request.deployment = deployment
            return pull_request


def lock_review(pk: int) -> CodeReview:
    return CodeReview.objects.select_for_update(no_key=True, of=("self",)).select_related("week").get(pk=pk)


def lock_week(pk: int) -> ReleaseWeek:
    return ReleaseWeek.objects.select_for_update(no_key=True, of=("self",)).get(pk=pk)


def lock_closed_day(pk: int) -> ClosedDay:
    return ClosedDay.objects.select_for_update().get(pk=pk)


S = Deployment.Status
DEPLOYMENT = Flow(
    "deployment",
    Deployment,
    lock_deployment,
    [
        Step(
            "plan",
            "Plan deployment",
            (),
            S.PLANNED,
            PLANNERS,
            (guards.week_takes_plans, guards.only_one_in_week),
            effects.plan,
        ),
        Step(
            "record_branch",
            "Record release branch",
            (S.PLANNED, S.HELD),
            "",
            (DEVOPS,),
            (),
            effects.record_branch,
            plain=False,
        ),
        Step(
            "record_core_dev",
            "Record core-dev result",
            (S.PLANNED, S.HELD),
            "",
            (DEVOPS,),
            (),
            effects.record_core_dev,
            plain=False,
        ),
        Step("clear", "Clear for install", (S.PLANNED,), S.CLEARED),
        Step("unclear", "Take clearance back", (S.CLEARED,), S.PLANNED),
        Step(
            "hold",
            "Hold",
            (S.PLANNED, S.CLEARED),
            S.HELD,
            effect=effects.hold,
            needs_reason=True,
            emails=("deadline_missed",),
        ),
        Step("release", "Release", (S.HELD,), S.PLANNED, effect=effects.lift),
        Step(
            "move",
            "Move to another week",
            (S.PLANNED, S.CLEARED, S.HELD),
            S.PLANNED,
            (MANAGER, SCRUM),
            effect=effects.move,
            plain=False,
            needs_reason=True,
            emails=("moved",),
        ),
        Step(
            "withdraw",
            "Withdraw",
            (S.PLANNED, S.CLEARED, S.HELD),
            S.WITHDRAWN,
            PLANNERS,
            effect=effects.lift,
            needs_reason=True,
            emails=("withdrawn",),
        ),
        Step(
            "start",
            "Start install",
            (S.CLEARED,),
            S.INSTALLING,
            (DEVOPS,),
            (guards.batch_is_complete, guards.window_is_open),
            effects.start,
        ),
        Step(
            "finish",
            "Mark installed",
            (S.INSTALLING,),
            S.INSTALLED,
            (DEVOPS,),
            (),
            effects.finish,
            emails=("verify_needed",),
        ),
        Step("remind", "Ask again to verify", (S.INSTALLED,), "", (), (guards.is_silent,), emails=("verify_needed",)),
        Step(
            "fail",
            "Report failure",
            (S.INSTALLING, S.INSTALLED),
            S.FAILED,
            (DEVOPS, DEV),
            (guards.fails_in_own_part,),
            needs_reason=True,
            emails=("install_failed",),
        ),
        Step(
            "back_out",
            "Back out",
            (S.INSTALLING, S.INSTALLED, S.FAILED),
            S.BACKED_OUT,
            (DEVOPS,),
            emails=("backed_out",),
        ),
        Step("retry", "Try again", (S.FAILED,), S.INSTALLING, (DEVOPS,), (guards.window_is_open,), effects.start),
        Step(
            "verify", "Verify install", (S.INSTALLED,), S.VERIFIED, (DEV,), (guards.not_the_installer,), effects.verify
        ),
        Step(
            "comment",
            "Comment",
            tuple(S),
            effect=effects.comment,
            needs_reason=True,
            emails=("mentioned",),
            plain=False,
            anyone=True,
        ),
    ],
    join=join_week,
)

P = PullRequest.Status
PULL_REQUEST = Flow(
    "pull_request",
    PullRequest,
    lock_pull_request,
    [
        Step("submit", "Submit pull request", (), P.SUBMITTED, (DEV, MANAGER), (), effects.submit),
        Step("resubmit", "Submit again", (P.WITHDRAWN,), P.SUBMITTED, (DEV, MANAGER), (), effects.submit),
        Step(
            "review",
            "Record review",
            (P.SUBMITTED, P.PLANNED),
            "",
            (DEV, MANAGER),
            (guards.not_the_author,),
            effects.review,
            plain=False,
        ),
        Step(
            "new_head",
            "Record new head commit",
            (P.SUBMITTED, P.PLANNED),
            "",
            (DEV, MANAGER),
            (guards.not_while_installing,),
            effects.new_head,
            plain=False,
        ),
        Step("plan", "Plan", (P.SUBMITTED,), P.PLANNED, PLANNERS, (), effects.join, plain=False),
        Step(
            "unplan",
            "Take out of the deployment",
            (P.PLANNED,),
            P.SUBMITTED,
            PLANNERS,
            (guards.in_a_planned_week,),
            effects.leave,
        ),
        Step("ship", "Ship", (P.PLANNED,), P.SHIPPED),
        Step("requeue", "Return to the queue", (P.PLANNED, P.SHIPPED), P.SUBMITTED, effect=effects.leave),
        Step("withdraw", "Withdraw pull request", (P.SUBMITTED,), P.WITHDRAWN, (DEV, MANAGER)),
    ],
)

R = CodeReview.Status
CODE_REVIEW = Flow(
    "code_review",
    CodeReview,
    lock_review,
    [
        Step("schedule", "Schedule review", (), R.SCHEDULED),
        Step("record", "Record ad hoc review", (), R.HELD, (DEV, MANAGER, SCRUM)),
        Step("hold", "Mark as held", (R.SCHEDULED,), R.HELD, (SCRUM,)),
        Step(
            "cancel",
            "Cancel review",
            (R.SCHEDULED,),
            R.CANCELLED,
            (SCRUM,),
            needs_reason=True,
            emails=("review_cancelled",),
        ),
        Step("reschedule", "Move review", (R.SCHEDULED,), effect=effects.move_review),
        Step("resume", "Schedule review again", (R.CANCELLED,), R.SCHEDULED, effect=effects.move_review),
        Step(
            "decide",
            "Decide",
            (R.SCHEDULED, R.HELD),
            "",
            PLANNERS,
            (guards.review_takes_decisions,),
            effects.decide,
            plain=False,
        ),
    ],
)

WEEK = Flow(
    "week",
    ReleaseWeek,
    lock_week,
    [
        Step("open", "Open week"),
        Step(
            "complete_batch",
            "Mark batch complete",
            roles=(DEVOPS,),
            guards=(guards.on_the_install_day,),
            effect=effects.complete_batch,
            emails=("window_open",),
            already=guards.batch_is_complete_already,
        ),
        Step("reschedule", "Follow the schedule", effect=week_effects.reschedule, emails=("week_warning",)),
        Step(
            "skip",
            "Skip this week",
            roles=(SCRUM, ADMIN),
            guards=(week_guards.not_skipped, week_guards.not_over, week_guards.nothing_started),
            effect=week_effects.skip,
            needs_reason=True,
            plain=False,
        ),
        Step(
            "substitute",
            "Set the install day",
            roles=(SCRUM,),
            guards=(week_guards.not_over, week_guards.nothing_started),
            effect=week_effects.substitute,
            emails=("week_warning",),
            plain=False,
        ),
        Step(
            "reopen",
            "Follow the calendar again",
            roles=(SCRUM, ADMIN),
            guards=(week_guards.chosen_by_hand, week_guards.not_over, week_guards.nothing_started),
            effect=week_effects.reopen,
            emails=("week_warning",),
            plain=False,
        ),
        Step(
            "warn",
            "Warn of the skipped week",
            guards=(week_guards.is_skipped, week_guards.not_over, week_guards.not_warned),
            effect=week_effects.warn,
            emails=("week_warning",),
        ),
    ],
)

POLICY = Flow(
    "policy",
    SchedulePolicy,
    lock_policy,
    [Step("change", "Change the schedule", roles=(ADMIN,), effect=week_effects.change_policy, plain=False)],
)

CLOSED_DAY = Flow(
    "closed_day",
    ClosedDay,
    lock_closed_day,
    [
        Step("add", "Add closed day", roles=(ADMIN,), guards=(week_guards.day_is_ahead,), plain=False),
        Step("remove", "Remove closed day", roles=(ADMIN,), guards=(week_guards.day_is_ahead,), plain=False),
    ],
)
CLOSED_DAY.complete(consequences={"remove": lambda call: call.obj.delete()})
