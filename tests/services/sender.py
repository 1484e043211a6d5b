"""A sender to be killed: `python tests/services/sender.py [NUMBER]` sends what is due, as the worker does.

It says "ready", waits for a line and goes to work. When the mail server has taken the message of that NUMBER, and
before this is confirmed, it ends itself with SIGKILL, as if the power failed.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import django

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def die_at(number: int) -> None:
    from notifications import delivery

    confirm, taken = delivery._confirm, [0]

    def confirmed(*arguments: Any) -> None:
        taken[0] += 1
        if taken[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)
        confirm(*arguments)

    vars(delivery)["_confirm"] = confirmed


def main(arguments: list[str]) -> None:
    django.setup()
    if arguments:
        die_at(int(arguments[0]))
    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()
    from notifications.delivery import deliver
    from workflow import clock

    print(deliver(clock.now).sent, flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
