"""A week in which everything happens that an e-mail tells of, driven by the real actions and the real clock's tasks.

A review with and without pull requests, missed deadlines, exemptions granted, denied and forgotten, a deputy,
followers, a move, a withdrawal, a failed install, a failed verification and a backout.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from accounts.models import Deputy, User
from accounts.roles import Role
from crq.exemptions import EXEMPTION
from crq.flow import CRQ_FLOW
from crq.following import FOLLOWER
from crq.models import CRQ, ExemptionRequest, Follower
from crq.nudges import NUDGE
from deployments.flow import CODE_REVIEW, DEPLOYMENT, PULL_REQUEST, WEEK
from deployments.models import CodeReview, Deployment, PullRequest
from deployments.weeks import warn_ahead
from notifications.models import Letter
from releaseflow.tick import tick
from tests.cast import Cast
from tests.factories import ApplicationFactory, RepositoryFactory
from tests.stages import THURSDAY, Stage, a_week
from workflow import clock
from workflow.eastern import EASTERN, say_instant
from workflow.machine import begin, perform

ASKED = {
    "why": "Customers cannot search in the new catalogue without it.",
    "why_now": "The catalogue opens on Friday.",
    "risk": "Low: a switch turns it off.",
}


@dataclass(frozen=True)
class Sent:
    """A letter as it reads in a file, whatever the database's own numbers are."""

    kind: str
    subject: str
    text: str
    html: str


def sent() -> list[Sent]:
    """Every letter, in the order in which they were written."""
    letters = Letter.objects.order_by("pk").prefetch_related("emails")
    return [Sent(each.kind, each.subject, _as_file(each), each.html) for each in letters]


def _as_file(letter: Letter) -> str:
    to = ", ".join(sorted(email.to for email in letter.emails.all()))
    head = f"To: {to}\nDate: {say_instant(letter.written_at)}\nSubject: {letter.subject}\n"
    text = re.sub(r"/(deployments|exemptions|reviews|pull-requests)/\d+/", r"/\1/1/", f"{head}\n{letter.text}")
    return re.sub(r"\b[0-9a-f]{64}\b", "0" * 64, text)  # a hash covers the numbers, too


