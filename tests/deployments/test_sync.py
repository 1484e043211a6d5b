"""Asking forges for what webhooks tell: the same taking-in, what goes wrong at a forge, and nothing told twice."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
import responses
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.secrets import seal
from deployments.models import Connection, PullRequest, Repository, Review
from deployments.sync import client as asking
from deployments.sync.run import Line, Sync
from deployments.sync.sources import usual_base
from tests.deployments import apis
from tests.deployments.apis import APIS, TOKEN, Api
from tests.deployments.forges import FORGES, Forge, known_there
from tests.factories import RepositoryFactory
from tests.stages import Stage
from workflow.models import Event

Said = pytest.CaptureFixture[str]


@pytest.fixture
def stage(stage: Stage) -> Stage:
    return known_there(stage)


@pytest.fixture
def net() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        yield mocked


def serve(net: responses.RequestsMock, api: Api) -> None:
    """Answers as the API does, to whoever shows the token."""

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        name, value = api.header
        if request.headers.get(name) != value:
            return 401, {}, "{}"
        status, headers, found = api.answer(str(request.url))
        return status, headers, json.dumps(found)

    net.add_callback(responses.GET, re.compile(re.escape(api.base)), answer)


@pytest.fixture(params=APIS, ids=lambda api: api.kind)
def api(request: pytest.FixtureRequest, stage: Stage, net: responses.RequestsMock) -> Api:
    found: Api = request.param()
    found.connect(stage.cast.application)
    serve(net, found)
    return found


@pytest.fixture
def github(stage: Stage, net: responses.RequestsMock) -> Api:
    found = apis.GitHub()
    found.connect(stage.cast.application)
    return found


def sync(**given: Any) -> list[Line]:
    run = Sync(**given)
    return [
        line
        for repository in Repository.objects.filter(name__startswith="acme/s")
        for line in run.repository(repository)
    ]


def the_pull() -> PullRequest:
    return PullRequest.objects.select_related("repository").prefetch_related("reviews").get()


def only(lines: list[Line]) -> str:
    [line] = lines
    assert line.outcome == "failed"
    return line.why


# --- A pull request's life, by asking alone -------------------------------------------------------------------
def test_from_opened_to_approved_to_stale_and_merged(api: Api) -> None:
    sync()
    assert the_pull().author_name == "Hannah Cole"
    assert the_pull().standing.sentence == "needs one more approval"

    api.say("weizhang", "approved", 5)
    sync()
    assert the_pull().standing.full

    api.push("b", 10)
    sync()
    assert the_pull().standing.sentence == "needs one more approval on the new commit"

    api.say("weizhang", "approved", 15)
    api.state = "merged"
    sync()
    assert the_pull().standing.full
    assert the_pull().forge_state == "merged"


def test_asking_again_changes_nothing(api: Api) -> None:
    api.say("weizhang", "approved", 5)
    api.check = "success"
    assert {line.outcome for line in sync()} >= {"taken"}
    before = Event.objects.count()

    assert {line.outcome for line in sync()} == {"unchanged"}

    assert (Event.objects.count(), Review.objects.count()) == (before, 1)


def test_a_dry_run_says_it_and_changes_nothing(api: Api) -> None:
    api.say("weizhang", "approved", 5)
    dry = sync(dry=True)

    assert not PullRequest.objects.exists()
    assert dry == sync()


def test_an_approval_that_was_taken_back(api: Api) -> None:
    api.say("weizhang", "approved", 5)
    sync()
    api.say("weizhang", "withdrawn", 6)
    sync()

    assert not the_pull().standing.full


@pytest.mark.parametrize("api", [each for each in APIS if each.kind != "gitlab"], indirect=True)
def test_changes_that_are_asked_for(api: Api) -> None:
    api.say("weizhang", "changes_requested", 5)
    sync()

    assert the_pull().standing.blockers == ("Wei Zhang asked for changes",)


def test_checks_of_the_head(api: Api) -> None:
    api.check = "failure"
    sync()
    assert the_pull().checks == "failing"


def test_a_draft_waits_and_what_was_not_changed_is_left_out(api: Api) -> None:
    api.draft = True
    assert [line.why for line in sync()] == ["It is a draft: it is taken when it is ready for review."]
    api.draft = False

    assert sync(since=apis.OPENED.replace(hour=15)) == []
    assert not PullRequest.objects.exists()


def test_what_a_webhook_told_is_not_told_twice(api: Api, client: Client) -> None:
    """The forge's webhooks and its API give a review different numbers, and its instant differs by a second."""
    kind: type[Forge] = next(each for each in FORGES if each.kind == api.kind)
    connection = Connection.objects.get()
    Connection.objects.update(secret=seal(Forge.secret))
    forge = kind(client, connection, api.url)
    forge.opened("a")
    forge.approved("a", by="weizhang", minute=5)
    api.say("weizhang", "approved", 5)

    sync()

    assert Review.objects.count() == 1


