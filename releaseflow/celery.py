"""The Celery application and the whole beat schedule.

Beat is only a metronome: what is due and what is to be sent are database rows, so a lost or doubled tick costs nothing.
Intervals in UTC, never crontab in a local zone, which goes silent for an hour when daylight saving ends.
"""

import os

from celery import Celery

from releaseflow.settings import DELIVER_EVERY, ENFORCE_EVERY

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releaseflow.settings")
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
