"""The REST APIs of four forges with one pull request each, in the shapes that they document. No network."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

from accounts.secrets import seal
from deployments.models import Application, Connection
from tests.factories import RepositoryFactory

OPENED = datetime(2026, 12, 7, 14, 0, tzinfo=UTC)
TOKEN = "a-token-that-nobody-sees"


@dataclass
class Api:
    """`heads` are (commit, minute of its push); `said` is (who, verdict, minute); `state` is open or merged."""

    heads: list[tuple[str, int]] = field(default_factory=lambda: [("a", 0)])
    said: list[tuple[str, str, int]] = field(default_factory=list)
    check: str = ""
    state: str = "open"
    title: str = "Expire idle sessions"
    draft: bool = False
    changed: int = 0
    name: str = "acme/sessions"
    pages: int = 1

    kind: ClassVar[str]
    host: ClassVar[str]
    base: ClassVar[str]
    header: ClassVar[tuple[str, str]]
    commit_length: ClassVar[int] = 40

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def sha(self, letter: str) -> str:
        return letter * self.commit_length

    def at(self, minute: int) -> str:
        return (OPENED + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")

    @property
    def head(self) -> str:
        return self.sha(self.heads[-1][0])

    @property
    def url(self) -> str:
        return f"{self.host}/{self.name}"

    def head_at(self, minute: int) -> str:
        return self.sha([letter for letter, when in self.heads if when <= minute][-1])

    def push(self, letter: str, minute: int) -> None:
        self.heads.append((letter, minute))
        self.changed = minute

    def say(self, who: str, verdict: str, minute: int) -> None:
        self.said.append((who, verdict, minute))
        self.changed = minute

    def newest(self) -> dict[str, tuple[str, int]]:
        return {who: (verdict, minute) for who, verdict, minute in self.said}

    def connect(self, application: Application, **given: str) -> Connection:
        """Its repository, and a connection that has a token."""
        RepositoryFactory(application=application, name=self.name, url=self.url, forge=self.kind)
        return Connection.objects.create(
            name=self.kind,
            forge=self.kind,
            speaks_for=f"{self.host}/acme",
            key=self.kind,
            secret=seal("x"),
            token=seal(TOKEN),
            **given,
        )

    def answer(self, url: str) -> tuple[int, dict[str, str], Any]:
        """Status, headers and JSON for an address below `base`."""
        path = urlsplit(url).path.removeprefix(urlsplit(self.base).path)
        found = self.routes().get(path)
        return (404, {}, {"message": "Not Found"}) if found is None else (200, {}, found)

    def routes(self) -> dict[str, Any]:
        raise NotImplementedError


class GitHub(Api):
    kind, host, base = "github", "https://github.com", "https://api.github.com"
    header = ("Authorization", f"Bearer {TOKEN}")

    def entry(self) -> dict[str, Any]:
        return {
            "id": 900,
            "number": 482,
            "html_url": f"{self.url}/pull/482",
            "title": self.title,
            "state": "open" if self.state == "open" else "closed",
            "draft": self.draft,
            "merged_at": self.at(self.changed) if self.state == "merged" else None,
            "updated_at": self.at(self.changed),
            "user": {"login": "hannahc"},
            "head": {"sha": self.head, "ref": "expire-idle"},
            "base": {"ref": "main", "repo": {"html_url": self.url, "full_name": self.name}},
        }

    def review(self, who: str, verdict: str, minute: int) -> dict[str, Any]:
        return {
            "id": 1000 + minute,
            "user": {"login": who},
            "body": "",
            "state": verdict.upper(),
            "commit_id": self.head_at(minute),
            "submitted_at": self.at(minute),
            "html_url": f"{self.url}/pull/482#pullrequestreview-{1000 + minute}",
            "pull_request_url": f"{self.base}/repos/{self.name}/pulls/482",
        }

    def reviews(self) -> list[dict[str, Any]]:
        """Taking back dismisses the review before."""
        found: dict[str, dict[str, Any]] = {}
        for who, verdict, minute in self.said:
            if verdict == "withdrawn":
                found[who]["state"] = "DISMISSED"
            else:
                found[who] = self.review(who, verdict, minute)
        return list(found.values())

    def runs(self) -> list[dict[str, Any]]:
        if not self.check:
            return []
        run = {"id": 4, "name": "build", "head_sha": self.head, "status": "completed", "started_at": self.at(1)}
        queued = {"id": 5, "name": "late", "head_sha": self.head, "status": "queued", "started_at": None}
        return [run | {"conclusion": self.check, "completed_at": self.at(2)}, queued]

    def routes(self) -> dict[str, Any]:
        repo = f"/repos/{self.name}"
        return {
            f"{repo}/pulls": [self.entry()] if self.state == "open" else [],
            f"{repo}/pulls/482": self.entry(),
            f"{repo}/pulls/482/reviews": self.reviews(),
            f"{repo}/commits/{self.head}/check-runs": {"total_count": 1, "check_runs": self.runs()},
            f"{repo}/commits/{self.head}/status": {"state": "pending", "sha": self.head, "statuses": []},
        }


class Gitea(GitHub):
    kind, host, base = "gitea", "https://gitea.example.com", "https://gitea.example.com/api/v1"
    header = ("Authorization", f"token {TOKEN}")

    def entry(self) -> dict[str, Any]:
        return super().entry() | {"html_url": f"{self.url}/pulls/482"}

    def review(self, who: str, verdict: str, minute: int) -> dict[str, Any]:
        state = {"approved": "APPROVED", "changes_requested": "REQUEST_CHANGES", "withdrawn": "APPROVED"}[verdict]
        found = super().review(who, verdict, minute) | {"state": state, "dismissed": verdict == "withdrawn"}
        return found | {"stale": False, "official": True, "pull_request_url": f"{self.url}/pulls/482"}

    def reviews(self) -> list[dict[str, Any]]:
        return [self.review(*each) for each in self.said]

    def routes(self) -> dict[str, Any]:
        status = {"id": 3, "status": self.check, "context": "ci/build", "updated_at": self.at(2)}
        found = {"state": self.check, "sha": self.head, "statuses": [status] if self.check else None}
        return super().routes() | {f"/repos/{self.name}/commits/{self.head}/status": found}


class GitLab(Api):
    kind, host, base = "gitlab", "https://gitlab.com", "https://gitlab.com/api/v4"
    header = ("PRIVATE-TOKEN", TOKEN)
    dated: bool = True

    def at(self, minute: int) -> str:
        return super().at(minute).replace("Z", ".412Z")

    def entry(self) -> dict[str, Any]:
        return {
            "id": 900,
            "iid": 482,
            "web_url": f"{self.url}/-/merge_requests/482",
            "title": self.title,
            "state": "opened" if self.state == "open" else self.state,
            "draft": self.draft,
            "updated_at": self.at(self.changed),
            "author": {"id": 1, "username": "hannahc"},
            "sha": self.head,
            "source_branch": "expire-idle",
        }

    def routes(self) -> dict[str, Any]:
        project = f"/projects/{self.name.replace('/', '%2F')}"
        approved = [
            {"user": {"id": 2, "username": who}} | ({"approved_at": self.at(minute)} if self.dated else {})
            for who, (verdict, minute) in self.newest().items()
            if verdict == "approved"
        ]
        versions = [
            {"id": n, "head_commit_sha": self.sha(c), "created_at": self.at(m)} for n, (c, m) in enumerate(self.heads)
        ]
        pipeline = {"id": 7, "sha": self.head, "status": self.check, "created_at": self.at(1), "updated_at": self.at(2)}
        return {
            f"{project}/merge_requests": [self.entry()] if self.state == "open" else [],
            f"{project}/merge_requests/482": self.entry(),
            f"{project}/merge_requests/482/approvals": {"iid": 482, "approved_by": approved},
            f"{project}/merge_requests/482/versions": versions[::-1],
            f"{project}/pipelines": [pipeline] if self.check else [],
        }


class Bitbucket(Api):
    kind, host, base = "bitbucket", "https://bitbucket.org", "https://api.bitbucket.org/2.0"
    header = ("Authorization", f"Bearer {TOKEN}")
    commit_length = 12

    def entry(self) -> dict[str, Any]:
        return {
            "type": "pullrequest",
            "id": 482,
            "title": self.title,
            "state": {"open": "OPEN", "merged": "MERGED"}[self.state],
            "draft": self.draft,
            "updated_on": self.at(self.changed).replace("Z", ".123456+00:00"),
            "author": {"nickname": "hannahc"},
            "source": {"branch": {"name": "expire-idle"}, "commit": {"hash": self.head}},
            "links": {"html": {"href": f"{self.url}/pull-requests/482"}},
        }

    def activity(self) -> list[dict[str, Any]]:
        names = {"approved": "approval", "changes_requested": "changes_requested"}
        updates = [
            {"update": {"date": self.at(m), "state": "OPEN", "source": {"commit": {"hash": self.sha(c)}}}}
            for c, m in self.heads
        ]
        said = [
            {names[verdict]: {"date": self.at(minute), "user": {"nickname": who}}}
            for who, verdict, minute in self.said
            if verdict in names
        ]
        return [*said, {"comment": {"id": 1}}, *updates]

    def routes(self) -> dict[str, Any]:
        pulls = f"/repositories/{self.name}/pullrequests"
        participants = [
            {
                "user": {"nickname": who},
                "role": "REVIEWER",
                "approved": verdict == "approved",
                "participated_on": self.at(m),
            }
            | {"state": None if verdict == "withdrawn" else verdict}
            for who, (verdict, m) in self.newest().items()
        ]
        commit = {"href": f"{self.base}/repositories/{self.name}/commit/{self.heads[-1][0] * 40}"}
        state = "SUCCESSFUL" if self.check == "success" else "FAILED"
        status = {"key": "build", "state": state, "updated_on": self.at(2), "links": {"commit": commit}}
        return {
            pulls: {"values": [self.entry()] if self.state == "open" else [], "pagelen": 50},
            f"{pulls}/482": self.entry() | {"participants": participants},
            f"{pulls}/482/activity": {"values": self.activity()},
            f"{pulls}/482/statuses": {"values": [status] if self.check else []},
        }


APIS: list[type[Api]] = [GitHub, GitLab, Gitea, Bitbucket]
