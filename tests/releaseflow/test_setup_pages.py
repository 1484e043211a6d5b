"""The settings: who changes them, what they audit, what is seen before a change, and the first-run checklist."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Team
from deployments.models import Application, Repository
from notifications.models import Email, Stakeholder
from releaseflow.settings_pages import consequences, page
from releaseflow.settings_pages.flow import APPLICATION, RECIPIENT, REPOSITORY, TEAM
from tests.factories import ApplicationFactory, RepositoryFactory
from tests.stages import EARLY, Stage
from workflow.machine import perform, refusal
from workflow.models import Event

DECIDES = "its managers approve the CRQs, its developers review and verify"
OTHERS = ("developer", "manager", "scrum_master", "devops", "director", "outsider")
ADDRESSES = ("settings", "setting-applications", "setting-teams", "setting-recipients")


@pytest.fixture
def admin(client: Client, stage: Stage) -> Client:
    client.force_login(stage.cast.administrator)
    return client


def repository_values(repository: Repository, **values: Any) -> dict[str, Any]:
    given = {"name": repository.name, "url": repository.url, "forge": repository.forge, "required_approvals": 1}
    return given | values


# --- Who ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", OTHERS)
def test_everybody_reads_and_is_told_who_changes(client: Client, stage: Stage, role: str) -> None:
    client.force_login(getattr(stage.cast, role))

    for name in ADDRESSES:
        response = client.get(reverse(name))
        assert response.status_code == 200, name
        assert "Only an administrator can do this: Ada Quist." in response.content.decode(), name


@pytest.mark.parametrize("role", OTHERS)
def test_nobody_else_changes_anything(client: Client, stage: Stage, role: str) -> None:
    application, repository, team = stage.cast.application, stage.cast.repository, stage.cast.team
    client.force_login(getattr(stage.cast, role))
    posts = (
        (reverse("setting-applications"), {"name": "New", "team": team.pk}),
        (reverse("setting-application", args=[application.pk]), {"name": "New", "team": team.pk}),
        (reverse("setting-repository", args=[repository.pk]), repository_values(repository, required_approvals=2)),
        (reverse("setting-teams"), {"name": "New"}),
        (reverse("setting-team", args=[team.pk]), {"name": "New"}),
        (reverse("setting-recipients"), {"name": "New", "email": "new@example.com"}),
    )
    for address, values in posts:
        response = client.post(address, values)
        assert response.status_code == 422, address
        assert "can do this: Ada Quist." in response.content.decode(), address

    assert not Event.objects.filter(object_type__in=["application", "repository", "team", "stakeholder"]).exists()
    assert not Stakeholder.objects.exists()


@pytest.mark.parametrize("flow", [APPLICATION, REPOSITORY, TEAM, RECIPIENT])
def test_every_step_is_for_administrators(stage: Stage, flow: Any) -> None:
    for action in flow.steps:
        no = refusal(flow, action, flow.model(), by=stage.cast.scrum_master, now=EARLY)
        assert no is not None, action
        assert no.code == "role", action


# --- Adding and changing -------------------------------------------------------------------------------------
def test_an_application_with_its_repository(admin: Client, stage: Stage) -> None:
    admin.post(reverse("setting-applications"), {"name": "  Ledger   two ", "team": stage.cast.team.pk})
    application = Application.objects.get(name="Ledger two")
    address = reverse("setting-application", args=[application.pk])
    values = {"form": "repository", "name": "acme/two", "url": "https://git.example.com/two", "forge": "github"}
    answer = admin.post(address, values | {"required_approvals": "2"})

    assert answer.status_code == 302
    assert [each.required_approvals for each in application.repositories.all()] == [2]
    events = Event.objects.filter(object_type__in=["application", "repository"])
    assert [(each.object_type, each.action, each.actor) for each in events] == [
        ("application", "create", stage.cast.administrator),
        ("repository", "create", stage.cast.administrator),
    ]


@pytest.mark.parametrize(
    ("name", "values", "sentence"),
    [
        ("setting-applications", {"name": "Admin portal", "team": "1"}, "in releaseflow already"),
        ("setting-applications", {"name": "", "team": ""}, "Fill this in."),
        ("setting-teams", {"name": "identity"}, "too much like the name of another team"),
        ("setting-recipients", {"name": "x", "email": "nobody"}, "Give an e-mail address"),
    ],
)
def test_what_cannot_be_added_says_why(
    admin: Client, stage: Stage, *, name: str, values: dict[str, Any], sentence: str
) -> None:
    if values.get("team"):
        values = values | {"team": stage.cast.team.pk}
    response = admin.post(reverse(name), values)

    assert response.status_code == 422
    assert sentence in response.content.decode()


def test_a_name_that_another_has_is_refused_when_changed(admin: Client, stage: Stage) -> None:
    other = ApplicationFactory(name="Ledger", team=stage.cast.team)
    address = reverse("setting-application", args=[other.pk])
    response = admin.post(address, {"name": "Admin portal", "team": stage.cast.team.pk})

    assert response.status_code == 422
    assert "Admin portal is in releaseflow already." in response.content.decode()


def test_a_change_is_noted_as_before_and_after(admin: Client, stage: Stage) -> None:
    admin.post(reverse("setting-team", args=[stage.cast.team.pk]), {"name": "Identity and access"})

    assert Team.objects.get(pk=stage.cast.team.pk).slug == "identity"
    assert Event.objects.get(object_type="team").data == {"name": "Identity → Identity and access"}


def test_members_come_and_go(admin: Client, stage: Stage) -> None:
    address = reverse("setting-team", args=[stage.cast.team.pk])
    member = {"form": "member", "user": stage.cast.outsider.pk, "role": "developer"}
    admin.post(address, member)
    joined = Membership.objects.filter(user=stage.cast.outsider, team=stage.cast.team, role="developer")
    assert joined.count() == 1

    again = admin.post(address, member)
    assert "Nick Nowhere is Dev Team of Identity already." in again.content.decode()
    admin.post(address, member | {"action": "remove_member"})

    assert not joined.exists()
    assert [each.action for each in Event.objects.filter(object_type="team")] == ["add_member", "remove_member"]


def test_a_recipient_is_removed_and_stays_on_record(admin: Client, stage: Stage) -> None:
    admin.post(reverse("setting-recipients"), {"name": "Service desk", "email": "desk@example.com"})
    perform(RECIPIENT, "remove", Stakeholder.objects.get(), by=stage.cast.administrator)

    assert not Stakeholder.objects.exists()
    assert Event.objects.get(action="remove").data == {"name": "Service desk", "email": "desk@example.com"}


def test_a_repository_with_pull_requests_stays(stage: Stage) -> None:
    stage.submit()
    empty = RepositoryFactory(application=stage.cast.application)
    no = refusal(REPOSITORY, "remove", stage.cast.repository, by=stage.cast.administrator, now=EARLY)

    assert no is not None
    assert no.sentence == "1 pull request of it stays on record, so the repository stays too."
    perform(REPOSITORY, "remove", empty, by=stage.cast.administrator)
    assert not Repository.objects.filter(pk=empty.pk).exists()


# --- What changes first --------------------------------------------------------------------------------------
def test_more_approvals_are_shown_before_they_are_asked_for(admin: Client, stage: Stage) -> None:
    stage.cleared()
    stage.review(stage.submit())
    repository = stage.cast.repository
    address = reverse("setting-repository", args=[repository.pk])
    wish = repository_values(repository, required_approvals=2)
    shown = admin.post(address, wish)
    preview = shown.context["preview"]
    repository.refresh_from_db()

    assert [each.sentence for each in preview.found] == [
        "1 planned deployment is then not fully approved.",
        "1 of them cleared for install: the install cannot start before the approvals are there.",
        "1 waiting pull request needs another approval.",
    ]
    assert repository.required_approvals == 1
    assert admin.post(address, wish | {"confirm": preview.digest}).status_code == 302
    repository.refresh_from_db()
    assert repository.required_approvals == 2
    assert Event.objects.get(object_type="repository").data == {"required_approvals": "1 → 2"}


def test_what_changed_while_looking_is_shown_again(admin: Client, stage: Stage) -> None:
    stage.planned()
    repository = stage.cast.repository
    address = reverse("setting-repository", args=[repository.pk])
    wish = repository_values(repository, required_approvals=2)
    digest = admin.post(address, wish).context["preview"].digest
    stage.review(stage.submit())
    again = admin.post(address, wish | {"confirm": digest})
    repository.refresh_from_db()

    assert again.status_code == 409
    assert "Something changed while you looked" in again.content.decode()
    assert repository.required_approvals == 1


def test_going_on_editing_keeps_what_was_typed(admin: Client, stage: Stage) -> None:
    stage.planned()
    address = reverse("setting-repository", args=[stage.cast.repository.pk])
    response = admin.post(address, repository_values(stage.cast.repository, required_approvals=2) | {"edit": "1"})

    assert 'value="2"' in response.content.decode()
    assert Repository.objects.get(pk=stage.cast.repository.pk).required_approvals == 1


def test_fewer_approvals_may_be_enough_at_once(stage: Stage) -> None:
    Repository.objects.update(required_approvals=2)
    stage.cast.repository.refresh_from_db()
    stage.planned()

    found = consequences.of_repository(stage.cast.repository, {"required_approvals": 1}).found

    assert [each.sentence for each in found] == ["1 pull request is fully approved at once."]


def test_moving_an_application_says_who_decides_from_then_on(admin: Client, stage: Stage) -> None:
    stage.planned()
    application, billing = stage.cast.application, stage.cast.other_team
    address = reverse("setting-application", args=[application.pk])
    wish = {"name": application.name, "team": billing.pk}
    preview = admin.post(address, wish).context["preview"]

    assert [each.sentence for each in preview.found] == [
        f"Billing owns it from now on: {DECIDES}. Identity no longer can.",
        "1 deployment changes hands while under way.",
        "1 pull request is reviewed by Billing from now on. Approvals that Identity gave keep counting.",
    ]
    admin.post(address, wish | {"confirm": preview.digest})
    assert Application.objects.get(pk=application.pk).team == billing


def test_a_new_name_has_no_consequences_to_show(admin: Client, stage: Stage) -> None:
    address = reverse("setting-application", args=[stage.cast.application.pk])

    assert admin.post(address, {"name": "Portal", "team": stage.cast.team.pk}).status_code == 302


# --- The checklist -------------------------------------------------------------------------------------------
def test_the_checklist_of_an_empty_installation(db: None) -> None:
    assert not any(item.done for item in page.checklist(EARLY))


def test_the_checklist_names_what_is_missing(stage: Stage) -> None:
    items = {item.label: item for item in page.checklist(EARLY)}

    assert items["Teams"].done
    assert items["People and roles"].done
    assert items["Applications and repositories"].done
    assert items["Recipients"].detail == "No recipient yet"
    ApplicationFactory(team=stage.cast.team)
    Membership.objects.filter(role="manager", team=stage.cast.other_team).delete()
    items = {item.label: item for item in page.checklist(EARLY)}
    assert items["People and roles"].detail == "Missing: a Dev Manager of Billing."
    assert items["Applications and repositories"].detail == "2 applications, 1 without a repository"


def test_an_administrator_tries_the_email(admin: Client, stage: Stage) -> None:
    admin.post(reverse("act", args=["account", stage.cast.administrator.pk, "test_email"]))

    email = Email.objects.get()
    assert (email.to, email.letter.subject) == (stage.cast.administrator.email, "E-mail from releaseflow works")
    assert "Ada Quist sent this test." in email.letter.text


# --- Costs ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("name", "role", "queries"),
    [
        ("setting-applications", "administrator", 6),
        ("setting-applications", "developer", 7),
        ("setting-teams", "administrator", 6),
        ("setting-recipients", "administrator", 4),
        ("setting-recipients", "developer", 5),
        ("settings", "administrator", 12),
    ],
)
def test_lists_cost_the_same_for_one_and_three(
    client: Client, stage: Stage, django_assert_num_queries: Any, *, name: str, role: str, queries: int, count: int
) -> None:
    for number in range(count):
        RepositoryFactory(application__team__name=f"Team {number}", application__team__slug=f"t{number}")
        Stakeholder.objects.create(email=f"desk{number}@example.com")
    client.force_login(getattr(stage.cast, role))

    with django_assert_num_queries(queries):
        client.get(reverse(name))


@pytest.mark.parametrize("count", [1, 3])
def test_an_application_costs_the_same_for_one_and_three(
    admin: Client, stage: Stage, django_assert_num_queries: Any, count: int
) -> None:
    for _ in range(count - 1):
        RepositoryFactory(application=stage.cast.application)

    with django_assert_num_queries(6):
        admin.get(reverse("setting-application", args=[stage.cast.application.pk]))
