"""The whole suite, as `make test` runs it: `python -m tests.support.suite`.

Everything on SQLite, everything again on PostgreSQL, then once what needs services and a browser. A closing summary
names each part; the exit code is 1 when anything failed.
"""

import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.support import postgres, services

APART = ("tests/services", "tests/browser")
ONCE = (
    "tests/architecture",
    "tests/signin",
    "tests/api/test_schema.py",
    "tests/deployments/test_sync.py",
    *(
        f"tests/releaseflow/test_{name}.py"
        for name in ("authorization", "headers", "hostile_input", "seed", "settings")
    ),
)
"""What asks for many combinations of the same, or no database: once, so that a run stays under a quarter of an hour."""
ON_BOTH = ("tests/services/test_sweeper.py",)  # who is killed leaves other traces in each database
NO_TESTS = 5  # pytest's exit code for "nothing was collected"


@dataclass(frozen=True)
class Part:
    label: str
    database: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    part: Part
    exit_code: int
    counts: Counter[str]

    @property
    def good(self) -> bool:
        return self.exit_code in {0, NO_TESTS}

    def line(self) -> str:
        counted = ", ".join(f"{number} {name}" for name, number in self.counts.items() if number) or "no tests"
        return f"  {'ok  ' if self.good else 'FAIL'}  {self.part.label:<24} {counted}"


def parts() -> list[Part]:
    apart = tuple(folder for folder in APART if Path(folder).is_dir())
    inside = sorted(path.as_posix() for folder in apart for path in Path(folder).glob("test_*.py"))
    best = "postgres" if postgres.installed() or services.are_required() else "sqlite"
    both = ON_BOTH if best == "postgres" else ()
    found = [
        Part("on SQLite", "sqlite", _rest(without=[each for each in inside if each not in both])),
        Part("on PostgreSQL", "postgres", _rest(without=[*inside, *ONCE])),
    ]
    return [*found, Part("services and browser", best, ("-n", "4", "--dist", "loadfile", *apart))] if apart else found


def _rest(without: list[str]) -> tuple[str, ...]:
    return ("-n", "auto", "tests", *(f"--ignore={each}" for each in without))


def run(part: Part) -> Result:
    print(f"\n=== Tests {part.label}", flush=True)  # noqa: T201
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}", *part.arguments]
        done = subprocess.run(command, check=False, env={**os.environ, "TEST_DATABASE": part.database})
        return Result(part, done.returncode, _counts(report))


def main() -> int:
    results = [run(part) for part in parts()]
    print("\n=== Summary", *(result.line() for result in results), sep="\n")  # noqa: T201
    return 0 if all(result.good for result in results) else 1


def _counts(report: Path) -> Counter[str]:
    if not report.exists():
        return Counter()
    counts: Counter[str] = Counter(passed=0)
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        total, failed, broken, skipped = (
            int(suite.get(key, "0")) for key in ("tests", "failures", "errors", "skipped")
        )
        counts.update(passed=total - failed - broken - skipped, failed=failed, errors=broken, skipped=skipped)
    return counts


if __name__ == "__main__":
    sys.exit(main())
