"""`manage.py import_applications`: all of a file or nothing, and every bad row by its line."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from deployments.models import Application, Repository
from tests.cast import Cast
from workflow.models import Event

GOOD = """name,team,repositories,forge,approvals
Sign-in,Identity,https://github.com/acme/sign-in,,2
Ledger,billing,https://git.example.com/acme/ledger.git | https://git.example.com/acme/books/,GitLab,
Statements,Billing,,,
Sign-in,Identity,https://gitlab.acme.example/acme/tools/session,,
"""


def run(tmp_path: Path, content: str, *more: str) -> str:
    path, out = tmp_path / "applications.csv", StringIO()
    path.write_text(content)
    call_command("import_applications", str(path), *more, stdout=out)
    return out.getvalue()


def refused(tmp_path: Path, content: str) -> str:
    with pytest.raises(CommandError) as caught:
        run(tmp_path, content)
    assert (Application.objects.count(), Repository.objects.count(), Event.objects.count()) == (1, 1, 0)
    return str(caught.value)


def test_applications_and_their_repositories_are_added(cast: Cast, tmp_path: Path) -> None:
    assert "3 applications and 4 repositories added, 0 rows unchanged." in run(tmp_path, GOOD)
    found = Repository.objects.exclude(pk=cast.repository.pk).order_by("url")
    assert list(found.values_list("application__name", "name", "url", "forge", "required_approvals")) == [
        ("Ledger", "acme/books", "https://git.example.com/acme/books", "gitlab", 1),
        ("Ledger", "acme/ledger", "https://git.example.com/acme/ledger", "gitlab", 1),
        ("Sign-in", "acme/sign-in", "https://github.com/acme/sign-in", "github", 2),
        ("Sign-in", "acme/tools/session", "https://gitlab.acme.example/acme/tools/session", "gitlab", 1),
    ]
    assert set(Application.objects.values_list("name", "team__name")) > {
        ("Ledger", "Billing"),
        ("Statements", "Billing"),
    }
    assert Event.objects.filter(action="create", actor=None).count() == 7


def test_again_changes_nothing(cast: Cast, tmp_path: Path) -> None:
    run(tmp_path, GOOD)
    count = Event.objects.count()
    assert "0 applications and 0 repositories added, 4 rows unchanged." in run(tmp_path, GOOD)
    assert Event.objects.count() == count


def test_a_known_application_gets_what_it_lacks_and_keeps_its_name(cast: Cast, tmp_path: Path) -> None:
    more = "name,team,repository,forge\nADMIN portal,Identity,https://git.example.com/acme/admin-web,Gitea\n"
    assert "0 applications and 1 repositories added" in run(tmp_path, more)
    assert set(cast.application.repositories.values_list("name", flat=True)) == {
        "acme/identity-admin",
        "acme/admin-web",
    }
    assert Application.objects.get().name == "Admin portal"


def test_a_dry_run_says_the_same_and_changes_nothing(cast: Cast, tmp_path: Path) -> None:
    said = run(tmp_path, GOOD, "--dry-run")
    assert "3 applications and 4 repositories added" in said
    assert "nothing was changed" in said
    assert (Application.objects.count(), Event.objects.count()) == (1, 0)


def test_scripts_get_it_as_json(cast: Cast, tmp_path: Path) -> None:
    said = json.loads(run(tmp_path, GOOD, "--json"))
    assert said == {
        "applications": ["Sign-in", "Ledger", "Statements"],
        "repositories": ["acme/sign-in", "acme/ledger", "acme/books", "acme/tools/session"],
        "unchanged": 0,
        "dry_run": False,
    }


def test_scripts_get_what_is_wrong_as_json_too(cast: Cast, tmp_path: Path) -> None:
    path, out = tmp_path / "applications.csv", StringIO()
    path.write_text("name,team\nLedger,Nowhere\n")
    with pytest.raises(CommandError):
        call_command("import_applications", str(path), "--json", stdout=out)
    assert json.loads(out.getvalue()) == {
        "problems": ["Line 2: there is no team Nowhere. Add it on the settings page, or correct the name."]
    }


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("name\nLedger\n", "Line 1: the file has no column team. Its columns are name, team, repositories"),
        ("name,team\n,Billing\n", "Line 2: a name is needed"),
        ("name,team\nLedger,\n", "Line 2: the team that owns the application is needed"),
        ("name,team\nLedger,Nowhere\n", "Line 2: there is no team Nowhere"),
        (f"name,team\n{'x' * 81},Billing\n", "Line 2: a name is needed, of at most 80 characters"),
        ("name,team\nAdmin portal,Billing\n", "Line 2: Admin portal belongs to Identity by releaseflow"),
        ("name,team\nLedger,Billing\nledger,Identity\n", "Line 3: ledger belongs to Billing by line 2"),
        ("name,team,repositories\nLedger,Billing,http://github.com/a/b\n", "Line 2: “http://github.com/a/b” is not"),
        ("name,team,repositories\nLedger,Billing,https://github.com\n", "Line 2: “https://github.com” is not"),
        ("name,team,repositories\nLedger,Billing,https://git.example.com/a/b\n", "Line 2: whose kind of forge git."),
        ("name,team,forge\nLedger,Billing,CVS\n", "Line 2: there is no forge CVS. Forges are GitHub"),
        ("name,team,approvals\nLedger,Billing,0\n", "Line 2: “0” is no number of approvals from 1 to 10"),
        ("name,team,approvals\nLedger,Billing,two\n", "Line 2: “two” is no number"),
        (
            "name,team,repositories\nLedger,Billing,https://github.com/a/b\nBooks,Billing,https://GitHub.com/a/b/\n",
            "Line 3: https://GitHub.com/a/b belongs to Ledger by line 2",
        ),
    ],
    ids=lambda value: value if value.startswith("Line") else "",
)
def test_a_bad_file_is_refused_whole_with_the_line(cast: Cast, tmp_path: Path, content: str, sentence: str) -> None:
    assert sentence in refused(tmp_path, content)


def test_a_repository_of_another_application_is_refused(cast: Cast, tmp_path: Path) -> None:
    content = f"name,team,repositories,forge\nLedger,Billing,{cast.repository.url},GitHub\n"
    assert "belongs to Admin portal by releaseflow" in refused(tmp_path, content)


def test_every_bad_row_is_named_at_once(cast: Cast, tmp_path: Path) -> None:
    said = refused(tmp_path, "name,team\nLedger,Nowhere\nStatements,Billing\n,Billing\n")
    assert "Line 2:" in said
    assert "Line 4:" in said
