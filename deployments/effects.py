"""The facts that an action records on the locked object. Input arrives in `call.given`."""

from __future__ import annotations

from datetime import timedelta

from accounts.models import User
from accounts.roles import Role, standing
from deployments.checks import checks_of
from deployments.guards import closed_week, other_live_deployment
from deployments.mentions import mentioned
from deployments.models import Contained, Deferral, Deployment, PullRequest, ReleaseBranch, Review, ReviewDecision
from workflow.eastern import eastern_day, say_day
from workflow.machine import for_whom, take
from workflow.models import Event
from workflow.steps import Call, Refused

ONE_PRESS = timedelta(minutes=1)


def plan(call: Call) -> None:
    call.obj.planned_at, call.obj.planned_by = call.now, call.by


def hold(call: Call) -> None:
    call.obj.held_at, call.obj.held_reason = call.now, call.reason


def lift(call: Call) -> None:
    call.obj.held_at, call.obj.held_reason = None, ""


def record_branch(call: Call) -> None:
    """Given `names`: repository id → branch name, for every repository of the deployment's pull requests."""
    names: dict[int, str] = {pk: name.strip() for pk, name in call.given["names"].items()}
    if not names or not all(names.values()):
        raise Refused.because("Give the release branch of every repository.")
    for repository_id, name in names.items():
        ReleaseBranch.objects.update_or_create(
            deployment=call.obj,
            repository_id=repository_id,
            defaults={"name": name, "by": call.person, "at": call.now},
        )
    call.note["branches"] = sorted(names.values())


def record_core_dev(call: Call) -> None:
    """Given `result` ("success" or "failed") and `build` (needed for a success)."""
    result, build = call.given["result"], call.given.get("build", "").strip()
    if result == Deployment.CoreDev.SUCCESS and not build:
        raise Refused.because("Give the build that was deployed to core dev.")
    deployment = call.obj
    deployment.core_dev_result, deployment.core_dev_build = result, build
    deployment.core_dev_at, deployment.core_dev_by = call.now, call.by
    call.note |= {"result": result, "build": build}


def move(call: Call) -> None:
    """Given `week`: the deployment leaves its week for that one. Branch and core-dev result belong to the old week."""
    deployment: Deployment = call.obj
    old, new = deployment.week, take("week", call.given["week"], during=call)
    if new.pk == old.pk:
        raise Refused.because(f"It is already planned for the {new}.")
    if sentence := closed_week(new, call.now):
        raise Refused.because(sentence)
    if twin := other_live_deployment(deployment, new):
        raise Refused.because(f"{deployment.application} already has a deployment in the {new}: {twin.title}.")
    Deferral.objects.create(deployment=deployment, from_week=old, to_week=new, why=call.reason, by=call.by, at=call.now)
    deployment.week = new
    deployment.branches.all().delete()
    deployment.core_dev_result, deployment.core_dev_build = "", ""
    deployment.core_dev_at = deployment.core_dev_by = None
    lift(call)
    call.note |= {"from": say_day(old.thursday), "to": say_day(new.thursday)}


def start(call: Call) -> None:
    call.obj.started_at, call.obj.started_by = call.now, call.by


def finish(call: Call) -> None:
    call.obj.installed_at, call.obj.installed_by = call.now, call.by


def undo_start(call: Call) -> None:
    call.obj.started_at = call.obj.started_by = None


def undo_finish(call: Call) -> None:
    call.obj.installed_at = call.obj.installed_by = None


def verify(call: Call) -> None:
    call.obj.verified_at, call.obj.verified_by = call.now, call.by
    call.obj.verified_for = for_whom(call)


def comment(call: Call) -> None:
    """The words are the call's reason. Notes who is `mentioned`, and which names behind an @ are `unknown`."""
    if _just_said(call):
        raise Refused.because("This comment was posted a moment ago.", "done")
    found, unknown = mentioned(call.reason)
    call.note |= {"mentioned": [each.pk for each in found], "unknown": unknown}


def _just_said(call: Call) -> bool:
    """A second press of the same button."""
    said = Event.objects.filter(object_type=call.flow.name, object_id=call.obj.pk, action=call.step.action)
    return said.filter(actor=call.by, reason=call.reason, at__gte=call.now - ONE_PRESS).exists()


def submit(call: Call) -> None:
    call.obj.submitted_at, call.obj.submitted_by = call.now, call.by


