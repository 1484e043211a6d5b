"""The Celery application and the whole beat schedule.

Beat is only a metronome: what is due and what is to be sent are database rows, so a lost or doubled tick costs nothing.
Intervals in UTC, never crontab in a local zone, which goes silent for an hour when daylight saving ends.
"""

import os

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releaseflow.settings")
app = Celery("releaseflow")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "enforce-deadlines": {
        "task": "releaseflow.enforce_deadlines",
        "schedule": float(settings.ENFORCE_EVERY),
        "options": {"expires": settings.ENFORCE_EVERY * 2},
    },
    "deliver-emails": {
        "task": "releaseflow.deliver_emails",
        "schedule": float(settings.DELIVER_EVERY),
        "options": {"expires": settings.DELIVER_EVERY * 2},
    },
    "open-weeks": {
        "task": "releaseflow.open_weeks",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
}
