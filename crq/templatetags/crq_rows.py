"""The rows of the list of CRQs."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString

from crq.crq_list import Row
from workflow.templatetags.components import badge, fragment, icon

register = template.Library()


@register.simple_tag
def crq_row(row: Row) -> SafeString:
    """`{% crq_row row %}`: crq/_crq_row.fragment.html."""
    return fragment(
        "crq/_crq_row",
        icon=icon("doc"),
        url=row.url,
        title=row.title,
        number=row.number,
        meta=row.meta,
        install=row.install,
        badge=badge(row.badge.state, row.badge.text),
    )
