"""Install day as it really goes: several at once, failures, backouts, late answers, and the end of the week."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from crq import announcing_lines
from crq.board import board
from crq.deadlines import enforce
from crq.models import CRQ, Announcement, Snapshot
from deployments import planning
from deployments.flow import DEPLOYMENT, PULL_REQUEST
from deployments.models import Contained, Deployment, PullRequest, ReleaseWeek
from deployments.silence import remind_silence
from notifications.models import Email, Letter
from tests.stages import Stage, a_week, moment
from workflow import clock
from workflow.machine import perform
from workflow.models import Event
from workflow.steps import Refused

S = Deployment.Status


@pytest.fixture
def following(stage: Stage) -> ReleaseWeek:
    return a_week(stage.week.thursday + timedelta(weeks=1))


class Afternoon:
    """What people do on install day, so many minutes after the batch."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.people = stage, stage.cast

    def do(self, action: str, deployment: Deployment, minutes: float, by: Any = None, **given: Any) -> Deployment:
        person = by or (self.people.developer if action == "verify" else self.people.devops)
        with clock.frozen(moment(self.stage.week, "install", minutes=minutes)):
            done: Deployment = perform(DEPLOYMENT, action, deployment, by=person, **given)
        return done

    def end(self) -> None:
        """The window closes, and the sweeper comes."""
        at = moment(self.stage.week, "install_close", seconds=1)
        with clock.frozen(at):
            enforce(at)


@pytest.fixture
def afternoon(stage: Stage) -> Afternoon:
    return Afternoon(stage)


def outcome(deployment: Deployment) -> tuple[str, str]:
    fresh = Deployment.objects.select_related("crq").get(pk=deployment.pk)
    return fresh.status, fresh.crq.closure


# --- The afternoon -------------------------------------------------------------------------------------------
def test_several_installs_run_side_by_side_and_each_ends_by_itself(stage: Stage, afternoon: Afternoon) -> None:
    first, second, third = stage.cleared(), stage.beside().cleared(), stage.beside().cleared()
    stage.complete_batch()
    for minutes, each in enumerate((first, second, third)):
        afternoon.do("start", each, minutes)
    afternoon.do("finish", second, 10, by=stage.cast.second_devops)
    afternoon.do("fail", first, 12, reason="Out of disk")
    afternoon.do("finish", third, 13)
    afternoon.do("verify", third, 20)
    afternoon.do("retry", first, 30)
    afternoon.do("finish", first, 40)
    afternoon.do("verify", first, 50)
    afternoon.do("fail", second, 60, by=stage.cast.developer, reason="Sign-in is broken")
    afternoon.do("back_out", second, 70)

    assert outcome(first) == (S.VERIFIED, CRQ.Closure.WITH_ISSUES)
    assert outcome(second) == (S.BACKED_OUT, CRQ.Closure.BACKED_OUT)
    assert outcome(third) == (S.VERIFIED, CRQ.Closure.SUCCESSFUL)


def test_a_failed_verification_is_the_teams_to_report(stage: Stage, afternoon: Afternoon) -> None:
    deployment = stage.installed()
    with pytest.raises(Refused, match="The owning team reports a failed verification"):
        afternoon.do("fail", deployment, 30, reason="It looks odd")
    afternoon.do("fail", deployment, 31, by=stage.cast.developer, reason="Sign-in is broken")

    told = set(Email.objects.filter(letter__kind="install_failed").values_list("to", flat=True))
    assert {stage.cast.devops.email, stage.cast.manager.email, stage.cast.scrum_master.email} <= told
    assert outcome(deployment) == (S.FAILED, "")


def test_silence_is_asked_about_and_a_verification_after_the_window_counts(stage: Stage, afternoon: Afternoon) -> None:
    deployment = stage.installed()
    with clock.frozen(moment(stage.week, "install", minutes=51)):
        remind_silence(clock.now())
    afternoon.end()
    assert outcome(deployment) == (S.INSTALLED, "")

    afternoon.do("verify", deployment, 60 * 24)

    assert Letter.objects.filter(kind="verify_needed").count() == 2
    assert outcome(deployment) == (S.VERIFIED, CRQ.Closure.SUCCESSFUL)


