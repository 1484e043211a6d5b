"""Random people do random things at random instants; after each of them the rules of the process still hold.

The machine knows the rules from the specification (states and actions, the week's clock, separation of duties) and
judges by the recorded rows alone, never by the guards under test. HYPOTHESIS_PROFILE=thorough searches longer and by
chance; give it `-o faulthandler_timeout=0`, since a search takes its time.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from accounts.models import Appointment, Membership, User
from accounts.roles import OFFICE_ROLES, TEAM_ROLES, Role
from crq import deadlines
from crq.announcing import ANNOUNCEMENT, draft
from crq.exemptions import EXEMPTION
from crq.flow import CRQ_FLOW
from crq.models import CRQ, Announcement, Decision, Document, ExemptionRequest, Snapshot
from deployments.flow import DEPLOYMENT, PULL_REQUEST, WEEK
from deployments.models import Contained, Deployment, Milestone, PullRequest, ReleaseBranch, ReleaseWeek
from notifications.models import Email
from tests.cast import Cast
from tests.factories import RepositoryFactory, person
from tests.stages import EARLY, PDF, Stage, a_week
from workflow import clock
from workflow.eastern import say_instant
from workflow.machine import begin, perform
from workflow.models import Event
from workflow.steps import Flow, Refused, Step

QUIET: dict[str, Any] = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
SEARCH = (Phase.explicit, Phase.generate, Phase.shrink)
PROFILES = {
    "default": settings(max_examples=15, stateful_step_count=30, derandomize=True, phases=SEARCH, **QUIET),
    "thorough": settings(max_examples=600, stateful_step_count=60, derandomize=False, phases=SEARCH, **QUIET),
}
PROFILE = PROFILES[os.environ.get("HYPOTHESIS_PROFILE", "default")]
INSTANT = timedelta(microseconds=1)

DEV, MANAGER, SCRUM, OPS, DIRECTOR = "developer", "manager", "scrum_master", "devops", "director"
PLANNERS = {DEV, MANAGER, SCRUM}
LIVE = {"planned", "cleared", "held"}
CRQ_CHANGES = {"open", "approved"}

# (flow, action): the statuses it starts from, the one it leads to ("" = stays), and who; from product.md §4 and §5
RULES: dict[tuple[str, str], tuple[set[str], str, set[str]]] = {
    ("deployment", "plan"): (set(), "planned", PLANNERS),
    ("deployment", "record_branch"): ({"planned", "held"}, "", {OPS}),
    ("deployment", "record_core_dev"): ({"planned", "held"}, "", {OPS}),
    ("deployment", "move"): (LIVE, "planned", {MANAGER, SCRUM}),
    ("deployment", "withdraw"): (LIVE, "withdrawn", PLANNERS),
    ("deployment", "start"): ({"cleared"}, "installing", {OPS}),
    ("deployment", "finish"): ({"installing"}, "installed", {OPS}),
    ("deployment", "undo_start"): ({"installing"}, "cleared", {OPS}),
    ("deployment", "undo_finish"): ({"installed"}, "installing", {OPS}),
    ("deployment", "fail"): ({"installing", "installed"}, "failed", {OPS, DEV}),
    ("deployment", "back_out"): ({"installing", "installed", "failed"}, "backed_out", {OPS}),
    ("deployment", "retry"): ({"failed"}, "installing", {OPS}),
    ("deployment", "verify"): ({"installed"}, "verified", {DEV}),
    ("pull_request", "submit"): (set(), "submitted", {DEV, MANAGER}),
    ("pull_request", "resubmit"): ({"withdrawn"}, "submitted", {DEV, MANAGER}),
    ("pull_request", "review"): ({"submitted", "planned"}, "", {DEV, MANAGER}),
    ("pull_request", "new_head"): ({"submitted", "planned"}, "", {DEV, MANAGER}),
    ("pull_request", "plan"): ({"submitted"}, "planned", PLANNERS),
    ("pull_request", "unplan"): ({"planned"}, "submitted", PLANNERS),
    ("pull_request", "withdraw"): ({"submitted"}, "withdrawn", {DEV, MANAGER}),
    ("crq", "open"): (set(), "open", {DEV, MANAGER}),
    ("crq", "attach_justification"): (CRQ_CHANGES, "", {DEV, MANAGER}),
    ("crq", "attach_tests"): (CRQ_CHANGES, "", {DEV, MANAGER}),
    ("crq", "attach_plan"): (CRQ_CHANGES, "", {OPS}),
    ("crq", "approve"): ({"open"}, "approved", {MANAGER}),
    ("crq", "return"): (CRQ_CHANGES, "open", {MANAGER}),
    ("exemption", "request"): (set(), "requested", {MANAGER}),
    ("exemption", "grant"): ({"requested"}, "granted", {DIRECTOR}),
    ("exemption", "deny"): ({"requested"}, "denied", {DIRECTOR}),
    ("exemption", "withdraw"): ({"requested"}, "withdrawn", {MANAGER}),
    ("week", "complete_batch"): ({""}, "", {OPS}),
    ("announcement", "send"): ({"draft"}, "sent", {SCRUM}),
}
MODELS: dict[str, Any] = {
    "deployment": Deployment,
    "pull_request": PullRequest,
    "crq": CRQ,
    "exemption": ExemptionRequest,
    "announcement": Announcement,
}
PEOPLE = (
    *("developer", "reviewer", "manager", "second_manager", "scrum_master"),
    *("devops", "second_devops", "director", "other_manager", "everything"),
)


# --- The world -----------------------------------------------------------------------------------------------
@dataclass
class World:
    """Two applications of one team and three weeks; the first is ready for approval, the other hardly begun."""

    people: dict[str, User]
    roles: dict[str, set[str]]
    weeks: list[ReleaseWeek]
    repositories: list[Any]
    errors: list[str]

    @classmethod
    def make(cls, errors: list[str]) -> World:
        cast = Cast.assemble()
        everything = person("Una", "Versal")
        for role in TEAM_ROLES:
            Membership.objects.create(user=everything, team=cast.team, role=role)
        for role in OFFICE_ROLES:
            Appointment.objects.create(user=everything, role=role)
        weeks = [a_week(EARLY.date() + timedelta(days=3, weeks=number)) for number in range(3)]
        other = RepositoryFactory(application__team=cast.team, application__name="Second portal")
        with clock.frozen(EARLY):
            Stage(cast, weeks[0]).ready()
            Stage(replace(cast, repository=other), weeks[0], other.application).planned()
        people = {name: getattr(cast, name) for name in PEOPLE if name != "everything"} | {"everything": everything}
        return cls(
            people, {name: _roles(user, cast) for name, user in people.items()}, weeks, [cast.repository, other], errors
        )


def _roles(user: User, cast: Cast) -> set[str]:
    """What the person is in the owning team and in the organisation."""
    own = user.memberships.filter(team=cast.team).values_list("role", flat=True)
    return {*own, *user.appointments.values_list("role", flat=True)} & {role.value for role in Role}


# --- The machine ---------------------------------------------------------------------------------------------
number = st.integers(0, 7)
reason = st.sampled_from(["Because of the audit", "Because of the audit", ""])
FLOWS = {flow.name: flow for flow in (DEPLOYMENT, PULL_REQUEST, CRQ_FLOW, EXEMPTION, WEEK, ANNOUNCEMENT)}


class TheProcess(RuleBasedStateMachine):
    world: World

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.now, self.serial = EARLY, 1000
        self.approver_at_start: dict[int, int] = {}
        self.refusals: list[str] = []
        self.world.errors.clear()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    # --- Time ------------------------------------------------------------------------------------------------
    @rule(hours=st.integers(0, 6), minutes=st.integers(1, 59))
    def wait(self, hours: int, minutes: int) -> None:
        self.now += timedelta(hours=hours, minutes=minutes)

    @rule(side=st.sampled_from([-1, 0, 1]))
    def next_deadline(self, side: int) -> None:
        self.go_to_the_next_deadline(side)

    def go_to_the_next_deadline(self, side: int) -> None:
        """So that the next thing happens an instant before it, at it or an instant after it."""
        ahead = Milestone.objects.filter(due_at__gt=self.now + 3 * INSTANT).order_by("due_at").first()
        if ahead:
            self.now = ahead.due_at + (side - 1) * INSTANT

    @rule()
    def the_sweeper_comes(self) -> None:
        self.sweep()

    def sweep(self) -> None:
        self.now += INSTANT
        with clock.frozen(self.now):
            deadlines.enforce(self.now)

    # --- Anyone does anything --------------------------------------------------------------------------------
    @rule(what=st.sampled_from(sorted(RULES)), name=st.sampled_from(PEOPLE), n=number, m=number, why=reason)
    def anyone_does_anything(self, what: tuple[str, str], name: str, n: int, m: int, why: str) -> None:
        self.do(*what, name, n, m, why=why)

    @rule(
        kind=st.sampled_from(["deployment", "pull_request", "crq", "exemption"]), n=number, k=number, m=number, p=number
    )
    def someone_does_what_they_may(self, kind: str, n: int, k: int, m: int, p: int) -> None:
        """An action that the object's status allows, by somebody with the role for it."""
        obj = self.pick(MODELS[kind].objects.order_by("pk"), n)
        status = obj.status if obj else None
        possible = sorted(
            action for (flow, action), (sources, _, _) in RULES.items() if flow == kind and status in sources
        )
        if action := self.pick(possible, k):
            self.do(kind, action, self.pick(self.fitting(kind, action), p), n, m, why="Because of the audit")

    @rule(kind=st.sampled_from(["deployment", "pull_request", "crq"]), n=number, m=number, p=number)
    def someone_begins(self, kind: str, n: int, m: int, p: int) -> None:
        action = {"deployment": "plan", "pull_request": "submit", "crq": "open"}[kind]
        self.do(kind, action, self.pick(self.fitting(kind, action), p), n, m, why="")

    # --- Someone does what comes next, so that random walks get far ------------------------------------------
    @rule(n=number, steps=st.integers(1, 4))
    def someone_works(self, n: int, steps: int) -> None:
        self.work(n, steps)

    def work(self, n: int, steps: int) -> None:
        for _ in range(steps):
            if deployment := self.pick(Deployment.objects.exclude(status="withdrawn").order_by("pk"), n):
                self.next_step(deployment)

    @rule(n=number, m=number)
    def work_when_the_deadline_has_just_passed(self, n: int, m: int) -> None:
        """Before any sweeper looks, two deployments take their next step; then one does."""
        self.go_to_the_next_deadline(1)
        for each in (n, m):
            self.work(each, 1)
        self.sweep()

    @precondition(lambda self: CRQ.objects.filter(status="approved", deployment__status="cleared").exists())
    @rule(k=number, p=number)
    def someone_changes_what_is_approved(self, k: int, p: int) -> None:
        crq = (
            CRQ.objects.filter(status="approved", deployment__status="cleared")
            .select_related("deployment")
            .earliest("pk")
        )
        pull = crq.deployment.pull_requests.order_by("pk").last()
        changes: list[tuple[str, str, Any]] = [("pull_request", "new_head", pull), ("pull_request", "unplan", pull)]
        changes += [("crq", f"attach_{paper}", crq) for paper in ("justification", "tests", "plan")]
        changes += [("crq", "return", crq)]
        kind, action, obj = self.pick(changes, k)
        given = self.given(kind, action, obj, 0)
        self.attempt(FLOWS[kind], action, obj, self.pick(self.fitting(kind, action), p), "Something is new", **given)

    @precondition(lambda self: Deployment.objects.filter(status="cleared").exists())
    @rule(p=number)
    def go_to_the_install(self, p: int) -> None:
        """Of the first deployment that is cleared: the batch is complete and somebody starts."""
        cleared = Deployment.objects.filter(status="cleared").select_related("week").earliest("pk")
        self.now = max(self.now, self.due(cleared.week, "install"))
        self.attempt(WEEK, "complete_batch", cleared.week, "devops")
        self.attempt(DEPLOYMENT, "start", cleared, self.pick(self.fitting("deployment", "start"), p))

    @precondition(lambda self: Deployment.objects.filter(status__in=["installing", "installed", "failed"]).exists())
    @rule(k=number, p=number)
    def install_day(self, k: int, p: int) -> None:
        running = Deployment.objects.filter(status__in=["installing", "installed", "failed"]).earliest("pk")
        possible = {"installing": ["finish", "fail", "back_out"], "installed": ["verify", "fail", "back_out"]}
        action = self.pick(possible.get(running.status, ["retry", "retry", "back_out"]), k)
        self.attempt(DEPLOYMENT, action, running, self.pick(self.fitting("deployment", action), p), "It broke")

    @precondition(lambda self: CRQ.objects.filter(deployment__status="held", status="open").exists())
    @rule(approve=st.booleans(), p=number)
    def a_manager_asks(self, approve: bool, p: int) -> None:
        crq = CRQ.objects.filter(deployment__status="held", status="open").earliest("pk")
        request = ExemptionRequest(crq=crq, why="The law", why_now="The date", risk="Low")
        self.attempt(EXEMPTION, "request", request, self.pick(self.fitting("exemption", "request"), p), approve=approve)

    @precondition(lambda self: ExemptionRequest.objects.filter(status="requested").exists())
    @rule(action=st.sampled_from(["grant", "grant", "deny"]), p=number)
    def the_director_decides(self, action: str, p: int) -> None:
        request = ExemptionRequest.objects.filter(status="requested").earliest("pk")
        self.attempt(EXEMPTION, action, request, self.pick(self.fitting("exemption", action), p), "So be it")

    def next_step(self, deployment: Deployment) -> None:
        simple = {
            "cleared": ("start", "devops"),
            "installing": ("finish", "devops"),
            "installed": ("verify", "reviewer"),
        }
        if deployment.status in simple:
            self.attempt(DEPLOYMENT, simple[deployment.status][0], deployment, simple[deployment.status][1])
            return
        crq = CRQ.objects.filter(deployment=deployment).first()
        pulls = list(deployment.pull_requests.select_related("repository").prefetch_related("reviews"))
        kinds = set(crq.documents.values_list("kind", flat=True)) if crq else set()
        missing = sorted({"justification", "tests", "plan"} - kinds)
        if crq is None:
            self.attempt(CRQ_FLOW, "open", CRQ(deployment=deployment), "developer")
        elif not pulls:
            self.bring_a_pull_request(deployment)
        elif unread := [pull for pull in pulls if not pull.standing.full]:
            self.attempt(PULL_REQUEST, "review", unread[0], "reviewer", verdict="approved")
        elif missing:
            by = "devops" if missing[0] == "plan" else "developer"
            self.attempt(CRQ_FLOW, f"attach_{missing[0]}", crq, by, **self.paper(missing[0]))
        elif ReleaseBranch.objects.filter(deployment=deployment).count() < len({pull.repository_id for pull in pulls}):
            names = {pull.repository_id: "release/x" for pull in pulls}
            self.attempt(DEPLOYMENT, "record_branch", deployment, "devops", names=names)
        elif deployment.core_dev_result != "success":
            self.attempt(DEPLOYMENT, "record_core_dev", deployment, "devops", result="success", build="build-8")
        else:
            self.attempt(CRQ_FLOW, "approve", crq, "manager")

    def bring_a_pull_request(self, deployment: Deployment) -> None:
        waiting = PullRequest.objects.filter(
            status="submitted", repository__application=deployment.application_id
        ).first()
        if waiting:
            self.attempt(PULL_REQUEST, "plan", waiting, "developer", deployment=deployment)
        else:
            n = [each.application_id for each in self.world.repositories].index(deployment.application_id)
            self.attempt(PULL_REQUEST, "submit", self.new_pull_request(n, self.world.people["developer"]), "developer")

    # --- What an action is done to, and with -----------------------------------------------------------------
    def do(self, kind: str, action: str, name: str, *choice: int, why: str) -> None:
        n, m = choice
        obj = self.unsaved(kind, action, n, m, name) if not RULES[kind, action][0] else self.existing(kind, n, m)
        if obj is not None:
            self.attempt(FLOWS[kind], action, obj, name, why, **self.given(kind, action, obj, m))

    def existing(self, kind: str, n: int, m: int) -> Any:
        if kind == "week":
            return self.pick(ReleaseWeek.objects.order_by("thursday"), n)
        if kind == "announcement":
            with clock.frozen(self.now):
                return draft(self.pick(Announcement.Kind.values, m), self.pick(self.world.weeks, n))
        return self.pick(MODELS[kind].objects.order_by("pk"), n)

    def unsaved(self, kind: str, action: str, n: int, m: int, name: str) -> Any:
        if kind == "pull_request":
            return self.new_pull_request(n, self.world.people[name])
        if kind == "deployment":
            application = self.pick(self.world.repositories, n).application
            return Deployment(application=application, week=self.pick(self.world.weeks, m), title="Another one")
        if kind == "crq":
            return CRQ(deployment=self.pick(Deployment.objects.order_by("pk"), n))
        crq = self.pick(CRQ.objects.order_by("pk"), n)
        return crq and ExemptionRequest(crq=crq, why="The law", why_now="The date", risk="Low")

    def given(self, kind: str, action: str, obj: Any, m: int) -> dict[str, Any]:
        if action.startswith("attach_"):
            return self.paper(action.removeprefix("attach_"))
        make: dict[tuple[str, str], Callable[[], dict[str, Any]]] = {
            ("deployment", "move"): lambda: {"week": self.pick(self.world.weeks, m)},
            ("deployment", "record_branch"): lambda: {
                "names": {pull.repository_id: "release/x" for pull in obj.pull_requests.all()}
            },
            ("deployment", "record_core_dev"): lambda: {"result": "success" if m else "failed", "build": "build-7"},
            ("pull_request", "review"): lambda: {"verdict": ["approved", "changes_requested", "commented"][m % 3]},
            ("pull_request", "new_head"): lambda: {"sha": f"{self.next():040x}"},
            ("pull_request", "plan"): lambda: {"deployment": self.pick(Deployment.objects.order_by("pk"), m)},
            ("exemption", "request"): lambda: {"approve": bool(m % 2)},
        }
        return make.get((kind, action), dict)()

    def fitting(self, kind: str, action: str) -> list[str]:
        return [name for name in PEOPLE if self.world.roles[name] & RULES[kind, action][2]]

    # --- How something is done -------------------------------------------------------------------------------
    def attempt(self, flow: Flow, action: str, obj: Any, name: str, why: str = "", /, **given: Any) -> None:
        """Does it, or is Refused; anything else that is raised is a fault. What was possible is judged by the rules."""
        self.now += INSTANT
        do = perform if obj.pk else begin
        try:
            with clock.frozen(self.now), transaction.atomic():
                done = do(flow, action, obj, by=self.world.people[name], reason=why, **given)
        except Refused as refused:
            self.refusals.append(str(refused))
            return
        self.judge_status(flow.name, action, done, name)
        CHECKS.get((flow.name, action), _nothing)(self, done, self.world.people[name])

    def judge_status(self, flow: str, action: str, done: Any, name: str) -> None:
        """By the event: what the clock had decided before may have changed the status that the action began with."""
        sources, target, roles = RULES[flow, action]
        event = Event.objects.filter(object_type=flow, object_id=done.pk, action=action).latest("pk")
        assert self.world.roles[name] & roles, f"{name} may not {action} a {flow}."
        assert event.before in (sources or {""}), f"{action} began with {event.before}."
        assert event.after == (target or event.before), f"{action} led to {event.after}."
        assert event.actor == self.world.people[name]

    def pick(self, rows: Any, n: int) -> Any:
        found = list(rows)
        return found[n % len(found)] if found else None

    def next(self) -> int:
        self.serial += 1
        return self.serial

    def new_pull_request(self, n: int, author: User) -> PullRequest:
        repository, number = self.pick(self.world.repositories, n), self.next()
        url = f"{repository.url}/pull/{number}"
        return PullRequest(
            repository=repository, number=number, title="One more", url=url, author=author, head_sha=f"{number:040x}"
        )

    def paper(self, kind: str) -> dict[str, Any]:
        content = PDF + str(self.next()).encode()
        name = f"{kind}.pdf"
        return {"kind": kind, "file": SimpleUploadedFile(name, content, "application/pdf"), "name": name}

    def due(self, week: ReleaseWeek, key: str) -> datetime:
        return Milestone.objects.get(week=week, key=key).due_at

    # --- What always holds -----------------------------------------------------------------------------------
    @invariant()
    def the_rules_hold(self) -> None:
        self.no_deadline_failed()
        self.refusals_are_sentences()
        self.the_audit_replays_to_the_present()
        self.every_application_has_one_live_deployment_a_week()
        self.pull_requests_are_where_their_status_says()
        self.crqs_agree_with_deployments_and_decisions()
        self.the_clock_held_exactly_what_was_missing()
        self.an_enforced_deadline_judged_everything()
        self.every_letter_reaches_everyone_once()

    def no_deadline_failed(self) -> None:
        assert self.world.errors == []

    def refusals_are_sentences(self) -> None:
        assert [each for each in self.refusals[-9:] if not each.endswith((".", "?"))] == []

    def the_audit_replays_to_the_present(self) -> None:
        status: dict[tuple[str, int], str] = {}
        last = EARLY
        for event in Event.objects.filter(object_type__in=MODELS).order_by("pk"):
            key = (event.object_type, event.object_id)
            assert event.before == status.get(key, ""), (
                f"{event} began in {event.before!r}, not {status.get(key, '')!r}."
            )
            assert event.at >= last or event.at < EARLY, f"{event} is out of order."
            status[key], last = event.after, max(last, event.at)
        for name, model in MODELS.items():
            rows = dict(model.objects.values_list("pk", "status"))
            assert rows == {pk: after for (kind, pk), after in status.items() if kind == name}, name
            assert set(rows.values()) <= set(model.Status.values)

    def every_application_has_one_live_deployment_a_week(self) -> None:
        over = ["backed_out", "withdrawn"]
        live = Counter(Deployment.objects.exclude(status__in=over).values_list("application", "week"))
        assert max(live.values(), default=0) <= 1

    def pull_requests_are_where_their_status_says(self) -> None:
        for pull in PullRequest.objects.select_related("deployment"):
            assert (pull.status in {"planned", "shipped"}) == (pull.deployment is not None), pull
            assert pull.deployment is None or pull.deployment.status not in {"withdrawn", "backed_out"}, pull
        returned = Event.objects.filter(object_type="pull_request", action="requeue")
        then = Contained.objects.values_list("deployment", "pull_request")
        assert sorted(then) == sorted(returned.values_list("deployment_id", "object_id"))

    def crqs_agree_with_deployments_and_decisions(self) -> None:
        standing = {each.crq_id: each for each in Decision.objects.filter(verdict="approved", voided_at=None)}
        for crq in CRQ.objects.select_related("deployment__week"):
            assert (crq.status == "closed") == bool(crq.closure), crq
            assert (crq.status == "approved") == (crq.pk in standing) or crq.status == "closed", crq
            if crq.deployment.status in LIVE:
                missed = crq.deployment.held_reason == "Install window missed."  # approved or not
                assert missed or (crq.deployment.status == "cleared") == (crq.status == "approved"), crq.deployment
                assert crq.target_date == crq.deployment.week.install_day
            if crq.deployment.status in {"verified", "backed_out", "withdrawn"}:
                assert crq.status == "closed", crq.deployment
            if crq.status == "approved":
                self.approval_is_of_the_present_content(crq, standing[crq.pk])

    def approval_is_of_the_present_content(self, crq: CRQ, approval: Decision) -> None:
        """Nothing came after the approval; what came while the manager asked for an exemption counts from there."""
        asked = ExemptionRequest.objects.filter(crq=crq, status="granted").exclude(approved_digest="")
        since = min([approval.at, *asked.values_list("requested_at", flat=True)])
        assert not Document.objects.filter(crq=crq, at__gt=approval.at).exists(), "A document came after the approval."
        changes = Event.objects.filter(
            object_type="pull_request",
            deployment_id=crq.deployment_id,
            action__in=["new_head", "plan", "unplan"],
            at__gt=approval.at,
        )
        assert not changes.exists(), "The pull requests changed after the approval."
        authors = crq.deployment.pull_requests.values_list("author", flat=True)
        assert approval.by_id not in {crq.opened_by_id, *authors} or since < approval.at

    def the_clock_held_exactly_what_was_missing(self) -> None:
        grants = Event.objects.filter(object_type="exemption", action="grant").values_list("object_id", "at")
        asked = {each.pk: each for each in ExemptionRequest.objects.select_related("crq")}
        granted = [((asked[pk].crq.deployment_id, asked[pk].week_id), at) for pk, at in grants]
        holds = list(Event.objects.filter(object_type="deployment", action="hold").values_list("object_id", "reason"))
        crqs = {crq.deployment_id: crq for crq in CRQ.objects.prefetch_related("documents", "decisions")}
        for snapshot in Snapshot.objects.filter(milestone__key__in=["cutoff", "approval"]).select_related("milestone"):
            key = (snapshot.deployment_id, snapshot.milestone.week_id)
            exempted = any(whose == key and at < snapshot.taken_at for whose, at in granted)
            expected = snapshot.status in {"planned", "cleared"} and bool(snapshot.missing) and not exempted
            missed = f"Not done by {say_instant(snapshot.milestone.due_at)}"
            held = [why for pk, why in holds if pk == snapshot.deployment_id and why.startswith(missed)]
            assert len(held) == expected, f"{snapshot}: {held}"
            self.snapshot_is_as_of_the_instant(snapshot, crqs.get(snapshot.deployment_id))

    def snapshot_is_as_of_the_instant(self, snapshot: Snapshot, crq: CRQ | None) -> None:
        """What the snapshot calls missing was not recorded at the deadline or before, whenever it was taken."""
        due = snapshot.milestone.due_at
        documents, decisions = (list(crq.documents.all()), list(crq.decisions.all())) if crq else ([], [])
        found = {"crq": crq is not None and crq.opened_at <= due}
        if snapshot.milestone.key == "approval":
            for kind in ("justification", "tests", "plan"):
                found[kind] = any(each.kind == kind and each.at <= due for each in documents)
            approvals = [each for each in decisions if each.verdict == "approved" and each.at <= due]
            found["approved"] = any(each.voided_at is None or each.voided_at > due for each in approvals)
        for key, there in found.items():
            assert (key not in snapshot.missing) == there, f"{snapshot}: {key} was {'there' if there else 'missing'}."

    def an_enforced_deadline_judged_everything(self) -> None:
        over = (
            Milestone.objects.filter(key__in=deadlines.JUDGED)
            .exclude(enforced_at=None)
            .values_list("pk", "week", "key")
        )
        there = list(Deployment.objects.exclude(status="withdrawn").values_list("pk", "week", "status", "crq__status"))
        judged = set(Snapshot.objects.values_list("milestone", "deployment"))
        for milestone, week, key in over:
            here = [each for each in there if each[1] == week]
            assert {(milestone, pk) for pk, *_ in here} <= judged, f"{key} did not judge everything."
            left = [
                pk for pk, _, status, crq in here if key == "install_close" and status == "failed" and crq != "closed"
            ]
            assert left == [], "A failed install of a week that is over has an open CRQ."

    def every_letter_reaches_everyone_once(self) -> None:
        sent = Counter(Email.objects.values_list("letter", "to"))
        assert max(sent.values(), default=1) == 1
        assert Email.objects.values("message_id").distinct().count() == Email.objects.count()