def at(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """An instant of December 2026, on Eastern clocks."""
    return datetime(2026, 12, day, hour, minute, second, tzinfo=EASTERN)


@contextmanager
def moment(day: int, hour: int, minute: int = 0, second: int = 0) -> Iterator[None]:
    """What is done inside happens then, after what the clock decides by itself."""
    now = at(day, hour, minute, second)
    with clock.frozen(now):
        tick(now)
        yield


def pass_by(*moments: tuple[int, ...]) -> None:
    for each in moments:
        with moment(*each):
            pass


class TheWeek:
    """The week of Thursday, December 10."""

    def __init__(self) -> None:
        self.cast = Cast.assemble()
        self.week, self.next_week, self.skipped = (a_week(THURSDAY + timedelta(weeks=n)) for n in range(3))
        self.stages: dict[str, Stage] = {}
        self.pull_requests: dict[str, PullRequest] = {}
        self.deployments: dict[str, Deployment] = {}

    def run(self) -> None:
        self.submit()
        self.plan()
        self.prepare()
        self.miss_the_cutoff()
        self.miss_the_approval()
        self.decide()
        self.install()
        self.end()

    # --- The week before -------------------------------------------------------------------------------------
    def submit(self) -> None:
        """Some is there when the agenda goes out, the rest comes after it."""
        with clock.frozen(at(1, 9)):
            perform(WEEK, "skip", self.skipped, by=self.cast.scrum_master, reason="Year-end freeze")
            Deputy.objects.create(
                for_user=self.cast.manager,
                deputy=self.cast.other_manager,
                role=Role.MANAGER,
                starts=date(2026, 12, 7),
                ends=date(2026, 12, 8),
            )
        with clock.frozen(at(1, 9, 30)):
            self._submit("timeout", "Sign-in", "acme/sign-in", "Session timeout for the admin portal")
            self._submit("search", "Catalogue search", "acme/search", "Typo tolerance in the search")
            self.stages["timeout"].review(self.pull_requests["timeout"])
        pass_by((1, 10))
        with clock.frozen(at(1, 11)):
            self._submit("export", "Invoices", "acme/invoices", "Export invoices as CSV")
            self._submit("webhooks", "Webhooks", "acme/webhooks", "Retry webhooks that time out")
            self._submit("dark", "Web shop", "acme/shop", "Dark mode for the web shop")
            self._submit("limits", "Public API", "acme/api", "Rate limits by customer")
            self._submit("mail", "Mail gateway", "acme/mail", "Sign outgoing mail with DKIM")
        pass_by((2, 8))

    def _submit(self, key: str, application: str, repository: str, title: str) -> None:
        owned = ApplicationFactory(name=application, team=self.cast.team)
        cast = replace(self.cast, application=owned, repository=RepositoryFactory(application=owned, name=repository))
        stage = Stage(cast, self.week, owned)
        stage.numbers = iter(range(481 + 10 * len(self.stages), 10_000))
        self.stages[key], self.pull_requests[key] = stage, stage.submit(title=title)

    def plan(self) -> None:
        """The review plans all of them; two get no CRQ."""
        review = CodeReview.objects.get(week=self.week)
        with moment(2, 10, 30):
            perform(CODE_REVIEW, "hold", review, by=self.cast.scrum_master)
            for key, stage in self.stages.items():
                deployment = self.deployments[key] = stage.plan(self.pull_requests[key].title)
                stage.join(deployment, self.pull_requests[key])
                follower = self.cast.other_developer
                begin(FOLLOWER, "follow", Follower(deployment=deployment, user=follower), by=follower)
        with moment(3, 12):
            warn_ahead(clock.now())
        pass_by((4, 10), (4, 12, 0, 1), (5, 14))

    # --- Monday and Tuesday ----------------------------------------------------------------------------------
    def prepare(self) -> None:
        with moment(7, 9):
            for key in ("webhooks", "dark", "limits", "mail"):
                self.stages[key].review(self.pull_requests[key])
            for key in self.stages:
                if key not in {"search", "export"}:
                    opener = self.cast.manager if key == "dark" else self.cast.developer
                    self._open_crq(key, opener)
            PullRequest.objects.filter(pk=self.pull_requests["dark"].pk).update(author=self.cast.second_manager)
        with moment(7, 10):
            for key in ("timeout", "webhooks", "limits", "mail", "dark"):
                self._prove(key)
        with moment(7, 11):
            perform(
                CRQ_FLOW, "return", self.crq("webhooks"), by=self.cast.other_manager, reason="Say how it is tested."
            )
        with moment(7, 12):
            self.stages["webhooks"].attach(self.crq("webhooks"), "tests", b"load test")
            for key in ("timeout", "webhooks", "limits", "mail"):
                self.stages[key].approve(self.crq(key))
        with moment(7, 13):
            self.stages["webhooks"].attach(self.crq("webhooks"), "plan", b"a later plan")
            words = "@Grace Okafor, is the backout of the limits **under five minutes**?"
            perform(DEPLOYMENT, "comment", self.fresh("limits"), by=self.cast.developer, reason=words)
            perform(NUDGE, "nudge", self.fresh("search"), by=self.cast.scrum_master)
        pass_by((7, 14), (7, 17))
        with moment(8, 9):
            perform(
                DEPLOYMENT,
                "withdraw",
                self.fresh("webhooks"),
                by=self.cast.developer,
                reason="The partner is not ready.",
            )
            perform(PULL_REQUEST, "withdraw", self.pull_requests["webhooks"], by=self.cast.developer)
        pass_by((8, 10), (8, 12))

    def _open_crq(self, key: str, by: User) -> None:
        number = f"CRQ{418_200 + list(self.stages).index(key):012d}"
        begin(CRQ_FLOW, "open", CRQ(deployment=self.fresh(key), number=number), by=by)

    def _prove(self, key: str) -> None:
        for kind in ("justification", "tests", "plan"):
            self.stages[key].attach(self.crq(key), kind)
        self.stages[key].merge(self.fresh(key))

    def miss_the_cutoff(self) -> None:
        """Two are held at once."""
        with moment(8, 14, 0, 1):
            for key in ("search", "export"):
                self._open_crq(key, self.cast.developer)
        with moment(8, 14, 30):
            self.stages["search"].review(self.pull_requests["search"])
            self._prove("search")

    def miss_the_approval(self) -> None:
        """Nobody could approve one of them; the others ask for exemptions."""
        pass_by((8, 15), (8, 17, 0, 1))
        with moment(8, 17, 30):
            self.requests = {key: self._ask(key) for key in ("search", "export", "dark")}

    def _ask(self, key: str) -> ExemptionRequest:
        ready = key == "search"
        asked: ExemptionRequest = begin(
            EXEMPTION, "request", ExemptionRequest(crq=self.crq(key), **ASKED), by=self.cast.manager, approve=ready
        )
        return asked

    # --- Wednesday and Thursday ------------------------------------------------------------------------------
    def decide(self) -> None:
        following = CodeReview.objects.get(week=self.next_week)
        with moment(9, 8):
            perform(EXEMPTION, "note", self.requests["search"], by=self.cast.director, text="Who turns the switch?")
        with moment(9, 9):
            perform(
                EXEMPTION, "note", self.requests["search"], by=self.cast.manager, text="Grace does, within a minute."
            )
            perform(
                CODE_REVIEW, "cancel", following, by=self.cast.scrum_master, reason="No pull requests were submitted."
            )
        with moment(9, 11):
            go, no = "The switch makes it safe.", "It can wait a week."
            perform(EXEMPTION, "grant", self.requests["search"], by=self.cast.director, reason=go)
            perform(EXEMPTION, "deny", self.requests["export"], by=self.cast.director, reason=no)
        with moment(9, 13):
            export = self.fresh("export")
            reason = "After the denied exemption"
            perform(DEPLOYMENT, "move", export, by=self.cast.second_manager, reason=reason, week=self.next_week)
        pass_by((9, 14), (9, 18), (10, 10), (10, 12, 0, 1))

    def install(self) -> None:
        """One goes well, one fails to install, one does not work."""
        with moment(10, 14):
            perform(WEEK, "complete_batch", self.week, by=self.cast.devops)
        with moment(10, 14, 10):
            for key in ("timeout", "search", "mail"):
                perform(DEPLOYMENT, "start", self.fresh(key), by=self.cast.devops)
        with moment(10, 14, 20):
            for key in ("timeout", "mail"):
                perform(DEPLOYMENT, "finish", self.fresh(key), by=self.cast.devops)
            reason = "The index does not build."
            perform(DEPLOYMENT, "fail", self.fresh("search"), by=self.cast.devops, reason=reason)
        with moment(10, 14, 40):
            perform(DEPLOYMENT, "back_out", self.fresh("search"), by=self.cast.second_devops)
            perform(DEPLOYMENT, "fail", self.fresh("mail"), by=self.cast.reviewer, reason="Two domains are refused.")
            perform(DEPLOYMENT, "back_out", self.fresh("mail"), by=self.cast.devops)
        pass_by((10, 14, 50))
        with moment(10, 15):
            perform(DEPLOYMENT, "verify", self.fresh("timeout"), by=self.cast.developer)

    def end(self) -> None:
        """What was never started, and what nobody decided about, goes to the next week."""
        pass_by((10, 16), (10, 18, 0, 1))

    def fresh(self, key: str) -> Deployment:
        return self.stages[key].fresh(self.deployments[key])

    def crq(self, key: str) -> CRQ:
        return CRQ.objects.get(deployment=self.deployments[key])


def file_names(letters: Iterable[Sent]) -> Iterator[tuple[str, Sent]]:
    for number, letter in enumerate(letters, 1):
        yield f"{number:02}-{letter.kind}", letter


def the_letters() -> list[Sent]:
    """Lives through the week in the present database, and returns what was written."""
    TheWeek().run()
    return sent()