def test_what_runs_when_the_window_closes_may_finish_and_nothing_new_starts(stage: Stage, afternoon: Afternoon) -> None:
    running, waiting = stage.cleared(), stage.beside().cleared()
    stage.complete_batch()
    afternoon.do("start", running, 230)
    afternoon.end()

    with pytest.raises(Refused):
        afternoon.do("start", waiting, 241)
    afternoon.do("finish", running, 250)
    afternoon.do("verify", running, 260)

    assert outcome(running) == (S.VERIFIED, CRQ.Closure.SUCCESSFUL)
    assert outcome(waiting) == (S.HELD, "")


def test_the_week_ends_with_some_installed_and_the_rest_in_the_next_one(
    stage: Stage, afternoon: Afternoon, following: ReleaseWeek
) -> None:
    done, failed, held, unapproved = stage.cleared(), stage.beside().cleared(), stage.beside().cleared(), None
    unapproved = stage.beside().ready()
    stage.complete_batch()
    for each in (done, failed):
        afternoon.do("start", each, 1)
    afternoon.do("finish", done, 20)
    afternoon.do("verify", done, 30)
    afternoon.do("fail", failed, 31, reason="Out of disk")
    afternoon.end()

    assert outcome(done) == (S.VERIFIED, CRQ.Closure.SUCCESSFUL)
    assert outcome(failed) == (S.FAILED, CRQ.Closure.FAILED)
    weeks = Deployment.objects.filter(pk__in=[held.pk, unapproved.pk]).values_list("week", "status")
    assert set(weeks) == {(following.pk, S.PLANNED)}
    text = Letter.objects.get(kind="completion_status").text
    for words in ("Installed and verified", "Failed", "Not installed. Install window missed", "CRQ approved"):
        assert words in text


def test_a_failure_that_is_never_repaired_is_no_snapshot_of_missing_pull_requests(
    stage: Stage, afternoon: Afternoon
) -> None:
    """They went back to the queue with the backout, but they had been there."""
    deployment = stage.installing()
    afternoon.do("back_out", deployment, 20)
    afternoon.end()

    assert Snapshot.objects.get(milestone__key="install_close").missing == ["installed", "verified"]


# --- A backout after the end ---------------------------------------------------------------------------------
def test_a_backout_after_the_week_corrects_how_the_crq_was_closed(
    stage: Stage, afternoon: Afternoon, client: Client
) -> None:
    deployment = stage.installing()
    afternoon.do("fail", deployment, 30, reason="Out of disk")
    afternoon.end()
    assert outcome(deployment) == (S.FAILED, CRQ.Closure.FAILED)

    afternoon.do("back_out", deployment, 300)

    assert outcome(deployment) == (S.BACKED_OUT, CRQ.Closure.BACKED_OUT)
    correction = Event.objects.get(action="correct")
    assert (correction.actor, correction.before, correction.after) == (None, "closed", "closed")
    assert correction.data == {"was": "failed", "closure": "backed_out"}
    client.force_login(stage.cast.developer)
    page = client.get(stage.fresh(deployment).crq.get_absolute_url()).content.decode()
    assert "corrected how the CRQ was closed: backed out, not failed" in page


def test_a_failure_after_the_window_may_be_backed_out(stage: Stage, afternoon: Afternoon) -> None:
    deployment = stage.installed()
    afternoon.end()
    afternoon.do("fail", deployment, 300, by=stage.cast.developer, reason="Sign-in is broken")
    afternoon.do("back_out", deployment, 310)

    assert outcome(deployment) == (S.BACKED_OUT, CRQ.Closure.BACKED_OUT)
    assert Contained.objects.count() == 1


# --- What it contained ---------------------------------------------------------------------------------------
def _backed_out(stage: Stage, afternoon: Afternoon) -> Deployment:
    return afternoon.do("back_out", stage.installing(), 30)


def _withdrawn(stage: Stage, afternoon: Afternoon) -> Deployment:
    deployment = stage.ready()
    done: Deployment = perform(DEPLOYMENT, "withdraw", deployment, by=stage.cast.developer, reason="Not needed")
    return done


def _failed(stage: Stage, afternoon: Afternoon) -> Deployment:
    failed = afternoon.do("fail", stage.installing(), 30, reason="Out of disk")
    afternoon.end()
    return failed