def test_an_older_answer_replaces_nothing_newer(api: Api) -> None:
    api.push("b", 10)
    sync()
    api.heads, api.changed, api.title = [("a", 0)], 0, "Old"
    sync()

    assert (the_pull().head_sha, the_pull().title) == (api.sha("b"), "Expire idle sessions")


def test_what_was_recorded_here_by_hand_is_not_taken_back(api: Api, stage: Stage) -> None:
    sync()
    pull = the_pull()
    said = {"reviewer": stage.cast.reviewer, "verdict": "approved", "sha": pull.head_sha, "at": apis.OPENED}
    Review.objects.create(pull_request=pull, counts=True, **said)

    sync()

    assert Review.objects.get().verdict == "approved"


def test_an_undated_approval_of_an_older_gitlab(stage: Stage, net: responses.RequestsMock) -> None:
    """Without its instant it is known to be for the head only while there is one version."""
    api = apis.GitLab()
    api.connect(stage.cast.application)
    serve(net, api)
    api.dated = False
    api.say("weizhang", "approved", 5)
    sync()
    assert the_pull().standing.full

    api.push("b", 10)
    sync()

    assert not the_pull().standing.full


def test_an_undated_approval_does_not_take_back_what_a_webhook_told(stage: Stage, net: responses.RequestsMock) -> None:
    api = apis.GitLab()
    api.connect(stage.cast.application)
    serve(net, api)
    api.push("b", 10)
    api.say("weizhang", "approved", 15)
    sync()  # dated, as a webhook is
    api.dated = False

    sync()

    assert the_pull().standing.full


# --- What goes wrong at a forge ---------------------------------------------------------------------------------
PULLS = "https://api.github.com/repos/acme/sessions/pulls"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"status": 401}, "the forge does not accept the token (401)"),
        ({"status": 403}, "the token does not allow this (403)"),
        ({"status": 404}, "the forge does not know it, or the token may not see it (404)"),
        ({"status": 502}, "the forge answered 502"),
        (
            {"status": 301, "headers": {"Location": "https://elsewhere.example"}},
            "it has moved: give it its new address here",
        ),
        ({"body": "<html>"}, "the forge's answer is not JSON: is the API's address right?"),
        ({"body": b'[{"a": '}, "the forge's answer is not JSON: is the API's address right?"),
        ({"json": {"message": "x"}}, "the forge's answer is no list"),
        ({"body": requests.ReadTimeout()}, "the forge did not answer in time"),
        ({"body": requests.ConnectionError()}, "the forge cannot be reached"),
        ({"status": 429, "headers": {"Retry-After": "600"}}, "the forge asks to wait for 10 min: run it again then"),
        (
            {"json": [], "headers": {"Link": '<https://evil.example/p>; rel="next"'}},
            "the forge's next page is at another host",
        ),
    ],
)
def test_one_sentence_for_what_went_wrong(github: Api, net: responses.RequestsMock, answer: Any, why: str) -> None:
    net.get(PULLS, **answer)

    assert only(sync()) == f"acme/sessions: {why}."


def test_the_others_are_done_all_the_same(github: Api, stage: Stage, net: responses.RequestsMock, capsys: Said) -> None:
    RepositoryFactory(application=stage.cast.application, name="acme/broken", url="https://github.com/acme/broken")
    net.get("https://api.github.com/repos/acme/broken/pulls", status=500)
    serve(net, github)

    with pytest.raises(SystemExit) as ended:
        call_command("sync_pull_requests")

    said = capsys.readouterr().out
    assert ended.value.code == 1
    assert "failed    acme/broken: the forge answered 500." in said
    assert "taken     acme/sessions #482" in said
    assert TOKEN not in said


def test_a_forge_that_asks_to_wait_a_little_is_waited_for(github: Api, net: responses.RequestsMock) -> None:
    waited: list[float] = []
    net.get(PULLS, status=429, headers={"Retry-After": "7"})
    net.get(PULLS, json=[])

    assert sync(sleep=waited.append) == []
    assert waited == [7.0]


