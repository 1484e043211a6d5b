"""Taking pull requests and reviews from a forge."""

from __future__ import annotations

import copy
import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from crq.models import CRQ
from deployments.flow import PULL_REQUEST
from deployments.forge.address import read_address
from deployments.forge.facts import Malformed
from deployments.forge.github import read_pull, read_review
from deployments.imports import Import, Line, entries_of
from deployments.models import PullRequest, Repository, Review
from tests.deployments.forges import known_there
from tests.factories import RepositoryFactory
from tests.stages import Stage
from workflow.machine import perform
from workflow.models import Event

DATA = Path(__file__).parent / "data" / "github.json"
EXAMPLES: dict[str, Any] = json.loads(DATA.read_text())
URL = "https://github.com/acme/identity-admin/pull/482"


def pull(**changed: Any) -> dict[str, Any]:
    """A pull request of the cast's repository, in the shape of a real one."""
    entry: dict[str, Any] = copy.deepcopy(EXAMPLES["pulls"][0])
    entry |= {"number": 482, "html_url": URL, "title": "Expire idle sessions", "state": "open", "draft": False}
    entry["user"]["login"] = "HannahC"
    entry["base"]["repo"] |= {"full_name": "acme/identity-admin", "html_url": URL.rsplit("/", 2)[0]}
    return entry | changed


def elsewhere(url: str) -> dict[str, Any]:
    return {"html_url": url, "base": {"repo": {"html_url": url.rsplit("/", 2)[0]}}}


def review(**changed: Any) -> dict[str, Any]:
    entry: dict[str, Any] = copy.deepcopy(EXAMPLES["reviews"][0])
    entry |= {"state": "APPROVED", "html_url": f"{URL}#pullrequestreview-1", "commit_id": pull()["head"]["sha"]}
    entry["pull_request_url"] = "https://api.github.com/repos/acme/identity-admin/pulls/482"
    entry["user"]["login"] = "weizhang"
    return entry | changed


def take(data: object) -> list[Line]:
    run = Import()
    run.take(entries_of(data))
    return run.lines


def outcomes(data: object) -> list[str]:
    return [line.outcome for line in take(data)]


