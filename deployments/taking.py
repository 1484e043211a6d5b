"""Taking what forges tell, fact by fact, by the same flows as people use: from a file, a webhook or a forge's API.

Telling the same again changes nothing, and nothing older replaces what is known.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import singledispatchmethod
from typing import Any, Literal

from django.core.exceptions import ValidationError
from django.db.models import Q

from accounts.models import User
from deployments import planning
from deployments.checks import SHORTEST, checks_of, names_commit, same_commit
from deployments.flow import PULL_REQUEST
from deployments.forge.address import Address, spellings
from deployments.forge.facts import Fact, ForgeCheck, ForgePull, ForgePush, ForgeReview, ForgeVerdicts
from deployments.models import Check, PullRequest, Repository, Review
from workflow.machine import perform, take
from workflow.models import Event
from workflow.steps import Refused
from workflow.transactions import whole

Outcome = Literal["taken", "updated", "unchanged", "skipped", "malformed"]
CLOSED = {"closed": "was closed without merging", "merged": "was merged before it was submitted here"}


@dataclass(frozen=True)
class Taken:
    """What became of one fact: about what, the outcome, and why or what changed."""

    subject: str
    outcome: Outcome
    why: str = ""


@dataclass
class Taking:
    """One run for the repositories of one forge. Each repository and person that a fact names is looked up once."""

    forge: Repository.Forge
    _repositories: dict[Address, Repository | None] = field(default_factory=dict)
    _people: dict[str, User | None] = field(default_factory=dict)

    def take(self, fact: Fact) -> Taken:
        """Takes one fact in a transaction of its own; what is refused is skipped with the sentence."""
        try:
            taken: Taken = whole(self._take)(fact)
        except ValidationError as error:
            return Taken(_named(fact), "malformed", " ".join(error.messages))
        except Refused as refused:
            return Taken(_named(fact), "skipped", refused.refusal.sentence)
        return taken

    @singledispatchmethod
    def _take(self, fact: Fact) -> Taken:
        raise TypeError(f"{type(fact).__name__} is no fact of a forge.")

    # --- Pull requests -------------------------------------------------------------------------------------------
    @_take.register
    def _pull(self, found: ForgePull) -> Taken:
        subject = _named(found)
        repository = self.repository(found.place)
        if repository is None:
            return Taken(subject, "skipped", f"{found.place.name} is not a repository known here.")
        known = PullRequest.objects.filter(repository=repository, number=found.place.number).first()
        if known:
            changes = self._update(known, found)
            return Taken(subject, "updated" if changes else "unchanged", changes or "It is here already, as it stands.")
        if found.state in CLOSED:
            return Taken(subject, "skipped", f"It {CLOSED[found.state]}.")
        if found.state == "draft":
            return Taken(subject, "skipped", "It is a draft: it is taken when it is ready for review.")
        return Taken(subject, "taken", self._submit(repository, found))

    def _submit(self, repository: Repository, found: ForgePull) -> str:
        author = self.person(found.login)
        pull_request = PullRequest(
            repository=repository,
            number=found.place.number,
            title=found.title,
            url=found.url,
            author=author,
            author_login=found.login,
            head_sha=found.head_sha,
            forge_state=found.state,
            head_branch=found.branch,
            told_at=found.at,
        )
        pull_request.checks = checks_of(pull_request)
        pull_request.clean_fields(exclude={"submitted_at"})
        planning.submit(pull_request, by=None)
        return "" if author else f"The author is not known here: kept as {found.login or 'unknown'}."

    def _update(self, known: PullRequest, found: ForgePull) -> str:
        """Brings a known pull request up to date; the answer says in words what changed."""
        known = take("pull_request", known)
        if found.at and known.told_at and found.at < known.told_at:
            return ""
        changes = []
        if not self._same_head(known, found):
            known = perform(PULL_REQUEST, "new_head", known, by=None, sha=found.head_sha)
            changes.append(f"new head commit {found.head_sha[:7]}")
        new: dict[str, Any] = {
            "title": found.title,
            "forge_state": found.state,
            "head_branch": found.branch or known.head_branch,
        }
        new |= {"told_at": found.at or known.told_at}
        if known.author is None and (author := self.person(found.login)):
            new["author"] = author
        different = {name: value for name, value in new.items() if getattr(known, name) != value}
        if different:
            perform(PULL_REQUEST, "refresh", known, by=None, **different)
        words = {"title": "new title", "forge_state": f"now {found.state}", "author": "author found"}
        return ", ".join(changes + [words[name] for name in different if name in words])

    def _same_head(self, known: PullRequest, found: ForgePull) -> bool:
        """Also a head that was left within the same second, as forges count: the push came first."""
        if same_commit(known.head_sha, found.head_sha) or known.head_sha == found.head_sha:
            return True
        if known.told_at is None or found.at != known.told_at:
            return False
        moves = Event.objects.filter(object_type="pull_request", object_id=known.pk, action="new_head")
        return any(move.data.get("from") == found.head_sha for move in moves)

    def repository(self, place: Address) -> Repository | None:
        """By its address; by its name alone where the API gives no more."""
        key = replace(place, number=0)
        if key not in self._repositories:
            names = [("url__iexact", each) for each in spellings(place.repository_url)] or [
                ("name__iexact", place.name)
            ]
            found = Repository.objects.filter(Q(*names, _connector=Q.OR), forge=self.forge)
            self._repositories[key] = found.select_related("application").first()
        return self._repositories[key]

    def person(self, login: str) -> User | None:
        """Whose name at the forge this is; capitals do not matter."""
        key = login.lower()
        if key and key not in self._people:
            self._people[key] = User.objects.filter(forge_login__iexact=key).first()
        return self._people.get(key)

    # --- Reviews -------------------------------------------------------------------------------------------------
    @_take.register
    def _review(self, found: ForgeReview) -> Taken:
        subject = _named(found)
        pull_request = self._reviewed(found.place)
        if pull_request is None:
            return Taken(subject, "skipped", "Its pull request is not in releaseflow.")
        known = pull_request.reviews.filter(forge_id=found.forge_id).first()
        if found.state == "dismissed":
            return self._dismissed(pull_request, known, found)
        if known:
            return Taken(subject, "unchanged", "It is here already.")
        if found.state == "pending":
            return Taken(subject, "skipped", "It is not submitted yet.")
        return self._say(pull_request, found, found.state)

    def _reviewed(self, place: Address | None) -> PullRequest | None:
        repository = self.repository(place) if place else None
        if place is None or repository is None:
            return None
        return PullRequest.objects.filter(repository=repository, number=place.number).first()

    def _say(self, pull_request: PullRequest, found: ForgeReview, verdict: str) -> Taken:
        reviewer = self.person(found.login)
        said: dict[str, Any] = {"verdict": verdict, "note": found.note, "sha": found.sha, "at": found.at}
        said |= {"reviewer": reviewer, "login": found.login, "forge_id": found.forge_id}
        perform(PULL_REQUEST, "review", pull_request, by=None, **said)
        return Taken(
            _named(found), "taken", "" if reviewer else "The reviewer is not known here, so it does not count."
        )

    def _dismissed(self, pull_request: PullRequest, known: Review | None, found: ForgeReview) -> Taken:
        """A dismissed verdict stays on record but no longer counts, also when it is told before the verdict itself."""
        if known is None and found.at and found.sha:
            self._say(pull_request, found, Review.Verdict.WITHDRAWN)
            return Taken(_named(found), "taken", "It was dismissed.")
        if known is None:
            return Taken(_named(found), "skipped", "It was dismissed.")
        if not known.counts:
            return Taken(_named(found), "unchanged", "It does not count.")
        perform(PULL_REQUEST, "dismiss_review", pull_request, by=None, review=known)
        return Taken(_named(found), "updated", "It was dismissed and no longer counts.")

    @_take.register
    def _verdicts(self, found: ForgeVerdicts) -> Taken:
        """Says what differs from the newest that each person said of the same commit, and takes back what is gone."""
        subject = _named(found)
        pull_request = self._reviewed(found.place)
        if pull_request is None:
            return Taken(subject, "skipped", "Its pull request is not in releaseflow.")
        newest = _newest(pull_request)
        told = [each for each in found.reviews if each.state != "withdrawn" or _key(each.login, each.sha) in newest]
        told += _gone(pull_request, found, newest)
        news = [each for each in told if _is_news(each, newest)]
        for each in news:
            self._say(pull_request, each, each.state)
        why = ", ".join(f"{Review.Verdict(each.state).label.lower()} by {each.login}" for each in news)
        return Taken(subject, "updated" if news else "unchanged", why or "All of it is here already.")

    # --- Commits -------------------------------------------------------------------------------------------------
    @_take.register
    def _push(self, found: ForgePush) -> Taken:
        """Only where the branch and its head are those of a pull request: its own event tells the rest."""
        subject = _named(found)
        repository = self.repository(found.place)
        live = PullRequest.objects.filter(repository=repository, status__in=PullRequest.LIVE)
        same_branch = live.filter(head_branch=found.branch).order_by("pk")
        moved = [each for each in same_branch if repository and same_commit(each.head_sha, found.before)]
        for each in moved:
            perform(PULL_REQUEST, "new_head", each, by=None, sha=found.after)
        if moved:
            return Taken(subject, "updated", f"new head commit {found.after[:7]} of {', '.join(map(str, moved))}")
        return Taken(subject, "skipped", "No pull request here has this branch with this head.")

    @_take.register
    def _check(self, found: ForgeCheck) -> Taken:
        subject = _named(found)
        repository = self.repository(found.place)
        if repository is None:
            return Taken(subject, "skipped", f"{found.place.name} is not a repository known here.")
        row, is_new = Check.objects.select_for_update().get_or_create(
            repository=repository, sha=found.sha, name=found.name, defaults={"state": found.state, "at": found.at}
        )
        if not is_new and (found.at < row.at or (found.at == row.at and found.state == "pending")):
            return Taken(subject, "unchanged", "Something newer is known.")
        row.state, row.at = found.state, found.at
        row.save(update_fields=["state", "at"])
        return Taken(subject, "updated" if self._checked(repository, found.sha) else "unchanged", found.state)

    def _checked(self, repository: Repository, sha: str) -> bool:
        """Whether a pull request with this head stands otherwise now."""
        changed = False
        live = PullRequest.objects.filter(repository=repository, status__in=PullRequest.LIVE)
        for each in live.filter(names_commit("head_sha", sha)).order_by("pk"):
            state = checks_of(each)
            if state != each.checks:
                perform(PULL_REQUEST, "record_checks", each, by=None, state=state)
                changed = True
        return changed


def _key(login: str, sha: str) -> tuple[str, str]:
    return login.lower(), sha[:SHORTEST]


def _newest(pull_request: PullRequest) -> dict[tuple[str, str], Review]:
    """By who said it at the forge, and of which commit. What people recorded here by hand is none of the forge's."""
    said = pull_request.reviews.exclude(reviewer_login="").exclude(verdict=Review.Verdict.COMMENTED)
    return {_key(each.reviewer_login, each.sha): each for each in said}


