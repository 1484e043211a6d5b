"""Every table as lines of JSON that mean the same on every database, for backups and their comparison."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import models
from django.utils.duration import duration_iso_string

PORTION = 2000
NOT_KEPT = {"sessions.session", "usersessions.usersession"}
"""Who is signed in is not for a backup: a stolen one would let its reader in."""


def kept_models() -> list[type[models.Model]]:
    """All tables of the application, those between two models included, in a fixed order."""
    found = apps.get_models(include_auto_created=True)
    managed = [model for model in found if model._meta.managed and not model._meta.proxy]
    return sorted((each for each in managed if label(each) not in NOT_KEPT), key=label)


def label(model: type[models.Model]) -> str:
    return model._meta.label_lower


def columns(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    return [each for each in model._meta.concrete_fields if not getattr(each, "generated", False)]


def lines(model: type[models.Model]) -> Iterator[bytes]:
    """Each row as one line, in the order of the primary key."""
    names = [field.attname for field in columns(model)]
    rows = model._base_manager.order_by("pk").values_list(*names)
    for row in rows.iterator(chunk_size=PORTION):
        plain = {name: _plain(value) for name, value in zip(names, row, strict=True)}
        yield json.dumps(plain, separators=(",", ":"), sort_keys=True).encode() + b"\n"


def count_and_digest(found: Iterable[bytes]) -> tuple[int, str]:
    count, digest = 0, hashlib.sha256()
    for line in found:
        count += 1
        digest.update(line)
    return count, digest.hexdigest()


def instance(model: type[models.Model], line: bytes) -> models.Model:
    """The row of a line, not saved. Raises ValueError when the line is not one of this table."""
    given = json.loads(line)
    fields = {field.attname: field for field in columns(model)}
    if given.keys() != fields.keys():
        raise ValueError(f"A row of {label(model)} has other columns than this version.")
    return model(**{name: _value(field, given[name]) for name, field in fields.items()})


def _value(field: models.Field[Any, Any], value: Any) -> Any:
    if isinstance(field, models.BinaryField) and value is not None:
        return base64.b64decode(value)
    return value if isinstance(field, models.JSONField) else field.to_python(value)


def _plain(value: Any) -> Any:
    match value:
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return duration_iso_string(value)
        case Decimal() | UUID():
            return str(value)
        case bytes() | memoryview():
            return base64.b64encode(bytes(value)).decode()
        case _:
            return value
