"""What the architecture promises about the source, read from the source itself.

Each rule is a function from source text to findings, so that its own tests can show that it finds something.
"""

import ast
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "crq", "deployments", "notifications", "releaseflow", "workflow")
Rule = Callable[[str], list[str]]

# The one place that writes a status.
STATUS_WRITERS = {"workflow/machine.py"}
# Where a row may be born with a status. The deadlines' snapshot notes down the status it found.
STATUS_CREATORS = {"crq/deadlines.py"}
CLOCK_READERS = {"workflow/clock.py"}
# Markup that is trusted, as `path: the line that has it`; each needs a reason beside it here.
TRUSTED_MARKUP = {"workflow/markup.py: return SafeString(clean)"}  # nh3 has cleaned it
VAGUE_NAMES = {"utils", "util", "common", "helpers", "helper", "core", "misc", "lib"}
CLOCKS = {
    ("timezone", "now"), ("timezone", "localtime"), ("timezone", "localdate"),
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"),
    ("time", "time"), ("time", "time_ns"),
}  # fmt: skip


def sources(*suffixes: str) -> list[Path]:
    """The files of the apps; migrations are generated and do not count."""
    files = (path for app in APPS for path in sorted((ROOT / app).rglob("*")))
    return [path for path in files if path.suffix in suffixes and "migrations" not in path.parts]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def findings(rule: Rule, paths: list[Path], *, allowed: set[str]) -> list[str]:
    return [f"{name(p)}:{found}" for p in paths if name(p) not in allowed for found in rule(p.read_text())]


def line(node: ast.AST) -> int:
    return getattr(node, "lineno", 0)


# --- The rules -----------------------------------------------------------------------------------------------
def status_written(source: str) -> list[str]:
    """Lines that set a status, as an attribute, by `setattr`, or in the database by an update."""
    return [f"{line(node)} writes a status" for node in ast.walk(ast.parse(source)) if _writes_status(node)]


