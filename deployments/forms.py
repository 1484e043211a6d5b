"""What people type about pull requests, reviews and plans. The flows decide whether it may be done."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.html import format_html

from accounts.models import Team, User
from accounts.roles import Role, standing
from deployments.forge.address import Address, read_address, same_place
from deployments.guards import closed_week
from deployments.models import (
    Application,
    Deployment,
    PullRequest,
    ReleaseWeek,
    Repository,
    Review,
    ReviewDecision,
)
from deployments.models.application import https_only
from deployments.models.pull_request import sha
from deployments.policy import Deadline
from deployments.weeks import open_for_plans
from workflow.eastern import eastern_day, say_day, say_instant, to_eastern
from workflow.steps import Refused

MOST_OFFERED = 200
LARGEST_NUMBER = 2_147_483_647
LONGEST_KEY = 18
NOTE_LENGTH = 5000
Choices = list[tuple[str, str]]


def refuse(form: forms.Form, refused: Refused) -> None:
    """Puts the sentence on the form, so that the page can show it beside what was typed."""
    form.add_error(None, refused.refusal.sentence)


class Commit(forms.CharField):
    """The name of a commit, in small letters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=64, validators=[sha], **options)
        self.widget.attrs |= {"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").lower()


class Ticked(forms.ModelMultipleChoiceField):  # type: ignore[type-arg] # not generic while it runs
    """Rows that are ticked by their keys; one with more digits than a database keeps is none of them."""

    def clean(self, value: Any) -> Any:
        if any(len(str(key)) > LONGEST_KEY for key in value or ()):
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        return super().clean(value)