# --- What must have been so when something was possible ------------------------------------------------------
Check = Callable[[TheProcess, Any, User], None]


def _nothing(machine: TheProcess, done: Any, by: User) -> None:
    """Its status says it all."""


def _approved(machine: TheProcess, crq: CRQ, by: User) -> None:
    week = crq.deployment.week
    exempted = ExemptionRequest.objects.filter(crq=crq, week=week, status="granted").exists()
    assert machine.now <= machine.due(week, "approval") or exempted, "Approved after the deadline."
    assert by.pk != crq.opened_by_id, "The opener approved."
    assert by.pk not in crq.deployment.pull_requests.values_list("author", flat=True), "An author approved."


def _into_the_week(machine: TheProcess, deployment: Deployment, by: User) -> None:
    assert machine.now <= machine.due(deployment.week, "cutoff"), "The scope was locked."


def _scope_changed(machine: TheProcess, pull_request: PullRequest, by: User) -> None:
    last = Event.objects.filter(object_type="pull_request", object_id=pull_request.pk).latest("pk")
    assert last.deployment_id is not None
    _into_the_week(machine, Deployment.objects.get(pk=last.deployment_id), by)


def _started(machine: TheProcess, deployment: Deployment, by: User) -> None:
    week = ReleaseWeek.objects.get(pk=deployment.week_id)
    assert week.batch_completed_at is not None, "Started before the batch was complete."
    assert machine.now <= machine.due(week, "install_close"), "Started after the window."
    approval = Decision.objects.filter(crq__deployment=deployment, verdict="approved", voided_at=None).first()
    assert approval is not None, "Started without a standing approval."
    machine.approval_is_of_the_present_content(deployment.crq, approval)
    assert approval.by_id != by.pk, "The approver installs."
    machine.approver_at_start[deployment.pk] = approval.by_id


