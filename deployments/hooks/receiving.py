"""Taking a delivery in: kept first, then read and taken, so that nothing is lost when something breaks in between.

A delivery is a hint, not an order: what it tells is compared with what is known (`taking.py`), so one that comes twice,
late or again by replay changes nothing more.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import parse_qs

from django.db import IntegrityError, transaction

from deployments.forge import bitbucket, gitea, github, gitlab
from deployments.forge.facts import Fact, Malformed, Unneeded
from deployments.models import Connection, Delivery, Repository
from deployments.taking import Taken, Taking

logger = logging.getLogger(__name__)
Forge, Outcome = Repository.Forge, Delivery.Outcome
KEPT = timedelta(days=30)
"""How long the body of a delivery is kept."""
TRIED = timedelta(days=1)
"""How long one that failed is tried again by itself."""
READERS = {
    Forge.GITHUB: (github.read_event, "X-GitHub-Event", "X-GitHub-Delivery"),
    Forge.GITLAB: (gitlab.read_event, "X-Gitlab-Event", "Idempotency-Key"),
    Forge.GITEA: (gitea.read_event, "X-Gitea-Event", "X-Gitea-Delivery"),
    Forge.BITBUCKET: (bitbucket.read_event, "X-Event-Key", "X-Request-UUID"),
}
BROKEN = "Something went wrong here while taking it. It is kept and tried again."


def receive(connection: Connection, headers: Mapping[str, str], body: bytes, *, now: datetime) -> tuple[Delivery, bool]:
    """Keeps and takes an authentic delivery; also says whether it is new. One that is known is only answered again."""
    _, event, number = READERS[Forge(connection.forge)]
    forge_id = headers.get(number, "")[:100] or hashlib.sha256(body).hexdigest()
    delivery = Delivery(
        connection=connection,
        forge_id=forge_id,
        event=headers.get(event, "")[:80],
        received_at=now,
        body=_text(body, headers.get("Content-Type", "")),
        outcome=Outcome.FAILED,
        why=BROKEN,
    )
    try:
        with transaction.atomic():
            delivery.save()
    except IntegrityError:
        known = Delivery.objects.select_related("connection").get(connection=connection, forge_id=forge_id)
        return known, False
    take(delivery)
    return delivery, True


def _text(body: bytes, content_type: str) -> str:
    """The JSON in a body, which GitHub may wrap into a form; without what no database stores."""
    words = body.decode("utf-8", "replace").replace("\0", "")
    if content_type.startswith("application/x-www-form-urlencoded"):
        return parse_qs(words, max_num_fields=10).get("payload", [""])[0]
    return words


def take(delivery: Delivery) -> None:
    """Reads it and takes each fact; writes down what became of it. Never raises for what the forge sent."""
    try:
        outcome, subject, why = _taken(delivery)
    except Unneeded as reason:
        outcome, subject, why = Outcome.SKIPPED, "", str(reason)
    except (Malformed, ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, Malformed) else "The body is not JSON."
        outcome, subject = Outcome.MALFORMED, ""
    except Exception:  # whatever it is, the delivery is kept and can be taken again
        logger.exception("Delivery %s of %s could not be taken", delivery.forge_id, delivery.connection)
        outcome, subject, why = Outcome.FAILED, "", BROKEN
    delivery.outcome, delivery.subject, delivery.why = outcome, subject[:300], why
    delivery.save(update_fields=["outcome", "subject", "why"])


def _taken(delivery: Delivery) -> tuple[Delivery.Outcome, str, str]:
    connection = delivery.connection
    forge = Forge(connection.forge)
    facts = READERS[forge][0](delivery.event, json.loads(delivery.body))
    taking = Taking(forge)
    lines = [_heard(connection, taking, fact) for fact in facts]
    subject = ", ".join(dict.fromkeys(line.subject for line in lines))
    why = " ".join(dict.fromkeys(line.why for line in lines if line.why))
    return _worth(lines), subject, why


def _heard(connection: Connection, taking: Taking, fact: Fact) -> Taken:
    place = fact.place
    if place and connection.speaks_of(place.repository_url):
        return taking.take(fact)
    name = place.name if place else "a repository that it does not name"
    return Taken(name, "skipped", f"{connection.name} does not speak for {name}.")


def _worth(lines: list[Taken]) -> Delivery.Outcome:
    """What counts most of what became of the facts of one delivery."""
    found = {line.outcome for line in lines}
    if found & {"taken", "updated"}:
        return Outcome.TAKEN
    for name, outcome in (("malformed", Outcome.MALFORMED), ("unchanged", Outcome.UNCHANGED)):
        if name in found:
            return outcome
    return Outcome.SKIPPED


def take_again(now: datetime) -> int:
    """Takes what failed once more; the number of deliveries looked at. Beat calls it."""
    failed = Delivery.objects.filter(outcome=Outcome.FAILED, received_at__gt=now - TRIED).exclude(body="")
    waiting = list(failed.filter(received_at__lt=now - timedelta(minutes=1)).select_related("connection")[:50])
    for delivery in waiting:
        take(delivery)
    return len(waiting)


def forget_bodies(now: datetime) -> None:
    """The line of a delivery stays; its body holds names and texts, and goes."""
    Delivery.objects.filter(received_at__lt=now - KEPT).exclude(body="").update(body="")
