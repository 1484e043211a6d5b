"""The services behind the tests are real: each one answers, and is gone afterwards."""

import smtplib
from collections.abc import Callable
from email.message import EmailMessage

import pytest
from playwright.sync_api import Page

from tests.support import postgres, processes, redis, smtp
from tests.support.ports import answers, free_port

pytestmark = pytest.mark.services


def letter(subject: str = "Planned deployments") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.com", "b@example.com", subject
    message["Message-ID"] = "<one@example.com>"
    message.set_content("Two deployments are planned.")
    return message


def hand_over(server: smtp.SmtpServer, *, timeout: float = 10) -> None:
    with smtplib.SMTP("127.0.0.1", server.port, timeout=timeout) as client:
        client.send_message(letter())


def test_postgres_answers(postgres_cluster: postgres.Cluster) -> None:
    assert postgres_cluster.ask("select version()").startswith("PostgreSQL")
    assert postgres_cluster.ask("show timezone") == "UTC"


def test_postgres_is_gone_afterwards(postgres_cluster: postgres.Cluster) -> None:
    with postgres.running(free_port()) as second:
        assert second.answers()
    assert not answers(second.port)
    assert second.process.exit_code == 0
    assert postgres_cluster.answers()


def test_postgres_is_gone_after_a_failure(postgres_cluster: postgres.Cluster) -> None:
    with pytest.raises(ZeroDivisionError), postgres.running(free_port()) as second:
        _ = 1 // 0
    assert not answers(second.port)


def test_redis_answers(redis_server: redis.RedisServer) -> None:
    with redis_server.client() as client:
        assert client.ping() is True


def test_redis_can_have_an_outage(redis_server: redis.RedisServer) -> None:
    redis_server.stop()
    assert not answers(redis_server.port)
    redis_server.start()
    assert redis_server.answers()


def test_smtp_takes_a_message(smtp_server: smtp.SmtpServer) -> None:
    hand_over(smtp_server)
    assert [message["Subject"] for message in smtp_server.messages] == ["Planned deployments"]
    assert smtp_server.ids == ["<one@example.com>"]


@pytest.mark.parametrize(("mode", "code"), [(smtp.Mode.TRY_LATER, 451), (smtp.Mode.REFUSED, 550)])
def test_smtp_refuses(smtp_server: smtp.SmtpServer, mode: smtp.Mode, code: int) -> None:
    smtp_server.mode = mode
    with pytest.raises(smtplib.SMTPDataError) as refusal:
        hand_over(smtp_server)
    assert refusal.value.smtp_code == code
    assert (smtp_server.attempts, smtp_server.messages) == (1, [])


def test_smtp_hangs(smtp_server: smtp.SmtpServer) -> None:
    smtp_server.mode = smtp.Mode.HANG
    with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
        hand_over(smtp_server, timeout=0.3)
    assert smtp_server.reached.is_set()
    assert smtp_server.messages == []


def test_smtp_drops_the_line_after_taking_the_message(smtp_server: smtp.SmtpServer) -> None:
    smtp_server.mode = smtp.Mode.DROP_AFTER_DATA
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        hand_over(smtp_server)
    assert len(smtp_server.messages) == 1


def test_smtp_is_gone_afterwards() -> None:
    with smtp.running() as server:
        hand_over(server)
    assert not answers(server.port)


def test_a_program_that_ends_too_early_shows_what_it_wrote() -> None:
    with (
        pytest.raises(RuntimeError, match="sh ended with 3:\nno luck"),
        processes.running(["/bin/sh", "-c", "echo no luck; exit 3"]) as process,
    ):
        process.wait_for("ready")


def test_a_program_ends_with_its_children() -> None:
    with processes.running(["/bin/sh", "-c", "sleep 60 & echo $!; wait"]) as process:
        process.wait_for("\n")
        child = int(process.log())
    assert process.exit_code is not None
    assert processes.gone(child)


@pytest.mark.browser
def test_chromium_renders_a_page(page: Page) -> None:
    page.set_content("<h1>This week</h1><script>document.title = document.querySelector('h1').textContent</script>")
    assert page.title() == "This week"
    assert page.get_by_role("heading").bounding_box() is not None


@pytest.mark.django_db(transaction=True)
def test_worker_and_beat_run_beside_the_test(
    application_env: dict[str, str], start: Callable[[processes.Process], processes.Process]
) -> None:
    worker = start(processes.worker(application_env))
    beat = start(processes.beat(application_env))
    worker.wait_for("succeeded", times=2)
    assert beat.stop() == 0
    assert worker.stop() == 0
    assert "Traceback" not in worker.log()
