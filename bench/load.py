"""Fills an empty PostgreSQL for a measurement: `python -m bench.load COUNT`, in the application's own environment.

A coming week with 60 deployments reaches its states by the real actions; the past is made by `history.py`. Prints what
the measurement needs to know as one JSON object.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from itertools import cycle, islice

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releaseflow.settings")
django.setup()

from django.conf import settings  # noqa: E402 (a set-up Django comes first)
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.core.management import call_command  # noqa: E402

from accounts.models import User  # noqa: E402
from bench import history  # noqa: E402
from deployments.models import Deployment, ReleaseWeek  # noqa: E402
from deployments.weeks import open_for_plans, open_weeks  # noqa: E402
from tests.cast import Cast  # noqa: E402
from tests.stages import Stage  # noqa: E402
from workflow import clock  # noqa: E402

DEPLOYMENTS = 60
STAGES = (Stage.planned, Stage.with_crq, Stage.ready, Stage.ready, Stage.cleared)


def main(count: int) -> None:
    call_command("migrate", interactive=False, verbosity=0)
    cast = Cast.assemble()
    open_weeks(clock.now())
    full, small = open_for_plans(clock.now())[1:3]
    crq = _plan(cast, full, DEPLOYMENTS)[2].crq  # a ready one
    _plan(cast, small, DEPLOYMENTS // 10)
    history.make(count, cast)
    facts = {
        "full": full.get_absolute_url(),
        "small": small.get_absolute_url(),
        "crq_key": str(crq.pk),
        "crq_page": crq.get_absolute_url(),
        "developer": session(cast.developer),
        "manager": session(cast.manager),
    }
    sys.stdout.write(json.dumps(facts))


def _plan(cast: Cast, week: ReleaseWeek, count: int) -> list[Deployment]:
    """Deployments of the cast's team at every stage, in turns."""
    stage = Stage(cast, week)
    return [reach(stage.beside()) for reach in islice(cycle(STAGES), count)]


def session(user: User) -> str:
    """The key of a new session of this person."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store[SESSION_KEY], store[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store.create()
    key: str = store.session_key
    return key


if __name__ == "__main__":
    main(int(sys.argv[1]))
