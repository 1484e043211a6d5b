"""A whole demonstration with one command: data, web server, and a Celery beat that does the work."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from releaseflow.demo import children, seed

DEFAULT_PORT = 8000
QUICK = {"ENFORCE_EVERY": "2", "DELIVER_EVERY": "2"}

READY = """
releaseflow runs on {url}

  1. Choose Anita Desai, a Dev Manager: one CRQ waits for her approval.
  2. Act as Hannah, Grace or Maya with the bar at the top: each role sees its own tasks.
  3. Move the clock to just after the cutoff: what is not ready is held, and the e-mails are in the mailbox.

Press Ctrl-C to stop. The data stays in {folder}; delete that folder to begin again.
"""


class Command(BaseCommand):
    help = (
        "Run a demonstration: bring the database up to date, fill it when it is empty, then run the web server and a "
        "Celery beat without a broker until Ctrl-C. Needs DEMO=1, which lets anyone become anyone: never run it where "
        "others can reach it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", help=f"where to listen on 127.0.0.1 (default: PORT or {DEFAULT_PORT})")
        parser.add_argument("--seed", type=int, default=1, help="another number tells another story (default: 1)")
        parser.add_argument("--weeks", type=int, default=12, help="how many weeks of data to make (default: 12)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("demo lets anyone become anyone, so it only runs with DEMO=1.", returncode=2)
        port = _port(options["port"] or os.environ.get("PORT", ""))
        if not children.is_free(port):
            other = f"manage.py demo --port {port + 1 if port < 65535 else DEFAULT_PORT}"
            raise CommandError(f"Another program listens on port {port}. Choose another one: {other}.")
        url = f"http://localhost:{port}"
        environment = {**os.environ, **_defaults(url), "REDIS_URL": "", "DEMO": "1"}
        try:
            self._prepare(options["seed"], options["weeks"], environment)
        except KeyboardInterrupt:
            raise CommandError("Stopped before the demo was ready. No half-made data was kept.") from None
        programs = {"The web server": children.web_command(port), "Celery beat": children.beat_command()}
        words = READY.format(url=url, folder=settings.VAR_DIR)
        ended = children.Children(programs, environment).run(ready=port, when_ready=words)
        if ended:
            raise CommandError(f"{ended} ended by itself, so the demo was stopped. Its last words are above.")
        self.stdout.write("Stopped.")

    def _prepare(self, number: int, weeks: int, environment: dict[str, str]) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        if not seed.is_empty():
            return
        self.stdout.write(f"Making {weeks} weeks of data. Twelve take about half a minute.")
        self.stdout.flush()
        # A process of its own, so that the links in the e-mails carry this port.
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "seed_demo"]
        command += ["--seed", str(number), "--weeks", str(weeks)]
        if children.run_to_end(command, environment):
            raise CommandError("The data could not be made, so the demo was not started. The reason is above.")


def _defaults(url: str) -> dict[str, str]:
    return {name: os.environ.get(name, value) for name, value in {**QUICK, "SITE_URL": url}.items()}


def _port(text: str) -> int:
    text = text.strip() or str(DEFAULT_PORT)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise CommandError(f"The port must be a number from 1 to 65535, not {text!r}.", returncode=2)
    return int(text)