def _finished(machine: TheProcess, deployment: Deployment, by: User) -> None:
    assert machine.approver_at_start[deployment.pk] != by.pk, "The approver installed."


def _verified(machine: TheProcess, deployment: Deployment, by: User) -> None:
    assert deployment.installed_by_id not in {None, by.pk}, "The installer verified."


def _decided(machine: TheProcess, request: ExemptionRequest, by: User) -> None:
    assert by.pk != request.requested_by_id, "Who asked decided."
    assert machine.now <= machine.due(request.week, "exemption_close"), "Decided after exemptions closed."
    deployment = Deployment.objects.get(crq=request.crq_id)
    assert request.status == "denied" or deployment.status != "held", "Granted, and still held."


def _asked(machine: TheProcess, request: ExemptionRequest, by: User) -> None:
    assert machine.now <= machine.due(request.week, "exemption_close"), "Asked after exemptions closed."
    first = machine.due(request.week, "cutoff") - timedelta(hours=4)
    assert machine.now >= first, "Asked before any deadline was near."


CHECKS: dict[tuple[str, str], Check] = {
    ("crq", "approve"): _approved,
    ("deployment", "plan"): _into_the_week,
    ("deployment", "move"): _into_the_week,
    ("pull_request", "plan"): _scope_changed,
    ("pull_request", "unplan"): _scope_changed,
    ("deployment", "start"): _started,
    ("deployment", "retry"): _started,
    ("deployment", "finish"): _finished,
    ("deployment", "verify"): _verified,
    ("exemption", "request"): _asked,
    ("exemption", "grant"): _decided,
    ("exemption", "deny"): _decided,
}


