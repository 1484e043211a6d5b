"""`manage.py import_people`: all of a file or nothing, and every bad row by its line."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Appointment, Membership, User
from accounts.roles import Role
from notifications.models import Email
from tests.cast import Cast
from workflow.models import Event

GOOD = """name,email,team,roles,manager
Ida Berg,ida.berg@example.com,Identity,Dev Team,
Jón Þór Ólafsson,jon@example.com,billing,developer|manager,
Kim Roe,kim@example.com,,Scrum Master / DevOps,
"""


def run(tmp_path: Path, content: str | bytes, *more: str) -> str:
    path, out = tmp_path / "people.csv", StringIO()
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    call_command("import_people", str(path), *more, stdout=out)
    return out.getvalue()


def refused(tmp_path: Path, content: str | bytes) -> str:
    before = (User.objects.count(), Membership.objects.count(), Appointment.objects.count(), Event.objects.count())
    with pytest.raises(CommandError) as caught:
        run(tmp_path, content)
    after = (User.objects.count(), Membership.objects.count(), Appointment.objects.count(), Event.objects.count())
    assert after == before
    return str(caught.value)


def test_people_are_invited_with_their_roles(cast: Cast, tmp_path: Path) -> None:
    assert "3 invited, 0 given roles, 0 unchanged." in run(tmp_path, GOOD)
    jon = User.objects.get(email="jon@example.com")
    assert (jon.first_name, jon.last_name, jon.username) == ("Jón Þór", "Ólafsson", "jon-or.olafsson")
    assert set(jon.memberships.values_list("team__name", "role")) == {("Billing", "developer"), ("Billing", "manager")}
    kim = User.objects.get(email="kim@example.com")
    assert set(kim.appointments.values_list("role", flat=True)) == {"scrum_master", "devops"}
    assert Email.objects.filter(letter__kind="invitation").count() == 3


def test_again_changes_nothing(cast: Cast, tmp_path: Path) -> None:
    run(tmp_path, GOOD)
    count = Event.objects.count()
    assert "0 invited, 0 given roles, 3 unchanged." in run(tmp_path, GOOD)
    assert (Event.objects.count(), Email.objects.count()) == (count, 3)


def test_somebody_known_gets_what_they_lack_and_keeps_their_name(cast: Cast, tmp_path: Path) -> None:
    said = run(tmp_path, "name,email,team,roles\nA. Desai,ANITA.desai@example.com,Identity,developer;manager\n")
    assert "0 invited, 1 given roles" in said
    cast.manager.refresh_from_db()
    assert cast.manager.name == "Anita Desai"
    assert set(cast.manager.memberships.values_list("role", flat=True)) == {"developer", "manager"}
    assert Event.objects.filter(object_type="team", action="add_member", actor=None).count() == 1


def test_the_first_administrator_comes_by_the_file(db: None, tmp_path: Path) -> None:
    run(tmp_path, "name,email,roles\nAda Quist,ada@example.com,Administrator\n")
    assert Appointment.objects.get().role == Role.ADMINISTRATOR


def test_a_named_manager_becomes_one_of_the_team(cast: Cast, tmp_path: Path) -> None:
    run(
        tmp_path,
        "name,email,team,roles,manager\n"
        "Ida Berg,ida@example.com,Billing,developer,jon@example.com\n"
        "Jon Roe,jon@example.com,,,\n"
        "Kim Roe,kim@example.com,Billing,developer,nick.nowhere@example.com\n",
    )
    managers = Membership.objects.filter(team=cast.other_team, role=Role.MANAGER).values_list("user__email", flat=True)
    assert set(managers) == {"omar.haddad@example.com", "jon@example.com", "nick.nowhere@example.com"}


def test_a_dry_run_says_the_same_and_changes_nothing(cast: Cast, tmp_path: Path) -> None:
    people = User.objects.count()
    said = run(tmp_path, GOOD, "--dry-run")
    assert "3 invited" in said
    assert "nothing was changed" in said
    assert (User.objects.count(), Email.objects.count()) == (people, 0)


@pytest.mark.parametrize(
    "content",
    [
        GOOD.encode("utf-8-sig"),
        GOOD.encode("utf-16"),
        GOOD.replace(",", ";").encode(),
        GOOD.replace(",", "\t").encode(),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace("name,email", "Name,E-mail").encode(),
        (GOOD + "\n,,,,\n").encode(),
    ],
    ids=["BOM", "UTF-16", "semicolons", "tabs", "Windows line ends", "other heads", "empty rows"],
)
def test_what_spreadsheets_write_is_read(cast: Cast, tmp_path: Path, content: bytes) -> None:
    assert "3 invited" in run(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (GOOD.encode("latin-1", "replace").replace(b"?", b"\xde"), "Line 3: this is not UTF-8"),
        ("", "Line 1: the file has no column"),
        ("who,mail\nIda,ida@example.com\n", "Line 1: the file has no column name"),
        ("name,email,shoe\nIda,ida@example.com,38\n", "Line 1: the file has the column shoe"),
        ("name,email,email\nIda,a@example.com,b@example.com\n", "Line 1: the file has a column twice"),
        ("name,email\nIda,ida@example.com,x\n", "Line 2: it has 3 values for 2 columns"),
        ("name,email\n,ida@example.com\n", "Line 2: a name is needed"),
        ("name,email\nIda,ida\n", "Line 2: “ida” is not an e-mail address"),
        ("name,email\nIda,\n", "Line 2: “” is not an e-mail address"),
        ("name,email\nIda,a@example.com\nJon,A@example.com\n", "Line 3: a@example.com stands on line 2 already"),
        ("name,email,team\nIda,ida@example.com,Nowhere\n", "Line 2: there is no team Nowhere"),
        ("name,email,team,roles\nIda,ida@example.com,Identity,boss\n", "Line 2: there is no role boss"),
        ("name,email,roles\nIda,ida@example.com,developer\n", "Line 2: Dev Team is a role of a team"),
        (
            "name,email,team,manager\nIda,ida@example.com,Identity,no@example.com\n",
            "Line 2: the manager no@example.com",
        ),
        ('name,email\n"Ida,ida@example.com\n', "this is not CSV"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("Line") else "",
)
def test_a_bad_file_is_refused_whole_with_the_line(
    cast: Cast, tmp_path: Path, content: str | bytes, sentence: str
) -> None:
    assert sentence in refused(tmp_path, content)


def test_every_bad_row_is_named_at_once(cast: Cast, tmp_path: Path) -> None:
    said = refused(tmp_path, "name,email,team\nIda,ida,\nJon,jon@example.com,\nKim,kim@example.com,Nowhere\n")
    assert "Line 2:" in said
    assert "Line 4:" in said


def test_a_file_that_is_not_there_is_said(cast: Cast) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_people", "/nowhere/people.csv")
