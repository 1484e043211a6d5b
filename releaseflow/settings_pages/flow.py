"""What can happen to applications, repositories, teams and recipients. Administrators only; all is audited."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.utils.text import slugify

from accounts.models import Membership, Team
from accounts.roles import TEAM_ROLES, Role
from deployments.models import Application, Repository
from notifications.models import Stakeholder
from workflow.steps import Actor, Call, Flow, Refused, Step

ADMIN = (Role.ADMINISTRATOR,)


def _lock(model: type[Model]) -> Callable[[int], Any]:
    return lambda pk: model._default_manager.select_for_update(no_key=True).get(pk=pk)


def _note_all(*names: str) -> Callable[[Call], None]:
    """Notes what a new object, or one that goes, is made of."""

    def effect(call: Call) -> None:
        call.note |= {name: str(getattr(call.obj, name)) for name in names}

    return effect


def change(call: Call) -> None:
    """Given values of fields: they are set, and what changed is noted as "before → after"."""
    for name, value in call.given.items():
        before = getattr(call.obj, name)
        if before != value:
            setattr(call.obj, name, value)
            call.note[name] = f"{before} → {value}"
    if not call.note:
        raise Refused.because("Nothing differs from what is saved.")
    _refuse_a_twin(call)


def _refuse_a_twin(call: Call) -> None:
    """The sentence for a name or address that another row has; the constraint behind it holds in any case."""
    model = type(call.obj)
    for field in model._meta.fields:
        if not field.unique or field.primary_key:
            continue
        twin = model._default_manager.filter(**{field.name: getattr(call.obj, field.name)}).exclude(pk=call.obj.pk)
        if twin.exists():
            raise Refused.because(f"{getattr(call.obj, field.name)} is in releaseflow already.")


def _without_pull_requests(repository: Repository, by: Actor, now: datetime) -> str:
    count = getattr(repository, "on_record", None)  # a list has counted all of its rows at once
    if count is None:
        count = repository.pull_requests.count()
    stay = "1 pull request of it stays" if count == 1 else f"{count} pull requests of it stay"
    return f"{stay} on record, so the repository stays too." if count else ""


def _named(call: Call) -> None:
    """A team's short name for addresses, made once: a renamed team keeps it."""
    team: Team = call.obj
    team.slug = slugify(team.name)[:80] or "team"
    if Team.objects.filter(slug=team.slug).exists():
        raise Refused.because(f"{team.name} is too much like the name of another team. Choose another.")
    call.note["name"] = team.name


def _member(call: Call) -> tuple[dict[str, Any], str]:
    """Given `user` and `role`: the membership as values, and in words."""
    user, role = call.given["user"], call.given["role"]
    if role not in TEAM_ROLES:
        raise Refused.because("Choose a role of the team.")
    call.note |= {"person": user.name, "role": str(Role(role).label)}
    return {"user": user, "team": call.obj, "role": role}, f"{user.name} is {Role(role).label}"


def _add_member(call: Call) -> None:
    values, words = _member(call)
    if values["user"] == call.by:
        raise Refused.because("Nobody gives themselves a role. Ask another administrator.")
    if not values["user"].is_active:
        raise Refused.because(f"{values['user'].name} no longer signs in. Choose somebody else.")
    _, is_new = Membership.objects.get_or_create(**values)
    if not is_new:
        raise Refused.because(f"{words} of {call.obj} already.", "done")


def _remove_member(call: Call) -> None:
    values, _ = _member(call)
    if not Membership.objects.filter(**values).delete()[0]:
        raise Refused.because("That membership has ended already.", "done")


APPLICATION = Flow(
    "application",
    Application,
    _lock(Application),
    [
        Step("create", "Add application", roles=ADMIN, effect=_note_all("name", "team"), plain=False),
        Step("change", "Change application", roles=ADMIN, effect=change, plain=False),
    ],
)
REPOSITORY = Flow(
    "repository",
    Repository,
    _lock(Repository),
    [
        Step(
            "create",
            "Add repository",
            roles=ADMIN,
            effect=_note_all("name", "url", "application", "required_approvals"),
            plain=False,
        ),
        Step("change", "Change repository", roles=ADMIN, effect=change, plain=False),
        Step(
            "remove",
            "Remove repository",
            roles=ADMIN,
            guards=(_without_pull_requests,),
            effect=_note_all("name", "url", "application"),
            done="Removed.",
        ),
    ],
)
TEAM = Flow(
    "team",
    Team,
    _lock(Team),
    [
        Step("create", "Add team", roles=ADMIN, effect=_named, plain=False),
        Step("change", "Rename team", roles=ADMIN, effect=change, plain=False),
        Step("add_member", "Add to the team", roles=ADMIN, effect=_add_member, plain=False),
        Step("remove_member", "Take out of the team", roles=ADMIN, effect=_remove_member, plain=False),
    ],
)
RECIPIENT = Flow(
    "stakeholder",
    Stakeholder,
    _lock(Stakeholder),
    [
        Step("create", "Add recipient", roles=ADMIN, effect=_note_all("name", "email"), plain=False),
        Step("remove", "Remove", roles=ADMIN, effect=_note_all("name", "email"), done="Removed."),
    ],
)
for flow in (REPOSITORY, RECIPIENT):
    flow.complete(consequences={"remove": lambda call: call.obj.delete()})
