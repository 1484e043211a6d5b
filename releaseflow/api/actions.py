"""One address for every action of every flow, made from the flows' own tables: what a page can do, a program can."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import Parameter, Signature
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import File, NinjaAPI, Schema, UploadedFile
from pydantic import create_model

from accounts.person import person
from accounts.roles import Role
from crq.forms import AttachForm
from crq.keeping import only_with_its_record
from crq.uploads import safe_name
from deployments import planning
from notifications.outbox import listening
from releaseflow.api.answers import problems
from releaseflow.api.inputs import Input, Nothing, input_of
from releaseflow.api.kinds import KINDS, Kind
from releaseflow.api.problems import Problem
from releaseflow.api.tags import must_match, tag_of
from workflow import clock
from workflow.machine import perform
from workflow.outcome import outcome
from workflow.steps import Flow, Step

UPLOADS = "attach_"


def for_people(flow: Flow) -> Iterator[Step]:
    """The steps that somebody performs on an object that is there."""
    for step in flow.steps.values():
        if (step.roles or step.anyone) and (step.sources or not step.target):
            yield step


def add_actions(api: NinjaAPI) -> None:
    for kind in KINDS:
        answer = create_model(
            f"{kind.detail.__name__}Done", __base__=Schema, message=(str, ...), object=(kind.detail, ...)
        )
        for step in for_people(kind.flow):
            view = _upload(kind, step) if step.action.startswith(UPLOADS) else _action(kind, step)
            api.default_router.add_api_operation(
                f"/{kind.path}/{{key}}/actions/{step.action}",
                ["POST"],
                view,
                response={200: answer, **problems(400, 403, 404, 409, 412, 413, 415, 422)},
                operation_id=f"{kind.flow.name}_{step.action}",
                summary=step.label,
                description=_describe(step),
                tags=[kind.path],
            )


def _describe(step: Step) -> str:
    who = "Anybody." if step.anyone else f"For {' or '.join(str(Role(role).label) for role in step.roles)}."
    states = f" From {', '.join(str(each) for each in step.sources)}." if step.sources else ""
    return f"{who}{states}{' Needs a reason.' if step.needs_reason else ''}"


def _action(kind: Kind, step: Step) -> Any:
    wanted = input_of(kind.flow.name, step)

    def act(request: HttpRequest, response: HttpResponse, key: Any, body: Any) -> dict[str, Any]:
        return _performed(request, response, kind, step, key, wanted, body or Nothing())

    optional = {"default": None} if wanted.body is Nothing else {}
    return _typed(act, kind.key, Parameter("body", Parameter.KEYWORD_ONLY, annotation=wanted.body, **optional))


def _upload(kind: Kind, step: Step) -> Any:
    document = step.action.removeprefix(UPLOADS)

    def attach(request: HttpRequest, response: HttpResponse, key: Any, file: Any) -> dict[str, Any]:
        form = AttachForm({}, {"file": file})
        if not form.is_valid():
            raise Problem.of_form(form)
        given = {"kind": document, "file": form.cleaned_data["file"], "name": safe_name(file.name or "")}
        wanted = Input(Nothing, lambda body, obj: given)
        with only_with_its_record():
            return _performed(request, response, kind, step, key, wanted, Nothing())

    needed = File(...)  # type: ignore[type-arg]
    return _typed(attach, kind.key, Parameter("file", Parameter.KEYWORD_ONLY, annotation=UploadedFile, default=needed))


def _typed(view: Any, key: Any, last: Parameter) -> Any:
    """Tells the parameters' types, which are those of this kind and step."""
    positional = Parameter.POSITIONAL_OR_KEYWORD
    view.__signature__ = Signature(
        [
            Parameter("request", positional),
            Parameter("response", positional, annotation=HttpResponse),
            Parameter("key", positional, annotation=key),
            last,
        ]
    )
    return view


def _performed(  # noqa: PLR0917
    request: HttpRequest, response: HttpResponse, kind: Kind, step: Step, key: Any, wanted: Input, body: Any
) -> dict[str, Any]:
    by, flow = person(request), kind.flow
    request.action = f"{flow.name}.{step.action}"  # type: ignore[attr-defined]
    found = kind.find(key)
    given = wanted.given(body, found)
    if "If-Match" in request.headers:
        (step.lock(found.pk, given) if step.lock else flow.lock(found.pk))
        must_match(request, tag_of(kind.told(key, by=by, now=clock.now())))
    with listening() as queued:
        _do(kind, step, found, given, by)
    told = kind.told(key, by=by, now=clock.now())
    response["ETag"] = tag_of(told)
    return {"message": outcome(step, queued, by=by), "object": told}


def _do(kind: Kind, step: Step, found: Any, given: dict[str, Any], by: Any) -> None:
    """What a review decides is also planned, as on its page."""
    if (kind.flow.name, step.action) == ("code_review", "decide"):
        planning.decide(found, given["pull_request"], given["outcome"], by=by, note=given["note"])
    else:
        perform(kind.flow, step.action, found, by=by, **given)
