"""The product on three days, with something of everything in it on two of them, and served to a browser."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.models import Deputy, Invitation, SavedView
from accounts.roles import Role
from accounts.secrets import seal
from crq import announcing
from crq.exemptions import EXEMPTION
from crq.models import Announcement
from deployments import drafts
from deployments.flow import DEPLOYMENT, WEEK
from deployments.models import ClosedDay, Connection, Delivery, Deployment, Draft, PullRequest
from notifications.models import Channel, Email, Stakeholder
from notifications.posts import News, tell
from tests.factories import person
from tests.stages import Stage
from tests.support.passkey import registration
from tests.the_week import TheWeek, at, moment, pass_by
from workflow import clock
from workflow.machine import perform

Step = Draft.Step


class Story(TheWeek):
    """`now` is what the clock says to whoever looks at it."""

    now: ClassVar[datetime]


class LivedIn(Story):
    """Up to an instant; next week is before its cutoff then, and two of its CRQs wait for their approval."""

    def __init__(self) -> None:
        super().__init__()
        self.run()
        with clock.frozen(self.now - timedelta(minutes=5)):
            self.plan_ahead()
            self.begin_drafts()
            self.arrange()
            self.give_keys()

    def plan_ahead(self) -> None:
        ahead = Stage(self.cast, self.next_week)
        ahead.numbers = iter(range(700, 10_000))
        self.waiting: Deployment = ahead.ready()
        ahead.beside().ready()
        self.reviewed: Deployment = ahead.beside().planned()
        self.begun: Deployment = ahead.beside().with_crq()
        self.queued: PullRequest = ahead.submit(title="Ask for the place of loss on a map")
        ahead.submit(title="Third revision of the intake form")
        self.ahead = ahead

    def begin_drafts(self) -> None:
        """A new deployment at each of its steps, and the next plan e-mail; this week's was sent by itself."""
        self.drafts = {step: self._draft(step) for step in (Step.PULL_REQUESTS, Step.CRQ, Step.DOCUMENTS)}
        self.letter_draft = announcing.draft(Announcement.Kind.PLANNED, self.next_week, by=self.cast.scrum_master)
        self.sent = Announcement.objects.filter(status=Announcement.Status.SENT).latest("pk")

    def _draft(self, step: Step) -> Draft:
        stage, by = self.ahead.beside(), self.cast.developer
        draft = drafts.begin(uuid4(), stage.application, self.next_week, "Passkeys for staff", by=by, now=clock.now())
        if step == Step.PULL_REQUESTS:
            return draft
        deployment = drafts.plan(draft, add=[stage.submit(stage.cast.repository)], remove=[], by=by)
        draft.refresh_from_db()
        if step == Step.DOCUMENTS:
            stage.open_crq(deployment)
            drafts.advance(draft, step)
        return draft

    def arrange(self) -> None:
        """What people set up for themselves and for others."""
        SavedView.objects.create(user=self.cast.manager, page="board", name="Ours", query="view=mine")
        Stakeholder.objects.create(name="Service desk", email="service-desk@example.com")
        ClosedDay.objects.create(day=date(2026, 12, 25), name="Christmas Day")
        ClosedDay.objects.create(day=date(2026, 12, 31), name="Year-end freeze", kind=ClosedDay.Kind.FREEZE)
        days = {"starts": date(2026, 12, 14), "ends": date(2026, 12, 18)}
        cast = self.cast
        Deputy.objects.create(for_user=cast.manager, deputy=cast.other_manager, role=Role.MANAGER, **days)
        refused = Email.objects.filter(sent_at=None).earliest("pk")
        refused.parked_at, refused.attempts, refused.last_error = self.now, 1, "550 5.1.1 no such mailbox"
        refused.save()
        Email.objects.filter(sent_at=None, parked_at=None, not_before__lt=self.now - timedelta(minutes=5)).update(
            sent_at=self.now, attempts=1
        )

    def give_keys(self) -> None:
        """One has everything to sign in with, one no password yet, a newcomer an invitation."""
        owner = self.cast.second_devops
        TOTP.activate(owner, "JBSWY3DPEHPK3PXP")
        RecoveryCodes.activate(owner)
        credential = {"name": "Work laptop", "credential": registration()}
        self.passkey = Authenticator.objects.create(user=owner, type=Authenticator.Type.WEBAUTHN, data=credential)
        self.cast.other_developer.set_unusable_password()
        self.cast.other_developer.save()
        newcomer = person("Ida", "Berg")
        newcomer.set_unusable_password()
        newcomer.save()
        lasts = {"sent_at": self.now, "expires_at": self.now + timedelta(days=7)}
        self.invitation = Invitation.objects.create(user=newcomer, invited_by=self.cast.administrator, **lasts)
        self.connect()

    def connect(self) -> None:
        """A forge that delivered with every outcome, and a channel that took one post and not another."""
        known = {"forge": "github", "speaks_for": "https://github.com/acme/", "key": "a" * 32, "secret": seal("s")}
        connection = Connection.objects.create(name="GitHub of Identity", **known)
        for outcome in Delivery.Outcome.values:
            got = {"event": "pull_request", "received_at": self.now, "body": '{"action": "opened"}'}
            Delivery.objects.create(connection=connection, forge_id=outcome, outcome=outcome, why="As it came.", **got)
        sealed = {"address": seal("https://hooks.example.com/x"), "host": "hooks.example.com", "secret": seal("s")}
        channel = Channel.objects.create(name="Release board", kind="webhook", events=["moved"], **sealed)
        for key, became in (("a", {"sent_at": self.now, "answer": 204}), ("b", {"parked_at": self.now, "answer": 410})):
            tell([channel], "moved", "Moved", News(url="/"), key=key, now=self.now)
            channel.posts.filter(attempts=0).update(attempts=1, **became)
        channel.posts.exclude(parked_at=None).update(last_error="410 Gone")


