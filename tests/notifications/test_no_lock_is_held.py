"""While the mail server is silent, nobody waits for the sender: it holds no lock, on SQLite neither."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

import pytest
from django.conf import LazySettings
from django.db import connection

from notifications.delivery import deliver
from notifications.models import Email
from tests.stages import EARLY, Stage
from tests.support.smtp import Mode, SmtpServer
from workflow import clock

WAIT_FOR_NOTHING = {"sqlite": "PRAGMA busy_timeout = 0", "postgresql": "SET lock_timeout = '1ms'"}
USUAL = {"sqlite": "PRAGMA busy_timeout = 20000", "postgresql": "RESET lock_timeout"}


def _sending(done: list[int]) -> Callable[[], None]:
    def send() -> None:
        try:
            with clock.frozen(EARLY):
                done.append(deliver(lambda: EARLY).sent)
        finally:
            connection.close()

    return send


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_people_act_without_waiting_while_a_message_hangs(
    stage: Stage, smtp_server: SmtpServer, settings: LazySettings
) -> None:
    """A connection that waits for no lock at all, not even a moment, does what people do."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", smtp_server.port, 1
    deployment = stage.ready()  # writes to the approvers
    smtp_server.mode = Mode.HANG
    sender = Thread(target=_sending([]))
    sender.start()
    try:
        assert smtp_server.reached.wait(10)
        assert Email.objects.exclude(leased_until=None).exists()
        with connection.cursor() as cursor:
            cursor.execute(WAIT_FOR_NOTHING[connection.vendor])
            stage.approve(deployment.crq)
            stage.beside().cleared()
            cursor.execute(USUAL[connection.vendor])
        assert Email.objects.exclude(leased_until=None).exists()  # it hangs still
    finally:
        sender.join(20)
    assert stage.fresh(deployment).status == "cleared"
