"""A teller to be killed: `python tests/services/teller.py` says "ready", waits for a line, tells the change system, and
ends itself with SIGKILL when that has taken all of a CRQ, before this is confirmed.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def main() -> None:
    django.setup()
    from crq.change_system import telling
    from workflow import clock

    vars(telling)["confirm"] = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()
    telling.tell(clock.now)


if __name__ == "__main__":
    main()