@pytest.mark.parametrize("ends", [_backed_out, _withdrawn, _failed])
def test_what_ended_still_shows_what_it_contained(
    stage: Stage, afternoon: Afternoon, client: Client, ends: Any
) -> None:
    deployment = ends(stage, afternoon)
    pull_request = PullRequest.objects.get()
    head = pull_request.head_sha
    perform(PULL_REQUEST, "new_head", pull_request, by=stage.cast.developer, sha="f" * 40)

    client.force_login(stage.cast.developer)
    page = client.get(stage.fresh(deployment).crq.get_absolute_url()).context["page"]
    [row] = page.pull_requests
    assert head[:10] in row.meta
    assert (row.url, row.badge.text) == (pull_request.get_absolute_url(), "1 approval")
    [first] = [item for group in page.readiness for item in group.items if item.anchor == "prs"]
    assert first.state == "done"
    assert {item.state for group in page.readiness for item in group.items} <= {"done", "none"}

    found = board(stage.week.thursday, by=stage.cast.developer, now=moment(stage.week, "install_close", hours=9))
    assert found is not None
    [shown] = [each for band in found.bands for each in band.rows]
    assert "· 1 pull request" in shown.meta


def test_the_completion_email_counts_what_was_backed_out(stage: Stage, afternoon: Afternoon) -> None:
    _backed_out(stage, afternoon)

    [line] = announcing_lines.read(Announcement.Kind.COMPLETION, stage.week).lines

    assert len(line.pull_requests) == 1


def test_a_withdrawal_that_is_refused_records_nothing(stage: Stage) -> None:
    deployment = stage.ready()
    with pytest.raises(Refused):
        perform(DEPLOYMENT, "withdraw", deployment, by=stage.cast.developer)

    assert not Contained.objects.exists()


# --- Again ---------------------------------------------------------------------------------------------------
def test_after_a_backout_the_same_pull_requests_are_planned_again(
    stage: Stage, afternoon: Afternoon, following: ReleaseWeek
) -> None:
    old = _backed_out(stage, afternoon)
    pull_request = PullRequest.objects.get()
    with clock.frozen(moment(stage.week, "install", hours=1)):
        new = planning.plan_into(pull_request, following, by=stage.cast.developer)
        crq = Stage(stage.cast, following).open_crq(new)

    pull_request.refresh_from_db()
    assert (pull_request.status, pull_request.deployment) == (PullRequest.Status.PLANNED, new)
    assert crq.number != stage.fresh(old).crq.number
    assert [each.pull_request for each in old.contained.all()] == [pull_request]


def test_the_same_week_takes_it_again_while_it_is_open_for_plans(stage: Stage, afternoon: Afternoon) -> None:
    """A backed-out deployment is over: it holds no place in its week."""
    _backed_out(stage, afternoon)
    stage.week.milestones.filter(key__in=["cutoff", "approval"]).update(due_at=moment(stage.week, "install", hours=2))
    with clock.frozen(moment(stage.week, "install", hours=1)):
        new = planning.plan_into(
            PullRequest.objects.get(), ReleaseWeek.objects.get(pk=stage.week.pk), by=stage.cast.developer
        )

    assert new.status == S.PLANNED
    assert Deployment.objects.filter(week=stage.week).count() == 2


@pytest.mark.parametrize("status", [S.PLANNED, S.HELD, S.FAILED, S.VERIFIED])
def test_the_database_keeps_one_live_deployment_a_week(stage: Stage, status: str) -> None:
    first = stage.installed()
    facts = {"held_reason": "Late", "verified_at": first.installed_at, "verified_by": stage.cast.developer}
    Deployment.objects.filter(pk=first.pk).update(status=status, **facts)
    with pytest.raises(IntegrityError), transaction.atomic():
        Deployment.objects.create(
            application=stage.application, week=stage.week, title="Another", planned_at=first.planned_at
        )


@pytest.mark.parametrize("status", [S.BACKED_OUT, S.WITHDRAWN])
def test_what_is_over_leaves_its_place_in_the_week(stage: Stage, status: str) -> None:
    first = stage.planned()
    Deployment.objects.filter(pk=first.pk).update(status=status)

    assert stage.plan("Another").status == S.PLANNED