def both(*reviews: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {"pulls": [pull(**changed)], "reviews": {"482": list(reviews)}}


@pytest.fixture
def stage(stage: Stage) -> Stage:
    return known_there(stage)


# --- Pull requests -------------------------------------------------------------------------------------------
def test_a_pull_request_is_taken_by_the_flow(stage: Stage) -> None:
    [line] = take([pull()])

    found = PullRequest.objects.get()
    assert (line.outcome, line.subject, line.why) == ("taken", "acme/identity-admin #482", "")
    assert (found.author, found.author_login, found.submitted_by) == (stage.cast.developer, "HannahC", None)
    assert (found.title, found.url, found.head_sha) == ("Expire idle sessions", URL, pull()["head"]["sha"])
    assert Event.objects.filter(object_type="pull_request", action="submit", actor=None).count() == 1


@pytest.mark.parametrize("data", [pull(), [pull()], {"pulls": [pull()]}, {"pulls": pull()}])
def test_a_list_one_object_or_a_bundle(stage: Stage, data: object) -> None:
    assert outcomes(data) == ["taken"]


def test_repeating_it_changes_nothing(stage: Stage) -> None:
    take(both(review()))
    events = Event.objects.count()

    assert outcomes(both(review())) == ["unchanged", "unchanged"]
    assert Event.objects.count() == events
    assert (PullRequest.objects.count(), Review.objects.count()) == (1, 1)


def test_an_unknown_author_is_kept_as_a_login_until_known(stage: Stage) -> None:
    stranger = pull(user={"login": "wanderer"})
    [line] = take([stranger])
    assert line.why == "The author is not known here: kept as wanderer."
    assert PullRequest.objects.get().author_name == "wanderer"

    stage.cast.manager.forge_login = "Wanderer"
    stage.cast.manager.save()

    assert [line.why for line in take([stranger])] == ["author found"]
    assert PullRequest.objects.get().author == stage.cast.manager


def test_an_account_that_is_gone(stage: Stage) -> None:
    assert outcomes([pull(user=None)]) == ["taken"]
    assert PullRequest.objects.get().author_name == "unknown author"


def test_what_changed_is_taken_over(stage: Stage) -> None:
    take([pull()])
    changed = pull(title="Expire sessions", state="closed", merged_at="2026-12-07T12:00:00Z")
    changed["head"]["sha"] = "CD" * 20

    [line] = take([changed])

    found = PullRequest.objects.get()
    assert (line.outcome, line.why) == ("updated", "new head commit cdcdcdc, new title, now merged")
    assert (found.title, found.forge_state, found.head_sha) == ("Expire sessions", "merged", "cd" * 20)


def test_a_new_head_voids_an_approved_crq(stage: Stage) -> None:
    deployment = stage.cleared()
    number = deployment.pull_requests.get().number

    assert outcomes([pull(number=number, html_url=URL.replace("482", str(number)))]) == ["updated"]
    assert stage.fresh(deployment).crq.status == CRQ.Status.OPEN


def test_a_new_head_of_what_is_shipped_is_left_alone(stage: Stage) -> None:
    number = stage.installed().pull_requests.get().number

    [line] = take([pull(number=number, html_url=URL.replace("482", str(number)))])

    assert line.outcome == "skipped"
    assert "This pull request is shipped" in line.why


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (elsewhere(URL.replace("identity-admin", "unknown")), "acme/unknown is not a repository known here."),
        (
            elsewhere(URL.replace("github.com", "git.example.com")),
            "acme/identity-admin is not a repository known here.",
        ),
        ({"state": "closed"}, "It was closed without merging."),
        ({"state": "closed", "merged_at": "2026-12-01T00:00:00Z"}, "It was merged before it was submitted here."),
        ({"draft": True}, "It is a draft: it is taken when it is ready for review."),
    ],
)
def test_skipped_for_a_reason(stage: Stage, changed: dict[str, Any], why: str) -> None:
    [line] = take([pull(**changed)])
    assert (line.outcome, line.why) == ("skipped", why)
    assert not PullRequest.objects.exists()


@pytest.mark.parametrize(
    "entry",
    [
        None,
        1,
        "text",
        [],
        {},
        pull(number="482"),
        pull(number=True),
        pull(number=10**40),
        pull(title=None),
        pull(title="  "),
        pull(title={"x": 1}),
        pull(html_url="javascript:alert(1)"),
        pull(html_url=URL.replace("https", "http")),
        pull(html_url="https://[broken/pull/482"),
        pull(html_url="https://github.com/" + "a/" * 200 + "pull/482"),
        pull(base={"repo": {"html_url": "javascript:alert(1)"}}),
        pull(head=None),
        pull(head={"sha": "<script>"}),
        pull(head={"sha": "a" * 65}),
        pull(state="ajar"),
        pull(state=None),
    ],
)
def test_malformed_entries_are_named_and_the_rest_is_taken(stage: Stage, entry: Any) -> None:
    lines = take([entry, pull()])

    assert [(line.position, line.outcome) for line in lines] == [("pulls[0]", "malformed"), ("pulls[1]", "taken")]
    assert lines[0].why


def test_the_base_says_where_it_belongs(stage: Stage) -> None:
    """A fork's page, or an example whose address was left behind."""
    take([pull(number=12, html_url="https://github.com/somebody/fork/pull/902")])
    found = PullRequest.objects.get()
    assert (found.number, found.url) == (12, URL.replace("482", "12"))


@pytest.mark.parametrize("title", ["x" * 5000, "a\0b", "half \ud800 pair", "two\nlines", "<b>bold</b>"])
def test_strange_titles_fit(stage: Stage, title: str) -> None:
    assert outcomes([pull(title=title, user={"login": "l" * 500})]) == ["taken"]
    assert len(PullRequest.objects.get().title) <= 300


