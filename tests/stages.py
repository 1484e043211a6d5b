"""Deployments brought to each stage of the week by the real actions, as the people of the cast would do them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from django.core.files.uploadedfile import SimpleUploadedFile

from crq.flow import CRQ_FLOW
from crq.models import CRQ
from deployments.flow import DEPLOYMENT, PULL_REQUEST, WEEK
from deployments.models import Application, Deployment, PullRequest, ReleaseWeek, Repository
from deployments.weeks import open_week
from tests.cast import Cast
from tests.factories import ApplicationFactory, RepositoryFactory
from workflow import clock
from workflow.machine import begin, perform

THURSDAY = date(2026, 12, 10)
EARLY = datetime(2026, 12, 7, 15, 0, tzinfo=UTC)  # Monday 10:00 am ET
PDF = b"%PDF-1.4\n%test document\n"


def a_week(thursday: date = THURSDAY) -> ReleaseWeek:
    with clock.frozen(EARLY - timedelta(days=30)):
        week = open_week(thursday)
    assert week is not None
    return week


def moment(week: ReleaseWeek, key: str, **offset: float) -> datetime:
    """The instant of a milestone, moved by `hours=…`, `seconds=…` and so on."""
    due = week.due(key)
    assert due is not None
    return due + timedelta(**offset)


class Stage:
    """One deployment and the people around it; each method acts at `now` unless the caller froze the clock."""

    def __init__(self, cast: Cast, week: ReleaseWeek, application: Application | None = None) -> None:
        self.cast, self.week = cast, week
        self.application = application or cast.application
        self.numbers = iter(range(481, 10_000))

    def beside(self) -> Stage:
        """The same people and week with another application of the team."""
        application = ApplicationFactory(team=self.cast.team)
        cast = replace(self.cast, application=application, repository=RepositoryFactory(application=application))
        return Stage(cast, self.week)

    def plan(self, title: str = "Session timeout for the admin portal") -> Deployment:
        deployment = Deployment(application=self.application, week=self.week, title=title)
        planned: Deployment = begin(DEPLOYMENT, "plan", deployment, by=self.cast.developer)
        return planned

    def submit(self, repository: Repository | None = None, title: str = "Expire idle sessions") -> PullRequest:
        number = next(self.numbers)
        repository = repository or self.cast.repository
        pull_request = PullRequest(
            repository=repository,
            number=number,
            title=title,
            url=f"{repository.url}/pull/{number}",
            author=self.cast.developer,
            head_sha=f"{number:040x}",
        )
        submitted: PullRequest = begin(PULL_REQUEST, "submit", pull_request, by=self.cast.developer)
        return submitted

    def join(self, deployment: Deployment, pull_request: PullRequest) -> PullRequest:
        joined: PullRequest = perform(PULL_REQUEST, "plan", pull_request, by=self.cast.developer, deployment=deployment)
        return joined

    def review(self, pull_request: PullRequest, verdict: str = "approved") -> PullRequest:
        reviewed: PullRequest = perform(PULL_REQUEST, "review", pull_request, by=self.cast.reviewer, verdict=verdict)
        return reviewed

    def open_crq(self, deployment: Deployment, number: str = "") -> CRQ:
        opened: CRQ = begin(CRQ_FLOW, "open", CRQ(deployment=deployment, number=number), by=self.cast.developer)
        return opened

    def attach(self, crq: CRQ, kind: str, content: bytes = PDF, name: str = "") -> CRQ:
        by = self.cast.devops if kind == "plan" else self.cast.developer
        upload = SimpleUploadedFile(name or f"{kind}.pdf", content + kind.encode(), "application/pdf")
        attached: CRQ = perform(
            CRQ_FLOW, f"attach_{kind}", crq, by=by, kind=kind, file=upload, name=name or f"{kind}.pdf"
        )
        return attached

    def merge(self, deployment: Deployment) -> Deployment:
        names = {pull.repository_id: "release/2026-12-10" for pull in deployment.pull_requests.all()}
        perform(DEPLOYMENT, "record_branch", deployment, by=self.cast.devops, names=names)
        merged: Deployment = perform(
            DEPLOYMENT, "record_core_dev", deployment, by=self.cast.devops, result="success", build="build-1042"
        )
        return merged

    def approve(self, crq: CRQ) -> CRQ:
        approved: CRQ = perform(CRQ_FLOW, "approve", crq, by=self.cast.manager)
        return approved

    # --- A deployment at each stage ------------------------------------------------------------------------------
    def planned(self) -> Deployment:
        """With one fully approved pull request, and no CRQ."""
        deployment = self.plan()
        self.review(self.join(deployment, self.submit()))
        return deployment

    def with_crq(self) -> Deployment:
        deployment = self.planned()
        self.open_crq(deployment)
        return self.fresh(deployment)

    def ready(self) -> Deployment:
        """Everything but the approval."""
        deployment = self.with_crq()
        for kind in ("justification", "tests", "plan"):
            self.attach(deployment.crq, kind)
        self.merge(deployment)
        return self.fresh(deployment)

    def cleared(self) -> Deployment:
        deployment = self.ready()
        self.approve(deployment.crq)
        return self.fresh(deployment)

    def complete_batch(self) -> ReleaseWeek:
        with clock.frozen(moment(self.week, "install")):
            completed: ReleaseWeek = perform(WEEK, "complete_batch", self.week, by=self.cast.devops)
        return completed

    def installing(self) -> Deployment:
        deployment = self.cleared()
        self.complete_batch()
        with clock.frozen(moment(self.week, "install", minutes=5)):
            started: Deployment = perform(DEPLOYMENT, "start", deployment, by=self.cast.devops)
        return started

    def installed(self) -> Deployment:
        deployment = self.installing()
        with clock.frozen(moment(self.week, "install", minutes=20)):
            finished: Deployment = perform(DEPLOYMENT, "finish", deployment, by=self.cast.devops)
        return finished

    def fresh(self, deployment: Deployment) -> Deployment:
        return Deployment.objects.select_related("crq", "week", "application__team").get(pk=deployment.pk)
