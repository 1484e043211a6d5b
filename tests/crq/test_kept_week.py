"""Through a whole week, after each act of anybody, the pages with kept rows are those that are judged anew."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from django.test import Client

from accounts.models import Membership, User
from accounts.roles import Role
from crq import circumstances
from crq.deadlines import enforce
from crq.exemptions import EXEMPTION
from crq.flow import CRQ_FLOW
from crq.models import ExemptionRequest
from crq.nudges import NUDGE
from deployments.flow import DEPLOYMENT, PULL_REQUEST
from tests.stages import EARLY, Stage, a_week, moment
from workflow import clock
from workflow.kept import Kept
from workflow.machine import begin, perform

LOOKERS = ("manager", "devops", "other_developer")
PAGES = ("/", "/weeks/2026-12-10/", "/weeks/2026-12-10/install/")
BY_REQUEST = re.compile(
    r"nonce=\"[^\"]*\"|csrfmiddlewaretoken\" value=\"[^\"]*\"|X-CSRFToken&quot;: &quot;\w*|live=\w*"
)
WORDS = {"why": "A regulator asked for it", "why_now": "The date is fixed by law", "risk": "Low: it can be turned off"}


@contextmanager
def judged_anew() -> Iterator[None]:
    """And at the very instant, not at the first one at which everything stood as it does now."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(circumstances, "_since", lambda weeks, now: now)
        patch.setattr(Kept, "of", lambda self, seen, facts, make: list(make(list(facts))))
        yield


def week_of_acts(stage: Stage) -> Iterator[datetime]:
    """Acts one after the other; each time the instant at which people look."""
    cast, now = stage.cast, EARLY
    ready, held, going = stage, stage.beside(), stage.beside()
    first = ready.plan()
    yield now
    pull = ready.join(first, ready.submit())
    queued = ready.submit(title="Nobody has planned it")
    yield now
    ready.review(pull, "changes_requested")
    yield now
    ready.review(pull)
    ready.review(queued)
    crq = ready.open_crq(first)
    yield now
    perform(NUDGE, "nudge", first, by=cast.scrum_master)
    yield now
    for kind in ("justification", "tests", "plan"):
        ready.attach(crq, kind)
        yield now
    ready.merge(first)
    second, third, leaving = held.with_crq(), going.planned(), stage.beside().planned()
    yield now
    ready.approve(crq)
    yield now
    perform(CRQ_FLOW, "return", crq, by=cast.manager, reason="Which rollback?")
    yield now
    ready.approve(crq)
    perform(PULL_REQUEST, "new_head", pull, by=cast.developer, sha="f" * 40)
    yield now
    ready.review(pull)
    ready.approve(crq)
    yield now
    perform(DEPLOYMENT, "move", third, by=cast.manager, week=a_week(stage.week.thursday + timedelta(7)), reason="Late")
    perform(DEPLOYMENT, "withdraw", leaving, by=cast.developer, reason="Not needed any more.")
    yield now
    Membership.objects.create(user=cast.other_developer, team=cast.team, role=Role.MANAGER)
    yield now
    User.objects.filter(pk=cast.developer.pk).update(last_name="Cole-Ray")
    yield now + timedelta(days=1)
    for key in ("cutoff", "approval"):
        yield moment(stage.week, key)
        yield moment(stage.week, key, seconds=1)
        enforce(moment(stage.week, key, seconds=1))
        yield moment(stage.week, key, seconds=1)
    with clock.frozen(moment(stage.week, "approval", hours=1)) as late:
        asked = begin(EXEMPTION, "request", ExemptionRequest(crq=second.crq, **WORDS), by=cast.manager)
        yield late
        perform(EXEMPTION, "deny", asked, by=cast.director, reason="It can wait")
        yield late
    stage.complete_batch()
    with clock.frozen(moment(stage.week, "install", minutes=5)) as morning:
        yield morning
        for action in ("start", "undo_start", "start", "finish"):
            perform(DEPLOYMENT, action, first, by=cast.devops)
            yield morning
        perform(DEPLOYMENT, "verify", first, by=cast.developer)
        yield morning
    yield moment(stage.week, "install_close", days=1)


def test_pages_with_kept_rows_are_those_judged_anew(stage: Stage) -> None:
    browsers = {who: Client() for who in LOOKERS}
    for who, browser in browsers.items():
        browser.force_login(getattr(stage.cast, who))

    for step, now in enumerate(week_of_acts(stage)):
        with clock.frozen(now):
            for who, browser in browsers.items():
                kept = [shown(browser, path) for path in PAGES]
                with judged_anew():
                    assert kept == [shown(browser, path) for path in PAGES], (step, who)


def shown(browser: Client, path: str) -> list[str]:
    answer = browser.get(path)
    assert answer.status_code == 200
    return BY_REQUEST.sub("", answer.content.decode()).splitlines()
