"""Code reviews: the list, ad hoc ones, the agenda and its decisions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from deployments import planning
from deployments.agenda import agenda, review_rows
from deployments.flow import CODE_REVIEW
from deployments.models import CodeReview, Deployment, PullRequest, ReviewDecision
from notifications.models import Letter
from tests.factories import ApplicationFactory, RepositoryFactory
from tests.stages import EARLY, Stage, a_week, moment
from workflow import clock
from workflow.machine import begin, perform
from workflow.models import Event
from workflow.steps import Refused

PROPOSAL = "No pull requests were submitted. Cancel this week’s review?"
ROLES = ("developer", "manager", "scrum_master", "devops", "director", "administrator", "other_developer", "outsider")


def text(response: Any) -> str:
    return str(response.content.decode())


@pytest.fixture
def weekly(stage: Stage) -> CodeReview:
    return CodeReview.objects.select_related("week", "team").get(week=stage.week)


def decide(client: Client, by: User, review: CodeReview, pull_request: PullRequest, **given: Any) -> Any:
    client.force_login(by)
    return client.post(review.get_absolute_url(), {"pull_request": pull_request.pk, "outcome": "planned"} | given)


def record(client: Client, by: User, stage: Stage, **changed: Any) -> Any:
    client.force_login(by)
    given = {"team": stage.cast.team.pk, "week": stage.week.pk, "at_0": "2026-12-07", "at_1": "09:30", "note": ""}
    return client.post(reverse("reviews"), given | changed)


def ad_hoc(stage: Stage) -> CodeReview:
    review = CodeReview(kind=CodeReview.Kind.AD_HOC, team=stage.cast.team, week=stage.week, at=EARLY)
    recorded: CodeReview = begin(CODE_REVIEW, "record", review, by=stage.cast.developer)
    return recorded


# --- The list ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ROLES)
def test_everyone_sees_reviews(client: Client, stage: Stage, weekly: CodeReview, role: str) -> None:
    stage.submit()
    client.force_login(getattr(stage.cast, role))

    pages = [client.get(reverse("reviews")), client.get(weekly.get_absolute_url())]

    assert [page.status_code for page in pages] == [200, 200]
    assert "Weekly code review" in text(pages[0])
    assert "Expire idle sessions" in text(pages[1])


def test_nobody_sees_them_without_signing_in(client: Client, weekly: CodeReview) -> None:
    assert client.get(reverse("reviews")).status_code == 302
    assert client.get(weekly.get_absolute_url()).status_code == 302


def test_the_next_is_first_and_what_is_over_is_apart(stage: Stage, weekly: CodeReview) -> None:
    later = a_week(stage.week.thursday + timedelta(weeks=1))
    perform(CODE_REVIEW, "hold", weekly, by=stage.cast.scrum_master)

    earlier = ad_hoc(stage)
    CodeReview.objects.filter(pk=earlier.pk).update(at=weekly.at - timedelta(days=9))
    ahead, over = review_rows(EARLY)

    assert [row.url for row in ahead] == [later.code_reviews.get().get_absolute_url()]
    assert [row.url for row in over] == [weekly.get_absolute_url(), earlier.get_absolute_url()]
    assert over[0].badge.text == "Held"


@pytest.mark.parametrize("rows", [1, 3])
def test_queries_of_the_list(stage: Stage, rows: int, django_assert_num_queries: Any) -> None:
    for number in range(1, rows):
        a_week(stage.week.thursday + timedelta(weeks=number))
    for _ in range(rows):
        ad_hoc(stage)

    with django_assert_num_queries(2):
        ahead, over = review_rows(EARLY)

    assert (len(ahead), len(over)) == (rows, rows)


# --- Held ad hoc ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("by", ["developer", "manager", "scrum_master"])
def test_recording_an_ad_hoc_review(client: Client, stage: Stage, by: str) -> None:
    pull_request = stage.submit()

    answer = record(client, getattr(stage.cast, by), stage, pull_requests=[pull_request.pk], note="Went well.")

    review = CodeReview.objects.get(kind="ad_hoc")
    assert answer["Location"] == review.get_absolute_url()
    assert (review.status, review.team, review.week) == ("held", stage.cast.team, stage.week)
    assert review.note == "Looked at identity-admin #481.\nWent well."
    assert review.at.isoformat() == "2026-12-07T14:30:00+00:00"


@pytest.mark.parametrize("by", ["other_developer", "devops", "director", "outsider"])
def test_others_do_not_record_for_a_team(client: Client, stage: Stage, by: str) -> None:
    answer = record(client, getattr(stage.cast, by), stage, note="Keep this")

    assert answer.status_code == 422
    assert "Only the Dev Team, a Dev Manager or the Scrum Master can do this" in text(answer)
    assert "Keep this" in text(answer)
    assert not CodeReview.objects.filter(kind="ad_hoc").exists()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"at_0": "2026-12-08"}, "this time is still ahead"),
        ({"at_0": "2026-01-08"}, "more than 60 days ago"),
        ({"at_0": "0001-01-01", "at_1": "00:00"}, "more than 60 days ago"),
        ({"at_0": "9999-12-31", "at_1": "23:59"}, "this time is still ahead"),
        ({"at_0": "tomorrow"}, "Give a date."),
        ({"at_0": ""}, "Fill this in."),
        ({"team": "x"}, "That is no longer there. Choose again."),
        ({"week": "999999"}, "That is no longer there. Choose again."),
        ({"pull_requests": ["<script>"]}, "One of these is no longer there."),
        ({"note": "x" * 5001}, "At most 5000 are kept."),
    ],
)
def test_what_is_typed_wrongly_is_named(client: Client, stage: Stage, changed: dict[str, Any], sentence: str) -> None:
    answer = record(client, stage.cast.developer, stage, **changed)

    assert answer.status_code == 422
    assert sentence in text(answer)
    assert not CodeReview.objects.filter(kind="ad_hoc").exists()


def test_only_pull_requests_of_the_team(client: Client, stage: Stage) -> None:
    pull_request = stage.submit()
    answer = record(
        client, stage.cast.scrum_master, stage, team=stage.cast.other_team.pk, pull_requests=[pull_request.pk]
    )
    assert "identity-admin #481 does not belong to Billing." in text(answer)


def test_not_for_a_week_whose_scope_is_locked(client: Client, stage: Stage) -> None:
    with clock.frozen(moment(stage.week, "cutoff", seconds=1)):
        answer = record(client, stage.cast.developer, stage)
    assert answer.status_code == 422
    assert "was locked on Tue Dec 8, 2:00 pm ET" in text(answer)


# --- The agenda ----------------------------------------------------------------------------------------------
def test_grouped_by_team_oldest_first(stage: Stage, weekly: CodeReview) -> None:
    first, second = stage.submit(title="First"), stage.submit(title="Second")
    foreign = RepositoryFactory(application=ApplicationFactory(team=stage.cast.other_team))
    theirs = stage.submit(title="Theirs")
    PullRequest.objects.filter(pk=theirs.pk).update(repository=foreign)

    groups = agenda(weekly, by=stage.cast.developer, now=EARLY).groups

    found = [(group.label, [item.pull_request for item in group.items]) for group in groups]
    assert found == [("Billing", [theirs]), ("Identity", [first, second])]


def test_an_ad_hoc_agenda_is_the_teams_own(stage: Stage) -> None:
    foreign = RepositoryFactory(application=ApplicationFactory(team=stage.cast.other_team))
    PullRequest.objects.filter(pk=stage.submit(title="Theirs").pk).update(repository=foreign)
    mine = stage.submit()

    groups = agenda(ad_hoc(stage), by=stage.cast.developer, now=EARLY).groups

    assert [item.pull_request for group in groups for item in group.items] == [mine]


@pytest.mark.parametrize("rows", [1, 3])
def test_queries_of_the_agenda(stage: Stage, weekly: CodeReview, rows: int, django_assert_num_queries: Any) -> None:
    for _ in range(rows):
        stage.review(stage.submit())
        planning.decide(weekly, stage.submit(), "needs_work", by=stage.cast.developer)
    me = User.objects.get(pk=stage.cast.scrum_master.pk)
    review = CodeReview.objects.select_related("week", "team").get(pk=weekly.pk)

    with django_assert_num_queries(6):  # roles, milestones, decisions, pull requests, their reviews, deployments
        assert agenda(review, by=me, now=EARLY).count == 2 * rows


def test_after_the_week_only_what_was_decided_is_shown(stage: Stage, weekly: CodeReview) -> None:
    decided, _ = stage.submit(), stage.submit()
    planning.decide(weekly, decided, "not_this_week", by=stage.cast.developer)
    late = moment(stage.week, "cutoff", seconds=1)

    page = agenda(weekly, by=stage.cast.developer, now=late)

    assert [item.pull_request for group in page.groups for item in group.items] == [decided]
    assert "was locked" in page.why_not
    assert not page.groups[0].items[0].open


# --- Deciding ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("by", ["developer", "manager", "scrum_master"])
def test_planned_makes_a_deployment_titled_like_the_pull_request(
    client: Client, stage: Stage, weekly: CodeReview, by: str
) -> None:
    pull_request = stage.submit()

    answer = decide(client, getattr(stage.cast, by), weekly, pull_request, note="Small and safe.")

    assert answer["Location"] == f"{weekly.get_absolute_url()}#pull-request-{pull_request.pk}"
    deployment = Deployment.objects.get()
    assert (deployment.title, deployment.week) == ("Expire idle sessions", stage.week)
    assert list(deployment.pull_requests.all()) == [pull_request]
    decision = ReviewDecision.objects.get()
    assert (decision.outcome, decision.note, decision.by) == ("planned", "Small and safe.", getattr(stage.cast, by))


def test_planned_joins_the_applications_deployment(client: Client, stage: Stage, weekly: CodeReview) -> None:
    deployment, pull_request = stage.plan(), stage.submit()
    client.force_login(stage.cast.developer)
    assert "joins Session timeout for the admin portal" in text(client.get(weekly.get_absolute_url()))

    decide(client, stage.cast.developer, weekly, pull_request)

    assert list(deployment.pull_requests.all()) == [pull_request]
    assert Deployment.objects.count() == 1


@pytest.mark.parametrize("outcome", ["not_this_week", "needs_work"])
def test_other_decisions_plan_nothing_and_can_be_changed(
    client: Client, stage: Stage, weekly: CodeReview, outcome: str
) -> None:
    pull_request = stage.submit()

    decide(client, stage.cast.developer, weekly, pull_request, outcome=outcome)
    assert (ReviewDecision.objects.get().outcome, Deployment.objects.count()) == (outcome, 0)

    decide(client, stage.cast.developer, weekly, pull_request)
    assert (ReviewDecision.objects.get().outcome, Deployment.objects.count()) == ("planned", 1)


def test_a_refused_plan_leaves_no_decision(client: Client, stage: Stage, weekly: CodeReview) -> None:
    pull_request = stage.submit()
    PullRequest.objects.filter(pk=pull_request.pk).update(forge_state="closed")
    before = Event.objects.count()

    answer = decide(client, stage.cast.developer, weekly, pull_request, note="Keep this")

    assert answer.status_code == 422
    assert "was closed without merging" in text(answer)
    assert "Keep this" in text(answer)
    assert not ReviewDecision.objects.exists()
    assert not Deployment.objects.exists()
    assert Event.objects.count() == before


def test_deciding_twice_at_once_plans_once(stage: Stage, weekly: CodeReview) -> None:
    pull_request = stage.submit()
    planning.decide(weekly, pull_request, "planned", by=stage.cast.developer)

    with pytest.raises(Refused, match="is planned already"):
        planning.decide(weekly, pull_request, "planned", by=stage.cast.scrum_master)

    assert Deployment.objects.count() == 1


@pytest.mark.parametrize(
    ("by", "sentence"),
    [
        ("other_developer", "belongs to another team"),
        ("other_manager", "belongs to another team"),
        ("devops", "Only the Dev Team, a Dev Manager or the Scrum Master can do this"),
        ("director", "Only the Dev Team, a Dev Manager or the Scrum Master can do this"),
        ("outsider", "Only the Dev Team, a Dev Manager or the Scrum Master can do this"),
    ],
)
def test_others_do_not_decide(client: Client, stage: Stage, weekly: CodeReview, by: str, sentence: str) -> None:
    pull_request = stage.submit()

    answer = decide(client, getattr(stage.cast, by), weekly, pull_request)
    page = text(client.get(weekly.get_absolute_url()))

    assert answer.status_code == 422
    assert sentence in text(answer)
    assert 'name="outcome"' not in page
    assert "Scrum Master" in page
    assert not ReviewDecision.objects.exists()


@pytest.mark.parametrize(
    "given",
    [
        {"outcome": "splendid"},
        {"outcome": ""},
        {"pull_request": "x"},
        {"pull_request": "999999"},
        {"note": "x" * 501},
        {"note": "\0"},
    ],
)
def test_nonsense_decides_nothing(client: Client, stage: Stage, weekly: CodeReview, given: dict[str, str]) -> None:
    client.force_login(stage.cast.developer)
    typed = {"pull_request": stage.submit().pk, "outcome": "planned"} | given

    answer = client.post(weekly.get_absolute_url(), typed)

    assert answer.status_code == 422
    assert not ReviewDecision.objects.exists()


def test_markup_in_notes_is_text(client: Client, stage: Stage, weekly: CodeReview) -> None:
    evil = '"><script>alert(1)</script>'
    decide(client, stage.cast.developer, weekly, stage.submit(title=evil), outcome="needs_work", note=evil)
    assert evil not in text(client.get(weekly.get_absolute_url()))


# --- Holding and cancelling ----------------------------------------------------------------------------------
def test_cancelling_proposes_itself_two_hours_before(client: Client, stage: Stage, weekly: CodeReview) -> None:
    client.force_login(stage.cast.scrum_master)

    def proposed(**before: float) -> bool:
        with clock.frozen(weekly.at - timedelta(**before)):
            return PROPOSAL in text(client.get(weekly.get_absolute_url()))

    assert not proposed(hours=2, seconds=1)
    assert proposed(hours=2)
    assert proposed(hours=-1)
    stage.submit()
    assert not proposed(hours=1)


def test_the_proposed_notice_goes_out(client: Client, stage: Stage, weekly: CodeReview) -> None:
    client.force_login(stage.cast.scrum_master)
    with clock.frozen(weekly.at - timedelta(hours=1)):
        page = text(client.get(weekly.get_absolute_url()))
        url = reverse("act", args=["code_review", weekly.pk, "cancel"])
        assert f'action="{url}"' in page
        client.post(url, {"reason": "No pull requests were submitted."})
        after = text(client.get(weekly.get_absolute_url()))

    weekly.refresh_from_db()
    assert weekly.status == CodeReview.Status.CANCELLED
    assert Letter.objects.filter(kind="review_cancelled").exists()
    assert PROPOSAL not in after


def test_others_see_the_proposal_with_the_reason_why_not(client: Client, stage: Stage, weekly: CodeReview) -> None:
    client.force_login(stage.cast.developer)
    with clock.frozen(weekly.at):
        page = text(client.get(weekly.get_absolute_url()))
    assert PROPOSAL in page
    assert "Only the Scrum Master can do this: Maya Lind." in page


def test_holding_is_a_button(client: Client, stage: Stage, weekly: CodeReview) -> None:
    stage.submit()
    client.force_login(stage.cast.scrum_master)
    url = reverse("act", args=["code_review", weekly.pk, "hold"])
    assert url in text(client.get(weekly.get_absolute_url()))

    client.post(url)

    weekly.refresh_from_db()
    assert weekly.status == CodeReview.Status.HELD
    assert url not in text(client.get(weekly.get_absolute_url()))


def test_no_such_review(client: Client, stage: Stage) -> None:
    client.force_login(stage.cast.developer)
    assert client.get(reverse("review", args=[999999])).status_code == 404


# --- One pull request a screen -------------------------------------------------------------------------------
def test_a_review_is_presented_one_by_one(client: Client, stage: Stage, weekly: CodeReview) -> None:
    first, second = stage.submit(title="First"), stage.submit(title="Second")
    client.force_login(stage.cast.developer)
    address = weekly.get_absolute_url()

    shown = [client.get(f"{address}?present={number}").context["slide"] for number in (1, 2, 9)]

    assert [each.item.pull_request for each in shown] == [first, second, second]
    assert [(each.number, each.before, each.after) for each in shown] == [(1, 0, 2), (2, 1, 0), (2, 1, 0)]
    assert [each.item.approvals for each in shown[:1]] == ["0 of 1 approval"]


def test_a_decision_on_the_screen_leads_to_the_next(client: Client, stage: Stage, weekly: CodeReview) -> None:
    first = stage.submit(title="First")
    stage.submit(title="Second")
    client.force_login(stage.cast.developer)
    address = f"{weekly.get_absolute_url()}?present=1"
    values = {"pull_request": first.pk, "outcome": "needs_work", "note": "Split it", "after": "2"}
    answer = client.post(address, values)

    assert answer["Location"] == f"{weekly.get_absolute_url()}?present=2"
    assert client.get(address).context["slide"].item.decided.note == "Split it"


def test_a_note_on_the_screen_is_not_lost(client: Client, stage: Stage, weekly: CodeReview) -> None:
    pull_request = stage.submit()
    client.force_login(stage.cast.developer)
    address = f"{weekly.get_absolute_url()}?present=1"
    answer = client.post(address, {"pull_request": pull_request.pk, "outcome": "", "note": "Split it"})

    assert answer.status_code == 422
    assert 'value="Split it"' in answer.content.decode()


@pytest.mark.parametrize(("shortcuts", "loaded"), [(True, True), (False, False)])
def test_keys_are_for_those_who_want_them(
    client: Client, stage: Stage, weekly: CodeReview, *, shortcuts: bool, loaded: bool
) -> None:
    stage.submit()
    stage.cast.developer.shortcuts = shortcuts
    stage.cast.developer.save()
    client.force_login(stage.cast.developer)

    page = client.get(f"{weekly.get_absolute_url()}?present=1").content.decode()

    assert ("present.js" in page) == loaded


def test_an_empty_agenda_is_not_presented(client: Client, stage: Stage, weekly: CodeReview) -> None:
    client.force_login(stage.cast.developer)

    response = client.get(f"{weekly.get_absolute_url()}?present=1")

    assert (response.status_code, response.context["slide"]) == (200, None)
