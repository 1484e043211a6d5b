"""A site for gunicorn, `tests.services.site:application`, that can be told to die; and its content.

`python tests/services/site.py` migrates the database of DATABASE_URL, fills it with one deployment whose CRQ waits for
its approval, and prints what a test needs to act on it. A request with the header X-Die ends its process with SIGKILL,
as if the power failed: "before commit" when everything is written, "after commit" when the answer is made.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    point = environ.get("HTTP_X_DIE", "")
    if point == "before commit":
        _die_after_recording()
    answer: Iterable[bytes] = _application()(environ, start_response)
    if point == "after commit":
        os.kill(os.getpid(), signal.SIGKILL)
    return answer


def _application() -> Any:
    from releaseflow.wsgi import application as releaseflow

    return releaseflow


def _die_after_recording() -> None:
    from workflow import audit

    record = audit.record

    def last(*arguments: Any) -> None:
        record(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    vars(audit)["record"] = last


def fill() -> dict[str, Any]:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    from deployments.weeks import open_weeks
    from tests.cast import Cast
    from tests.stages import Stage
    from workflow import clock

    cast = Cast.assemble()
    week = open_weeks(clock.now())[-1]
    deployment = Stage(cast, week).ready()
    client = Client()
    client.force_login(cast.manager)
    return {
        "session": client.cookies[settings.SESSION_COOKIE_NAME].value,
        "week": week.thursday.isoformat(),
        "deployment": deployment.pk,
        "crq": deployment.crq.pk,
        "number": deployment.crq.number,
    }


if __name__ == "__main__":
    print(json.dumps(fill()))  # noqa: T201
