"""What a browser that was never here loads to show the board: at most 120 kB over the line."""

from __future__ import annotations

import gzip
import re
from os.path import normpath
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.test import Client

from tests.stages import Stage

LIMIT = 120_000
LOADED = re.compile(r'<(?:link|script|img)\b[^>]*?(?:href|src)="/static/([^"]+)"')
INSIDE = re.compile(r"""url\(["']?([^"')#?]+)""")
PACKED = {".woff2", ".png", ".jpg"}


def board(client: Client, stage: Stage) -> Any:
    for _ in range(6):
        stage.beside().ready()
    client.force_login(stage.cast.manager)
    return client.get(stage.week.get_absolute_url(), headers={"accept-encoding": "gzip"})


def files(page: str) -> dict[str, bytes]:
    """Every file of ours that the page asks for, and what style sheets ask for in turn."""
    found: dict[str, bytes] = {}
    waiting = LOADED.findall(page)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        path = Path(finders.find(name) or f"{name} is nowhere")
        found[name] = path.read_bytes()
        if path.suffix == ".css":
            inside = [each for each in INSIDE.findall(found[name].decode()) if not each.startswith("data:")]
            waiting += [normpath(Path(name).parent / each) for each in inside]
    return found


def transferred(name: str, content: bytes) -> int:
    """As whitenoise sends it."""
    return len(content) if Path(name).suffix in PACKED else len(gzip.compress(content, 9))


def test_the_first_load_of_the_board_is_small(client: Client, stage: Stage) -> None:
    answer = board(client, stage)

    page = gzip.decompress(answer.content).decode()
    sizes = {name: transferred(name, content) for name, content in files(page).items()}
    assert len(sizes) > 15
    assert len(answer.content) + sum(sizes.values()) <= LIMIT, sizes


def test_a_page_is_compressed_for_those_who_can_read_it(client: Client, stage: Stage) -> None:
    packed = board(client, stage)
    plain = client.get(stage.week.get_absolute_url())

    assert packed["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain
    assert "Accept-Encoding" in plain["Vary"]
    assert len(packed.content) * 3 < len(plain.content)


def test_the_length_of_a_page_tells_nothing(client: Client, stage: Stage) -> None:
    board(client, stage)
    address = stage.week.get_absolute_url()

    lengths = {len(client.get(address, headers={"accept-encoding": "gzip"}).content) for _ in range(5)}

    assert len(lengths) > 1
