"""Whatever is typed into an address, a filter or a form, nothing breaks: an answer below 500, on both databases.

HOSTILE_EXAMPLES=5000 tries for minutes.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import quote, quote_from_bytes, urlsplit

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from tests.doors import ADMIN, FORMS, OUTSIDER, PAGES, SIGNED_IN, Door
from tests.support.office import Office, nothing_kept

pytestmark = pytest.mark.django_db
MANY = settings(
    max_examples=int(os.environ.get("HOSTILE_EXAMPLES", "120")),
    deadline=None,
    derandomize="HOSTILE_EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
CORPUS = (
    *(
        b"\0",
        b"a\0b",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x92\xa9",
        b"\xe2\x80\xae",
        b"\r\nBcc: a@b.c",
        b"%",
        b"'",
        b'"',
    ),
    *(
        b"9" * 19,
        b"9" * 30,
        b"-1",
        b"0",
        b"1e309",
        b"NaN",
        "٣".encode(),
        "²".encode(),
        b"2147483648",
        b"9223372036854775808",
    ),
    *(b"0001-01-01", b"9999-12-31", b"2026-02-30", b"10000-01-01", b"0000-00-00", b"25:61", b"2026-13"),
    *(
        b"a" * 5000,
        b" " * 400,
        b"../../etc/passwd",
        b"<script>alert(1)</script>",
        b"{{ 7*7 }}",
        b"[]",
        b"{}",
        b"null",
        b"",
    ),
)
ANYTHING = st.one_of(
    st.sampled_from(CORPUS),
    st.binary(max_size=40),
    st.text(max_size=40).map(str.encode),
    st.integers().map(lambda number: str(number).encode()),
)
PARAMETERS = (
    *(
        "q",
        "view",
        "page",
        "at",
        "before",
        "after",
        "team",
        "week",
        "month",
        "year",
        "present",
        "part",
        "only",
        "format",
    ),
    *(
        "crq",
        "who",
        "what",
        "since",
        "until",
        "deployment",
        "opened",
        "newest",
        "pull_request",
        "application",
        "decide",
    ),
    *("off", "propose", "next", "live", "mark", "to", "code", "state"),
)


@pytest.fixture(autouse=True)
def _documents_of_the_morning(office: Office, settings: LazySettings, _documents_in_tmp_path: None) -> None:
    settings.MEDIA_ROOT = office.documents


def answer(  # noqa: PLR0917 (as the client has them)
    office: Office, person: str, method: str, url: str, body: bytes = b"", kind: str = "", **extra: Any
) -> int:
    """The status; an exception of the page comes through the client as it is."""
    with nothing_kept():
        kind = kind or "application/x-www-form-urlencoded"
        response = office.browsers[person].generic(method, url, body, kind, **extra)
        if response.streaming:
            b"".join(response)
        for close in vars(response)["_resource_closers"]:  # `response.close()` would close the database, too
            close()
    status: int = response.status_code
    assert status < 500, (url, body[:200])
    return status


def allowed(door: Door) -> str:
    """Somebody whose form is read to its end."""
    return next((each for each in sorted(door.who) if each in SIGNED_IN), ADMIN)


def fields(office: Office, door: Door) -> dict[str, bytes]:
    data = door.data(office.world)
    return {name: str(value).encode() for name, value in data.items() if not hasattr(value, "seek")}


def encoded(data: dict[str, bytes]) -> bytes:
    return "&".join(f"{quote(name)}={quote_from_bytes(value)}" for name, value in data.items()).encode()


OPEN = [door for door in PAGES if door.otherwise != 405]
SENT = [door for door in FORMS if door.otherwise not in {401, 405}]


@MANY
@given(st.sampled_from(OPEN), st.dictionaries(st.sampled_from(PARAMETERS), ANYTHING, min_size=1, max_size=3))
def test_a_filter(office: Office, door: Door, query: dict[str, bytes]) -> None:
    url = reverse(door.name, args=door.keys(office.world))

    answer(office, allowed(door), "GET", f"{url}?{encoded(query).decode()}")


@MANY
@given(st.sampled_from(SENT), st.data())
def test_a_field(office: Office, door: Door, data: st.DataObject) -> None:
    """What the form needs, with one or two fields that are not what it waits for."""
    form = fields(office, door)
    names = st.sampled_from([*form, "extra", "seen", "reason"])
    form |= data.draw(st.dictionaries(names, ANYTHING, min_size=1, max_size=2))

    answer(office, allowed(door), "POST", reverse(door.name, args=door.keys(office.world)), encoded(form))


def paths(office: Office) -> list[str]:
    """Each address with each of its keys replaced by what no row has."""
    found = []
    for door in PAGES:
        keys = door.keys(office.world)
        for place, key in enumerate(keys):
            others: list[Any] = []
            if isinstance(key, str):
                others = ["nothing", "\0", "a\0b", "٣", "x" * 3000, "'", "\u202e", "%ff"]
            elif not isinstance(key, int):
                others = [key.replace(year=1), key.replace(year=9999)]
            if isinstance(key, str):  # nor with such letters
                there = reverse(door.name, args=keys)
                found += [there.replace(f"/{key}", f"/{quote(other, safe='')}") for other in others]
            elif isinstance(key, int):  # `reverse` makes no address with so many digits
                there = reverse(door.name, args=[*keys[:place], 123454321, *keys[place + 1 :]])
                found += [there.replace("123454321", str(number)) for number in (0, 2**31, 2**63, 10**30)]
            else:
                found += [reverse(door.name, args=[*keys[:place], other, *keys[place + 1 :]]) for other in others]
    return found


def test_an_address_of_nothing_is_not_found(office: Office) -> None:
    """Also of one CRQ's document below another CRQ."""
    world = office.world
    mixed = [
        reverse("document", args=[world.ready.crq.number, world.waiting.crq.documents.earliest("pk").pk]),
        reverse("document-text", args=[world.waiting.crq.number, world.words.pk]),
    ]
    special = ("/act/", "/api/", "/hooks/", "/sign-in/", "/invitations/", "/me/sign-in/")
    for url in [*paths(office), *mixed]:
        status = answer(office, ADMIN, "GET", url)
        if not url.startswith(special):
            assert status in {404, 405}, url
        answer(office, ADMIN, "POST", url)


