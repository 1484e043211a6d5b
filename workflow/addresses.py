"""Addresses of pages, each worked out once: a board has hundreds of links, and the same ones every time."""

from functools import lru_cache
from typing import Any

from django.urls import reverse


@lru_cache(maxsize=8192)
def address(page: str, *args: Any) -> str:
    return reverse(page, args=args)
