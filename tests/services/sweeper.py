"""A sweeper to be killed: `python tests/services/sweeper.py [POINT KEY]` enforces what is due, as the worker does.

It says "ready", waits for a line and goes to work. At the POINT of the milestone KEY it ends itself with SIGKILL, as if
the power failed: nothing of the application knows of these points. `chaos` instead makes a child process again and
again and kills it at a random moment, until one gets through.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(call: Callable[..., Any], at: Callable[..., bool]) -> Callable[..., Any]:
    def wrapped(*args: Any, **given: Any) -> Any:
        if at(*args):
            die()
        return call(*args, **given)

    return wrapped


def after(call: Callable[..., Any], at: Callable[..., bool]) -> Callable[..., Any]:
    def wrapped(*args: Any, **given: Any) -> Any:
        answer = call(*args, **given)
        if at(*args):
            die()
        return answer

    return wrapped


def arrange(point: str, key: str) -> None:
    """Puts the kill into this process."""
    from crq import deadlines
    from workflow import machine

    present = [""]

    def note(milestone: Any, now: Any) -> Any:
        present[0] = milestone.key
        return claim(milestone, now)

    def here(*_: Any) -> bool:
        return present[0] == key

    claim = deadlines._claim_and_apply
    if point == "before claim":
        claim = before(claim, here)
    elif point == "after claim":
        deadlines._unjudged = before(deadlines._unjudged, here)
    elif point == "after snapshots":
        vars(deadlines)["impose"] = before(machine.impose, here)
    elif point == "after hold":
        vars(deadlines)["impose"] = after(machine.impose, here)
    elif point == "after effects":
        deadlines.EFFECTS = {each: after(effect, here) for each, effect in deadlines.EFFECTS.items()}
    elif point == "after commit":
        claim = after(claim, here)
    else:
        raise SystemExit(f"There is no point named {point!r}.")
    deadlines._claim_and_apply = note


def enforce() -> None:
    from crq import deadlines
    from workflow import clock

    deadlines.enforce(clock.now())


def chaos(most: int) -> int:
    """How many children had to be killed; each gets a moment longer than the one before, so that it ends."""
    chance = random.Random(11)
    for kills in range(most):
        child = os.fork()
        if child == 0:
            enforce()
            os._exit(0)
        if _ended(child, within=chance.uniform(0.0, 0.03 + 0.004 * kills)):
            return kills
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    enforce()
    return most


def _ended(child: int, *, within: float) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        if os.waitpid(child, os.WNOHANG)[0]:
            return True
        time.sleep(0.001)
    return False


def main(arguments: list[str]) -> None:
    django.setup()
    if len(arguments) == 2:
        arrange(*arguments)
    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()
    if arguments == ["chaos"]:
        print(chaos(100), flush=True)  # noqa: T201
    else:
        enforce()


if __name__ == "__main__":
    main(sys.argv[1:])