# --- Reviews -------------------------------------------------------------------------------------------------
def test_a_review_counts_for_its_commit(stage: Stage) -> None:
    lines = take(both(review(body="Reads well.")))

    found = Review.objects.get()
    assert [line.outcome for line in lines] == ["taken", "taken"]
    assert (found.reviewer, found.verdict, found.counts, found.note) == (
        stage.cast.reviewer, "approved", True, "Reads well.",
    )  # fmt: skip
    assert found.at == datetime(2019, 5, 15, 15, 20, 38, tzinfo=UTC)
    assert PullRequest.objects.get().standing.full


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ("APPROVED", "approved"),
        ("CHANGES_REQUESTED", "changes_requested"),
        ("COMMENTED", "commented"),
        ("approved", "approved"),
    ],
)
def test_verdicts(stage: Stage, state: str, verdict: str) -> None:
    take(both(review(state=state)))
    assert Review.objects.get().verdict == verdict


@pytest.mark.parametrize("login", ["stranger", "hannahc"])
def test_strangers_and_the_author_do_not_count(stage: Stage, login: str) -> None:
    take(both(review(user={"login": login})))

    assert Review.objects.get().counts is False
    assert not PullRequest.objects.get().standing.full


def test_a_dismissed_approval_no_longer_counts(stage: Stage) -> None:
    take(both(review()))

    assert outcomes(both(review(state="DISMISSED"))) == ["unchanged", "updated"]
    assert outcomes(both(review(state="DISMISSED"))) == ["unchanged", "unchanged"]
    assert not PullRequest.objects.get().standing.full


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"state": "PENDING", "submitted_at": None}, "It is not submitted yet."),
        ({"html_url": None, "pull_request_url": "https://api.github.com/repos/x/y/pulls/1"}, "Its pull request is not"),
        ({"html_url": URL.replace("482", "9")}, "Its pull request is not in releaseflow."),
    ],
)
def test_reviews_skipped_for_a_reason(stage: Stage, changed: dict[str, Any], why: str) -> None:
    line = take(both(review(**changed)))[1]
    assert line.outcome == "skipped"
    assert line.why.startswith(why)
    assert not Review.objects.exists()


@pytest.mark.parametrize("changed", [{"html_url": None}, {"html_url": None, "pull_request_url": None}])
def test_a_review_finds_its_pull_request_by_what_there_is(stage: Stage, changed: dict[str, Any]) -> None:
    assert outcomes(both(review(**changed))) == ["taken", "taken"]


@pytest.mark.parametrize(
    "changed",
    [
        {"state": "SPLENDID"},
        {"state": None},
        {"id": None},
        {"id": "1"},
        {"id": -1},
        {"commit_id": None},
        {"submitted_at": None},
        {"submitted_at": "yesterday"},
        {"submitted_at": "2026-12-07T12:00:00"},
        {"submitted_at": "0001-01-01T00:00:00+14:00"},
    ],
)
def test_malformed_reviews(stage: Stage, changed: dict[str, Any]) -> None:
    line = take(both(review(**changed)))[1]
    assert (line.position, line.outcome) == ("reviews.482[0]", "malformed")


def test_a_review_of_what_is_withdrawn_is_skipped(stage: Stage) -> None:
    take([pull()])
    perform(PULL_REQUEST, "withdraw", PullRequest.objects.get(), by=stage.cast.developer)
    assert outcomes(both(review())) == ["unchanged", "skipped"]


# --- The real shapes -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", range(len(EXAMPLES["pulls"])))
def test_real_pull_requests_are_read(number: int) -> None:
    entry = EXAMPLES["pulls"][number]
    found = read_pull(entry)
    base = entry["base"]["repo"]
    assert (found.place.repository_url, found.place.number) == (base["html_url"], entry["number"])
    assert found.head_sha == entry["head"]["sha"]


@pytest.mark.parametrize("number", range(len(EXAMPLES["reviews"])))
def test_real_reviews_are_read(number: int) -> None:
    entry = EXAMPLES["reviews"][number]
    found = read_review(entry)
    assert found.place
    assert (found.place.name, found.forge_id, found.state) == (
        "Codertocat/Hello-World",
        str(entry["id"]),
        entry["state"],
    )


