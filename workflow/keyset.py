"""Long lists page by page, by the place of a row in the order: as fast on the last page as on the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Generic, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, Q, QuerySet

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """`newer` and `older` are the `at` of the neighbouring pages, empty where there is none."""

    rows: list[Row]
    newer: str = ""
    older: str = ""


def page(found: QuerySet[Row], order: Sequence[str], *, at: str, size: int) -> Page[Row]:
    """The rows around `at`: "after-12" begins behind row 12, "before-12" ends before it; anything else is the start.

    `order` names plain fields, each descending, the last one unique. The row that `at` names costs one statement more.
    """
    back, anchor = _anchor(found, at)
    names = [f"{'' if back else '-'}{name}" for name in order]
    rows = found.order_by(*names)
    if anchor is not None:
        rows = rows.filter(_beyond(anchor, order, "gt" if back else "lt"))
    shown = list(rows[: size + 1])
    if anchor is not None and not shown:  # nothing lies beyond it
        return page(found, order, at="", size=size)
    more = len(shown) > size
    shown = shown[:size][::-1] if back else shown[:size]
    has_newer, has_older = (more, anchor is not None) if back else (anchor is not None, more)
    return Page(
        shown,
        newer=f"before-{shown[0].pk}" if shown and has_newer else "",
        older=f"after-{shown[-1].pk}" if shown and has_older else "",
    )


def page_url(at: str, **asked: str) -> str:
    """The query of a neighbouring page with what else was asked; empty where there is no such page."""
    return f"?{urlencode({'at': at} | {name: value for name, value in asked.items() if value})}" if at else ""


def _anchor(found: QuerySet[Row], at: str) -> tuple[bool, Row | None]:
    """Whether to go back, and the row to start from; a row that is gone or was never there starts at the beginning."""
    way, _, pk = at.partition("-")
    if way not in {"before", "after"} or not (pk.isascii() and pk.isdigit() and len(pk) < 19):
        return False, None
    anchor = found.model._default_manager.filter(pk=int(pk)).first()
    return way == "before" and anchor is not None, anchor


def _beyond(anchor: Model, order: Sequence[str], side: str) -> Q:
    """Further on in the order than the anchor: by the first field, or by the next where that is equal, and so on."""
    choices = []
    for place, name in enumerate(order):
        same = {each: getattr(anchor, each) for each in order[:place]}
        choices.append(Q(**same, **{f"{name}__{side}": getattr(anchor, name)}))
    return reduce(or_, choices)
