"""What can happen to a deployment, a pull request, a review, a week and the schedule: one table each, by action.

`crq/` completes these tables with what only it knows: guards that look at the CRQ, and consequences for it.

Rows are locked in one order everywhere, so that nobody waits in a circle: the schedule; deployments by key; their CRQs
and exemption requests; pull requests by key; code reviews; weeks by date; announcements.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from accounts.prepared import Prepared, Slot
from accounts.roles import Role
from deployments import effects, guards, run_order, told, undo, week_effects, week_guards
from deployments.models import ClosedDay, CodeReview, Deployment, PullRequest, ReleaseWeek, SchedulePolicy
from deployments.rules import lock_policy
from workflow.steps import Flow, Step
from workflow.transactions import Again

DEV, MANAGER, SCRUM, DEVOPS = Role.DEVELOPER, Role.MANAGER, Role.SCRUM_MASTER, Role.DEVOPS
ADMIN = Role.ADMINISTRATOR
PLANNERS = (DEV, MANAGER, SCRUM)


def lock_deployment(pk: int) -> Deployment:
    """Locks the row, then reads it with what it belongs to as it is now that the lock is held."""
    _LOCK.one(key=pk)
    return _LOCKED.one(key=pk)


_LOCK = Prepared(
    lambda: (
        Deployment.objects.select_for_update(no_key=True).filter(pk=Slot("key")).order_by().values_list("pk", flat=True)
    )
)
_LOCKED = Prepared(lambda: Deployment.objects.select_related("application__team", "week").filter(pk=Slot("key")))


def join_week(deployment: Deployment) -> None:
    """A new deployment joins its week under the week's lock, so that a deadline cannot pass it by."""
    deployment.week = lock_week(deployment.week_id)


def lock_pull_requests(pks: Collection[int], *, into: Iterable[int] = ()) -> list[PullRequest]:
    """Locks the deployments that they are in or will join, by key, then the pull requests, by key.

    Raises Again when one of them changed deployments meanwhile.
    """
    was = dict(PullRequest.objects.filter(pk__in=pks).values_list("pk", "deployment_id"))
    deployments = {pk: lock_deployment(pk) for pk in sorted({*into, *filter(None, was.values())})}
    rows = PullRequest.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=was).order_by("pk")
    found = list(rows.select_related("repository__application__team", "author"))
    for each in found:
        if each.deployment_id != was[each.pk]:
            raise Again
        each.deployment = deployments[each.deployment_id] if each.deployment_id else None
    return found


def lock_pull_request(pk: int, *, into: Iterable[int] = ()) -> PullRequest:
    for found in lock_pull_requests([pk], into=into):
        return found
    raise PullRequest.DoesNotExist(f"There is no pull request with the key {pk}.")


def lock_to_join(pk: int, given: dict[str, Any]) -> PullRequest:
    """A pull request that joins a deployment needs that one's lock before its own."""
    return lock_pull_request(pk, into=[given["deployment"].pk])


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
            done="Withdrawn. Its pull requests are in the queue again.",
        ),
        Step(
            "start",
            "Start install",
            (S.CLEARED,),
            S.INSTALLING,
            (DEVOPS,),
            (guards.batch_is_complete, guards.window_is_open),
            effects.start,
            done="Started. Everybody sees that you install it.",
            undone_by="undo_start",
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
            done="Installed. The team verifies it now.",
            undone_by="undo_finish",
        ),
        Step(
            "undo_start",
            "Undo start",
            (S.INSTALLING,),
            S.CLEARED,
            (DEVOPS,),
            (undo.start_can_be_undone, guards.window_is_open),
            effects.undo_start,
            done="Taken back: it waits for its start again.",
        ),
        Step(
            "undo_finish",
            "Undo installed",
            (S.INSTALLED,),
            S.INSTALLING,
            (DEVOPS,),
            (undo.finish_can_be_undone,),
            effects.undo_finish,
            done="Taken back: it is still being installed. The e-mail that asked the team to verify it had left.",
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
            done="The failure is recorded. It can be tried again or backed out.",
        ),
        Step(
            "back_out",
            "Back out",
            (S.INSTALLING, S.INSTALLED, S.FAILED),
            S.BACKED_OUT,
            (DEVOPS,),
            emails=("backed_out",),
            done="Backed out. Its pull requests are in the queue again.",
        ),
        Step(
            "retry",
            "Try again",
            (S.FAILED,),
            S.INSTALLING,
            (DEVOPS,),
            (guards.window_is_open,),
            effects.start,
            done="Started again. Everybody sees that you install it.",
        ),
        Step(
            "verify",
            "Verify install",
            (S.INSTALLED,),
            S.VERIFIED,
            (DEV,),
            (guards.not_the_installer,),
            effects.verify,
            done="Verified. Nothing is left to do for it.",
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
            done="Comment posted.",
        ),
    ],
    join=join_week,
)