def test_real_ones_are_imported(stage: Stage) -> None:
    for url in {each["base"]["repo"]["html_url"] for each in EXAMPLES["pulls"]}:
        RepositoryFactory(application=stage.application, url=url)

    run = Import()
    run.take(entries_of(EXAMPLES))
    run.take(entries_of(EXAMPLES["reviews"], holds="reviews"))

    assert "malformed" not in {line.outcome for line in run.lines}
    assert PullRequest.objects.count() == 2
    assert Review.objects.count() == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "https://",
        "https://github.com/acme/x",
        "https://github.com/pull/1",
        "ftp://a/b/c/pull/1",
        "https://h/a/b/pull/1x",
    ],
)
def test_what_is_no_address_of_a_pull_request(url: str) -> None:
    assert read_address(url) is None


def test_only_github_repositories_take_part(stage: Stage) -> None:
    Repository.objects.update(forge=Repository.Forge.GITLAB)
    assert outcomes([pull()]) == ["skipped"]


def test_what_is_malformed_says_where() -> None:
    with pytest.raises(Malformed, match=r"head\.sha is missing"):
        read_pull(pull(head={}))


# --- The command ---------------------------------------------------------------------------------------------
def run(tmp_path: Path, data: Any, *options: str) -> str:
    file, out = tmp_path / "pulls.json", io.StringIO()
    file.write_text(data if isinstance(data, str) else json.dumps(data))
    call_command("import_pull_requests", str(file), *options, stdout=out)
    return out.getvalue()


def test_the_command_says_line_by_line(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "reviews.json").write_text(json.dumps([review()]))

    said = run(
        tmp_path,
        [pull(), pull(draft=True, number=1, html_url=URL.replace("482", "1"))],
        "--reviews",
        str(tmp_path / "reviews.json"),
    )

    assert said.splitlines() == [
        "taken     pulls[0]     acme/identity-admin #482",
        "skipped   pulls[1]     acme/identity-admin #1: It is a draft: it is taken when it is ready for review.",
        "taken     reviews[0]   review of acme/identity-admin #482 by weizhang",
        "2 taken, 0 updated, 0 unchanged, 1 skipped, 0 malformed.",
    ]


def test_a_dry_run_changes_nothing(stage: Stage, tmp_path: Path) -> None:
    said = run(tmp_path, both(review()), "--dry-run")

    assert said.endswith(
        "2 taken, 0 updated, 0 unchanged, 0 skipped, 0 malformed. Nothing was changed: this was a dry run.\n"
    )
    assert not PullRequest.objects.exists()
    assert not Event.objects.filter(object_type="pull_request").exists()


def test_json(stage: Stage, tmp_path: Path) -> None:
    report = json.loads(run(tmp_path, [pull()], "--json"))
    assert report["counts"]["taken"] == 1
    assert report["lines"] == [
        {"position": "pulls[0]", "subject": "acme/identity-admin #482", "outcome": "taken", "why": ""}
    ]


def test_malformed_entries_end_with_one(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        run(tmp_path, [pull(), {}])
    assert ended.value.code == 1
    assert PullRequest.objects.count() == 1


@pytest.mark.parametrize("data", ["", "{", "<html>", "[" * 100_000, "\x00", '{"a": ' + "9" * 5000 + "}"])
def test_what_is_not_json_ends_with_two(db: None, tmp_path: Path, data: str) -> None:
    with pytest.raises(CommandError, match="is not JSON") as ended:
        run(tmp_path, data)
    assert ended.value.returncode == 2


def test_a_file_that_is_not_there_ends_with_two(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Cannot read") as ended:
        call_command("import_pull_requests", str(tmp_path / "nothing.json"))
    assert ended.value.returncode == 2


def test_standard_input(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbf" + json.dumps(pull()).encode()))
    monkeypatch.setattr(sys, "stdin", content)
    call_command("import_pull_requests", "-", stdout=io.StringIO())
    assert PullRequest.objects.count() == 1


def test_a_dismissal_that_is_told_before_its_verdict(stage: Stage) -> None:
    taken = take(both(review(state="DISMISSED"), review()))

    assert [(line.outcome, line.why) for line in taken[1:]] == [
        ("taken", "It was dismissed."),
        ("unchanged", "It is here already."),
    ]
    assert not PullRequest.objects.get().standing.full
