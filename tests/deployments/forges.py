"""Four forges that deliver what the real ones do, in the shapes of their documentation, one pull request each."""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from django.test import Client

from accounts.secrets import seal
from deployments.models import Application, Connection, Repository
from tests.factories import RepositoryFactory
from tests.stages import Stage

OPENED = datetime(2026, 12, 7, 14, 0, tzinfo=UTC)
Sign = Callable[[bytes], dict[str, str]]


def known_there(stage: Stage) -> Stage:
    """The team's members are known at the forge, one in other capitals than the forge writes."""
    for person, login in ((stage.cast.developer, "hannahc"), (stage.cast.reviewer, "weizhang")):
        person.forge_login = login
        person.save()
    return stage


@dataclass
class Forge:
    """Talks to one connection. `sha("a")` is a whole commit; `minute` is when something happened there."""

    client: Client
    connection: Connection
    repository: str
    secret: str = "a shared secret"
    number: int = 482
    author: str = "hannahc"
    last: tuple[str, bytes, dict[str, str]] = ("", b"", {})
    sent: int = field(default=0)

    kind: ClassVar[str]
    host: ClassVar[str]
    takes_back: ClassVar[bool] = True
    asks_for_changes: ClassVar[bool] = True
    signs_the_body: ClassVar[bool] = True

    def __getattr__(self, name: str) -> Any:
        """What it tells has one name at all forges, and each forge's own words: `opened`, `pushed`, `approved` …"""
        raise AttributeError(name)

    def sha(self, letter: str) -> str:
        return letter * 40

    def at(self, minute: int) -> str:
        return (OPENED + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")

    def post(self, kind: str, body: bytes, *, sign: Sign | None = None, content_type: str = "application/json") -> Any:
        self.sent += 1
        headers = {**self.headers(kind), **(sign or self.signed)(body)}
        self.last = (content_type, body, headers)
        return self.again()

    def again(self) -> Any:
        content_type, body, headers = self.last
        return self.client.post(self.connection.hook_path, body, content_type=content_type, headers=headers)

    def tell(self, kind: str, payload: dict[str, Any], sign: Sign | None = None) -> Any:
        return self.post(kind, json.dumps(payload).encode(), sign=sign)

    def headers(self, kind: str) -> dict[str, str]:
        raise NotImplementedError

    def signed(self, body: bytes, secret: str | None = None) -> dict[str, str]:
        raise NotImplementedError

    def digest(self, body: bytes, secret: str | None) -> str:
        return hmac.new((self.secret if secret is None else secret).encode(), body, hashlib.sha256).hexdigest()

    def samples(self) -> list[tuple[str, dict[str, Any]]]:
        """A copy of one event of each sort."""
        raise NotImplementedError


class GitHub(Forge):
    kind, host = "github", "https://github.com"

    def headers(self, kind: str) -> dict[str, str]:
        return {"X-GitHub-Event": kind, "X-GitHub-Delivery": f"delivery-{self.sent}"}

    def signed(self, body: bytes, secret: str | None = None) -> dict[str, str]:
        return {"X-Hub-Signature-256": f"sha256={self.digest(body, secret)}"}

    def pull(self, letter: str, minute: int = 0, **changed: Any) -> dict[str, Any]:
        repository = changed.pop("repository", None) or self.repository
        return {
            "number": self.number,
            "html_url": f"{repository}/pull/{self.number}",
            "title": "Expire idle sessions",
            "state": "open",
            "draft": False,
            "merged_at": None,
            "updated_at": self.at(minute),
            "user": {"login": self.author},
            "head": {"sha": self.sha(letter), "ref": "expire-idle"},
            "base": {"repo": {"html_url": repository}},
        } | changed

    def pull_event(self, letter: str, minute: int = 0, **changed: Any) -> dict[str, Any]:
        return {"action": "synchronize", "pull_request": self.pull(letter, minute, **changed)}

    def opened(self, letter: str, minute: int = 0, sign: Sign | None = None, **changed: Any) -> Any:
        return self.tell("pull_request", self.pull_event(letter, minute, **changed), sign)

    def pushed(self, letter: str, minute: int) -> Any:
        return self.tell("pull_request", self.pull_event(letter, minute))

    def merged(self, letter: str, minute: int) -> Any:
        return self.tell("pull_request", self.pull_event(letter, minute, state="closed", merged_at=self.at(minute)))

    def closed(self, letter: str, minute: int) -> Any:
        return self.tell("pull_request", self.pull_event(letter, minute, state="closed"))

    def review(self, letter: str, by: str, minute: int, state: str, number: int) -> dict[str, Any]:
        said = {
            "id": number,
            "state": state,
            "commit_id": self.sha(letter),
            "submitted_at": self.at(minute),
            "html_url": f"{self.repository}/pull/{self.number}#pullrequestreview-{number}",
            "user": {"login": by},
            "body": None,
        }
        return {"action": "submitted", "review": said, "pull_request": self.pull(letter, minute)}

    def approved(self, letter: str, by: str, minute: int) -> Any:
        return self.tell("pull_request_review", self.review(letter, by, minute, "approved", 1000 + minute))

    def asked_for_changes(self, letter: str, by: str, minute: int) -> Any:
        return self.tell("pull_request_review", self.review(letter, by, minute, "changes_requested", 1000 + minute))

    def taken_back(self, letter: str, by: str, minute: int) -> Any:
        """Dismissed: the review of the minute before."""
        return self.tell("pull_request_review", self.review(letter, by, minute, "dismissed", 999 + minute))

    def check(self, letter: str, *, passing: bool, minute: int) -> dict[str, Any]:
        run = {
            "name": "build",
            "head_sha": self.sha(letter),
            "status": "completed",
            "conclusion": "success" if passing else "failure",
            "started_at": self.at(minute),
            "completed_at": self.at(minute),
        }
        return {"check_run": run, "repository": {"html_url": self.repository}}

    def checked(self, letter: str, *, passing: bool, minute: int) -> Any:
        return self.tell("check_run", self.check(letter, passing=passing, minute=minute))

    def push(self, before: str, after: str) -> dict[str, Any]:
        moved = {"ref": "refs/heads/expire-idle", "before": self.sha(before), "after": self.sha(after)}
        return moved | {"repository": {"html_url": self.repository}}

    def samples(self) -> list[tuple[str, dict[str, Any]]]:
        return copy.deepcopy(
            [
                ("pull_request", self.pull_event("a")),
                ("pull_request_review", self.review("a", "weizhang", 1, "approved", 7)),
                ("check_run", self.check("a", passing=True, minute=1)),
                ("push", self.push("a", "b")),
            ]
        )


class Gitea(GitHub):
    kind, host = "gitea", "https://gitea.example.com"
    takes_back = False

    def headers(self, kind: str) -> dict[str, str]:
        return {"X-Gitea-Event": kind, "X-Gitea-Delivery": f"delivery-{self.sent}"}

    def signed(self, body: bytes, secret: str | None = None) -> dict[str, str]:
        return {"X-Gitea-Signature": self.digest(body, secret)}

    def pull(self, letter: str, minute: int = 0, **changed: Any) -> dict[str, Any]:
        found = super().pull(letter, minute, **changed)
        return found | {"html_url": found["html_url"].replace("/pull/", "/pulls/")}

    def reviewed(self, letter: str, by: str, minute: int, kind: str) -> dict[str, Any]:
        said = {"type": f"pull_request_review_{kind}", "content": ""}
        pull = self.pull(letter, minute)
        return {"action": "reviewed", "pull_request": pull, "review": said, "sender": {"login": by}}

    def approved(self, letter: str, by: str, minute: int) -> Any:
        return self.tell("pull_request_approved", self.reviewed(letter, by, minute, "approved"))

    def asked_for_changes(self, letter: str, by: str, minute: int) -> Any:
        return self.tell("pull_request_rejected", self.reviewed(letter, by, minute, "rejected"))

    def check(self, letter: str, *, passing: bool, minute: int) -> dict[str, Any]:
        said = {"sha": self.sha(letter), "context": "ci/build", "state": "success" if passing else "failure"}
        return said | {"updated_at": self.at(minute), "repository": {"html_url": self.repository}}

    def checked(self, letter: str, *, passing: bool, minute: int) -> Any:
        return self.tell("status", self.check(letter, passing=passing, minute=minute))

    def samples(self) -> list[tuple[str, dict[str, Any]]]:
        return copy.deepcopy(
            [
                ("pull_request", self.pull_event("a")),
                ("pull_request_approved", self.reviewed("a", "weizhang", 1, "approved")),
                ("status", self.check("a", passing=True, minute=1)),
                ("push", self.push("a", "b")),
            ]
        )


class GitLab(Forge):
    kind, host = "gitlab", "https://gitlab.com"
    asks_for_changes = False
    signs_the_body = False
    people: ClassVar[dict[str, int]] = {"hannahc": 1, "weizhang": 2}

    def headers(self, kind: str) -> dict[str, str]:
        return {"X-Gitlab-Event": kind}

    def signed(self, body: bytes, secret: str | None = None) -> dict[str, str]:
        return {"X-Gitlab-Token": self.secret if secret is None else secret}

    def merge_request(self, letter: str, minute: int, action: str, *, by: str = "hannahc", **changed: Any) -> Any:
        attributes = {
            "iid": self.number,
            "url": f"{self.repository}/-/merge_requests/{self.number}",
            "title": "Expire idle sessions",
            "state": "opened",
            "action": action,
            "draft": False,
            "author_id": 1,
            "source_branch": "expire-idle",
            "last_commit": {"id": self.sha(letter)},
            "updated_at": (OPENED + timedelta(minutes=minute)).strftime("%Y-%m-%d %H:%M:%S UTC"),
        } | changed
        user = {"id": self.people.get(by, 9), "username": by}
        return {"object_kind": "merge_request", "user": user, "object_attributes": attributes}

    def _tell(self, letter: str, minute: int, action: str, sign: Sign | None = None, **changed: Any) -> Any:
        return self.tell("Merge Request Hook", self.merge_request(letter, minute, action, **changed), sign)

    def opened(self, letter: str, minute: int = 0, sign: Sign | None = None, **changed: Any) -> Any:
        return self._tell(letter, minute, "open", sign, **changed)

    def pushed(self, letter: str, minute: int) -> Any:
        return self._tell(letter, minute, "update")

    def merged(self, letter: str, minute: int) -> Any:
        return self._tell(letter, minute, "merge", state="merged")

    def closed(self, letter: str, minute: int) -> Any:
        return self._tell(letter, minute, "close", state="closed")

    def approved(self, letter: str, by: str, minute: int) -> Any:
        return self._tell(letter, minute, "approved", by=by)

    def taken_back(self, letter: str, by: str, minute: int) -> Any:
        return self._tell(letter, minute, "unapproved", by=by)

    def pipeline(self, letter: str, *, passing: bool, minute: int) -> dict[str, Any]:
        at = (OPENED + timedelta(minutes=minute)).strftime("%Y-%m-%d %H:%M:%S UTC")
        said = {"sha": self.sha(letter), "status": "success" if passing else "failed", "created_at": at}
        project = {"web_url": self.repository}
        return {"object_kind": "pipeline", "object_attributes": said | {"finished_at": at}, "project": project}

    def checked(self, letter: str, *, passing: bool, minute: int) -> Any:
        return self.tell("Pipeline Hook", self.pipeline(letter, passing=passing, minute=minute))

    def samples(self) -> list[tuple[str, dict[str, Any]]]:
        push = {"object_kind": "push", "ref": "refs/heads/expire-idle", "before": self.sha("a"), "after": self.sha("b")}
        return copy.deepcopy(
            [
                ("Merge Request Hook", self.merge_request("a", 0, "open")),
                ("Merge Request Hook", self.merge_request("a", 1, "approved", by="weizhang")),
                ("Pipeline Hook", self.pipeline("a", passing=True, minute=1)),
                ("Push Hook", push | {"project": {"web_url": self.repository}}),
            ]
        )


class Bitbucket(Forge):
    kind, host = "bitbucket", "https://bitbucket.org"

    def sha(self, letter: str) -> str:
        return letter * 12

    def headers(self, kind: str) -> dict[str, str]:
        return {"X-Event-Key": kind, "X-Request-UUID": f"delivery-{self.sent}"}

    def signed(self, body: bytes, secret: str | None = None) -> dict[str, str]:
        return {"X-Hub-Signature": f"sha256={self.digest(body, secret)}"}

    def pull(self, letter: str, minute: int, **changed: Any) -> dict[str, Any]:
        return {
            "id": self.number,
            "title": "Expire idle sessions",
            "state": "OPEN",
            "draft": False,
            "updated_on": f"{OPENED + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%S.123456+00:00}",
            "author": {"nickname": "hannahc"},
            "source": {"branch": {"name": "expire-idle"}, "commit": {"hash": self.sha(letter)}},
            "links": {"html": {"href": f"{self.repository}/pull-requests/{self.number}"}},
        } | changed

    def opened(self, letter: str, minute: int = 0, sign: Sign | None = None, **changed: Any) -> Any:
        return self.tell("pullrequest:created", {"pullrequest": self.pull(letter, minute, **changed)}, sign)

    def pushed(self, letter: str, minute: int) -> Any:
        return self.tell("pullrequest:updated", {"pullrequest": self.pull(letter, minute)})

    def merged(self, letter: str, minute: int) -> Any:
        return self.tell("pullrequest:fulfilled", {"pullrequest": self.pull(letter, minute, state="MERGED")})

    def closed(self, letter: str, minute: int) -> Any:
        return self.tell("pullrequest:rejected", {"pullrequest": self.pull(letter, minute, state="DECLINED")})

    def said(self, name: str, letter: str, by: str, minute: int) -> dict[str, Any]:
        return {name: {"date": self.at(minute), "user": {"nickname": by}}, "pullrequest": self.pull(letter, minute)}

    def approved(self, letter: str, by: str, minute: int) -> Any:
        return self.tell("pullrequest:approved", self.said("approval", letter, by, minute))

    def taken_back(self, letter: str, by: str, minute: int) -> Any:
        return self.tell("pullrequest:unapproved", self.said("approval", letter, by, minute))

    def asked_for_changes(self, letter: str, by: str, minute: int) -> Any:
        return self.tell("pullrequest:changes_request_created", self.said("changes_request", letter, by, minute))

    def status(self, letter: str, *, passing: bool, minute: int) -> dict[str, Any]:
        commit = f"https://api.bitbucket.org/2.0/repositories/acme/x/commit/{letter * 40}"
        said = {"key": "build", "state": "SUCCESSFUL" if passing else "FAILED", "updated_on": self.at(minute)}
        repository = {"links": {"html": {"href": self.repository}}}
        return {"commit_status": said | {"links": {"commit": {"href": commit}}}, "repository": repository}

    def checked(self, letter: str, *, passing: bool, minute: int) -> Any:
        return self.tell("repo:commit_status_updated", self.status(letter, passing=passing, minute=minute))

    def samples(self) -> list[tuple[str, dict[str, Any]]]:
        old, new = ({"type": "branch", "name": "x", "target": {"hash": each * 40}} for each in "ab")
        push = {"push": {"changes": [{"old": old, "new": new}]}}
        return copy.deepcopy(
            [
                ("pullrequest:created", {"pullrequest": self.pull("a", 0)}),
                ("pullrequest:approved", self.said("approval", "a", "weizhang", 1)),
                ("repo:commit_status_updated", self.status("a", passing=True, minute=1)),
                ("repo:push", push | {"repository": {"links": {"html": {"href": self.repository}}}}),
            ]
        )


FORGES: list[type[Forge]] = [GitHub, GitLab, Gitea, Bitbucket]


def connect(forge: type[Forge], client: Client, application: Application) -> Forge:
    """A connection of this forge for everything below acme, with one repository of the application."""
    repository: Repository = RepositoryFactory(
        application=application, name="acme/sessions", url=f"{forge.host}/acme/sessions", forge=forge.kind
    )
    secret = Forge.secret
    connection = Connection.objects.create(
        name="The forge", forge=forge.kind, speaks_for=f"{forge.host}/acme", key=forge.kind, secret=seal(secret)
    )
    return forge(client, connection, repository.url)
