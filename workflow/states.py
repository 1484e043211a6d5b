"""The flow tables as a document for people: `docs/states.md`."""

from __future__ import annotations

from accounts.roles import Role
from workflow.steps import Flow, Step

HEAD = """# States and actions

Generated from the flow tables by `manage.py document_states`. Do not edit by hand.

Stored status changes only by these actions; everything else (late, at risk, ready, whose turn) is computed.
"""


def document() -> str:
    """The whole page in Markdown: for each object a diagram and its table."""
    return "\n".join([HEAD, *(_section(flow) for flow in Flow.registry.values())])


def _section(flow: Flow) -> str:
    title = str(flow.model._meta.verbose_name)
    steps = list(flow.steps.values())
    diagram = [line for step in steps for line in _arrows(step)]
    drawn = ["```mermaid", "stateDiagram-v2", *diagram, "```", ""] if diagram else []
    rows = [_row(flow, step) for step in steps]
    head = ["| action | from → to | by | then | e-mails |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([f"## {title[0].upper()}{title[1:]}", "", *drawn, *head, *rows, ""])


def _arrows(step: Step) -> list[str]:
    if not step.target:
        return []
    return [f"    {source or '[*]'} --> {step.target}: {step.action}" for source in step.sources or ("",)]


def _row(flow: Flow, step: Step) -> str:
    sources = ", ".join(step.sources) or "–"
    target = step.target or "stays"
    roles = ", ".join(Role(role).label for role in step.roles) or ("anyone signed in" if step.anyone else "the system")
    then = "has consequences" if step.action in flow.consequences else ""
    reason = " (reason)" if step.needs_reason else ""
    return f"| {step.action}{reason} | {sources} → {target} | {roles} | {then} | {', '.join(step.emails)} |"