def test_waiting_has_an_end(github: Api, net: responses.RequestsMock) -> None:
    waited: list[float] = []
    net.get(PULLS, status=403, headers={"Retry-After": "25"})

    assert "asks to wait" in only(sync(sleep=waited.append))
    assert sum(waited) <= asking.LONGEST_WAIT


def test_all_pages_are_read(github: Api, net: responses.RequestsMock) -> None:
    net.get(PULLS, json=[], headers={"Link": f'<{PULLS}?page=2>; rel="next"'}, match=[page_of(None)])
    net.get(PULLS, json=[github.entry()], match=[page_of("2")])
    serve(net, github)

    sync()

    assert PullRequest.objects.count() == 1


def page_of(number: str | None) -> Any:
    def match(request: requests.PreparedRequest) -> tuple[bool, str]:
        asked: dict[str, str] = getattr(request, "params", {})
        return asked.get("page") == number, "another page"

    return match


def test_an_answer_about_another_repository_is_not_taken(github: Api, net: responses.RequestsMock) -> None:
    github.name = "acme/renamed"
    net.get(PULLS, json=[github.entry()])

    assert [line.why for line in sync()] == [
        "acme/renamed was answered when acme/sessions was asked for: has it a new name?"
    ]


def test_an_entry_that_cannot_be_read_is_named(github: Api, net: responses.RequestsMock) -> None:
    net.get(PULLS, json=[{"html_url": 3}, 7])

    assert [(line.outcome, line.why) for line in sync()] == [
        ("malformed", "html_url is missing."),
        ("malformed", "Expected an object, not int."),
    ]


def test_without_a_token_nothing_is_asked(github: Api, net: responses.RequestsMock) -> None:
    Connection.objects.update(token="")

    assert [line.why for line in sync()] == ["No connection with a token speaks for it."]
    assert len(net.calls) == 0


def test_a_token_under_another_key(github: Api) -> None:
    Connection.objects.update(token="sealed elsewhere")

    assert only(sync()) == "acme/sessions: its token was sealed under another SECRET_KEY: set it again."


# --- The command ------------------------------------------------------------------------------------------------
def test_as_json(github: Api, net: responses.RequestsMock, capsys: Said) -> None:
    serve(net, github)
    call_command("sync_pull_requests", "--json", "--dry-run", "--repository", "Acme/Sessions", "--since", "2026-12-01")

    said = json.loads(capsys.readouterr().out)
    assert (said["dry_run"], said["counts"]["taken"], said["lines"][0]["subject"]) == (True, 1, "acme/sessions #482")


def test_twice_says_that_nothing_changed(github: Api, net: responses.RequestsMock, capsys: Said) -> None:
    serve(net, github)
    call_command("sync_pull_requests", "--repository", github.url)
    call_command("sync_pull_requests", "--repository", github.url)

    assert capsys.readouterr().out.splitlines()[-1] == "1 unchanged. Nothing changed."


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("--repository", "acme/none"), "Not a repository known here: acme/none."),
        (("--since", "yesterday"), "--since takes a day such as 2026-12-01, not yesterday."),
    ],
)
def test_what_is_asked_for_wrongly(github: Api, given: tuple[str, ...], why: str) -> None:
    with pytest.raises(CommandError, match=re.escape(why)):
        call_command("sync_pull_requests", *given)


@pytest.mark.parametrize(
    ("forge", "speaks_for", "base"),
    [
        ("github", "https://github.com/acme", "https://api.github.com"),
        ("github", "https://git.acme.example/web", "https://git.acme.example/api/v3"),
        ("gitlab", "https://gitlab.acme.example/web", "https://gitlab.acme.example/api/v4"),
        ("gitea", "https://gitea.acme.example:3000/web", "https://gitea.acme.example:3000/api/v1"),
        ("bitbucket", "https://bitbucket.org/acme", "https://api.bitbucket.org/2.0"),
    ],
)
def test_where_an_api_usually_is(forge: str, speaks_for: str, base: str) -> None:
    assert usual_base(Connection(forge=forge, speaks_for=speaks_for)) == base


def test_over_real_http(stage: Stage) -> None:
    """Headers, encoded paths and pages as a server sees them, on this machine."""
    api = apis.GitLab()
    api.say("weizhang", "approved", 5)

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers.get("PRIVATE-TOKEN") == TOKEN
            status, _, found = api.answer(self.path) if known else (401, {}, {})
            body = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        api.connect(stage.cast.application, api_url=f"http://127.0.0.1:{server.server_port}/api/v4/")
        lines = sync()
        server.shutdown()

    assert [line.outcome for line in lines] == ["taken", "updated"]
    assert the_pull().standing.full
