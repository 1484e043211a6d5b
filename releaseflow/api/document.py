"""The OpenAPI document, made from the routes once; and its own address."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from releaseflow.api.told import ROOT


@cache
def openapi() -> dict[str, Any]:
    """OpenAPI 3.1. Problems are said to be what they are: `application/problem+json`."""
    from releaseflow.api.routes import api

    found: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(path_prefix=f"{ROOT}/"), default=str))
    for operations in found["paths"].values():
        for operation in operations.values():
            _complete(operation)
    return found


def _complete(operation: dict[str, Any]) -> None:
    for code, response in operation["responses"].items():
        if int(code) >= 400 and "content" in response:
            response["content"] = {"application/problem+json": response["content"]["application/json"]}
