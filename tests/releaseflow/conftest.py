"""The morning of an install day, made once for all tests of a module that ask for `office`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from django.test import Client, override_settings
from pytest_django.plugin import DjangoDbBlocker

from releaseflow import scheduler
from tests.doors import EVERYBODY
from tests.install_morning import InstallMorning
from tests.support.office import Office, nothing_kept
from workflow import clock


@pytest.fixture(scope="module")
def office(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    """One morning for all; each request is taken back."""
    with ExitStack() as stack:
        stack.enter_context(django_db_blocker.unblock())
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(scheduler, "sentence", lambda now: "")
        documents = tmp_path_factory.mktemp("documents")
        stack.enter_context(override_settings(MEDIA_ROOT=documents))
        stack.enter_context(nothing_kept())
        stack.enter_context(clock.frozen(InstallMorning.now))
        world = InstallMorning()
        browsers = {person: Client() for person in EVERYBODY}
        for person in sorted(EVERYBODY - {"anonymous"}):
            browsers[person].force_login(getattr(world, person, None) or getattr(world.cast, person))
        browsers["administrator"].get("/emails/")  # makes the drafts of the weeks ahead on first sight
        yield Office(world, browsers, documents)