def _writes_status(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        return node.attr == "status" and not (isinstance(node.value, ast.Name) and node.value.id == "response")
    if not isinstance(node, ast.Call):
        return False
    called = _called(node)
    if called in {"setattr", "bulk_update", "attrsetter"}:
        return any(isinstance(part, ast.Constant) and part.value == "status" for part in ast.walk(node))
    return called in {"update", "update_or_create"} and any(
        keyword.arg == "status" or (keyword.arg in {"defaults", "create_defaults"} and _names_status(keyword.value))
        for keyword in node.keywords
    )


def status_at_birth(source: str) -> list[str]:
    """Lines that make a row with a status, in memory or in the database."""
    tree = ast.parse(source)
    return [f"{n.lineno} creates with a status" for n in ast.walk(tree) if isinstance(n, ast.Call) and _births(n)]


def _births(node: ast.Call) -> bool:
    called = _called(node)
    if called in {"Q", "F", "When", "Prefetch", "CheckConstraint", "UniqueConstraint"} or called.endswith("Response"):
        return False
    makes = called in {"create", "acreate", "get_or_create", "update_or_create"} or called[:1].isupper()
    return makes and any(
        keyword.arg == "status" or (keyword.arg == "defaults" and _names_status(keyword.value))
        for keyword in node.keywords
    )


def clock_read(source: str) -> list[str]:
    """Lines that ask for the present time, under whatever name it was imported."""
    tree = ast.parse(source)
    real = _imported_as(tree)
    return [f"{line(node)} reads the clock" for node in ast.walk(tree) if _reads_clock(node, real)]


def _reads_clock(node: ast.AST, real: dict[str, str]) -> bool:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
        owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
        return (real.get(owner, owner).rpartition(".")[2], node.attr) in CLOCKS
    if isinstance(node, ast.Name) and node.id in real:
        module, _, what = real[node.id].rpartition(".")
        return (module.rpartition(".")[2], what) in CLOCKS
    return False


def trusted_markup(source: str) -> list[str]:
    """Lines that switch escaping off; in the plain text of an e-mail that is right."""
    pattern = re.compile(
        r"\|\s*safe(seq)?\b|\bmark_safe\(|\bSafe(String|Text)\([^)]|\bautoescape\s+off\b|\bdef __html__"
    )
    return [f"{number} {text.strip()}" for number, text in enumerate(source.splitlines(), 1) if pattern.search(text)]


def vague_parts(path: str) -> set[str]:
    return VAGUE_NAMES & {part.removesuffix(".py") for part in Path(path).parts}


def function_lengths(source: str) -> dict[str, int]:
    """Lines of each function from `def` to its end, decorators left out."""
    nodes = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {f"{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1 for node in nodes}


def ninetieth(lengths: list[int]) -> int:
    """The length that nine in ten do not exceed."""
    return sorted(lengths)[math.ceil(len(lengths) * 0.9) - 1]


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _names_status(node: ast.expr) -> bool:
    return isinstance(node, ast.Dict) and any(
        isinstance(key, ast.Constant) and key.value == "status" for key in node.keys
    )


def _imported_as(tree: ast.AST) -> dict[str, str]:
    return dict(
        pair for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom) for pair in _aliases(node)
    )


def _aliases(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    prefix = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
    for alias in node.names:
        yield alias.asname or alias.name, prefix + alias.name


# --- The source keeps them -----------------------------------------------------------------------------------
def test_only_the_machine_writes_a_status() -> None:
    assert findings(status_written, sources(".py"), allowed=STATUS_WRITERS) == []


def test_rows_are_born_with_a_status_only_where_flows_create_them() -> None:
    assert findings(status_at_birth, sources(".py"), allowed=STATUS_CREATORS | STATUS_WRITERS) == []


def test_only_the_clock_reads_the_clock() -> None:
    assert findings(clock_read, sources(".py"), allowed=CLOCK_READERS) == []


def test_nothing_is_trusted_as_markup() -> None:
    files = [*sources(".py", ".html"), *sorted((ROOT / "templates").rglob("*.html"))]
    found = {f"{name(path)}: {text.partition(' ')[2]}" for path in files for text in trusted_markup(path.read_text())}
    assert found == TRUSTED_MARKUP


def test_names_say_something() -> None:
    folders = [*APPS, "templates", "tests"]
    assert [name(p) for f in folders for p in (ROOT / f).rglob("*") if vague_parts(name(p))] == []


def test_files_are_short() -> None:
    lengths = {name(path): len(path.read_text().splitlines()) for path in sources(".py")}
    written = [length for length in lengths.values() if length]

    assert {file: length for file, length in lengths.items() if length > 500} == {}
    assert ninetieth(written) <= 300
    assert median(written) <= 110


def test_functions_are_short() -> None:
    lengths = {
        f"{name(p)}:{f}": length for p in sources(".py") for f, length in function_lengths(p.read_text()).items()
    }

    assert {function: length for function, length in lengths.items() if length > 60} == {}
    assert ninetieth(list(lengths.values())) <= 30
    assert median(lengths.values()) <= 8


# --- The rules can find something ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (status_written, "crq.status = 'approved'"),
        (status_written, "a.b.status, x = 'approved', 1"),
        (status_written, "crq.status += 'x'"),
        (status_written, "setattr(crq, 'status', 'approved')"),
        (status_written, "CRQ.objects.filter(pk=1).update(status='approved')"),
        (status_written, "CRQ.objects.bulk_update(rows, ['status'])"),
        (status_written, "CRQ.objects.bulk_update(rows, fields=['number', 'status'])"),
        (status_written, "CRQ.objects.update_or_create(pk=1, defaults={'status': 'approved'})"),
        (status_at_birth, "CRQ(number='CRQ000000418207', status='open')"),
        (status_at_birth, "CRQ.objects.create(status='open')"),
        (status_at_birth, "CRQ.objects.get_or_create(pk=1, defaults={'status': 'open'})"),
        (clock_read, "from django.utils import timezone\ntimezone.now()"),
        (clock_read, "from django.utils.timezone import now\nnow()"),
        (clock_read, "from django.utils import timezone as tz\ntz.now()"),
        (clock_read, "from datetime import UTC, datetime\ndatetime.now(UTC)"),
        (clock_read, "import datetime as dt\ndt.datetime.now()"),
        (clock_read, "from datetime import date\ndate.today()"),
        (clock_read, "import time\ntime.time()"),
        (clock_read, "from time import time\ntime()"),
        (clock_read, "from datetime import datetime\nmodels.DateTimeField(default=datetime.now)"),
        (trusted_markup, "{{ note|safe }}"),
        (trusted_markup, "{% autoescape off %}"),
        (trusted_markup, "return mark_safe(note)"),
        (trusted_markup, "return SafeString(note)"),
    ],
)
def test_a_rule_finds_its_case(rule: Rule, source: str) -> None:
    assert rule(source)


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (status_written, "if crq.status == 'open': pass"),
        (status_written, "CRQ.objects.filter(status='open')"),
        (status_written, "status = models.CharField()"),
        (status_written, "seen.update({'status': 1})"),
        (status_at_birth, "Q(status='open')"),
        (status_at_birth, "CRQ.objects.filter(status='open')"),
        (status_at_birth, "HttpResponse('Gone.', status=410)"),
        (status_at_birth, "models.CheckConstraint(condition=Q(status='held'))"),
        (clock_read, "from workflow import clock\nclock.now()"),
        (clock_read, "import time\ntime.monotonic()"),
        (clock_read, "from datetime import time\nnoon = time(12)"),
        (clock_read, "def due(*, now):\n    return now"),
        (trusted_markup, "{{ note|linebreaks }} is it safe"),
        (trusted_markup, "def badge() -> SafeString:"),
    ],
)
def test_a_rule_leaves_the_rest_alone(rule: Rule, source: str) -> None:
    assert rule(source) == []


def test_lengths_are_counted() -> None:
    assert function_lengths("@decorated\ndef first():\n    pass\n\ndef second(): pass") == {"2 first": 2, "5 second": 1}
    assert ninetieth([1, 2, 3, 4, 5, 6, 7, 8, 9, 100]) == 9
    assert vague_parts("crq/utils/dates.py") == {"utils"}