class PullRequestForm(forms.Form):
    """A pull request to submit. Its address fills in the repository and the number, or must agree with them."""

    url = forms.URLField(
        label="Address",
        max_length=200,
        assume_scheme="https",
        validators=[https_only],
        help_text="For example https://github.com/acme/identity-admin/pull/482",
        error_messages={
            "required": "Give the address of the pull request.",
            "invalid": "Give the full address, beginning with https://.",
        },
    )
    title = forms.CharField(max_length=300)
    repository = forms.ModelChoiceField(
        Repository.objects.none(), required=False, empty_label="As the address says", help_text="Those of your teams."
    )
    number = forms.IntegerField(
        required=False, min_value=1, max_value=LARGEST_NUMBER, help_text="Only when the address does not end with it."
    )
    head_sha = Commit(label="Head commit", help_text="The newest commit. Approvals count for this commit only.")
    author = forms.ModelChoiceField(User.objects.none(), empty_label=None)

    def __init__(self, *args: Any, user: User, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = standing(user, eastern_day(now)).team_ids(Role.DEVELOPER, Role.MANAGER)
        every = Repository.objects.select_related("application")
        self.own = list(every.filter(application__team__in=mine))
        # A choice from outside is understood, so that the flow can say who may do it.
        _offer(self.fields["repository"], every, self.own)
        members = User.objects.filter(Q(pk=user.pk) | Q(is_active=True, memberships__team__in=mine)).distinct()
        _offer(self.fields["author"], members, members)
        self.fields["author"].initial = user.pk

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if address := read_address(given.get("url") or ""):
            self._agree(given, address)
        for name, sentence in (("repository", "Choose the repository."), ("number", "Give the number.")):
            if not given.get(name) and name not in self.errors:
                self.add_error(name, sentence)
        self._new(given)
        return given

    def _agree(self, given: dict[str, Any], address: Address) -> None:
        named = [each for each in Repository.objects.all() if same_place(each.url, address.repository_url)]
        if not given.get("repository") and "repository" not in self.errors:
            if not named:
                self.add_error("url", f"{address.name} is not a repository known here. Ask an administrator to add it.")
                self.add_error("repository", "Choose the repository.")
            given["repository"] = named[0] if named else None
        elif given.get("repository") and given["repository"] not in named:
            self.add_error("repository", f"The address is of another repository: {address.name}.")
        if not given.get("number") and "number" not in self.errors:
            given["number"] = address.number
        elif given.get("number") and given["number"] != address.number:
            self.add_error("number", f"The address is of number {address.number}.")

    def _new(self, given: dict[str, Any]) -> None:
        repository, number = given.get("repository"), given.get("number")
        if not repository or not number:
            return
        twin = PullRequest.objects.filter(repository=repository, number=number).select_related("repository").first()
        if twin:
            link = format_html('<a href="{}">Open it</a>', twin.get_absolute_url())
            raise ValidationError(format_html("{} is in releaseflow already. {}", twin, link))

    def unsaved(self) -> PullRequest:
        given = self.cleaned_data
        names = ("repository", "number", "title", "url", "head_sha", "author")
        return PullRequest(**{name: given[name] for name in names})


class ReviewForm(forms.Form):
    """One's own review; it carries the commit that was on the page."""

    verdict = forms.ChoiceField(
        choices=[
            (Review.Verdict.APPROVED, "Approve"),
            (Review.Verdict.CHANGES_REQUESTED, "Ask for changes"),
            (Review.Verdict.COMMENTED, "Comment only"),
        ],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        required=False, max_length=NOTE_LENGTH, widget=forms.Textarea(attrs={"rows": 3}), label="Note"
    )
    sha = Commit(widget=forms.HiddenInput)


class HeadForm(forms.Form):
    sha = Commit(label="New head commit", help_text="Reviews of the commit before no longer count.")


class PlanForm(forms.Form):
    """Where a pull request goes: each open week, with its application's deployment there or a new one."""

    week = forms.ModelChoiceField(ReleaseWeek.objects.none(), label="Deployment", empty_label=None)
    title = forms.CharField(required=False, max_length=200, label="Title of a new deployment")

    def __init__(self, *args: Any, pull_request: PullRequest, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.targets = targets(pull_request.repository.application, list(open_for_plans(now)))
        _offer_choices(self.fields["week"], every_week(), self.targets)
        # Django trusts help texts as markup.
        self.fields["title"].help_text = format_html("Left empty, it is called “{}”.", pull_request.title[:200])


def every_week() -> QuerySet[ReleaseWeek]:
    """A week whose scope was locked since the page was opened is understood, so that the flow can say so."""
    return ReleaseWeek.objects.prefetch_related("milestones")


def targets(application: Application, weeks: list[ReleaseWeek]) -> Choices:
    """Each week with what planning into it means for the application; weeks with a fixed scope are left out."""
    live = Deployment.objects.filter(application=application, week__in=weeks)
    taken = {each.week_id: each for each in live.exclude(status__in=Deployment.NO_LONGER_LIVE)}
    words = []
    for week in weeks:
        deployment = taken.get(week.pk)
        if deployment is None:
            words.append((str(week.pk), f"{say_day(week.thursday)}: new deployment"))
        elif deployment.status in Deployment.SCOPE_CAN_CHANGE:
            words.append((str(week.pk), f"{say_day(week.thursday)}: {deployment.title}"))
    return words


class DeploymentForm(forms.Form):
    """What is installed and when: the first step of a new deployment. `key` makes two presses one; `wished` goes on."""

    application = forms.ModelChoiceField(Application.objects.none(), empty_label="Choose")
    week = forms.ModelChoiceField(ReleaseWeek.objects.none(), empty_label=None)
    title = forms.CharField(
        max_length=200,
        help_text="What changes for the people who use it.",
        error_messages={"required": "Say in a few words what changes."},
    )
    key = forms.UUIDField(required=False, widget=forms.HiddenInput)
    wished = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)

    def __init__(self, *args: Any, user: User, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["title"].widget.attrs["data-draft"] = ""
        who = standing(user, eastern_day(now))
        every = Application.objects.all()
        own = every if who.holds(Role.SCRUM_MASTER) else every.filter(team__in=who.team_ids())
        self.own = list(own)
        _offer(self.fields["application"], every, self.own)
        weeks = open_for_plans(now)
        _offer_choices(self.fields["week"], every_week(), [(str(week.pk), say_week(week, now)) for week in weeks])

    def clean_key(self) -> UUID:
        key: UUID | None = self.cleaned_data["key"]
        return key or uuid4()

    def clean_wished(self) -> list[int]:
        return [
            int(word)
            for word in self.cleaned_data["wished"].split()
            if word.isascii() and len(word) < 10 and word.isdigit()
        ]


def numbers(text: str) -> list[int]:
    """The whole numbers among the words of a hidden field."""
    return [int(word) for word in text.split() if word.isascii() and word.isdigit() and len(word) < 19]


class ScopeForm(forms.Form):
    """The pull requests of a deployment, and those that could join it. `shown` tells later what was in it then.

    A deployment that is not planned yet has none.
    """

    pull_requests = Ticked(
        PullRequest.objects.none(), required=False, widget=forms.CheckboxSelectMultiple, label="Pull requests"
    )
    shown = forms.CharField(required=False, widget=forms.HiddenInput, max_length=20 * MOST_OFFERED)

    def __init__(self, *args: Any, deployment: Deployment, wished: Collection[int] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        pull_requests = deployment.pull_requests if deployment.pk else PullRequest.objects.none()
        inside = pull_requests.select_related("repository", "author")
        waiting = PullRequest.objects.filter(
            status=PullRequest.Status.SUBMITTED, repository__application=deployment.application_id
        )
        waiting = waiting.select_related("repository", "author").order_by("-submitted_at", "-pk")
        self.inside = list(inside)
        self.offered = self.inside + list(waiting[:MOST_OFFERED])
        choices = [(str(each.pk), describe(each)) for each in self.offered]
        _offer_choices(self.fields["pull_requests"], PullRequest.objects.select_related("repository"), choices)
        self.initial["pull_requests"] = [each.pk for each in self.inside] + list(wished)
        self.initial["shown"] = " ".join(str(each.pk) for each in self.inside)

    def changes(self) -> tuple[list[PullRequest], list[PullRequest]]:
        """What to add and what to take out. What somebody else added after the page was opened stays."""
        chosen = list(self.cleaned_data["pull_requests"])
        shown, inside = self.before(), {each.pk for each in self.inside}
        add = [each for each in chosen if each.pk not in inside]
        remove = [each for each in self.inside if each not in chosen and each.pk in shown]
        return add, remove

    def before(self) -> set[int]:
        """What was in the deployment when the page was opened."""
        return set(numbers(self.cleaned_data["shown"]))

    def changed_meanwhile(self) -> set[int]:
        """What somebody else added or took out after the page was opened, unless the ticks agree with it."""
        inside = {each.pk for each in self.inside}
        chosen = {each.pk for each in self.cleaned_data["pull_requests"]}
        return (self.before() ^ inside) & (chosen ^ inside)

    def merged(self) -> dict[str, Any]:
        """The form's data with the other person's change in it: what both of them did, and what is in it now."""
        shown, inside = self.before(), {each.pk for each in self.inside}
        chosen = {each.pk for each in self.cleaned_data["pull_requests"]}
        ticked = (inside | (chosen - shown)) - (shown - chosen)
        return {"pull_requests": [str(pk) for pk in sorted(ticked)], "shown": " ".join(map(str, sorted(inside)))}


class DecisionForm(forms.Form):
    """What a review decided about one pull request."""

    pull_request = forms.ModelChoiceField(PullRequest.objects.select_related("repository__application"))
    outcome = forms.ChoiceField(
        choices=ReviewDecision.Outcome.choices, error_messages={"required": "Choose what was decided."}
    )
    note = forms.CharField(required=False, max_length=500)


class AdHocReviewForm(forms.Form):
    """A review that a team held on its own."""

    team = forms.ModelChoiceField(Team.objects.none(), empty_label=None)
    week = forms.ModelChoiceField(ReleaseWeek.objects.none(), empty_label=None, label="For the install of")
    at = forms.SplitDateTimeField(
        label="When",
        widget=forms.SplitDateTimeWidget(
            date_attrs={"type": "date", "aria-label": "When: day"},
            time_attrs={"type": "time", "aria-label": "When: time"},
            date_format="%Y-%m-%d",
            time_format="%H:%M",
        ),
        help_text="Eastern time.",
    )
    pull_requests = Ticked(
        PullRequest.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Pull requests looked at",
    )
    note = forms.CharField(required=False, max_length=NOTE_LENGTH, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, user: User, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now
        who = standing(user, eastern_day(now))
        every = Team.objects.all()
        own = every if who.holds(Role.SCRUM_MASTER) else every.filter(pk__in=who.team_ids())
        self.own = list(own)
        _offer(self.fields["team"], every, self.own)
        weeks = open_for_plans(now)
        weeks_offered = [(str(week.pk), say_day(week.thursday)) for week in weeks[:4]]
        _offer_choices(self.fields["week"], every_week(), weeks_offered)
        waiting = PullRequest.objects.filter(status=PullRequest.Status.SUBMITTED)
        waiting = waiting.filter(repository__application__team__in=self.own).select_related("repository", "author")
        offered = waiting.order_by("-submitted_at", "-pk")[:MOST_OFFERED]
        _offer_choices(
            self.fields["pull_requests"],
            PullRequest.objects.select_related("repository__application"),
            [(str(each.pk), describe(each)) for each in offered],
        )
        if not offered:
            self.fields["pull_requests"].help_text = "None of these teams’ pull requests waits."
        self.fields["at"].initial = to_eastern(now).replace(second=0, microsecond=0)

    def clean_at(self) -> datetime:
        given: datetime = self.cleaned_data["at"]
        # The first and the last years of the calendar have no room for a change of time zone.
        at = given.astimezone(UTC) if 2000 < given.year < 9000 else given.replace(tzinfo=UTC)
        if at > self.now + timedelta(minutes=1):
            raise ValidationError("Record a review after it was held: this time is still ahead.")
        if at < self.now - timedelta(days=60):
            raise ValidationError("That is more than 60 days ago.")
        return at

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        team, chosen = given.get("team"), given.get("pull_requests")
        strange = [each for each in chosen or () if team and each.repository.application.team_id != team.pk]
        if strange:
            self.add_error("pull_requests", f"{strange[0]} does not belong to {team}.")
        return given

    def clean_week(self) -> ReleaseWeek:
        week: ReleaseWeek = self.cleaned_data["week"]
        if sentence := closed_week(week, self.now):
            raise ValidationError(sentence)
        return week

    def full_note(self) -> str:
        """The note, beginning with what was looked at."""
        names = ", ".join(str(each) for each in self.cleaned_data["pull_requests"])
        return "\n".join(filter(None, [f"Looked at {names}." if names else "", self.cleaned_data["note"]]))


def say_week(week: ReleaseWeek, now: datetime) -> str:
    """`Thu Dec 10, scope locks Tue Dec 8, 2:00 pm ET`."""
    cutoff = week.due(Deadline.CUTOFF)
    return say_day(week.thursday) + (f", scope locks {say_instant(cutoff, now=now)}" if cutoff else "")


def describe(pull_request: PullRequest, *, with_application: bool = False) -> str:
    application = f"{pull_request.repository.application}: " if with_application else ""
    return f"{application}{pull_request.title} ({pull_request}, {pull_request.author_name})"


def _offer(field: forms.Field, understood: QuerySet[Any], shown: Iterable[Any]) -> None:
    """Shows some objects as choices and understands more, whose choice the flow then refuses with its sentence."""
    _offer_choices(field, understood, [(str(each.pk), str(each)) for each in shown])


def _offer_choices(field: forms.Field, understood: QuerySet[Any], shown: Choices) -> None:
    choice = cast("forms.ModelChoiceField[Any]", field)
    choice.queryset = understood
    empty = [] if choice.empty_label is None else [("", str(choice.empty_label))]
    choice.widget.choices = empty + shown
