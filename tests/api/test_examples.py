"""The commands of docs/api.md, run as they stand: what curl would send is sent to the application."""

from __future__ import annotations

import json
import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from deployments.models import Deployment
from tests.api.programs import WEEK, Program
from tests.cast import Cast
from tests.stages import PDF, Stage, moment
from workflow import clock

DOCS = Path(__file__).resolve().parents[2] / "docs/api.md"


def commands() -> list[list[str]]:
    """The words of each curl in the document's examples, in order."""
    blocks = re.findall(r"```sh\n(.*?)```", DOCS.read_text(), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(each) for each in lines if each]


def run(words: list[str], known: dict[str, str], programs: dict[str, Program]) -> Any:
    text = [re.sub(r"\$([A-Z_]+)", lambda found: known.get(found[1], found[0]), each) for each in words]
    after = dict(pairwise(text))
    headers = dict(each.split(": ", 1) for flag, each in pairwise(text) if flag == "-H")
    program = programs[headers.pop("Authorization").removeprefix("Bearer $")]
    url = next(each for each in text if each.startswith("/api/v1/"))
    if "-F" in after:
        file = SimpleUploadedFile("results.pdf", PDF + b"results", "application/pdf")
        return program.client.post(url, {"file": file}, headers=headers)
    kind = headers.pop("Content-Type", "application/json")
    body = json.loads(after["-d"]) if "-d" in after else {}
    return program.client.post(url, body, content_type=kind, headers=headers)


def test_the_commands_of_the_document_work(stage: Stage, cast: Cast) -> None:
    deployment = stage.ready()
    programs = {"RELEASEFLOW_TOKEN": Program(cast.devops), "TEAM_TOKEN": Program(cast.developer)}
    known = {"RELEASEFLOW": "", "DEPLOYMENT": str(deployment.pk), "CRQ": deployment.crq.number}
    before: list[list[str]] = []
    after: list[list[str]] = []
    for words in commands():
        line = " ".join(words)
        (before if any(each in line for each in ("record_", "attach_")) else after).append(words)

    codes = [run([_own(each, cast) for each in words], known, programs).status_code for words in before]
    stage.approve(deployment.crq)
    with clock.frozen(moment(stage.week, "install")):
        codes += [run(words, known, programs).status_code for words in after]

    assert codes == [200] * 7
    assert WEEK in DOCS.read_text()
    assert stage.fresh(deployment).status == Deployment.Status.VERIFIED


def _own(word: str, cast: Cast) -> str:
    """The example's repository 1 is this test's."""
    return word.replace('"repository": 1,', f'"repository": {cast.repository.pk},')