def _is_news(told: ForgeReview, newest: dict[tuple[str, str], Review]) -> bool:
    known = newest.get(_key(told.login, told.sha))
    return known is None or (known.verdict != told.state and told.at is not None and known.at <= told.at)


def _gone(pull_request: PullRequest, found: ForgeVerdicts, newest: dict[tuple[str, str], Review]) -> list[ForgeReview]:
    """Verdicts on the head that were here before the forge was asked, of people whom it does not name any more."""
    named = {_key(each.login, each.sha) for each in found.reviews} | {_key(each, found.head) for each in found.undated}
    return [
        ForgeReview(found.place, "", each.reviewer_login, Review.Verdict.WITHDRAWN.value, each.sha, "", found.at)
        for key, each in newest.items()
        if key not in named and key[1] == found.head[:SHORTEST] and each.at < found.at
    ]


def _named(fact: Fact) -> str:
    """ "acme/identity-admin #482", "review of … by …"."""
    place = fact.place
    name = f"{place.name} #{place.number}" if place and place.number else place.name if place else "?"
    if isinstance(fact, ForgeReview):
        return f"review of {name} by {fact.login or 'somebody'}"
    if isinstance(fact, ForgeVerdicts):
        return f"reviews of {name}"
    if isinstance(fact, ForgePush):
        return f"{fact.branch} of {name}"
    return f"{fact.name} of {name} at {fact.sha[:7]}" if isinstance(fact, ForgeCheck) else name
