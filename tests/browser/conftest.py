"""One server for all tests of a module, before a database that is filled once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.test import override_settings
from django.test.utils import setup_databases, teardown_databases
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer
from pytest_django.plugin import DjangoDbBlocker

from tests.browser.product import Product, Story
from tests.support import database
from tests.support.hands import Hands, Keyboard
from tests.support.reader import Reader, reading
from tests.support.room import Room
from workflow import clock


@contextmanager
def _served(story: type[Story], documents: Any) -> Iterator[Product]:
    """At its own time, with the demonstration's addresses; without a trace afterwards.

    Connections made before the browser's event loop began are not seen while it runs, and those made while it runs
    not afterwards, so each is closed where it was made: an open one keeps PostgreSQL from dropping the database.
    """
    stack = ExitStack()
    patch = stack.enter_context(pytest.MonkeyPatch.context())
    patch.setattr(clock, "_read", lambda: story.now)
    stack.enter_context(override_settings(MEDIA_ROOT=documents, ROOT_URLCONF="tests.support.demo_urls"))
    with stack:
        told = story()
        connections.close_all()
        server = LiveServer("localhost")
        yield Product(told, server.url, documents)
        server.stop()
        database.empty_evidence()
        call_command("flush", verbosity=0, interactive=False)
        connections.close_all()


@pytest.fixture(scope="session")
def _database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """pytest-django makes it where a test is marked for it; the marked ones would empty it, too, each for itself."""
    if not database.url().endswith(connection.settings_dict["NAME"]):
        yield
        return
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases={DEFAULT_DB_ALIAS: None})
        yield
        teardown_databases(made, verbosity=0)


@pytest.fixture(scope="module")
def product(
    request: pytest.FixtureRequest,
    _database: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Product]:
    """Served on the day that the tests name: `@pytest.mark.parametrize("product", [Thursday], indirect=True)`."""
    with django_db_blocker.unblock(), _served(request.param, tmp_path_factory.mktemp("documents")) as served:
        yield served


@pytest.fixture(scope="module")
def _readers(product: Product, browser: Browser) -> Iterator[Callable[[str], Reader]]:
    with ExitStack() as open_windows:
        known: dict[str, Reader] = {}

        def window(who: str) -> Reader:
            if who not in known:
                session = product.session(who)
                known[who] = open_windows.enter_context(reading(browser, product.address, session))
            return known[who]

        yield window


@pytest.fixture
def reader(_readers: Callable[[str], Reader], product: Product, settings: LazySettings) -> Callable[[str], Reader]:
    """`reader("manager")` is that person of the cast before the browser, signed in; `reader("")` is nobody."""
    settings.MEDIA_ROOT = product.documents
    return _readers


@pytest.fixture
def room(way: type[Hands], browser: Browser, live_server: LiveServer, settings: LazySettings) -> Iterator[Room]:
    """Walked in the way that the module names."""
    settings.DEMO = True  # only for its clock
    errors: list[str] = []
    with browser.new_context(java_script_enabled=way is Keyboard) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield Room(way(page), live_server.url, settings)
    assert errors == []
