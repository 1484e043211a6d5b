"""The queue, one pull request's page, and submitting one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from crq.models import CRQ
from deployments.flow import PULL_REQUEST
from deployments.models import PullRequest, Repository
from deployments.queue import queue
from tests.factories import ApplicationFactory, RepositoryFactory
from tests.stages import EARLY, Stage, moment
from workflow import clock
from workflow.machine import perform

ROLES = (
    "developer", "manager", "scrum_master", "devops", "director", "administrator", "other_developer", "outsider",
)  # fmt: skip
EVIL = '<script>alert("x")</script>'


def text(response: Any) -> str:
    return str(response.content.decode())


def titles(user: User, view: str = "", q: str = "", at: str = "") -> list[str]:
    return [row.title for row in queue(user, view=view, q=q, at=at, now=EARLY).rows]


def typed(stage: Stage, **changed: Any) -> dict[str, Any]:
    """What a developer types to submit number 77."""
    return {
        "url": f"{stage.cast.repository.url}/pull/77",
        "title": "Expire idle sessions",
        "head_sha": "ab" * 20,
        "author": stage.cast.developer.pk,
    } | changed


@pytest.fixture
def submit(client: Client, stage: Stage) -> Callable[..., Any]:
    def post(by: User | None = None, **changed: Any) -> Any:
        client.force_login(by or stage.cast.developer)
        return client.post(reverse("new-pull-request"), typed(stage, **changed))

    return post


# --- The queue -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ROLES)
def test_everyone_sees_the_queue_and_a_pull_request(client: Client, stage: Stage, role: str) -> None:
    pull_request = stage.submit()
    client.force_login(getattr(stage.cast, role))

    pages = [client.get(reverse("pull-requests")), client.get(pull_request.get_absolute_url())]

    assert [page.status_code for page in pages] == [200, 200]
    assert all("Expire idle sessions" in text(page) for page in pages)


def test_nobody_sees_it_without_signing_in(client: Client, stage: Stage) -> None:
    for url in (reverse("pull-requests"), reverse("new-pull-request"), stage.submit().get_absolute_url()):
        assert client.get(url).status_code == 302


def test_views(stage: Stage) -> None:
    stage.submit(title="Waits")
    stage.join(stage.plan(), stage.submit(title="Is planned"))
    perform(PULL_REQUEST, "withdraw", stage.submit(title="Is withdrawn"), by=stage.cast.developer)
    other = RepositoryFactory(application=ApplicationFactory(team=stage.cast.other_team))
    PullRequest.objects.filter(pk=stage.submit(title="Is Billing's").pk).update(repository=other, author=None)
    me = stage.cast.developer

    assert titles(me) == titles(me, "waiting") == titles(me, "nonsense") == ["Is Billing's", "Waits"]
    assert titles(me, "mine") == ["Waits", "Is planned"]
    assert titles(stage.cast.other_manager, "mine") == ["Is Billing's"]
    assert titles(me, "planned") == ["Is planned"]
    assert titles(me, "withdrawn") == ["Is withdrawn"]
    assert titles(me, "shipped") == []
    assert titles(me, "all") == ["Is withdrawn", "Is Billing's", "Waits", "Is planned"]


def test_submitted_ones_come_first_where_views_mix(stage: Stage) -> None:
    stage.submit(title="Waits")
    stage.join(stage.plan(), stage.submit(title="Is planned"))

    assert titles(stage.cast.developer, "mine") == ["Waits", "Is planned"]


@pytest.mark.parametrize("q", ["481", "#481", "idle", "EXPIRE sessions", "identity-admin 481", "hannah", "cole"])
def test_search_finds(stage: Stage, q: str) -> None:
    stage.submit()
    assert titles(stage.cast.developer, q=q) == ["Expire idle sessions"]


@pytest.mark.parametrize("q", ["482", "nothing like it", "%", "_", "\0", EVIL, "9" * 400, "#", "expire 999999999999"])
def test_search_finds_nothing_or_everything_without_an_error(client: Client, stage: Stage, q: str) -> None:
    stage.submit()
    client.force_login(stage.cast.developer)

    answer = client.get(reverse("pull-requests"), {"q": q})

    assert answer.status_code == 200
    assert EVIL not in text(answer)


@pytest.mark.parametrize("at", ["0", "after-", "before-x", "after-²", "before-" + "9" * 50, "after-999", "to-1"])
def test_strange_places(client: Client, stage: Stage, at: str) -> None:
    client.force_login(stage.cast.developer)
    assert client.get(reverse("pull-requests"), {"at": at}).status_code == 200


def test_fifty_a_page(stage: Stage) -> None:
    for _ in range(51):
        stage.submit()
    me = stage.cast.developer

    first = queue(me, view="", q="", now=EARLY)
    second = queue(me, view="", q="", at=first.next_page_url.partition("at=")[2], now=EARLY)
    back = queue(me, view="", q="", at=second.previous_page_url.partition("at=")[2], now=EARLY)

    assert (len(first.rows), bool(first.next_page_url), first.previous_page_url) == (50, True, "")
    assert (len(second.rows), second.next_page_url, bool(second.previous_page_url)) == (1, "", True)
    assert [row.pk for row in back.rows] == [row.pk for row in first.rows]
    assert (back.previous_page_url, back.next_page_url) == ("", first.next_page_url)


@pytest.mark.parametrize("rows", [1, 3])
def test_queries_of_the_queue(stage: Stage, rows: int, django_assert_num_queries: Any) -> None:
    deployment = stage.plan()
    for _ in range(rows):
        stage.review(stage.submit())
        stage.join(deployment, stage.submit())
    me = User.objects.get(pk=stage.cast.developer.pk)

    with django_assert_num_queries(6):  # the person's roles and deputies, three counts, the rows, their reviews
        assert len(queue(me, view="all", q="", now=EARLY).rows) == 2 * rows


def test_badges_say_whose_turn_it_is(stage: Stage) -> None:
    pull_request = stage.submit()

    def words(user: User) -> str:
        fresh = User.objects.get(pk=user.pk)
        return queue(fresh, view="all", q="", now=EARLY).rows[0].badge.text

    assert words(stage.cast.reviewer) == "Needs your review"
    assert words(stage.cast.developer) == words(stage.cast.outsider) == "Needs an approval"
    stage.review(pull_request, "changes_requested")
    assert words(stage.cast.developer) == "Changes requested"
    stage.review(pull_request)
    assert words(stage.cast.reviewer) == "Fully approved"
    perform(PULL_REQUEST, "new_head", pull_request, by=stage.cast.developer, sha="cd" * 20)
    assert words(stage.cast.developer) == "Needs an approval, new commit"
    PullRequest.objects.update(forge_state="closed")
    assert words(stage.cast.developer) == "Closed at the forge"
    PullRequest.objects.update(forge_state="open", checks="failing")
    assert words(stage.cast.developer) == "Checks are failing"


# --- Submitting ----------------------------------------------------------------------------------------------
def test_the_address_gives_repository_and_number(submit: Callable[..., Any], stage: Stage) -> None:
    answer = submit()
    pull_request = PullRequest.objects.get()

    assert answer["Location"] == pull_request.get_absolute_url()
    assert (pull_request.repository, pull_request.number) == (stage.cast.repository, 77)
    assert (pull_request.author, pull_request.submitted_by) == (stage.cast.developer, stage.cast.developer)


@pytest.mark.parametrize(
    "path", ["/pull/77", "/pull/77/files", "/pulls/77", "/-/merge_requests/77", "/pull-requests/77", "/pull/77?w=1#top"]
)
def test_addresses_of_several_forges(submit: Callable[..., Any], stage: Stage, path: str) -> None:
    submit(url=stage.cast.repository.url.replace("acme", "ACME") + path)
    assert PullRequest.objects.get().number == 77


def test_repository_and_number_by_hand(submit: Callable[..., Any], stage: Stage) -> None:
    submit(url="https://forge.example.com/changes/abc", repository=stage.cast.repository.pk, number=12)
    assert PullRequest.objects.get().number == 12


@pytest.mark.parametrize("by", ["manager", "reviewer"])
def test_the_team_submits_for_its_members(submit: Callable[..., Any], stage: Stage, by: str) -> None:
    submit(by=getattr(stage.cast, by))
    assert PullRequest.objects.get().author == stage.cast.developer


@pytest.mark.parametrize("by", ["other_developer", "scrum_master", "devops", "director", "outsider"])
def test_nobody_else_submits(submit: Callable[..., Any], stage: Stage, by: str) -> None:
    person: User = getattr(stage.cast, by)

    answer = submit(by=person, author=person.pk)

    assert answer.status_code == 422
    assert "Only the Dev Team or a Dev Manager of the owning team can do this" in text(answer)
    assert "ab" * 20 in text(answer)
    assert not PullRequest.objects.exists()


def test_whoever_owns_no_repository_is_told_before(client: Client, stage: Stage) -> None:
    client.force_login(stage.cast.devops)
    assert "none of your teams owns one" in text(client.get(reverse("new-pull-request")))


def test_a_second_submission_is_refused_with_a_link(submit: Callable[..., Any], stage: Stage) -> None:
    submit()
    first = PullRequest.objects.get()

    answer = submit(by=stage.cast.manager)

    assert answer.status_code == 422
    assert "identity-admin #77 is in releaseflow already." in text(answer)
    assert f'<a href="{first.get_absolute_url()}">Open it</a>' in text(answer)
    assert PullRequest.objects.count() == 1


def test_two_at_the_same_moment(stage: Stage) -> None:
    from deployments import planning
    from workflow.steps import Refused

    facts = {"repository": stage.cast.repository, "number": 5, "title": "x", "url": "https://x.example/5"}
    planning.submit(PullRequest(**facts, head_sha="a" * 40), by=stage.cast.developer)

    with pytest.raises(Refused, match="#5 is in releaseflow already"):
        planning.submit(PullRequest(**facts, head_sha="b" * 40), by=stage.cast.manager)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"url": ""}, "Give the address of the pull request."),
        ({"url": "javascript:alert(1)//x/y/pull/1"}, "Give the full address, beginning with https://."),
        ({"url": "http://github.com/acme/identity-admin/pull/77"}, "Give the full address, beginning with https://."),
        ({"url": "https://github.com/acme/other/pull/77"}, "acme/other is not a repository known here."),
        ({"url": "https://forge.example.com/x"}, "Choose the repository."),
        ({"url": "https://[broken/pull/77"}, "Give the full address, beginning with https://."),
        ({"url": "https://github.com/" + "a" * 300}, "At most 200 are kept."),
        ({"number": "78"}, "The address is of number 77."),
        ({"number": "-1"}, "Give at least 1."),
        ({"number": "99999999999"}, "Give at most 2147483647."),
        ({"number": "7 7"}, "Give a whole number."),
        ({"head_sha": "not a commit"}, "A commit is named by 7 to 64 of the characters"),
        ({"head_sha": ""}, "Fill this in."),
        ({"title": "x" * 301}, "At most 300 are kept."),
        ({"title": "  "}, "Fill this in."),
        ({"title": "a\0b"}, "Leave out the null characters"),
        ({"author": "999999"}, "That is no longer there. Choose again."),
        ({"author": EVIL}, "That is no longer there. Choose again."),
        ({"repository": "999999"}, "That is no longer there. Choose again."),
    ],
)
def test_what_is_typed_wrongly_is_named(submit: Callable[..., Any], changed: dict[str, str], sentence: str) -> None:
    answer = submit(**changed)

    assert answer.status_code == 422
    assert sentence in text(answer)
    assert "<title>\n      Problem: " in text(answer) or "Problem: Submit a pull request" in text(answer)
    assert EVIL not in text(answer)
    assert not PullRequest.objects.exists()


def test_another_repository_than_the_address(submit: Callable[..., Any], stage: Stage) -> None:
    other: Repository = RepositoryFactory(application=stage.application)
    answer = submit(repository=other.pk)
    assert "The address is of another repository: acme/identity-admin." in text(answer)


def test_markup_in_a_title_is_text(client: Client, submit: Callable[..., Any]) -> None:
    submit(title=EVIL)
    pull_request = PullRequest.objects.get()

    for url in (
        reverse("pull-requests"),
        pull_request.get_absolute_url(),
        f"{reverse('new-deployment')}?pull_request={pull_request.pk}",
        reverse("reviews"),
    ):
        assert EVIL not in text(client.get(url))
        assert "&lt;script&gt;" in text(client.get(url))


# --- The page of one -----------------------------------------------------------------------------------------
def post(client: Client, by: User, pull_request: PullRequest, form: str, **given: Any) -> Any:
    client.force_login(by)
    data = {"form": form} | {f"{form}-{name}": value for name, value in given.items()}
    return client.post(pull_request.get_absolute_url(), data)


def test_recording_a_review(client: Client, stage: Stage) -> None:
    pull_request = stage.submit()

    answer = post(
        client, stage.cast.reviewer, pull_request, "review",
        verdict="approved", sha=pull_request.head_sha, note="Reads well.",
    )  # fmt: skip

    assert answer["Location"] == pull_request.get_absolute_url()
    assert "is fully approved." in text(client.get(pull_request.get_absolute_url()))
    assert pull_request.reviews.get().note == "Reads well."


def test_a_review_of_a_commit_that_is_no_longer_the_head(client: Client, stage: Stage) -> None:
    pull_request = stage.submit()
    seen = pull_request.head_sha
    perform(PULL_REQUEST, "new_head", pull_request, by=stage.cast.developer, sha="cd" * 20)

    given = {"verdict": "approved", "sha": seen, "note": "Reads well."}
    answer = post(client, stage.cast.reviewer, pull_request, "review", **given)

    assert answer.status_code == 422
    assert "New commits arrived after you opened this page." in text(answer)
    assert "Reads well." in text(answer)
    assert f'value="{"cd" * 20}"' in text(answer)  # the page shows it now, so a second try is about it
    assert not pull_request.reviews.exists()


@pytest.mark.parametrize("form", ["review", "new_head"])
@pytest.mark.parametrize("by", ["scrum_master", "devops", "other_developer", "outsider"])
def test_others_are_told_who_can(client: Client, stage: Stage, form: str, by: str) -> None:
    pull_request = stage.submit()
    given = {"verdict": "approved", "sha": pull_request.head_sha}

    answer = post(client, getattr(stage.cast, by), pull_request, form, **given)

    assert answer.status_code == 422
    assert "Only the Dev Team or a Dev Manager of the owning team can do this" in text(answer)
    assert not pull_request.reviews.exists()


def test_the_author_does_not_review(client: Client, stage: Stage) -> None:
    pull_request = stage.submit()
    given = {"verdict": "approved", "sha": pull_request.head_sha}

    answer = post(client, stage.cast.developer, pull_request, "review", **given)

    assert answer.status_code == 422
    assert "You wrote this pull request" in text(answer)


def test_a_review_after_it_was_withdrawn_keeps_the_note(client: Client, stage: Stage) -> None:
    pull_request = stage.submit()
    perform(PULL_REQUEST, "withdraw", pull_request, by=stage.cast.developer)

    given = {"verdict": "approved", "sha": pull_request.head_sha, "note": "Reads well."}
    answer = post(client, stage.cast.reviewer, pull_request, "review", **given)

    assert answer.status_code == 422
    assert "This pull request is withdrawn" in text(answer)
    assert "Reads well." in text(answer)


@pytest.mark.parametrize(
    ("form", "given"),
    [
        ("review", {}),
        ("review", {"verdict": "splendid", "sha": "ab" * 20}),
        ("review", {"verdict": "approved", "sha": "ab" * 20, "note": "x" * 5001}),
        ("new_head", {"sha": EVIL}),
        ("new_head", {"sha": "f" * 65}),
        ("plan", {"week": "x"}),
        ("plan", {"week": "999999"}),
        ("plan", {}),
    ],
)
def test_what_a_form_of_the_page_does_not_take(client: Client, stage: Stage, form: str, given: dict[str, str]) -> None:
    pull_request = stage.submit()

    answer = post(client, stage.cast.reviewer, pull_request, form, **given)

    assert answer.status_code == 422
    assert EVIL not in text(answer)
    assert PullRequest.objects.get().head_sha == pull_request.head_sha


def test_unknown_forms_and_pull_requests(client: Client, stage: Stage) -> None:
    assert post(client, stage.cast.developer, stage.submit(), "explode").status_code == 404
    assert client.get(reverse("pull-request", args=[999999])).status_code == 404


def test_a_new_head_makes_reviews_stale(client: Client, stage: Stage) -> None:
    pull_request = stage.review(stage.submit())

    post(client, stage.cast.developer, pull_request, "new_head", sha="CD" * 20)

    page = text(client.get(pull_request.get_absolute_url()))
    assert PullRequest.objects.get().head_sha == "cd" * 20
    assert "needs one more approval on the new commit." in page
    assert "Approved (stale)" in page


def test_a_new_head_under_an_approved_crq_says_what_it_costs(client: Client, stage: Stage) -> None:
    deployment = stage.cleared()
    pull_request = deployment.pull_requests.get()
    client.force_login(stage.cast.developer)

    before = text(client.get(pull_request.get_absolute_url()))
    with clock.frozen(moment(stage.week, "approval", minutes=1)):
        late = text(client.get(pull_request.get_absolute_url()))
    post(client, stage.cast.developer, pull_request, "new_head", sha="cd" * 20)

    assert f"{deployment.crq.number} is approved. This voids the approval, and the manager is asked again." in before
    assert "the deployment is held and needs an exemption" in late
    assert stage.fresh(deployment).crq.status == CRQ.Status.OPEN


def test_taking_out_withdrawing_and_resubmitting_are_buttons(client: Client, stage: Stage) -> None:
    pull_request = stage.join(stage.plan(), stage.submit())
    client.force_login(stage.cast.developer)
    for action, shown in (("unplan", "Withdraw pull request"), ("withdraw", "Submit again"), ("resubmit", "Plan it")):
        url = reverse("act", args=["pull_request", pull_request.pk, action])
        assert url in text(client.get(pull_request.get_absolute_url()))
        client.post(url, {"next": pull_request.get_absolute_url()})
        assert shown in text(client.get(pull_request.get_absolute_url()))
    assert PullRequest.objects.get().status == PullRequest.Status.SUBMITTED


def test_planning_into_a_new_deployment_and_an_existing_one(client: Client, stage: Stage) -> None:
    first, second = stage.submit(title="First"), stage.submit(title="Second")

    post(client, stage.cast.developer, first, "plan", week=stage.week.pk)
    assert "Thu Dec 10: First" in text(client.get(second.get_absolute_url()))
    post(client, stage.cast.scrum_master, second, "plan", week=stage.week.pk, title="Ignored")

    planned = PullRequest.objects.values_list("deployment__title", "status")
    assert list(planned) == [("First", "planned"), ("First", "planned")]


def test_planning_into_a_locked_week_is_refused(client: Client, stage: Stage) -> None:
    pull_request = stage.submit()
    with clock.frozen(moment(stage.week, "cutoff", seconds=1)):
        answer = post(client, stage.cast.developer, pull_request, "plan", week=stage.week.pk, title="Keep this")

    assert answer.status_code == 422
    assert "The scope of the week of Thu Dec 10 was locked" in text(answer)
    assert "Keep this" in text(answer)
    assert PullRequest.objects.get().deployment is None
