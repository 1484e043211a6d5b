"""The pages of exemptions as each role meets them: asking, deciding, and the list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Appointment, Deputy, Membership
from accounts.roles import Role
from crq import exemption_list
from crq.deadlines import enforce
from crq.exemption_list import listed
from crq.exemption_page import ask as ask_page
from crq.exemption_page import page as request_page
from crq.exemptions import EXEMPTION
from crq.models import CRQ, ExemptionRequest
from crq.readiness import with_facts
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment
from notifications.models import Letter
from tests.stages import Stage, a_week, moment
from workflow import clock
from workflow.machine import begin, perform
from workflow.models import Event

WORDS = {"why": "A regulator asked for it", "why_now": "The date is fixed by law", "risk": "Low: a switch turns it off"}
D, S = Deployment.Status, ExemptionRequest.Status


def held(stage: Stage) -> Deployment:
    """Ready but not approved at 5:00 pm, held by the clock."""
    deployment = stage.ready()
    enforce(moment(stage.week, "approval", seconds=1))
    return stage.fresh(deployment)


def request_for(stage: Stage, deployment: Deployment, **given: Any) -> ExemptionRequest:
    request = ExemptionRequest(crq=deployment.crq, **WORDS)
    return begin(EXEMPTION, "request", request, by=stage.cast.manager, **given)  # type: ignore[no-any-return]


@pytest.fixture
def late(stage: Stage) -> Iterator[datetime]:
    """An hour after the approval was due."""
    with clock.frozen(moment(stage.week, "approval", hours=1)) as at:
        yield at


@pytest.fixture
def missed(stage: Stage, late: datetime) -> Deployment:
    with clock.frozen(moment(stage.week, "approval", hours=-30)):
        deployment = stage.ready()
    enforce(moment(stage.week, "approval", seconds=1))
    return stage.fresh(deployment)


@pytest.fixture
def as_(client: Client, stage: Stage) -> Callable[[str], Client]:
    def become(name: str) -> Client:
        client.force_login(getattr(stage.cast, name))
        return client

    return become


def ask_url(deployment: Deployment) -> str:
    return reverse("ask-exemption", args=[deployment.crq.number])


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


# --- Asking --------------------------------------------------------------------------------------------------
def test_the_form_is_filled_with_facts(missed: Deployment, as_: Callable[[str], Client]) -> None:
    response = as_("manager").get(ask_url(missed))

    assert response.status_code == 200
    page = response.context["page"]
    assert [(line.label, line.words) for line in page.case.late] == [("CRQ approved", "still missing, late 1 h")]
    assert [row.label for row in page.case.compared if row.then.state != "done"] == ["CRQ approved"]
    assert page.label == "Approve late and ask for an exemption"
    assert "Ruth Abrams decides" in text(response)


def test_the_manager_approves_late_and_asks_in_one_form(
    missed: Deployment, as_: Callable[[str], Client], stage: Stage
) -> None:
    client = as_("manager")
    hidden = client.get(ask_url(missed)).context["page"].hidden

    response = client.post(ask_url(missed), WORDS | hidden)

    asked = ExemptionRequest.objects.get()
    assert response.url == reverse("exemption", args=[asked.pk])  # type: ignore[attr-defined]
    assert asked.approved_digest == hidden["digest"]
    assert stage.fresh(missed).status == D.HELD


def test_incomplete_evidence_says_what_is_missing_and_is_not_approved(
    stage: Stage, late: datetime, as_: Callable[[str], Client]
) -> None:
    with clock.frozen(moment(stage.week, "approval", hours=-5)):
        deployment = stage.with_crq()
    enforce(moment(stage.week, "approval", seconds=1))
    client = as_("manager")

    response = client.get(ask_url(deployment))
    assert response.context["page"].label == "Ask for an exemption"
    assert "Install and backout plan attached (DevOps)" in text(response)

    client.post(ask_url(deployment), WORDS | response.context["page"].hidden)
    assert ExemptionRequest.objects.get().approved_digest == ""


def test_whoever_opened_the_crq_asks_without_approving(
    missed: Deployment, as_: Callable[[str], Client], stage: Stage
) -> None:
    CRQ.objects.filter(pk=missed.crq.pk).update(opened_by=stage.cast.manager)
    client = as_("manager")

    response = client.get(ask_url(missed))
    assert "You opened this CRQ, so someone else must approve it. Samuel Ortiz can." in text(response)

    client.post(ask_url(missed), WORDS | response.context["page"].hidden)
    assert ExemptionRequest.objects.get().approved_digest == ""


@pytest.mark.parametrize("blank", ["why", "why_now", "risk"])
def test_nothing_typed_is_lost(missed: Deployment, as_: Callable[[str], Client], blank: str) -> None:
    response = as_("manager").post(ask_url(missed), WORDS | {blank: " "})

    assert response.status_code == 422
    assert not ExemptionRequest.objects.exists()
    kept = [words for name, words in WORDS.items() if name != blank]
    assert all(words in text(response) for words in kept)
    assert "Problem: Ask for an exemption" in text(response)


def test_content_that_changed_meanwhile_is_looked_at_again(
    missed: Deployment, as_: Callable[[str], Client], stage: Stage
) -> None:
    client = as_("manager")
    hidden = client.get(ask_url(missed)).context["page"].hidden
    stage.attach(missed.crq, "tests", content=b"%PDF-1.4 newer ", name="newer.pdf")

    response = client.post(ask_url(missed), WORDS | hidden)

    assert response.status_code == 422
    assert "The content changed after you opened this page" in text(response)
    assert not ExemptionRequest.objects.exists()
    fresh = response.context["page"].hidden
    assert client.post(ask_url(missed), WORDS | fresh).status_code == 302


@pytest.mark.parametrize("who", ["developer", "other_manager", "director", "scrum_master", "devops", "outsider"])
def test_others_see_the_button_disabled_with_the_reason(
    missed: Deployment, as_: Callable[[str], Client], who: str
) -> None:
    client = as_(who)
    response = client.get(ask_url(missed))
    assert "can do this: Anita Desai or Samuel Ortiz." in text(response)
    assert 'type="submit">Ask' not in text(response)

    assert client.post(ask_url(missed), WORDS).status_code == 422
    assert not ExemptionRequest.objects.exists()


def test_before_a_deadline_is_near_the_page_says_so(stage: Stage, as_: Callable[[str], Client]) -> None:
    deployment = stage.ready()
    with clock.frozen(moment(stage.week, "approval", hours=-4, seconds=-1)):
        assert "No deadline is missed or within four hours" in text(as_("manager").get(ask_url(deployment)))


@pytest.mark.parametrize(("seconds", "status"), [(0, 302), (1, 422)])
def test_exemptions_close_to_the_second(stage: Stage, as_: Callable[[str], Client], seconds: int, status: int) -> None:
    deployment = held(stage)
    with clock.frozen(moment(stage.week, "exemption_close", seconds=seconds)):
        response = as_("manager").post(ask_url(deployment), WORDS)

    assert response.status_code == status
    assert ExemptionRequest.objects.exists() == (status == 302)


def test_a_second_request_leads_to_the_first(missed: Deployment, as_: Callable[[str], Client], stage: Stage) -> None:
    asked = request_for(stage, missed)
    client = as_("manager")

    assert client.get(ask_url(missed)).url == asked.get_absolute_url()  # type: ignore[attr-defined]
    response = client.post(ask_url(missed), WORDS)
    assert response.status_code == 422
    assert "An exemption was asked for this CRQ and week already: requested." in text(response)


def test_what_came_late_is_counted_from_its_first_version(stage: Stage) -> None:
    with clock.frozen(moment(stage.week, "approval", hours=-5)):
        deployment = stage.with_crq()
        stage.attach(deployment.crq, "justification")
        stage.attach(deployment.crq, "plan")
        stage.merge(deployment)
    enforce(moment(stage.week, "approval", seconds=1))
    with clock.frozen(moment(stage.week, "approval", minutes=40)):
        stage.attach(deployment.crq, "tests")
    with clock.frozen(moment(stage.week, "approval", hours=3)) as now:
        stage.attach(deployment.crq, "tests", content=b"%PDF-1.4 newer ", name="newer.pdf")
        [fresh] = with_facts([deployment.pk])
        found = ask_page(fresh.crq, by=stage.cast.manager, now=now).case.late

    assert [(line.label, line.words) for line in found] == [
        ("Test results attached", "late 40 min"),
        ("CRQ approved", "still missing, late 3 h"),
    ]


def test_the_next_open_weeks_and_the_others_of_that_day(stage: Stage, missed: Deployment, late: datetime) -> None:
    following = a_week(stage.week.thursday + timedelta(days=7))
    with clock.frozen(moment(stage.week, "cutoff", hours=-2)):
        neighbour = stage.beside().plan("A neighbour")
    [fresh] = with_facts([missed.pk])

    found = ask_page(fresh.crq, by=stage.cast.manager, now=late).case

    assert found.waiting == "The next open install day is Thu Dec 17, 7 days later."
    assert [week.day for week in found.open_weeks] == [following.install_day]
    assert [other.title for other in found.others] == [neighbour.title]


# --- The held deployment's own page --------------------------------------------------------------------------
def test_a_held_deployment_says_what_was_missed_and_by_how_long(
    missed: Deployment, as_: Callable[[str], Client]
) -> None:
    response = as_("manager").get(missed.crq.get_absolute_url())

    decision = response.context["page"].decision
    assert [each.text for each in decision.missing] == ["CRQ approved (Dev Manager): still missing, late 1 h"]
    assert [(each.label, each.enabled) for each in decision.acts] == [
        ("Ask for an exemption", True),
        ("Move to another week", True),
    ]
    assert decision.acts[0].form_url == ask_url(missed)


def test_the_act_leads_to_the_request_once_it_is_asked(
    missed: Deployment, as_: Callable[[str], Client], stage: Stage
) -> None:
    asked = request_for(stage, missed)

    decision = as_("developer").get(missed.crq.get_absolute_url()).context["page"].decision

    assert "waits for the EDMT Director" in decision.sentence
    assert asked.get_absolute_url() in [each.form_url for each in decision.acts]


def test_at_risk_the_manager_may_ask_already(stage: Stage, as_: Callable[[str], Client]) -> None:
    deployment = stage.with_crq()
    with clock.frozen(moment(stage.week, "approval", hours=-3)):
        labels = [
            act.label for act in as_("manager").get(deployment.crq.get_absolute_url()).context["page"].decision.acts
        ]
    with clock.frozen(moment(stage.week, "approval", hours=-24)):
        early = [
            act.label for act in as_("manager").get(deployment.crq.get_absolute_url()).context["page"].decision.acts
        ]

    assert "Ask for an exemption" in labels
    assert "Ask for an exemption" not in early


# --- Deciding ------------------------------------------------------------------------------------------------
def test_looking_never_decides(missed: Deployment, as_: Callable[[str], Client], stage: Stage) -> None:
    url = request_for(stage, missed).get_absolute_url()

    response = as_("director").get(url, {"action": "grant", "reason": "Go"})

    assert response.status_code == 200
    assert [choice.act.enabled for choice in response.context["page"].choices] == [True, True]
    assert ExemptionRequest.objects.get().status == S.REQUESTED


def test_granting_clears_what_was_approved_with_the_request(
    missed: Deployment, as_: Callable[[str], Client], stage: Stage
) -> None:
    asked = request_for(stage, missed, approve=True)

    response = as_("director").post(asked.get_absolute_url(), {"action": "grant", "reason": "The law does not wait"})

    assert response.status_code == 302
    assert stage.fresh(missed).status == D.CLEARED
    assert Letter.objects.filter(kind="exemption_decided").count() == 3  # to the team, the Scrum Master, DevOps


def test_a_condition_of_a_grant_is_kept_and_shown(
    missed: Deployment, as_: Callable[[str], Client], stage: Stage
) -> None:
    asked = request_for(stage, missed, approve=True)
    values = {"action": "grant", "reason": "The law does not wait", "condition": " only if  verified on core dev "}
    as_("director").post(asked.get_absolute_url(), values)
    asked.refresh_from_db()

    assert asked.condition == "only if verified on core dev"
    assert Event.objects.get(action="grant").data["condition"] == asked.condition
    assert "<b>On condition:</b> only if verified on core dev" in text(as_("manager").get(asked.get_absolute_url()))
    assert asked.condition in text(as_("devops").get(f"{stage.week.get_absolute_url()}install/"))
    letters = Letter.objects.filter(kind="exemption_decided")
    assert {asked.condition in letter.text.replace("\n", " ") for letter in letters} == {True}


def test_a_denial_has_no_condition(missed: Deployment, as_: Callable[[str], Client], stage: Stage) -> None:
    asked = request_for(stage, missed)
    values = {"action": "deny", "reason": "It can wait", "condition": "only on Friday"}
    as_("director").post(asked.get_absolute_url(), values)
    asked.refresh_from_db()

    assert (asked.status, asked.condition) == (S.DENIED, "")


@pytest.mark.parametrize("action", ["grant", "deny"])
def test_an_address_opens_the_form_and_decides_nothing(
    missed: Deployment, as_: Callable[[str], Client], stage: Stage, action: str
) -> None:
    asked = request_for(stage, missed)
    page = as_("director").get(f"{asked.get_absolute_url()}?decide={action}").content.decode()
    asked.refresh_from_db()

    assert page.count('<details class="act-more" open>') == 1
    assert asked.status == S.REQUESTED


@pytest.mark.parametrize("action", ["grant", "deny"])
def test_a_decision_needs_a_reason(missed: Deployment, as_: Callable[[str], Client], stage: Stage, action: str) -> None:
    response = as_("director").post(request_for(stage, missed).get_absolute_url(), {"action": action, "reason": "  "})

    assert response.status_code == 422
    assert "Say why in a few words" in text(response)
    assert ExemptionRequest.objects.get().status == S.REQUESTED


def test_an_unknown_action_is_no_action(missed: Deployment, as_: Callable[[str], Client], stage: Stage) -> None:
    url = request_for(stage, missed).get_absolute_url()
    assert as_("director").post(url, {"action": "lapse", "reason": "x"}).status_code == 404
    assert as_("director").post(url, {}).status_code == 404


@pytest.mark.parametrize("who", ["manager", "developer", "scrum_master", "devops", "administrator", "outsider"])
def test_only_the_director_decides(missed: Deployment, as_: Callable[[str], Client], stage: Stage, who: str) -> None:
    url = request_for(stage, missed).get_absolute_url()
    client = as_(who)

    assert "Only the EDMT Director can do this: Ruth Abrams." in text(client.get(url))
    assert client.post(url, {"action": "grant", "reason": "Go"}).status_code == 422
    assert ExemptionRequest.objects.get().status == S.REQUESTED


def test_whoever_asked_does_not_decide(missed: Deployment, as_: Callable[[str], Client], stage: Stage) -> None:
    Appointment.objects.create(user=stage.cast.manager, role=Role.DIRECTOR)
    url = request_for(stage, missed).get_absolute_url()
    client = as_("manager")

    assert "You asked for this exemption, so someone else must decide it." in text(client.get(url))
    response = client.post(url, {"action": "grant", "reason": "I think so"})
    assert response.status_code == 422
    assert "I think so" in text(response)
    assert ExemptionRequest.objects.get().status == S.REQUESTED


def test_a_deputy_does_not_decide_for_whoever_asked(
    missed: Deployment, as_: Callable[[str], Client], stage: Stage, late: datetime
) -> None:
    Membership.objects.create(user=stage.cast.director, team=stage.cast.team, role=Role.MANAGER)
    day = late.date()
    Deputy.objects.create(
        for_user=stage.cast.director, deputy=stage.cast.outsider, role=Role.DIRECTOR, starts=day, ends=day
    )
    asked = begin(EXEMPTION, "request", ExemptionRequest(crq=missed.crq, **WORDS), by=stage.cast.director)

    response = as_("outsider").post(asked.get_absolute_url(), {"action": "grant", "reason": "For Ruth"})

    assert "Ruth Abrams, for whom you act, asked for this exemption" in text(response)
    assert ExemptionRequest.objects.get().status == S.REQUESTED


def test_the_directors_deputy_decides_in_the_directors_name(
    missed: Deployment, as_: Callable[[str], Client], stage: Stage, late: datetime
) -> None:
    day = late.date()
    Deputy.objects.create(
        for_user=stage.cast.director, deputy=stage.cast.outsider, role=Role.DIRECTOR, starts=day, ends=day
    )
    url = request_for(stage, missed).get_absolute_url()
    client = as_("outsider")

    client.post(url, {"action": "deny", "reason": "It can wait"})

    assert client.get(url).context["page"].decided_by == "Nick Nowhere for Ruth Abrams"


def test_a_decision_that_comes_too_late_keeps_what_was_written(
    missed: Deployment, as_: Callable[[str], Client], stage: Stage
) -> None:
    url = request_for(stage, missed).get_absolute_url()
    with clock.frozen(moment(stage.week, "exemption_close", seconds=1)):
        enforce(clock.now())
        response = as_("director").post(url, {"action": "grant", "reason": "After all"})

    assert response.status_code == 422
    assert "After all" in text(response)
    assert "No decision was made in time" in text(response)
    assert ExemptionRequest.objects.get().status == S.LAPSED


def test_after_a_denial_the_manager_is_offered_the_open_weeks(
    missed: Deployment, as_: Callable[[str], Client], stage: Stage
) -> None:
    a_week(stage.week.thursday + timedelta(days=7))
    asked = request_for(stage, missed)
    perform(EXEMPTION, "deny", asked, by=stage.cast.director, reason="It can wait")

    page = as_("manager").get(asked.get_absolute_url()).context["page"]
    assert (page.move.enabled, page.move.form_url) == (True, reverse("move", args=[missed.pk]))
    assert page.decided_by == "Ruth Abrams"
    assert not page.choices

    page = as_("director").get(asked.get_absolute_url()).context["page"]
    assert not page.move.enabled


def test_what_was_moved_needs_no_next_step(missed: Deployment, as_: Callable[[str], Client], stage: Stage) -> None:
    following = a_week(stage.week.thursday + timedelta(days=7))
    asked = request_for(stage, missed)
    perform(EXEMPTION, "deny", asked, by=stage.cast.director, reason="It can wait")
    perform(DEPLOYMENT, "move", missed, by=stage.cast.manager, reason="As told", week=following)

    assert as_("manager").get(asked.get_absolute_url()).context["page"].move is None


def test_questions_and_answers_decide_nothing(missed: Deployment, as_: Callable[[str], Client], stage: Stage) -> None:
    url = request_for(stage, missed).get_absolute_url()

    assert as_("director").post(url, {"action": "note", "text": ""}).status_code == 422
    as_("director").post(url, {"action": "note", "text": "Can it be <b>switched</b> off?"})
    as_("manager").post(url, {"action": "note", "text": "Yes, at once."})

    response = as_("manager").get(url)
    assert [note.by for note in response.context["page"].notes] == [stage.cast.director, stage.cast.manager]
    assert "&lt;b&gt;switched&lt;/b&gt;" in text(response)
    assert ExemptionRequest.objects.get().status == S.REQUESTED


def test_the_manager_withdraws(missed: Deployment, as_: Callable[[str], Client], stage: Stage) -> None:
    asked = request_for(stage, missed)
    assert [act.action for act in as_("manager").get(asked.get_absolute_url()).context["page"].acts] == ["withdraw"]
    assert as_("director").get(asked.get_absolute_url()).context["page"].acts == []


# --- All of them ---------------------------------------------------------------------------------------------
@pytest.fixture
def three(stage: Stage, late: datetime) -> list[ExemptionRequest]:
    """One open, one granted, one denied; asked in this order, a minute apart."""
    with clock.frozen(moment(stage.week, "approval", hours=-30)):
        deployments = [each.ready() for each in (stage, stage.beside(), stage.beside())]
    enforce(moment(stage.week, "approval", seconds=1))
    asked = []
    for number, deployment in enumerate(deployments):
        with clock.frozen(late + timedelta(minutes=number)):
            asked.append(request_for(stage, stage.fresh(deployment)))
    perform(EXEMPTION, "grant", asked[1], by=stage.cast.director, reason="Go")
    perform(EXEMPTION, "deny", asked[2], by=stage.cast.director, reason="No")
    return asked


def test_open_ones_come_first(three: list[ExemptionRequest], stage: Stage, late: datetime) -> None:
    found = listed(stage.cast.director, now=late)

    assert [row.url for row in found.rows] == [three[each].get_absolute_url() for each in (0, 2, 1)]
    assert [(view.label, view.count) for view in found.views] == [
        ("All", 3),
        ("Open", 1),
        ("Granted", 1),
        ("Denied", 1),
    ]


@pytest.mark.parametrize(("view", "rows"), [("open", [0]), ("granted", [1]), ("denied", [2]), ("nonsense", [0, 2, 1])])
def test_the_list_is_filtered(
    three: list[ExemptionRequest], as_: Callable[[str], Client], view: str, rows: list[int]
) -> None:
    found = as_("director").get(reverse("exemptions"), {"view": view}).context["list"]

    assert [row.url for row in found.rows] == [three[each].get_absolute_url() for each in rows]


def test_my_teams_are_those_of_people_with_a_team(three: list[ExemptionRequest], stage: Stage, late: datetime) -> None:
    assert len(listed(stage.cast.developer, view="mine", now=late).rows) == 3
    assert listed(stage.cast.other_developer, view="mine", now=late).rows == []


def test_the_list_has_pages(
    three: list[ExemptionRequest], stage: Stage, late: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crq.exemption_list.PAGE", 2)
    monkeypatch.setattr("crq.exemption_list._rows", exemption_list._rows.__wrapped__)  # forgets this size

    first, second = (listed(stage.cast.director, number=number, now=late) for number in ("1", "9"))

    assert [row.url for row in (*first.rows, *second.rows)] == [three[each].get_absolute_url() for each in (0, 2, 1)]
    assert (first.page.has_next(), second.page.number, second.page.has_next()) == (True, 2, False)


def test_an_empty_list_says_what_this_is(as_: Callable[[str], Client]) -> None:
    assert "No exemptions here" in text(as_("developer").get(reverse("exemptions"), {"page": "99"}))


# --- How much is asked of the database -----------------------------------------------------------------------
LIST_STATEMENTS = 4


def test_the_list_costs_the_same_at_one_row(
    missed: Deployment, stage: Stage, late: datetime, django_assert_num_queries: Any
) -> None:
    request_for(stage, missed)
    stage.cast.director.__dict__.pop("_standings", None)
    with django_assert_num_queries(LIST_STATEMENTS):
        assert len(listed(stage.cast.director, now=late).rows) == 1


def test_the_list_costs_the_same_at_three_rows(
    three: list[ExemptionRequest], stage: Stage, late: datetime, django_assert_num_queries: Any
) -> None:
    stage.cast.director.__dict__.pop("_standings", None)
    with django_assert_num_queries(LIST_STATEMENTS):
        assert len(listed(stage.cast.director, now=late).rows) == 3


def read(asked: ExemptionRequest) -> ExemptionRequest:
    """As the view reads it."""
    found = ExemptionRequest.objects.select_related("crq", "week", "requested_by", "decided_by").get(pk=asked.pk)
    [deployment] = with_facts([found.crq.deployment_id])
    deployment.crq.deployment = deployment
    found.crq = deployment.crq
    return found


PAGE_STATEMENTS = 9


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_costs_the_same_however_much_stands_on_it(
    stage: Stage, late: datetime, django_assert_num_queries: Any, rows: int
) -> None:
    with clock.frozen(moment(stage.week, "approval", hours=-30)):
        deployments = [each.ready() for each in [stage, *(stage.beside() for _ in range(rows))]]
    enforce(moment(stage.week, "approval", seconds=1))
    asked = [request_for(stage, stage.fresh(each)) for each in deployments]
    found = read(asked[0])

    with django_assert_num_queries(PAGE_STATEMENTS):
        page = request_page(found, by=stage.cast.director, now=late)

    assert (len(page.case.before), len(page.case.others)) == (rows, rows)