def join(call: Call) -> None:
    """Given `deployment`: the pull request becomes part of it."""
    pull_request: PullRequest = call.obj
    deployment: Deployment = take("deployment", call.given["deployment"], during=call)
    if deployment.application_id != pull_request.repository.application_id:
        raise Refused.because(
            f"{pull_request} belongs to {pull_request.repository.application}, not {deployment.application}."
        )
    if deployment.status not in Deployment.SCOPE_CAN_CHANGE:
        raise Refused.because(
            f"{deployment.title} is {deployment.get_status_display().lower()}, so its scope is fixed."
        )
    if sentence := closed_week(deployment.week, call.now):
        raise Refused.because(sentence)
    if pull_request.forge_state == PullRequest.Forge.CLOSED:
        raise Refused.because(f"{pull_request} was closed without merging.")
    pull_request.deployment = deployment
    call.note["deployment"] = deployment.title


def give_back(call: Call) -> None:
    """The deployment ended, so what it contained waits in the queue again; the deployment still tells what it was."""
    pull = call.obj
    Contained.objects.create(deployment=pull.deployment, pull_request=pull, head_sha=pull.head_sha, at=call.now)
    call.note["head"] = pull.head_sha
    leave(call)


def leave(call: Call) -> None:
    call.given["left"] = call.obj.deployment
    call.note["deployment"] = call.obj.deployment.title
    call.obj.deployment = None


def review(call: Call) -> None:
    """Given `verdict`, optionally `note`, and for imported reviews `reviewer`, `login`, `sha`, `at` and `forge_id`."""
    pull_request: PullRequest = call.obj
    reviewer = call.given.get("reviewer", call.by)
    sha = call.given.get("sha") or pull_request.head_sha
    if call.by and sha != pull_request.head_sha:
        raise Refused.because("New commits arrived after you opened this page. Look at them, then review again.")
    if call.by and _said_already(call):
        raise Refused.because("You said this about the present commit already.", "done")
    Review.objects.create(
        pull_request=pull_request,
        reviewer=reviewer,
        reviewer_login=call.given.get("login", ""),
        verdict=call.given["verdict"],
        sha=sha,
        note=call.given.get("note", ""),
        at=call.given.get("at", call.now),
        counts=counts(pull_request, reviewer),
        forge_id=call.given.get("forge_id", ""),
    )
    call.note |= {"verdict": call.given["verdict"], "sha": sha}


def counts(pull_request: PullRequest, reviewer: User | None) -> bool:
    """Whether a verdict of this person counts: a member of the owning team, and not the author."""
    if reviewer is None or reviewer.pk == pull_request.author_id:
        return False
    return reviewer.memberships.filter(team_id=pull_request.repository.application.team_id).exists()


def _said_already(call: Call) -> bool:
    """A second press of the same button."""
    last = call.obj.reviews.filter(reviewer=call.by, sha=call.obj.head_sha).last()
    given = (call.given["verdict"], call.given.get("note", ""))
    return last is not None and (last.verdict, last.note) == given


def new_head(call: Call) -> None:
    """Given `sha`: the head commit moved, so reviews of the old one no longer count."""
    sha = call.given["sha"].strip().lower()
    if sha == call.obj.head_sha:
        raise Refused.because("That is already the head commit.")
    call.note |= {"from": call.obj.head_sha, "to": sha}
    call.obj.head_sha = sha
    call.obj.checks = checks_of(call.obj)


def complete_batch(call: Call) -> None:
    call.obj.batch_completed_at, call.obj.batch_completed_by = call.now, call.by


def move_review(call: Call) -> None:
    """Given `at`: the weekly review goes with the deadline of its week."""
    call.obj.at = call.given["at"]


def announce_review(call: Call) -> None:
    """Notes for which time: see `guards.not_announced`."""
    call.note["at"] = call.obj.at.isoformat()


def decide(call: Call) -> None:
    """Given `pull_request`, `outcome` and optionally `note`. A team decides about its own pull requests only."""
    pull_request: PullRequest = call.given["pull_request"]
    team_id = pull_request.repository.application.team_id
    who = standing(call.person, eastern_day(call.now))
    if not who.holds(Role.SCRUM_MASTER) and team_id not in who.team_ids():
        raise Refused.because(f"{pull_request} belongs to another team, which decides about it with the Scrum Master.")
    if pull_request.status != PullRequest.Status.SUBMITTED:
        raise Refused.because(f"{pull_request} is {pull_request.get_status_display().lower()} already.")
    ReviewDecision.objects.update_or_create(
        code_review=call.obj,
        pull_request=pull_request,
        defaults={
            "outcome": call.given["outcome"],
            "note": call.given.get("note", ""),
            "by": call.person,
            "at": call.now,
        },
    )
    call.note |= {"pull_request": str(pull_request), "outcome": call.given["outcome"]}
