"""Fills an empty database for the run: `python -m bench.endurance.fill SECONDS`, in the application's own environment.

Eight people of two teams with sessions and tokens, six applications, and weeks whose deadlines fall due within so many
seconds, one week after the other, each with deployments that are cleared for install. Prints what the run needs to know
as one JSON object.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime, timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releaseflow.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 (a set-up Django comes first)

from accounts.models import Token, User  # noqa: E402
from accounts.tokens import digest_of, new_key  # noqa: E402
from bench.load import session  # noqa: E402
from deployments.models import Application, Milestone, ReleaseWeek  # noqa: E402
from deployments.policy import Deadline  # noqa: E402
from deployments.weeks import open_for_plans, open_weeks  # noqa: E402
from releaseflow.people.tokens import TOKEN, own_roles  # noqa: E402
from tests.cast import Cast  # noqa: E402
from tests.factories import ApplicationFactory, RepositoryFactory  # noqa: E402
from tests.stages import Stage  # noqa: E402
from workflow import clock  # noqa: E402
from workflow.eastern import eastern_day  # noqa: E402
from workflow.machine import begin  # noqa: E402
from workflow.models import Event  # noqa: E402

PEOPLE = (
    "developer", "reviewer", "manager", "scrum_master", "devops", "director", "other_developer", "other_manager",
)  # fmt: skip
EVERY = 180.0
"""Seconds from one week's cutoff to the next one's."""
FIRST = 110.0
"""Seconds from the beginning to the first week's cutoff."""
CLEARED = 6
"""Deployments of a week that can be installed when the run begins; three minutes are too short to come so far."""
OFFSETS = {
    Deadline.CODE_REVIEW: -90, Deadline.PLAN_EMAIL: -60, Deadline.CUTOFF: 0, Deadline.APPROVAL: 40,
    Deadline.EXEMPTION_CLOSE: 75, Deadline.INSTALL: 80, Deadline.INSTALL_CLOSE: 170,
}  # fmt: skip


def main(seconds: float) -> None:
    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    cast = Cast.assemble()
    for team in (cast.team, cast.other_team):
        for _ in range(3):
            RepositoryFactory(application=ApplicationFactory(team=team))
    applications = [_application(each) for each in Application.objects.order_by("pk")]
    open_weeks(clock.now())
    weeks = list(open_for_plans(clock.now()))
    hurried = weeks[: min(max(int((seconds - FIRST) // EVERY), 1), len(weeks) - 2)]
    for stage in [Stage(cast, week) for week in hurried for _ in range(CLEARED)]:
        stage.beside().cleared()
    _hurry(hurried, clock.now())
    facts = {
        "weeks": [week.thursday.isoformat() for week in weeks],
        "hurried": len(hurried),
        "people": {name: _person(getattr(cast, name)) for name in PEOPLE},
        "applications": applications,
        "last_event": Event.objects.latest("pk").pk,
    }
    sys.stdout.write(json.dumps(facts))


def _hurry(weeks: list[ReleaseWeek], now: datetime) -> None:
    """They are installed today; the last of them is over when the run is."""
    for number, week in enumerate(weeks):
        ReleaseWeek.objects.filter(pk=week.pk).update(install_day=eastern_day(now))
        cutoff = now + timedelta(seconds=FIRST + number * EVERY)
        for key, offset in OFFSETS.items():
            due = cutoff + timedelta(seconds=offset)
            Milestone.objects.filter(week=week, key=key).update(due_at=due)


def _person(user: User) -> dict[str, object]:
    key, now = new_key(), clock.now()
    token = Token(user=user, name="Endurance", roles=[role.value for role in own_roles(user)], digest=digest_of(key))
    token.expires_at = now + timedelta(days=30)
    begin(TOKEN, "create", token, by=user)
    return {"id": user.pk, "session": session(user), "token": key}


def _application(application: Application) -> dict[str, object]:
    urls = list(application.repositories.values_list("url", flat=True))
    return {"id": application.pk, "team": application.team.slug, "repositories": urls}


if __name__ == "__main__":
    main(float(sys.argv[1]))
