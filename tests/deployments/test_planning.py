"""New deployments, and which pull requests a deployment brings."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import User
from crq.models import CRQ
from deployments import planning
from deployments.models import Deployment, Draft, PullRequest
from tests.factories import ApplicationFactory, RepositoryFactory
from tests.stages import PDF, Stage, a_week, moment
from workflow import clock
from workflow.models import Event
from workflow.steps import Refused

NEW = "new-deployment"


def text(response: Any) -> str:
    return str(response.content.decode())


def begin(client: Client, by: User, stage: Stage, **changed: Any) -> Any:
    """Step 1."""
    client.force_login(by)
    given = {"application": stage.application.pk, "week": stage.week.pk, "title": "Session timeout"} | changed
    return client.post(reverse(NEW), given)


def plan(client: Client, by: User, stage: Stage, *, pull_requests: Any = (), **changed: Any) -> Any:
    """Steps 1 and 2, as far as they go."""
    answer = begin(client, by, stage, **changed)
    return client.post(answer["Location"], {"pull_requests": pull_requests}) if answer.status_code == 302 else answer


def change(client: Client, by: User, deployment: Deployment, **given: Any) -> Any:
    client.force_login(by)
    return client.post(reverse("deployment-pull-requests", args=[deployment.pk]), given)


# --- A new deployment ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("by", ["developer", "manager", "scrum_master"])
def test_planners_plan_with_pull_requests(client: Client, stage: Stage, by: str) -> None:
    pulls = [stage.submit(), stage.submit()]

    answer = plan(client, getattr(stage.cast, by), stage, pull_requests=[each.pk for each in pulls])

    deployment = Deployment.objects.get()
    assert answer["Location"] == Draft.objects.get().url(3)
    assert set(deployment.pull_requests.values_list("pk", "status")) == {(each.pk, "planned") for each in pulls}


def test_a_deployment_may_begin_without_pull_requests(client: Client, stage: Stage) -> None:
    plan(client, stage.cast.developer, stage)
    assert Deployment.objects.get().pull_requests.count() == 0


@pytest.mark.parametrize("by", ["other_developer", "other_manager", "devops", "director", "administrator", "outsider"])
def test_nobody_else_plans(client: Client, stage: Stage, by: str) -> None:
    answer = plan(client, getattr(stage.cast, by), stage)

    assert answer.status_code == 422
    assert "Only the Dev Team, a Dev Manager or the Scrum Master can do this" in text(answer)
    assert 'value="Session timeout"' in text(answer)
    assert not Deployment.objects.exists()


@pytest.mark.parametrize("by", ["devops", "director", "administrator", "outsider"])
def test_who_cannot_plan_is_told_before(client: Client, stage: Stage, by: str) -> None:
    client.force_login(getattr(stage.cast, by))
    page = text(client.get(reverse(NEW)))
    assert "planned by the team that owns the application, or by the Scrum Master" in page
    assert 'aria-disabled="true"' in page


def test_teams_are_offered_their_own_and_the_scrum_master_everything(client: Client, stage: Stage) -> None:
    ApplicationFactory(name="Invoices", team=stage.cast.other_team)
    for by, offered in (
        (stage.cast.developer, False),
        (stage.cast.other_manager, True),
        (stage.cast.scrum_master, True),
    ):
        client.force_login(by)
        assert ("Invoices" in text(client.get(reverse(NEW)))) is offered


def test_an_address_fills_the_form(client: Client, stage: Stage) -> None:
    pull_request, other = stage.submit(title="Expire idle sessions"), stage.submit(title="Another")
    second_week = a_week(stage.week.thursday.replace(day=17))
    client.force_login(stage.cast.developer)

    page = text(client.get(f"{reverse(NEW)}?pull_request={pull_request.pk}&week=2026-12-17"))
    answer = begin(client, stage.cast.developer, stage, week=second_week.pk, wished=str(pull_request.pk))
    step = text(client.get(answer["Location"]))

    assert 'value="Expire idle sessions"' in page
    assert f'value="{stage.application.pk}" selected' in page
    assert f'value="{second_week.pk}" selected' in page
    assert f'name="wished" value="{pull_request.pk}"' in page
    checked = [line for line in step.split("<input") if 'type="checkbox"' in line and "checked" in line]
    assert [f'value="{pull_request.pk}"' in line for line in checked] == [True]
    assert other.title in step


@pytest.mark.parametrize(
    "query",
    ["pull_request=x", "pull_request=999999", "application=-1", "week=2026-13-45", "week=x", "application=" + "9" * 50],
)
def test_an_address_with_nonsense_shows_the_plain_form(client: Client, stage: Stage, query: str) -> None:
    client.force_login(stage.cast.developer)
    assert client.get(f"{reverse(NEW)}?{query}").status_code == 200


def test_each_step_sent_twice_does_it_once(client: Client, stage: Stage) -> None:
    pull_request, key = stage.submit(), str(uuid4())
    first, again = (begin(client, stage.cast.developer, stage, key=key) for _ in range(2))
    assert first["Location"] == again["Location"]
    for _ in range(2):
        step = client.post(first["Location"], {"pull_requests": [pull_request.pk]})
        assert step["Location"] == Draft.objects.get().url(3)

    assert list(Deployment.objects.get().pull_requests.all()) == [pull_request]


def test_an_application_that_has_its_deployment_already_is_said_at_once(client: Client, stage: Stage) -> None:
    stage.plan("Session timeout")

    answer = begin(client, stage.cast.developer, stage, title="Another")

    assert answer.status_code == 422
    assert "Admin portal already has a deployment in the week of Thu Dec 10: Session timeout." in text(answer)
    assert 'value="Another"' in text(answer)
    assert not Draft.objects.exists()


def test_step_one_plans_nothing_and_can_be_changed(client: Client, stage: Stage) -> None:
    begin(client, stage.cast.developer, stage)
    draft = Draft.objects.get()

    given = {"application": stage.application.pk, "week": stage.week.pk, "title": "Shorter sessions"}
    client.post(draft.url(1), given)

    assert not Deployment.objects.exists()
    assert Draft.objects.get().title == "Shorter sessions"


def test_going_back_to_step_one_after_the_plan_changes_nothing(client: Client, stage: Stage) -> None:
    plan(client, stage.cast.developer, stage)
    draft = Draft.objects.get()
    same = {"application": stage.application.pk, "week": stage.week.pk, "title": "Session timeout"}

    changed = client.post(draft.url(1), same | {"title": "Something else"})

    assert client.post(draft.url(1), same)["Location"] == draft.url(2)
    assert changed.status_code == 422
    assert "is planned already" in text(changed)
    assert Deployment.objects.get().title == "Session timeout"


def test_a_draft_is_its_persons_own_and_can_be_discarded(client: Client, stage: Stage) -> None:
    begin(client, stage.cast.developer, stage)
    draft = Draft.objects.get()
    discard = reverse("new-deployment-discard", args=[draft.pk])

    client.force_login(stage.cast.manager)
    strange = [client.get(draft.url(step)).status_code for step in (1, 2, 3, 4)] + [client.post(discard).status_code]
    client.force_login(stage.cast.developer)
    client.post(discard)

    assert strange == [404] * 5
    assert not Draft.objects.exists()


def test_what_is_left_unfinished_is_a_task_that_leads_back(client: Client, stage: Stage) -> None:
    begin(client, stage.cast.developer, stage)
    home = text(client.get("/"))
    client.force_login(stage.cast.manager)
    other = text(client.get("/"))

    assert "the deployment Session timeout" in home
    assert f'href="{Draft.objects.get().url(2)}"' in home
    assert "Next is step 2 of 4: Pull requests" in home
    assert "the deployment Session timeout" not in other


def test_the_four_steps_to_the_page_of_the_crq(client: Client, stage: Stage) -> None:
    pull_request = stage.submit()
    step_3 = plan(client, stage.cast.developer, stage, pull_requests=[pull_request.pk])["Location"]
    step_4 = client.post(step_3, {"number": "", "title": "Session timeout"})["Location"]
    again = client.post(step_3, {"number": "", "title": "Session timeout"})
    crq = CRQ.objects.get()
    results = SimpleUploadedFile("Test results.pdf", PDF)
    attached = client.post(reverse("attach-files", args=[crq.number]), {"documents": [results], "next": step_4})
    page = text(client.get(step_4))
    done = client.post(step_4)

    assert again["Location"] == attached["Location"] == step_4
    assert "Test results.pdf" in page
    assert done["Location"] == crq.get_absolute_url()
    assert crq.documents.get().kind == "tests"
    assert not Draft.objects.exists()


@pytest.mark.parametrize("step", [3, 4])
def test_a_step_too_early_leads_to_the_one_that_is_next(client: Client, stage: Stage, step: int) -> None:
    begin(client, stage.cast.developer, stage)
    draft = Draft.objects.get()
    assert client.get(draft.url(step))["Location"] == draft.url(2)


def test_looking_at_a_step_that_is_over_leads_on_and_changes_nothing(client: Client, stage: Stage) -> None:
    step_3 = plan(client, stage.cast.developer, stage)["Location"]
    stage.open_crq(Deployment.objects.get())

    looked = client.get(step_3)

    assert looked["Location"] == Draft.objects.get().url(4)
    assert Draft.objects.get().step == 3


def test_one_refused_pull_request_undoes_everything(client: Client, stage: Stage) -> None:
    free, foreign = stage.submit(), stage.submit()
    elsewhere = RepositoryFactory(application=ApplicationFactory(name="Invoices", team=stage.cast.team))
    PullRequest.objects.filter(pk=foreign.pk).update(repository=elsewhere)
    before = Event.objects.count()

    answer = plan(client, stage.cast.developer, stage, pull_requests=[free.pk, foreign.pk])

    assert answer.status_code == 422
    assert "belongs to Invoices, not Admin portal." in text(answer)
    assert not Deployment.objects.exists()
    assert Event.objects.count() == before
    assert set(PullRequest.objects.values_list("status", flat=True)) == {"submitted"}


def test_a_pull_request_that_somebody_else_planned_meanwhile(client: Client, stage: Stage) -> None:
    pull_request = stage.join(stage.plan(), stage.submit())
    later = a_week(stage.week.thursday.replace(day=17))

    answer = plan(client, stage.cast.developer, stage, week=later.pk, pull_requests=[pull_request.pk])

    assert answer.status_code == 422
    assert "did this" in text(answer)
    assert Deployment.objects.count() == 1


def test_a_week_whose_scope_was_locked_meanwhile(client: Client, stage: Stage) -> None:
    with clock.frozen(moment(stage.week, "cutoff", seconds=1)):
        answer = plan(client, stage.cast.developer, stage)

    assert answer.status_code == 422
    assert "The scope of the week of Thu Dec 10 was locked on Tue Dec 8, 2:00 pm ET." in text(answer)


@pytest.mark.parametrize(
    "changed",
    [
        {"title": ""},
        {"title": "x" * 201},
        {"title": "a\0b"},
        {"application": "x"},
        {"application": ""},
        {"week": "999999"},
        {"pull_requests": ["999999"]},
        {"pull_requests": ["<script>"]},
    ],
)
def test_what_is_typed_wrongly_is_refused(client: Client, stage: Stage, changed: dict[str, Any]) -> None:
    answer = plan(client, stage.cast.developer, stage, **changed)

    assert answer.status_code == 422
    assert "<script>" not in text(answer).replace('<script src="', "")
    assert not Deployment.objects.exists()


# --- What a deployment brings --------------------------------------------------------------------------------
@pytest.mark.parametrize("by", ["developer", "manager", "scrum_master"])
def test_adding_and_taking_out(client: Client, stage: Stage, by: str) -> None:
    deployment = stage.plan()
    inside, waiting = stage.join(deployment, stage.submit()), stage.submit()

    answer = change(client, getattr(stage.cast, by), deployment, pull_requests=[waiting.pk], shown=str(inside.pk))

    assert answer["Location"] == deployment.get_absolute_url()
    assert list(deployment.pull_requests.all()) == [waiting]
    inside.refresh_from_db()
    assert inside.status == PullRequest.Status.SUBMITTED


def test_what_was_added_after_the_page_was_opened_stays(client: Client, stage: Stage) -> None:
    deployment = stage.plan()
    added_meanwhile = stage.join(deployment, stage.submit())

    answer = change(client, stage.cast.developer, deployment, shown="")

    assert answer.status_code == 409
    assert list(deployment.pull_requests.all()) == [added_meanwhile]


def test_two_people_choosing_at_once_see_each_others_change(client: Client, stage: Stage) -> None:
    deployment = stage.plan()
    inside, theirs, mine = stage.join(deployment, stage.submit()), stage.submit(), stage.submit()
    stage.join(deployment, theirs)

    answer = change(client, stage.cast.manager, deployment, pull_requests=[inside.pk, mine.pk], shown=str(inside.pk))
    page = text(answer)
    ticked = {int(pk) for pk in re.findall(r'value="(\d+)"[^>]* checked', page)}
    again = change(client, stage.cast.manager, deployment, pull_requests=ticked, shown=f"{inside.pk} {theirs.pk}")

    assert answer.status_code == 409
    assert "<title>Problem: " in page
    assert "Hannah Cole added, Mon Dec 7" in page or "Hannah Cole added, today" in page
    assert ticked == {inside.pk, theirs.pk, mine.pk}
    assert again.status_code == 302
    assert set(deployment.pull_requests.all()) == {inside, theirs, mine}


@pytest.mark.parametrize("by", ["other_developer", "devops", "outsider"])
def test_others_cannot_change_it_and_are_told(client: Client, stage: Stage, by: str) -> None:
    deployment, waiting = stage.plan(), stage.submit()

    answer = change(client, getattr(stage.cast, by), deployment, pull_requests=[waiting.pk])
    page = client.get(reverse("deployment-pull-requests", args=[deployment.pk]))

    assert (answer.status_code, page.status_code) == (422, 200)
    for each in (answer, page):
        assert "Only the Dev Team, a Dev Manager or the Scrum Master can do this" in text(each)
    assert deployment.pull_requests.count() == 0


def test_after_the_cutoff_the_scope_is_fixed(client: Client, stage: Stage) -> None:
    deployment = stage.with_crq()
    waiting = stage.submit()
    with clock.frozen(moment(stage.week, "cutoff", seconds=1)):
        answer = change(client, stage.cast.developer, deployment, pull_requests=[waiting.pk], shown="")
        page = client.get(reverse("deployment-pull-requests", args=[deployment.pk]))

    assert answer.status_code == 422
    assert "was locked on Tue Dec 8, 2:00 pm ET" in text(answer)
    assert "was locked on Tue Dec 8, 2:00 pm ET" in text(page)
    assert deployment.pull_requests.count() == 1


def test_changing_an_approved_scope_voids_the_approval_and_says_so_first(client: Client, stage: Stage) -> None:
    deployment, waiting = stage.cleared(), stage.submit()
    client.force_login(stage.cast.developer)

    page = text(client.get(reverse("deployment-pull-requests", args=[deployment.pk])))
    inside = deployment.pull_requests.get()
    change(client, stage.cast.developer, deployment, pull_requests=[inside.pk, waiting.pk], shown=str(inside.pk))

    assert "This voids the approval, and the manager is asked again." in page
    assert stage.fresh(deployment).crq.status == CRQ.Status.OPEN
    assert deployment.pull_requests.count() == 2


@pytest.mark.parametrize(
    "given",
    [{"pull_requests": ["x"]}, {"pull_requests": ["999999"]}, {"pull_requests": ["9" * 30]}, {"shown": "9" * 5000}],
)
def test_nonsense_changes_nothing(client: Client, stage: Stage, given: dict[str, Any]) -> None:
    deployment = stage.plan()
    stage.join(deployment, stage.submit())

    assert change(client, stage.cast.developer, deployment, **given).status_code == 422
    assert deployment.pull_requests.count() == 1


def test_no_such_deployment(client: Client, stage: Stage) -> None:
    client.force_login(stage.cast.developer)
    assert client.get(reverse("deployment-pull-requests", args=[999999])).status_code == 404


# --- The verbs -----------------------------------------------------------------------------------------------
def test_a_refused_addition_leaves_what_was_taken_out(stage: Stage) -> None:
    deployment = stage.plan()
    inside, closed = stage.join(deployment, stage.submit()), stage.submit()
    PullRequest.objects.filter(pk=closed.pk).update(forge_state="closed")

    with pytest.raises(Refused, match="was closed without merging"):
        planning.change_scope(deployment, add=[closed], remove=[inside], by=stage.cast.developer)

    assert list(deployment.pull_requests.all()) == [inside]


def test_planning_into_a_week_joins_the_deployment_that_is_there(stage: Stage) -> None:
    there = stage.plan()
    joined = planning.plan_into(stage.submit(), stage.week, by=stage.cast.developer)
    assert joined == there


def test_a_long_title_fits_a_new_deployment(stage: Stage) -> None:
    deployment = planning.plan_into(stage.submit(title="x" * 300), stage.week, by=stage.cast.developer)
    assert deployment.title == "x" * 200


def test_two_people_at_the_same_moment_make_one_deployment(transactional_db: None, stage: Stage) -> None:
    pulls = [stage.submit(), stage.submit()]
    together = Barrier(2, timeout=20)

    def go(order: list[PullRequest]) -> str:
        together.wait()
        try:
            planning.plan_deployment(stage.application, stage.week, "Mine", order, by=stage.cast.developer)
        except Refused as refused:
            return refused.refusal.sentence
        finally:
            connection.close()
        return "planned"

    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(copy_context().run, go, order) for order in (pulls, pulls[::-1])]
        said = sorted(run.result(timeout=60) for run in runs)

    assert said == ["Admin portal already has a deployment in the week of Thu Dec 10: Mine.", "planned"]
    assert Deployment.objects.get().pull_requests.count() == 2