class Wednesday(LivedIn):
    """Three deployments missed a deadline and are held; two of them ask for exemptions."""

    now = at(9, 10)

    def run(self) -> None:
        self.submit()
        self.plan()
        self.prepare()
        self.miss_the_cutoff()
        self.ask()
        with moment(9, 8):
            perform(EXEMPTION, "note", self.requests["search"], by=self.cast.director, text="Who turns the switch?")

    def ask(self) -> None:
        """For two of the three that were missed."""
        pass_by((8, 15), (8, 17, 0, 1))
        with moment(8, 17, 30):
            self.requests = {key: self._ask(key) for key in ("search", "export")}


class Thursday(LivedIn):
    """In the middle of the install: one is installed, one is being installed, one failed, one waits, one is held."""

    now = at(10, 14, 30)

    def run(self) -> None:
        self.submit()
        self.plan()
        self.prepare()
        self.miss_the_cutoff()
        self.miss_the_approval()
        self.decide()
        self.install()

    def install(self) -> None:
        with moment(10, 14):
            perform(WEEK, "complete_batch", self.week, by=self.cast.devops)
        with moment(10, 14, 10):
            for key in ("timeout", "search", "mail"):
                perform(DEPLOYMENT, "start", self.fresh(key), by=self.cast.devops)
        with moment(10, 14, 20):
            perform(DEPLOYMENT, "finish", self.fresh("timeout"), by=self.cast.devops)
            reason = "The index does not build."
            perform(DEPLOYMENT, "fail", self.fresh("search"), by=self.cast.devops, reason=reason)


class FirstDay(Story):
    """People and open weeks, with nothing in them."""

    now = at(1, 9)


@dataclass(frozen=True)
class Product:
    """One of these, served."""

    story: Story
    address: str
    documents: Path

    def session(self, who: str) -> dict[str, str]:
        """The cookie of a member of the cast who just signed in; nothing for nobody.

        "halfway" gave a password and is asked for the second factor.
        """
        if not who:
            return {}
        client, cast = Client(), self.story.cast
        if who == "halfway":
            client.post(reverse("sign-in"), {"login": cast.second_devops.email, "password": "a quiet harbour"})
        else:
            client.force_login(getattr(cast, who))
            session = client.session
            session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]  # noqa: TID251
            session.save()
        return {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}
