"""Lighthouse's scores for the pages on which people spend their day: `python -m bench.lighthouse`.

The application runs as in `python -m bench`, with 60 deployments in its week. Needs Chromium, and Lighthouse (npm)
on the PATH or named with --program. A score is the median of several runs, on a desk and on a telephone.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from statistics import median
from typing import Any

from bench.server import Server, serving
from bench.site import database, environment, run, say
from tests.support import browser, postgres
from tests.support.ports import free_port

PAGES = {
    "week board": ("manager", "{full}"),
    "CRQ page": ("manager", "{crq_page}"),
    "My tasks": ("developer", "/"),
    "install day": ("developer", "{full}install/"),
}
GOALS = {"performance": 95, "accessibility": 100, "best-practices": 100}
TRIES = 3
"""On a busy machine Lighthouse loses a trace now and then (NO_NAVSTART)."""
DEVICES = {"desk": ("--preset=desktop",), "telephone": ()}


def main() -> None:
    options = _options()
    program, chromium = shutil.which(options.program), browser.chromium()
    if program is None:
        sys.exit(f"{options.program} is not there: npm install --global lighthouse, or name it with --program.")
    if chromium is None:
        sys.exit(f"Chromium is not there. {browser.REMEDY}")
    with postgres.running(free_port()) as cluster:
        given = environment(database(cluster, "lighthouse"))
        facts = json.loads(run("bench.load", given, "1000"))
        with serving("releaseflow.wsgi", given) as app:
            missed = _measure(app, facts, [program], chromium, options.runs)
    sys.exit(min(missed, 1))


def _measure(app: Server, facts: dict[str, str], program: list[str], chromium: str, runs: int) -> int:
    """Prints the table; returns how many scores miss their goal."""
    missed = 0
    say(f"{'page':16}{'device':12}" + "".join(f"{name:>16}" for name in GOALS) + f"{'kB':>8}")
    for label, (who, path) in PAGES.items():
        url = f"http://127.0.0.1:{app.port}{path.format(**facts)}"
        for device, preset in DEVICES.items():
            command = [*program, url, *_flags(facts[who]), *preset]
            reports = [_report(command, chromium) for _ in range(runs)]
            scores = {name: median(_score(each, name) for each in reports) for name in GOALS}
            missed += sum(scores[name] < goal for name, goal in GOALS.items())
            size = median(each["audits"]["total-byte-weight"]["numericValue"] for each in reports)
            say(
                f"{label:16}{device:12}"
                + "".join(f"{score:>16.0f}" for score in scores.values())
                + f"{size / 1000:>8.0f}"
            )
            for line in sorted({line for each in reports for line in _complaints(each)}):
                say(f"    {line}")
    return missed


def _flags(session: str) -> list[str]:
    headers = json.dumps({"Cookie": f"sessionid={session}"})
    chrome = "--chrome-flags=--headless=new --no-sandbox"
    kinds = f"--only-categories={','.join(GOALS)}"
    return [f"--extra-headers={headers}", chrome, kinds, "--output=json", "--output-path=stdout", "--quiet"]


def _report(command: list[str], chromium: str) -> dict[str, Any]:
    environment, said = {**os.environ, "CHROME_PATH": chromium}, ""
    for _ in range(TRIES):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if not done.returncode:
            return _read(done.stdout)
        said = done.stderr
    sys.exit(f"Lighthouse failed {TRIES} times:\n{said}")


def _read(printed: str) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(printed)
    if report["audits"]["network-requests"]["details"]["items"][0]["statusCode"] != 200:
        sys.exit(f"{report['finalDisplayedUrl']} did not answer with its page.")
    return report


def _score(report: dict[str, Any], category: str) -> float:
    return float(report["categories"][category]["score"] or 0) * 100


def _complaints(report: dict[str, Any]) -> list[str]:
    """What costs points, but for times, which vary."""
    return [
        f"{audit['id']}: {audit['title']}"
        for audit in report["audits"].values()
        if audit["score"] == 0 and audit["scoreDisplayMode"] == "binary"
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.lighthouse", description=__doc__)
    parser.add_argument("--program", default="lighthouse", help="the command (default: lighthouse)")
    parser.add_argument("--runs", type=int, default=3, help="for a score (default: 3)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