# --- The search ----------------------------------------------------------------------------------------------
@pytest.fixture
def process(db: None) -> Iterator[type[TheProcess]]:
    """The machine in a new world; what the sweeper logs as an error is a fault."""
    errors: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: errors.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("crq.deadlines")
    logger.addHandler(handler)
    world = World.make(errors)
    yield type("ThisProcess", (TheProcess,), {"world": world})
    logger.removeHandler(handler)


def test_no_sequence_of_actions_breaks_the_rules(process: type[TheProcess]) -> None:
    run_state_machine_as_test(process, settings=PROFILE)


def _without_guard(flow: Flow, action: str, name: str) -> Step:
    step = flow.steps[action]
    kept = tuple(guard for guard in step.guards if guard.__name__ != name)
    assert len(kept) == len(step.guards) - 1
    return replace(step, guards=kept)


def _forget_the_approval_deadline(patch: pytest.MonkeyPatch) -> None:
    """Both of its lines of defence: the guard, and that the clock's hold is written first."""
    patch.setitem(CRQ_FLOW.steps, "approve", _without_guard(CRQ_FLOW, "approve", "approval_in_time"))
    patch.setattr(CRQ_FLOW, "settle", None)


def _keep_approvals_over_new_documents(patch: pytest.MonkeyPatch) -> None:
    for kind in ("justification", "tests", "plan"):
        patch.delitem(CRQ_FLOW.consequences, f"attach_{kind}")


def _do_not_settle_first(patch: pytest.MonkeyPatch) -> None:
    for flow in (DEPLOYMENT, PULL_REQUEST, CRQ_FLOW, EXEMPTION):
        patch.setattr(flow, "settle", None)


@pytest.mark.parametrize(
    "plant", [_forget_the_approval_deadline, _keep_approvals_over_new_documents, _do_not_settle_first]
)
def test_the_search_finds_a_planted_bug(
    process: type[TheProcess], plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    search = settings(PROFILES["default"], max_examples=200, phases=(Phase.generate,))
    with pytest.raises(AssertionError):
        run_state_machine_as_test(process, settings=search)
