"""The Compose file keeps its promises. It is read as text: whether an engine likes it, only an engine can tell."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from tests.releaseflow.test_settings import documented

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "tests" / "support" / "data" / "compose-spec.json"  # github.com/compose-spec/compose-spec, 2026-06-23
STACK: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
OURS = ("migrate", "web", "worker", "beat")
every_service = pytest.mark.parametrize("name", SERVICES)
each_of_ours = pytest.mark.parametrize("name", OURS)


def test_it_is_valid_by_the_compose_specification() -> None:
    problems = Draft7Validator(json.loads(SCHEMA.read_text())).iter_errors(STACK)

    assert [f"{list(each.absolute_path)}: {each.message}" for each in problems] == []


def test_the_schema_would_find_a_mistake() -> None:
    wrong = STACK | {"services": SERVICES | {"web": SERVICES["web"] | {"helthcheck": {}}}}

    assert not Draft7Validator(json.loads(SCHEMA.read_text())).is_valid(wrong)


def test_everything_that_runs_is_there() -> None:
    assert {name for name, service in SERVICES.items() if not service.get("profiles")} == {*OURS, "db", "redis"}
    assert (SERVICES["mail"]["profiles"], SERVICES["clamd"]["profiles"]) == (["dev"], ["scan"])


@every_service
def test_nothing_runs_as_root_or_writes_beside_its_volumes(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert str(service["user"]).partition(":")[0] not in {"", "0", "root"}
    assert "privileged" not in service


@every_service
def test_only_pages_and_the_mail_catcher_are_published_and_only_on_this_machine(name: str) -> None:
    published = SERVICES[name].get("ports", [])

    assert bool(published) == (name in {"web", "mail"})
    assert all(port.startswith("127.0.0.1:") for port in published)


@pytest.mark.parametrize("name", ["db", "redis"])
def test_stores_are_reached_from_inside_alone(name: str) -> None:
    assert STACK["networks"]["inside"]["internal"]
    assert SERVICES[name]["networks"] == ["inside"]


@every_service
def test_everything_that_stays_up_has_a_health_check_a_grace_and_rotated_logs(name: str) -> None:
    service = SERVICES[name]

    assert name == "migrate" or {"healthcheck", "stop_grace_period"} <= set(service)
    assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")
    assert service["logging"] == {"driver": "local"}


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_the_application_waits_for_its_stores_and_for_the_migrations(name: str) -> None:
    waits = {other: given["condition"] for other, given in SERVICES[name]["depends_on"].items()}

    assert waits == {
        "migrate": "service_completed_successfully",
        "db": "service_healthy",
        "redis": "service_healthy",
    }


@each_of_ours
def test_no_secret_stands_in_the_file_and_every_variable_is_known(name: str) -> None:
    environment: dict[str, str] = SERVICES[name]["environment"]
    names = {variable.removesuffix("_FILE") for variable in environment}

    assert names <= set(documented())
    assert {"SECRET_KEY", "DATABASE_URL"}.isdisjoint(environment)
    assert {"SECRET_KEY_FILE", "DATABASE_URL_FILE"} <= set(environment)
    for variable in ("SECRET_KEY_FILE", "DATABASE_URL_FILE"):
        assert environment[variable].removeprefix("/run/secrets/") in SERVICES[name]["secrets"]


def test_what_it_takes_from_its_surroundings_is_known() -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))

    assert asked - {"WEB_PORT"} <= set(documented())


def test_each_secret_is_made_by_make_secrets() -> None:
    recipe = (ROOT / "Makefile").read_text()

    assert {f"./{path}" for path in re.findall(r"> (var/secrets/\w+)", recipe)} == {
        each["file"] for each in STACK["secrets"].values()
    }


@every_service
def test_volumes_have_names(name: str) -> None:
    assert {each.partition(":")[0] for each in SERVICES[name].get("volumes", [])} <= set(STACK["volumes"])


@each_of_ours
def test_the_image_runs_as_who_compose_says(name: str) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()

    assert SERVICES[name]["user"] == re.findall(r"^USER (\S+)$", dockerfile, flags=re.MULTILINE)[-1]
    assert SERVICES[name]["environment"]["VAR_DIR"] in re.findall(r"^VOLUME (\S+)$", dockerfile, flags=re.MULTILINE)
