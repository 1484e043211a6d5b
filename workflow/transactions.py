"""One transaction for one act, tried again from the start when the database had to give it up for another."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction

from workflow.steps import Refusal, Refused

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
ATTEMPTS = 4
GIVEN_UP = {"40P01", "40001"}  # PostgreSQL: deadlock detected, serialization failure
BUSY = Refusal(
    "busy", "Somebody else changed this in the same moment, so nothing was done. Look again, then try once more."
)


class Again(Refused):
    """What was just locked is no longer what the act needs; from the start it will be."""

    def __init__(self) -> None:
        super().__init__(BUSY)


def whole(work: Callable[P, T]) -> Callable[P, T]:
    """Does the work in one transaction, all or nothing.

    Where this is the outermost transaction, work that met a deadlock, a serialization failure or `Again` was rolled
    back, and is done again; after a few times it is Refused. Inside a caller's transaction that is up to the caller.
    """

    @wraps(work)
    def done(*args: P.args, **given: P.kwargs) -> T:
        if connection.in_atomic_block:
            with transaction.atomic():
                return work(*args, **given)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with transaction.atomic():
                    return work(*args, **given)
            except (Again, OperationalError) as error:
                if not _is_worth_another(error):
                    raise
                logger.info("Attempt %s of %s was given up: %s", attempt, ATTEMPTS, error)
        raise Refused(BUSY)

    return done


def _is_worth_another(error: Exception) -> bool:
    return isinstance(error, Again) or getattr(error.__cause__, "pgcode", "") in GIVEN_UP