P = PullRequest.Status
ALL = tuple(P)
PULL_REQUEST = Flow(
    "pull_request",
    PullRequest,
    lock_pull_request,
    [
        Step("submit", "Submit pull request", (), P.SUBMITTED, (DEV, MANAGER), (), effects.submit),
        Step(
            "resubmit",
            "Submit again",
            (P.WITHDRAWN,),
            P.SUBMITTED,
            (DEV, MANAGER),
            (),
            effects.submit,
            done="Submitted again. It waits for the weekly review.",
        ),
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
        Step("plan", "Plan", (P.SUBMITTED,), P.PLANNED, PLANNERS, (), effects.join, plain=False, lock=lock_to_join),
        Step(
            "unplan",
            "Take out of the deployment",
            (P.PLANNED,),
            P.SUBMITTED,
            PLANNERS,
            (guards.in_a_planned_week,),
            effects.leave,
            done="Taken out. It waits in the queue again.",
        ),
        Step("ship", "Ship", (P.PLANNED,), P.SHIPPED),
        Step("unship", "Take back from shipped", (P.SHIPPED,), P.PLANNED),
        Step("requeue", "Return to the queue", (P.PLANNED, P.SHIPPED), P.SUBMITTED, effect=effects.give_back),
        Step(
            "withdraw",
            "Withdraw pull request",
            (P.SUBMITTED,),
            P.WITHDRAWN,
            (DEV, MANAGER),
            done="Withdrawn. Submit it again when it should be released after all.",
        ),
        Step("refresh", "Take over what changed", ALL, "", effect=told.refresh),
        Step("record_checks", "Record checks", ALL, "", effect=told.record_checks),
        Step("dismiss_review", "Dismiss a review", ALL, "", effect=told.dismiss_review),
        Step("recognise", "Recognise a person", (P.SUBMITTED, P.PLANNED), "", effect=told.recognise),
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
        Step(
            "hold",
            "Mark as held",
            (R.SCHEDULED,),
            R.HELD,
            (SCRUM,),
            done="Marked as held. Its decisions can be recorded now.",
        ),
        Step(
            "cancel",
            "Cancel review",
            (R.SCHEDULED,),
            R.CANCELLED,
            (SCRUM,),
            needs_reason=True,
            emails=("review_cancelled",),
            done="Cancelled.",
        ),
        Step(
            "announce",
            "Send the agenda",
            (R.SCHEDULED,),
            guards=(guards.is_near, guards.not_announced),
            effect=effects.announce_review,
            emails=("review_agenda",),
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
            done="The batch is complete. Cleared deployments can be installed.",
        ),
        Step(
            "reorder",
            "Change the run order",
            roles=(DEVOPS,),
            effect=run_order.reorder,
            takes=("deployment", "place", "to"),
            done="The run order is changed.",
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
            "keep",
            "Put on legal hold",
            roles=(ADMIN,),
            guards=(week_guards.not_kept,),
            effect=week_effects.keep,
            needs_reason=True,
            done="On legal hold: nothing of this week is deleted, however old it gets.",
        ),
        Step(
            "unkeep",
            "End the legal hold",
            roles=(ADMIN,),
            guards=(week_guards.is_kept,),
            effect=week_effects.unkeep,
            needs_reason=True,
            done="The legal hold has ended. What is old enough goes with the next purge.",
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
