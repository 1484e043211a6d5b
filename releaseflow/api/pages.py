"""Long lists page by page, and what lists are narrowed by."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, TypeVar

from django.db.models import Model, QuerySet
from ninja import Query

from releaseflow.api.inputs import PLAIN
from workflow import keyset

Row = TypeVar("Row", bound=Model)
Told = dict[str, Any]
Cursor = Annotated[str, Query(pattern=r"^((after|before)-[0-9]{1,18})?$", description="From `next` or `previous`.")]
Limit = Annotated[int, Query(ge=1, le=100, description="How many at most.")]
Words = Annotated[str, Query(max_length=100, pattern=PLAIN, description="Words that it contains.")]
Id = Annotated[int | None, Query(ge=1, le=2_147_483_647)]
Day = Annotated[date | None, Query()]


def paged(
    found: QuerySet[Row], order: tuple[str, ...], cursor: str, limit: int, tell: Callable[[list[Row]], list[Told]]
) -> Told:
    page = keyset.page(found, order, at=cursor, size=limit)
    return {"items": tell(page.rows), "next": page.older, "previous": page.newer}
