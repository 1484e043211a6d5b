"""How fast the outbox is sent, beside Django's bare mail backend on one kept connection: `python -m bench.delivery`.

Both hand the same letter to the same real SMTP server (aiosmtpd, in a process of its own), in turns, in one run.
`--postgres` keeps the outbox in a PostgreSQL that the run starts for itself; otherwise it is SQLite in a file.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from tests.support import postgres
from tests.support.ports import answers, free_port

GOAL = 1.5
TEXT = "Passkey sign-in, CRQ000000418207, 2 pull requests – approved by Anita Desai.\n" * 30
LINE = '<tr><td style="padding:8px 0;border-top:1px solid #d8dee4">Passkey sign-in – CRQ000000418207</td></tr>\n'
HTML = f"<!doctype html><html><body><table>{LINE * 160}</table></body></html>"


def main() -> None:
    options = _options()
    with TemporaryDirectory() as folder, _database(folder, wanted=options.postgres) as url, _mail_server() as port:
        _set_up(folder, url, port)
        bare, ours = _measure(options.count, options.rounds)
    kept_in = "PostgreSQL" if options.postgres else "SQLite"
    for line in (
        f"{options.count} e-mails of {len(TEXT) + len(HTML):,} characters, kept in {kept_in}",
        f"bare backend  {bare:7.2f} s  {options.count / bare:7.0f} e-mails/s",
        f"the outbox    {ours:7.2f} s  {options.count / ours:7.0f} e-mails/s",
        f"ratio         {ours / bare:7.2f}    (goal: at most {GOAL})",
    ):
        sys.stdout.write(f"{line}\n")
    sys.exit(ours / bare > GOAL)


def _options() -> Any:
    parser = argparse.ArgumentParser(prog="python -m bench.delivery", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="e-mails a round (default: 1000)")
    parser.add_argument("--rounds", type=int, default=5, help="of which the median counts (default: 5)")
    parser.add_argument("--postgres", action="store_true")
    return parser.parse_args()


# --- What it needs -------------------------------------------------------------------------------------------
@contextmanager
def _database(folder: str, *, wanted: bool) -> Iterator[str]:
    """The address of an empty database."""
    port = free_port()
    with postgres.running(port) if wanted else nullcontext():
        yield f"postgres://releaseflow@127.0.0.1:{port}/releaseflow" if wanted else f"sqlite:///{folder}/bench.sqlite3"


@contextmanager
def _mail_server() -> Iterator[int]:
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(port,), daemon=True)
    process.start()
    try:
        while not answers(port):
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.join()


def _serve(port: int) -> None:
    """Takes every message and forgets it."""
    from aiosmtpd.controller import Controller
    from aiosmtpd.handlers import Sink

    Controller(Sink(), hostname="127.0.0.1", port=port).start()
    while True:
        time.sleep(60)


def _set_up(folder: str, url: str, port: int) -> None:
    import django
    from django.core.management import call_command

    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "releaseflow.settings",
        "SECRET_KEY": "only-for-measuring-" + "x" * 40,
        "DATABASE_URL": url,
        "VAR_DIR": str(Path(folder) / "var"),
        "EMAIL_URL": f"smtp://127.0.0.1:{port}",
        "DEMO": "0",
    }
    django.setup()
    call_command("migrate", verbosity=0)


# --- The measuring -------------------------------------------------------------------------------------------
def _measure(count: int, rounds: int) -> tuple[float, float]:
    """Median seconds of the bare backend and of the outbox; one short round before warms both up."""
    _seconds(lambda: _bare(20))
    _outbox(20)
    pairs = [(_seconds(lambda: _bare(count)), _outbox(count)) for _ in range(rounds)]
    return median(bare for bare, _ in pairs), median(ours for _, ours in pairs)


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _bare(count: int) -> None:
    from django.core.mail import EmailMultiAlternatives, get_connection

    line = get_connection()
    line.open()
    for number in range(count):
        message = EmailMultiAlternatives("Planned", TEXT, to=[f"person{number}@example.com"], connection=line)
        message.attach_alternative(HTML, "text/html")
        message.send()
    line.close()


def _outbox(count: int) -> float:
    """Seconds to deliver what was queued before; an e-mail that did not leave is an error."""
    from notifications.delivery import deliver
    from workflow import clock

    _queue(count)
    return _seconds(lambda: _expect(deliver(clock.now).sent, count))


def _queue(count: int) -> None:
    from notifications.models import Email, Letter
    from notifications.outbox import _row
    from workflow import clock

    now = clock.now()
    letter = Letter.objects.create(kind="moved", subject="Planned", text=TEXT, html=HTML, written_at=now)
    addresses = [f"person{number}@example.com" for number in range(count)]
    rows = [_row(address, address, f"bench:{letter.pk}", now) for address in addresses]
    for row in rows:
        row.letter = letter
    Email.objects.bulk_create(rows)


def _expect(sent: int, count: int) -> None:
    if sent != count:
        raise RuntimeError(f"Only {sent} of {count} e-mails left.")


if __name__ == "__main__":
    main()
