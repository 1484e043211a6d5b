"""The Celery application and the whole beat schedule.

Beat is only a metronome: what is due and what is to be sent are database rows, so a lost or doubled tick costs nothing.
Intervals in UTC, never crontab in a local zone, which goes silent for an hour when daylight saving ends.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import task_prerun
from django.db import close_old_connections

from releaseflow.settings import CHANGE_SYSTEM, DELIVER_EVERY, ENFORCE_EVERY

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releaseflow.settings")
TELL_EVERY = 10
"""Seconds between two looks at what another change system is to be told."""

app = Celery("releaseflow")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "enforce-deadlines": {
        "task": "releaseflow.enforce_deadlines",
        "schedule": float(ENFORCE_EVERY),
        "options": {"expires": ENFORCE_EVERY * 2},
    },
    "deliver-emails": {
        "task": "releaseflow.deliver_emails",
        "schedule": float(DELIVER_EVERY),
        "options": {"expires": DELIVER_EVERY * 2},
    },
    "open-weeks": {
        "task": "releaseflow.open_weeks",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
}
if CHANGE_SYSTEM:
    app.conf.beat_schedule["tell-change-system"] = {
        "task": "releaseflow.tell_change_system",
        "schedule": float(TELL_EVERY),
        "options": {"expires": TELL_EVERY * 2},
    }


@task_prerun.connect
def _with_a_working_connection(**_: Any) -> None:
    """Celery sees to this for what a worker does, but not for what beat alone does in its own process."""
    close_old_connections()
