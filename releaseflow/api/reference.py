"""The reference page: the OpenAPI document as people read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from releaseflow.api.document import openapi

HEADINGS = {
    "weeks": "Weeks",
    "deployments": "Deployments",
    "crqs": "CRQs",
    "pull-requests": "Pull requests",
    "reviews": "Code reviews",
    "exemptions": "Exemptions",
    "me": "Yourself",
    "around": "Everything else",
}


@dataclass(frozen=True)
class Field:
    name: str
    kind: str
    needed: bool
    about: str


@dataclass(frozen=True)
class Address:
    method: str
    path: str
    summary: str
    about: str
    fields: list[Field]


@dataclass(frozen=True)
class Section:
    key: str
    label: str
    addresses: list[Address]


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    return render(request, "releaseflow/api.html", {"sections": sections()})


@cache
def sections() -> list[Section]:
    found: dict[str, list[Address]] = {key: [] for key in HEADINGS}
    for path, operations in openapi()["paths"].items():
        for method, operation in operations.items():
            found[operation["tags"][0]].append(_address(method, path, operation))
    return [Section(key, HEADINGS[key], addresses) for key, addresses in found.items()]


def _address(method: str, path: str, operation: dict[str, Any]) -> Address:
    about = operation.get("description", "")
    fields = [*_parameters(operation), *_body(operation)]
    return Address(method.upper(), path, operation["summary"], about, fields)


def _parameters(operation: dict[str, Any]) -> Iterator[Field]:
    for each in operation.get("parameters", ()):
        if each["in"] == "query":
            schema = each["schema"]
            yield Field(each["name"], _kind(schema), each.get("required", False), schema.get("description", ""))


def _body(operation: dict[str, Any]) -> Iterator[Field]:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = _resolved(content["schema"])
        for name, each in schema.get("properties", {}).items():
            yield Field(name, _kind(each), name in schema.get("required", ()), each.get("description", ""))


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Behind a reference, and behind "this or nothing"."""
    for choice in (schema, *schema.get("anyOf", ()), *schema.get("allOf", ())):
        if "$ref" in choice:
            found: dict[str, Any] = openapi()["components"]["schemas"][choice["$ref"].rsplit("/", 1)[-1]]
            return found
    return schema


def _kind(schema: dict[str, Any]) -> str:
    """A few words: "text", "one of success, failed", "list"."""
    if "enum" in schema:
        return "one of " + ", ".join(str(each) for each in schema["enum"] if each)
    names = [each.get("format") or each.get("type", "") for each in (schema, *schema.get("anyOf", ()))]
    words = {"string": "text", "integer": "number", "array": "list", "boolean": "true or false", "binary": "file"}
    return next((words.get(name, name) for name in names if name and name != "null"), "object")
