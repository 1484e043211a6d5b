"""How fast the pages are, as ratios to the floor on the same machine in the same run: `python -m bench` (`make bench`).

Both run under gunicorn with two workers against one PostgreSQL that the run starts for itself. A page's figure is the
median of many requests on one kept connection; CPU is what the web workers used for each request.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass

from bench.client import Browser, Cost
from bench.server import Server, serving
from bench.site import database, environment, run, say
from tests.support import postgres
from tests.support.ports import free_port

SIZES = {"10k": 10_000, "100k": 100_000, "1m": 1_000_000}


@dataclass(frozen=True)
class Page:
    """`goal`: at most so many times the floor. `path` is filled with what the loading printed."""

    label: str
    who: str
    path: str
    goal: float
    expect: int = 200


PAGES = (
    Page("week board, 6 deployments", "manager", "{small}", 2.0),
    Page("week board, 60 deployments", "manager", "{full}", 2.0),
    Page("my tasks, 66 open deployments", "developer", "/", 2.0),
    Page("CRQ page", "manager", "{crq_page}", 1.5),
    Page("CRQs, filtered, 50 rows", "developer", "/crqs/?state=closed", 1.8),
    Page("CRQs, by text", "developer", "/crqs/?state=closed&q=Change", 1.8),
    Page("search", "developer", "/search/?q=portal", 3.0),
)


def main() -> None:
    options = _options()
    wrong = 0
    with postgres.running(free_port()) as cluster:
        floor_url = database(cluster, "floor")
        session = run("bench.floor.load", {"DATABASE_URL": floor_url})
        with serving("bench.floor.wsgi", {"DATABASE_URL": floor_url}) as floor:
            for name in options.sizes.split(","):
                wrong += _measure(name, cluster, floor, session, options.requests)
    sys.exit(min(wrong, 1))


def _measure(name: str, cluster: postgres.Cluster, floor: Server, session: str, times: int) -> int:
    """Prints the table of one size; returns how many goals were missed."""
    given = environment(database(cluster, f"app_{name}"))
    facts = json.loads(run("bench.load", given, str(SIZES[name])))
    missed = 0
    with serving("releaseflow.wsgi", given) as app:
        base = Browser(floor, session).measure("/", times=times)
        say(f"\n{name} CRQs. The floor: {base.wall:.1f} ms, {base.cpu:.1f} ms CPU, {base.size / 1000:.0f} kB")
        say(f"{'page':34}{'ms':>8}{'CPU ms':>8}{'p50/F':>8}{'CPU/F':>8}{'goal':>7}")
        for page in PAGES:
            cost = Browser(app, facts[page.who]).measure(page.path.format(**facts), times=times, expect=page.expect)
            missed += _row(page.label, cost, base, page.goal)
        missed += _changes(app, facts, base, times)
        say(f"{'memory of a worker':34}{app.memory():>6.0f} MB, {app.memory() / floor.memory():.2f} F (goal 1.6)")
        say(f"{'cold start':34}{app.started_in:>7.2f} s, {app.started_in / floor.started_in:.2f} F (goal 2.5)")
    return missed


def _changes(app: Server, facts: dict[str, str], base: Cost, times: int) -> int:
    """A state change by POST, and the answer to a poll when nothing changed."""
    browser = Browser(app, facts["manager"])
    path, number = f"/act/crq/{facts['crq_key']}/return/", iter(range(10**9))
    post = browser.measure_posts(path, lambda: {"reason": f"Which rollback, number {next(number)}?"}, times=times)
    live = browser.live_address(facts["full"])
    quiet = browser.measure(live, times=times, expect=204)
    return _row("state change by POST", post, base, 1.2) + _row("poll, nothing changed", quiet, base, 0.3)


def _row(label: str, cost: Cost, base: Cost, goal: float) -> int:
    wall, cpu = cost.wall / base.wall, cost.cpu / base.cpu
    mark = "" if max(wall, cpu) <= goal else "  missed"
    say(f"{label:34}{cost.wall:>8.1f}{cost.cpu:>8.1f}{wall:>8.2f}{cpu:>8.2f}{goal:>7.1f}{mark}")
    return bool(mark)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--sizes", default="10k,100k", help=f"of {', '.join(SIZES)}, separated by commas")
    parser.add_argument("--requests", type=int, default=200, help="a page (default: 200)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
