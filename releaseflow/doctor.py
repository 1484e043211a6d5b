"""A thorough look at the installation, for a person: what `condition.ready` says, and all that is set up once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core import checks
from django.core.mail import get_connection
from redis import Redis, RedisError

from accounts.roles import Role, people
from crq.change_system.line import Trouble
from crq.change_system.systems import chosen
from deployments.weeks import open_for_plans
from releaseflow import condition
from releaseflow.channels.page import failing
from releaseflow.condition import Finding
from workflow import clock
from workflow.eastern import EASTERN

MOST_SKEW = timedelta(seconds=2)
SUMMER = datetime(2030, 7, 1, tzinfo=UTC)
WINTER = datetime(2030, 1, 1, tzinfo=UTC)


def look(now: Callable[[], datetime]) -> list[Finding]:
    """Everything that can be looked at; with no database, what lies behind it is left out."""
    found = condition.ready(now)
    found += [*_settings(), _zone(), _static(), _mail_server(), _broker(), change_system()]
    if found[0].ok:
        found += [_clocks(), *_people(), _weeks(now()), *_channels(now())]
    return found


def _settings() -> Iterator[Finding]:
    said = [each for each in checks.run_checks(include_deployment_checks=True) if each.level >= checks.WARNING]
    for each in said:
        yield Finding("settings", ok=False, sentence=f"{each.msg} ({each.id})")
    if not said:
        yield Finding("settings", ok=True, sentence="Fit for production.")


def _zone() -> Finding:
    hours = [at.astimezone(EASTERN).utcoffset() for at in (SUMMER, WINTER)]
    if hours != [timedelta(hours=-4), timedelta(hours=-5)]:
        return Finding("time zone", ok=False, sentence="America/New_York has unexpected rules: update tzdata.")
    return Finding("time zone", ok=True, sentence="America/New_York is known, with both its offsets.")


def _static() -> Finding:
    if settings.DEBUG or (settings.STATIC_ROOT / "staticfiles.json").exists():
        return Finding("static files", ok=True, sentence="Collected.")
    return Finding("static files", ok=False, sentence="Not collected: run manage.py collectstatic.")


def _mail_server() -> Finding:
    """Says hello and signs in; nothing is sent."""
    if not settings.EMAIL_BACKEND.endswith("smtp.EmailBackend"):
        return Finding("mail server", ok=settings.DEMO, sentence="EMAIL_URL names no mail server: nothing leaves.")
    mailer = get_connection()
    try:
        mailer.open()
        mailer.close()
    except (OSError, SMTPException) as error:
        return Finding("mail server", ok=False, sentence=f"{settings.EMAIL_HOST} does not take mail: {error}.")
    return Finding("mail server", ok=True, sentence=f"{settings.EMAIL_HOST} takes mail.")


def _broker() -> Finding:
    if not settings.REDIS_URL:
        return Finding("broker", ok=True, sentence="None is set: beat does the work itself.")
    try:
        Redis.from_url(settings.REDIS_URL, socket_timeout=3, socket_connect_timeout=3).ping()
    except RedisError as error:
        return Finding("broker", ok=False, sentence=f"Redis does not answer: {error}. Work waits; nothing is lost.")
    return Finding("broker", ok=True, sentence="Redis answers.")


def change_system() -> Finding:
    """Signs in and searches for a number that nobody has; nothing is written there."""
    system = chosen()
    if system is None:
        return Finding("change system", ok=True, sentence="None is set: CRQs are carried over by hand.")
    with system:
        try:
            system.find("CRQ000000000000", "")
        except Trouble as trouble:
            return Finding("change system", ok=False, sentence=f"{trouble} CRQs wait; nothing is lost.")
    return Finding("change system", ok=True, sentence=f"{system.access.name} answers and lets us in.")


def _clocks() -> Finding:
    skew = clock.skew()
    if abs(skew) > MOST_SKEW:
        off = f"{skew.total_seconds():+.0f} s"
        return Finding("clock", ok=False, sentence=f"The database's clock, which counts, is {off} off this machine's.")
    return Finding("clock", ok=True, sentence="This machine's and the database's clock agree.")


def _people() -> Iterator[Finding]:
    nobody = [role.label for role in Role if not people(role)]
    if nobody:
        yield Finding("people", ok=False, sentence=f"Nobody is {' or '.join(nobody)} yet.")
    else:
        yield Finding("people", ok=True, sentence="Somebody holds each role.")


def _weeks(now: datetime) -> Finding:
    ahead = open_for_plans(now).count()
    if not ahead:
        return Finding("weeks", ok=False, sentence="No week is open for plans: run manage.py open_weeks.")
    return Finding("weeks", ok=True, sentence=f"{ahead} week{'' if ahead == 1 else 's'} open for plans.")


def _channels(now: datetime) -> Iterator[Finding]:
    found = failing(now)
    for each in found:
        yield Finding("channels", ok=False, sentence=f"{each.channel} fails. {each.trouble}")
    if not found:
        yield Finding("channels", ok=True, sentence="None fails.")
