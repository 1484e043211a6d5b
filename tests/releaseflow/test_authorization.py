"""Every address, opened and sent to, as every role: against the table of tests/doors.py, which comes from the words.

tests/crq/test_matrix.py has what each role may do in each status; this is about the way there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.doors import (
    ACTS,
    ADMIN,
    EVERYBODY,
    FORMS,
    OTHER_MANAGER,
    PAGES,
    REFUSED,
    SENT_IN_TESTS_OF_THE_SIGN_IN,
    SIGN_IN,
    SUPERUSER,
    Act,
    Door,
)
from tests.support.office import Office, Written, nothing_kept
from workflow.steps import Flow

pytestmark = pytest.mark.django_db
FOR_PROGRAMS = {"api", "hook"}
BESIDES = {OTHER_MANAGER, SUPERUSER}
"""What these may read, others like them may; what they may do is tried in full."""


@pytest.fixture(autouse=True)
def _documents_of_the_morning(office: Office, settings: LazySettings, _documents_in_tmp_path: None) -> None:
    settings.MEDIA_ROOT = office.documents


def check(office: Office, method: str, door: Door, url: str, data: dict[str, Any]) -> None:
    """Everybody at once, so that a failure shows the whole line of the table."""
    found, expected, answers = {}, {}, {}
    for person in sorted(EVERYBODY - BESIDES if method == "get" else EVERYBODY):
        found[person], answers[person] = office.knock(method, door, url, data, person)
        expected[person] = door.expected(person)
    assert found == expected, answers


@pytest.mark.parametrize("door", PAGES, ids=str)
def test_opened(office: Office, door: Door) -> None:
    check(office, "get", door, reverse(door.name, args=door.keys(office.world)), {})


@pytest.mark.parametrize("door", FORMS, ids=str)
def test_sent(office: Office, door: Door) -> None:
    url = reverse(door.name, args=door.keys(office.world))

    check(office, "post", door, url, _confirmed(office, door, url))


def _confirmed(office: Office, door: Door, url: str) -> dict[str, Any]:
    """With the digest of the preview, where the form asks for a second look."""
    data = door.data(office.world)
    if not door.confirmed_by:
        return data
    with nothing_kept():
        page = office.browsers[door.confirmed_by].post(url, data).content.decode()
    digest = re.search(r'name="confirm"\s+value="([^"]+)"', page)
    assert digest, page
    return data | {"confirm": digest[1]}


@pytest.mark.parametrize("name", sorted(SENT_IN_TESTS_OF_THE_SIGN_IN))
def test_an_empty_form_about_ones_sign_in_writes_nothing(office: Office, name: str) -> None:
    door = next(each for each in PAGES if each.name == name)
    url = reverse(name, args=door.keys(office.world))

    for person in sorted(EVERYBODY):
        found, answer = office.knock("post", door, url, {}, person)
        assert found in {REFUSED, SIGN_IN, 404, 405, 410}, (person, answer)


@pytest.mark.parametrize("key", sorted(ACTS))
def test_pressed(office: Office, key: str) -> None:
    act: Act = ACTS[key]
    flow, _, action = key.partition(".")
    [pk] = act.on(office.world)
    door = Door("act", who=frozenset(act.who), label=key)

    check(office, "post", door, reverse("act", args=[flow, pk, action]), act.given(office.world))


# --- Nothing is forgotten ------------------------------------------------------------------------------------
def names(patterns: Iterable[URLPattern | URLResolver]) -> Iterator[str]:
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from names(each.url_patterns)
        else:
            yield each.name or str(each.pattern)


def test_every_address_is_in_the_tables() -> None:
    known = set(names(get_resolver("releaseflow.urls").url_patterns))
    sent = {door.name for door in FORMS} | SENT_IN_TESTS_OF_THE_SIGN_IN | {"act"}

    assert {door.name for door in PAGES} == known
    assert sent == known


def test_every_button_is_in_the_table() -> None:
    steps = {
        f"{flow.name}.{step.action}": step.plain and not (step.target and not step.sources)
        for flow in Flow.registry.values()
        for step in flow.steps.values()
    }

    assert {key for key, is_button in steps.items() if is_button} == set(ACTS)


def test_what_is_no_plain_button_is_no_address(office: Office) -> None:
    """Steps with a form of their own, first steps, and flows and steps that are not there."""
    steps = {(flow.name, action) for flow in Flow.registry.values() for action in flow.steps}
    hidden = {each for each in steps if ".".join(each) not in ACTS} | {("crq", "destroy"), ("nothing", "approve")}
    assert len(hidden) > 30

    for flow, action in sorted(hidden):
        url = reverse("act", args=[flow, 1, action])
        assert office.browsers[ADMIN].post(url).status_code == 404, url


# --- A form of another site ----------------------------------------------------------------------------------
def test_no_form_is_taken_without_its_token(office: Office) -> None:
    """The session alone is not enough; addresses for programs ask for a key, which a browser does not send."""
    browser, written, answers = Client(enforce_csrf_checks=True), Written(), {}
    browser.cookies = office.browsers[ADMIN].cookies
    doors = {f"{door}": (door.name, reverse(door.name, args=door.keys(office.world))) for door in FORMS}
    doors["a plain button"] = ("act", reverse("act", args=["week", office.world.week.pk, "complete_batch"]))

    with connection.execute_wrapper(written):
        for label, (name, url) in doors.items():
            status = browser.post(url).status_code
            if status != (401 if name in FOR_PROGRAMS else 403):
                answers[label] = status

    assert (answers, written.tables) == ({}, [])


# --- Keys of others, and of nobody ---------------------------------------------------------------------------