@pytest.mark.parametrize("path", ["/%ff%fe/", "/crqs/%00/", "/crqs/%ed%a0%80/", "/weeks/0000-00-00/", "/" + "a" * 9000])
def test_a_path_that_is_none(office: Office, path: str) -> None:
    assert answer(office, ADMIN, "GET", path) in {400, 404}


MULTIPART = "multipart/form-data; boundary=b"


def part(head: bytes, end: bytes = b"\r\n--b--\r\n") -> bytes:
    return b"--b\r\nContent-Disposition: form-data; " + head + b"\r\n\r\nx" + end


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"--b\r\n"),
        ("multipart/form-data; boundary=" + "b" * 300, b"--b\r\n"),
        (MULTIPART, part(b'name="title"', end=b"")),
        (MULTIPART, part(b'name="title"; filename="a.txt"')),
        (MULTIPART, part(b'name="file"')),
        (MULTIPART, part(b'name="file"; filename="\0\xff/.."')),
        (MULTIPART, part(b'name="title"\r\nContent-Transfer-Encoding: base64')),
        ("application/x-www-form-urlencoded; charset=nonsense", b"title=a"),
        ("application/x-www-form-urlencoded; charset=utf-16", b"title=a"),
        ("application/json", b"{"),
        ("nonsense", b"\0\xff"),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % number for number in range(1500))),
        ("application/x-www-form-urlencoded", b"title=" + b"a" * 3_000_000),
    ],
)  # fmt: skip
def test_a_body_that_is_no_form(office: Office, kind: str, body: bytes) -> None:
    for door in FORMS:
        if door.name in {"open-crq", "attach", "attach-files", "approvals", "me"}:
            url = reverse(door.name, args=door.keys(office.world))
            assert answer(office, allowed(door), "POST", url, body, kind) < 500


@pytest.mark.parametrize(
    "host",
    ["evil.example", "testserver.evil.example", "testserver@evil", "te st", "a\0b", "[::1", "testserver:99999:1"],
)
def test_a_foreign_host_is_refused(office: Office, host: str) -> None:
    assert answer(office, ADMIN, "GET", "/", HTTP_HOST=host) == 400


ELSEWHERE = (
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "http:///evil.example",
    "javascript:alert(1)",
    "\t//evil.example",
    "[]",
)


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_nothing_leads_to_another_site(office: Office, elsewhere: str) -> None:
    with nothing_kept():
        for person, url in ((OUTSIDER, reverse("density")), ("anonymous", reverse("density"))):
            response = office.browsers[person].post(url, {"next": elsewhere}, headers={"referer": elsewhere})
            assert urlsplit(response["Location"]).netloc in {"", "testserver"}, response["Location"]
            assert response["Location"].startswith("/"), response["Location"]
            assert not response["Location"].startswith(("//", "/\\")), response["Location"]


# --- Fields that no form has ---------------------------------------------------------------------------------
GREED = {
    **dict.fromkeys(("is_superuser", "is_staff", "is_active", "legal_hold"), "on"),
    **dict.fromkeys(("id", "pk", "by", "installed_by", "verified_by", "requested_by", "decided_by"), "1"),
    **dict.fromkeys(("due_at", "approved_at", "batch_completed_at"), "2026-12-01"),
    "username": "root",
    "email": "root@example.com",
    "status": "approved",
    "roles": "administrator",
    "sha256": "0" * 64,
}


@pytest.mark.parametrize("door", [door for door in SENT if door.who and not door.confirmed_by], ids=str)
def test_more_fields_change_nothing_more(office: Office, door: Door) -> None:
    """The same statements are written with and without them."""
    url, person = reverse(door.name, args=door.keys(office.world)), allowed(door)
    plain = written(office.browsers[person], url, door.data(office.world))

    greedy = written(office.browsers[person], url, {**GREED, **door.data(office.world)})

    assert greedy == plain


def written(client: Client, url: str, data: dict[str, Any]) -> tuple[list[str], list[Any]]:
    """The statements without their values, and the rows of people as they are then."""
    statements: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(("INSERT", "UPDATE", "DELETE")) and "session" not in sql:
            statements.append(sql)
        return execute(sql, params, many, context)

    with nothing_kept():
        with connection.execute_wrapper(note):
            client.post(url, data)
        people = User.objects.order_by("pk").values_list("username", "email", "is_superuser", "is_staff")
        return statements, list(people)
