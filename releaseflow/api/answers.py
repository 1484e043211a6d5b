"""The problems that an address may answer with, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from releaseflow.api.shapes import ProblemOut

EVERYWHERE = (401, 429)


def problems(*codes: int) -> dict[int, Any]:
    return dict.fromkeys((*EVERYWHERE, *codes), ProblemOut)
