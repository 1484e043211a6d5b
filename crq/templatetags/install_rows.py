"""The rows of install day that there may be many of: what is not installed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from django import template
from django.utils.safestring import SafeString

from crq.install_day import Left
from workflow.templatetags.components import fragment, icon, in_a_row

register = template.Library()


@register.simple_tag
def left_rows(rows: Iterable[Left], state: str) -> SafeString:
    """`{% left_rows rows state %}`: deployments/_left.fragment.html for each."""
    return in_a_row(_left(each, state) for each in rows)


@lru_cache(maxsize=1024)
def _left(row: Left, state: str) -> SafeString:
    # A row that was not judged anew is the same object.
    return fragment(
        "deployments/_left",
        state=state,
        icon=icon(state, size="lg"),
        url=row.url,
        title=row.title,
        meta=row.meta,
        reason=row.reason,
    )
