"""Two hosts with nothing in common but PostgreSQL, Redis and the bucket are one site."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import boto3
import pytest
import requests
from django.conf import settings as configured
from django.test import Client
from moto.server import ThreadedMotoServer

from crq.models import CRQ
from deployments.weeks import open_weeks
from tests.cast import Cast
from tests.services.test_outages import web
from tests.stages import PDF, Stage
from tests.support import redis
from tests.support.ports import free_port
from tests.support.starts import environment_of_test
from workflow import clock

pytestmark = [
    pytest.mark.services,
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # boto keeps its connections for the next call
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
KEYS = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
TOKEN = "c" * 32


@pytest.fixture
def hosts(transactional_db: None, redis_server: redis.RedisServer, tmp_path: Path) -> Iterator[list[str]]:
    """The addresses of two web processes, each with a folder of its own."""
    with ExitStack() as stack:
        moto = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
        moto.start()
        stack.callback(moto.stop)
        bucket = f"http://127.0.0.1:{moto._port}"
        boto3.client("s3", endpoint_url=bucket, region_name="us-east-1", **KEYS).create_bucket(Bucket="papers")
        shared = {name.upper(): value for name, value in KEYS.items()} | {
            "REDIS_URL": redis_server.url,
            "DOCUMENTS_URL": f"s3://papers?endpoint={bucket}&region=us-east-1",
            "SITE_URL": "http://127.0.0.1",
        }
        ports = [free_port(), free_port()]
        for port in ports:
            stack.callback(web(environment_of_test(**shared, VAR_DIR=str(tmp_path / str(port))), port).stop)
        yield [f"http://127.0.0.1:{port}" for port in ports]


def test_documents_sessions_and_limits_are_the_same_at_both_hosts(hosts: list[str], client: Client) -> None:
    stage = Stage(Cast.assemble(), open_weeks(clock.now())[-1])
    crq: CRQ = stage.with_crq().crq
    client.force_login(stage.cast.developer)
    cookies = {"sessionid": client.cookies[configured.SESSION_COOKIE_NAME].value, "csrftoken": TOKEN}
    path = f"{crq.get_absolute_url()}attach/tests/"

    sent = requests.post(
        f"{hosts[0]}{path}",
        {"csrfmiddlewaretoken": TOKEN},
        files={"file": ("plan.pdf", PDF)},
        cookies=cookies,
        timeout=30,
        allow_redirects=False,
    )
    found = requests.get(f"{hosts[1]}{crq.documents.get().get_absolute_url()}", cookies=cookies, timeout=30)

    assert (sent.status_code, found.status_code, found.content) == (302, 200, PDF)
    assert ["Too many" in page for page in _wrong_passwords(hosts)] == [False] * 5 + [True]


def _wrong_passwords(hosts: list[str]) -> list[str]:
    """What six tries in turns were answered; five are allowed, and no host alone has seen five."""
    form = {"login": "nobody@example.com", "password": "wrong", "csrfmiddlewaretoken": TOKEN}
    asked = [f"{hosts[turn % 2]}/sign-in/" for turn in range(6)]
    return [requests.post(url, form, cookies={"csrftoken": TOKEN}, timeout=30).text for url in asked]
