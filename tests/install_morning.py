"""The morning of an install day on which everything can still be done: one moment for every address and action."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import ClassVar
from uuid import uuid4

from accounts.models import Deputy, Invitation, Nomination, SavedView, Token, User
from accounts.roles import Role
from accounts.secrets import seal
from accounts.tokens import digest_of
from crq import announcing
from crq.change_system.by_hand import FILE, NUMBER
from crq.exemptions import EXEMPTION
from crq.following import FOLLOWER
from crq.models import Announcement, AttachedThere, ChangeThere, Document, ExemptionRequest, Follower, NumberThere
from crq.readiness import Facts
from deployments import drafts
from deployments.flow import DEPLOYMENT, PULL_REQUEST, WEEK
from deployments.models import ClosedDay, CodeReview, Connection, Delivery, Deployment, Draft
from notifications.models import Channel, Email, Stakeholder
from notifications.posts import News, tell
from notifications.shapes import new_signing_secret
from releaseflow.models import Feed
from releaseflow.people.account import ACCOUNT
from tests.cast import Cast
from tests.factories import RepositoryFactory, person
from tests.stages import EARLY, THURSDAY, Stage, a_week
from tests.the_week import ASKED, at, moment, pass_by
from workflow import clock
from workflow.machine import begin, perform
from workflow.models import Event

Step = Draft.Step


class InstallMorning:
    """Thursday at 10:10 am ET: exemptions are still open, the batch is complete early, three installs have begun.

    The week after is before its cutoff, with deployments at each step of their preparation.
    """

    now: ClassVar[datetime] = at(10, 10, 10)

    def __init__(self) -> None:
        self.cast = Cast.assemble()
        self.superuser = person("Sol", "Root")
        User.objects.filter(pk=self.superuser.pk).update(is_superuser=True, is_staff=True)
        self.disabled = person("Dora", "Gone", team=self.cast.team, role=Role.MANAGER)
        self.second_administrator = person("Bo", "Quist", role=Role.ADMINISTRATOR)
        self.week, self.next_week, self.last_week = (a_week(THURSDAY + timedelta(weeks=n)) for n in range(3))
        self._tuesday()
        self._thursday()
        self._next_week()
        with clock.frozen(self.now - timedelta(minutes=5)):
            self._begin_drafts()
            self._arrange()
            self._connect()
        User.objects.filter(pk=self.disabled.pk).update(is_active=False)
        pass_by((10, 10, 9))

    def _tuesday(self) -> None:
        with clock.frozen(EARLY):
            stages = [Stage(self.cast, self.week)]
            stages += [stages[0].beside() for _ in range(6)]
            self.waiting, self.running, self.installed, self.failed = (stage.cleared() for stage in stages[:4])
            self.asked, self.unasked = (stage.ready() for stage in stages[4:6])
            self.old = stages[6].plan()
            perform(DEPLOYMENT, "withdraw", self.old, by=self.cast.developer, reason="Not needed")
        pass_by((8, 14, 0, 1), (8, 17, 0, 1))
        with moment(8, 17, 30):
            self.exemption: ExemptionRequest = begin(
                EXEMPTION, "request", ExemptionRequest(crq=self.asked.crq, **ASKED), by=self.cast.manager
            )

    def _thursday(self) -> None:
        ops = self.cast.devops
        with moment(10, 9, 30):
            perform(WEEK, "complete_batch", self.week, by=ops)
        with moment(10, 10, 5):
            for each in (self.running, self.installed, self.failed):
                perform(DEPLOYMENT, "start", each, by=ops)
            perform(DEPLOYMENT, "finish", self.installed, by=ops)
            perform(DEPLOYMENT, "fail", self.failed, by=ops, reason="The disk is full.")

    def _next_week(self) -> None:
        with clock.frozen(at(10, 9, 40)):
            ahead = Stage(self.cast, self.next_week)
            ahead.numbers = iter(range(700, 10_000))
            self.ready, self.begun, self.planned = ahead.ready(), ahead.beside().with_crq(), ahead.beside().planned()
            self.inside = self.planned.pull_requests.get()
            self.queued = ahead.submit(self.inside.repository, title="Ask for the place of loss")
            self.given_up = ahead.submit(title="A try")
            perform(PULL_REQUEST, "withdraw", self.given_up, by=self.cast.developer)
            self.ahead = ahead
            ahead.attach(self.ready.crq, "tests", b"All passed: ", "test results.txt")
            self.words = Document.objects.get(name="test results.txt")
            self.ready = ahead.fresh(self.ready)

    def _begin_drafts(self) -> None:
        """A new deployment before and after its plan, and the next week's e-mail."""
        by, now = self.cast.developer, clock.now()
        stages = [self.ahead.beside() for _ in range(2)]
        first, second = (
            drafts.begin(uuid4(), stage.application, self.last_week, "Passkeys for staff", by=by, now=now)
            for stage in stages
        )
        drafts.plan(second, add=[stages[1].submit(stages[1].cast.repository)], remove=[], by=by)
        second.refresh_from_db()
        self.draft, self.planned_draft = first, second
        self.documents_draft = Draft.objects.create(
            key=uuid4(), by=by, begun_at=now, application=self.begun.application, week=self.next_week,
            title=self.begun.title, deployment=self.begun, step=Step.DOCUMENTS,
        )  # fmt: skip
        self.letter = announcing.draft(Announcement.Kind.PLANNED, self.last_week, by=self.cast.scrum_master)
        self.sent = Announcement.objects.filter(status=Announcement.Status.SENT).latest("pk")

    def _arrange(self) -> None:
        cast, now = self.cast, clock.now()
        self.saved = SavedView.objects.create(user=cast.manager, page="board", name="Ours", query="view=mine")
        self.stakeholder = Stakeholder.objects.create(name="Service desk", email="service-desk@example.com")
        ClosedDay.objects.create(day=date(2026, 12, 25), name="Christmas Day")
        days = {"starts": date(2026, 12, 14), "ends": date(2026, 12, 18)}
        self.deputy = Deputy.objects.create(for_user=cast.manager, deputy=cast.other_manager, role=Role.MANAGER, **days)
        self.follower = begin(
            FOLLOWER, "follow", Follower(deployment=self.waiting, user=cast.director), by=cast.director
        )
        self._carry_over()
        self.parked = Email.objects.filter(sent_at=None).earliest("pk")
        self.parked.parked_at, self.parked.attempts, self.parked.last_error = now, 1, "550 no such mailbox"
        self.parked.save()
        self.unused = RepositoryFactory(application=cast.application, name="acme/unused")
        self.reviews = {each.week_id: each for each in CodeReview.objects.all()}
        newcomer = person("Ines", "Novak")
        self.invitation = Invitation.objects.create(user=newcomer, sent_at=now, expires_at=now + timedelta(days=7))
        self.nominated = person("Noor", "Haas")
        Nomination.objects.create(user=self.nominated, by=self.second_administrator, at=now)
        self.event = Event.objects.earliest("pk")
        perform(ACCOUNT, "sign_in", cast.director, by=cast.director)
        self.sign_in = Event.objects.latest("pk")

    def _carry_over(self) -> None:
        """Of what waits, the number in another change system and one file there are noted, and it differs there."""
        crq, by = self.waiting.crq, self.cast.developer
        self.number_there = begin(NUMBER, "note", NumberThere(crq=crq, number="CHG0031234"), by=by)
        document = crq.documents.earliest("pk")
        self.attached_there = begin(FILE, "mark", AttachedThere(document=document), by=by)
        self.change_there = ChangeThere.objects.create(
            crq=crq, told=1, number="CHG0031299", ours={"short_description": "Ours"},
            theirs={"short_description": "Theirs"}, differing=1, read_at=clock.now(),
        )  # fmt: skip

    def _connect(self) -> None:
        self.feed = Feed.objects.create(
            user=self.cast.developer, kind="mine", digest=digest_of("a-feed"), made_at=clock.now()
        )
        self.token = Token.objects.create(
            user=self.cast.developer,
            name="Pipeline",
            digest=digest_of("a-token"),
            created_at=clock.now(),
            expires_at=clock.now() + timedelta(days=30),
        )
        self.connection = Connection.objects.create(
            name="GitHub", forge="github", speaks_for="https://github.com/acme", key="k" * 24, secret=seal("a secret")
        )
        self.delivery = Delivery.objects.create(
            connection=self.connection, forge_id="1", event="ping", received_at=clock.now(), body="{}",
            outcome=Delivery.Outcome.SKIPPED,
        )  # fmt: skip
        self.channel = Channel.objects.create(
            name="Builds", kind="webhook", address=seal("https://hooks.example.com/x"), host="hooks.example.com",
            secret=seal(new_signing_secret()), events=["moved"],
        )  # fmt: skip
        tell([self.channel], "moved", "Moved", News(url="/"), key="moved", now=clock.now())
        self.channel.posts.update(parked_at=clock.now(), attempts=1, last_error="410 Gone")
        self.post = self.channel.posts.get()

    def digest(self, deployment: Deployment) -> str:
        """The content of the deployment as it is now, as a form carries it."""
        return Facts.fresh(deployment).digest
