"""What every fact costs, however many people and repositories there are; and how names are compared."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from deployments.forge.address import Address
from deployments.forge.facts import ForgePull
from deployments.models import Repository
from deployments.taking import Taking
from tests.factories import RepositoryFactory
from tests.stages import Stage


def opened(url: str, login: str = "hannahc") -> ForgePull:
    place = Address(url, "acme/sessions", 482)
    return ForgePull(place, "Expire idle sessions", f"{place.repository_url}/pull/482", login, "a" * 40, "open")


@pytest.fixture
def repository(stage: Stage) -> Repository:
    stage.cast.developer.forge_login = "hannahc"
    stage.cast.developer.save()
    url = "https://github.com/acme/sessions"
    found: Repository = RepositoryFactory(application=stage.cast.application, name="acme/sessions", url=url)
    return found


@pytest.mark.parametrize("others", [1, 300])
def test_the_same_again_asks_as_often_beside_many_people_and_repositories(
    repository: Repository, others: int, django_assert_num_queries: Any
) -> None:
    User.objects.bulk_create(
        User(username=f"p{number}", email=f"p{number}@example.com", forge_login=f"person{number}")
        for number in range(others)
    )
    Repository.objects.bulk_create(
        Repository(application=repository.application, name=f"acme/r{n}", url=f"https://github.com/acme/r{n}")
        for n in range(others)
    )
    pull = opened(repository.url, login="stranger")
    assert Taking(Repository.Forge.GITHUB).take(pull).outcome == "taken"

    with django_assert_num_queries(7):
        assert Taking(Repository.Forge.GITHUB).take(pull).outcome == "unchanged"


def test_one_run_looks_each_name_up_once(repository: Repository, django_assert_num_queries: Any) -> None:
    taking = Taking(Repository.Forge.GITHUB)
    place = opened(repository.url).place

    with django_assert_num_queries(2):
        for _ in range(3):
            assert taking.repository(place) == repository
            assert taking.person("HannahC")
            assert taking.person("") is None


@pytest.mark.parametrize("spelled", ["https://GitHub.com/Acme/Sessions", "https://github.com/acme/sessions.git/"])
def test_an_address_is_the_same_however_it_is_written(repository: Repository, spelled: str) -> None:
    taking = Taking(Repository.Forge.GITHUB)

    assert taking.repository(Address(spelled, "acme/sessions", 1)) == repository
    assert taking.repository(Address(f"{spelled}x", "acme/sessions", 1)) is None
    assert Taking(Repository.Forge.GITLAB).repository(Address(spelled, "acme/sessions", 1)) is None
