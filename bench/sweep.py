"""How fast a deadline judges many deployments at once: `python -m bench.sweep`.

The cutoff of one week passes over COUNT deployments that miss something: each gets a snapshot, a hold and its link of
the audit trail, and the people get their e-mails. Beside it, in the same database, the least that writing so many holds
can cost: one UPDATE and one bulk_create of as many events.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from statistics import median

from django.core.management import call_command

from bench import site
from tests.support import postgres
from tests.support.ports import free_port

GOAL = 2.5


def main() -> None:
    options = _options()
    with postgres.running(free_port()) as cluster:
        os.environ |= site.environment(site.database(cluster, "sweep"))
        least, whole, before, after = _measure(options.count, options.past)
    site.say(f"{options.count:,} deployments due, {options.past:,} in the past")
    site.say(f"UPDATE + bulk_create {least:7.2f} s")
    site.say(f"the sweep            {whole:7.2f} s  {whole / least:.1f} times (goal: at most {GOAL})")
    site.say(f"memory               {before:.0f} MB before, at most {after:.0f} MB")
    sys.exit(whole / least > GOAL)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.sweep", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="deployments due (default: 10000)")
    parser.add_argument("--past", type=int, default=0, help="finished deployments beside them (default: none)")
    return parser.parse_args()


def _measure(count: int, past: int) -> tuple[float, float, float, float]:
    """Seconds of the least and of the sweep, memory before and at the most."""
    import bench.load  # noqa: F401 (sets Django up)
    from bench import history
    from deployments.weeks import open_for_plans, open_weeks
    from tests.cast import Cast
    from tests.stages import moment
    from workflow import clock

    call_command("migrate", interactive=False, verbosity=0)
    cast = Cast.assemble()
    open_weeks(clock.now())
    week = open_for_plans(clock.now())[1]
    if past:
        history.make(past, cast)
    at = moment(week, "cutoff")
    _enforced(at)  # what is due before, while nothing is planned
    history.plan(count, cast, week)
    least = median(_seconds(lambda: _written(week.pk)) for _ in range(3))
    before = _memory()
    whole = _seconds(lambda: _expect(_enforced(at + timedelta(seconds=1)), count))
    return least, whole, before, _memory()


def _enforced(now: datetime) -> int:
    """How many deployments the deadlines held that are due now."""
    from crq.deadlines import enforce
    from workflow import clock

    with clock.frozen(now):
        return sum(each.held for each in enforce(now))


def _written(week_id: int) -> None:
    """The least, which is taken back."""
    from django.db import transaction

    from deployments.models import Deployment
    from workflow import clock
    from workflow.models import Event

    now = clock.now()
    with transaction.atomic():
        due = Deployment.objects.filter(week=week_id)
        Event.objects.bulk_create(
            Event(
                at=now,
                action="hold",
                object_type="deployment",
                object_id=pk,
                deployment_id=pk,
                shard=f"deployment:{pk}",
                sequence=1,
                previous="0" * 64,
                hash=f"{pk:064}",
            )
            for pk in due.values_list("pk", flat=True)
        )
        due.update(held_reason="Missed.")
        transaction.set_rollback(True)


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def _expect(held: int, count: int) -> None:
    if held != count:
        raise RuntimeError(f"Only {held} of {count} deployments were held.")


if __name__ == "__main__":
    main()
