"""Queries that the ORM compiles once in a process, because compiling the large ones costs more than running them.

A prepared query is an ordinary queryset with a `Slot` wherever a value will stand; see
docs/adr/0021-large-queries-are-compiled-once.md.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any, Generic, TypeVar

from django.db import connections
from django.db.models import BooleanField, Expression, F, Field, Func, IntegerField, Model, QuerySet
from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row")


class Slot(Expression):
    """Where the value of this name will stand. `kind` says how the database writes it; without one it is a key."""

    def __init__(self, name: str, kind: Field[Any, Any] | None = None, *, many: bool = False) -> None:
        super().__init__(output_field=kind or IntegerField())
        self.name, self.many, self.is_key = name, many, kind is None
        self.key = name, type(self.output_field)

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        return "%s", (self,)

    def fill(self, values: dict[str, Any], connection: Any) -> list[Any]:
        """What stands here now; no value at all is a NULL, which nothing equals."""
        given = list(values[self.name]) or [None] if self.many else [values[self.name]]
        return given if self.is_key else [self.output_field.get_db_prep_value(value, connection) for value in given]


def among(field: str, name: str, kind: Field[Any, Any] | None = None) -> Func:
    """The condition that the field is one of the keys that will be given under this name."""
    keys = Slot(name, kind, many=True)
    return Func(F(field), keys, template="%(expressions)s)", arg_joiner=" IN (", output_field=BooleanField())


@dataclass(frozen=True)
class _Compiled:
    """`parts` is the SQL, cut where its parameters stand."""

    compiler: SQLCompiler
    parts: list[str]
    parameters: tuple[Any, ...]

    def filled(self, values: dict[str, Any], connection: Any) -> tuple[str, tuple[Any, ...]]:
        sql, given = [self.parts[0]], []
        filled: dict[tuple[str, type], list[Any]] = {}  # a name may stand in a dozen places
        for part, parameter in zip(self.parts[1:], self.parameters, strict=True):
            found = [parameter]
            if isinstance(parameter, Slot):
                if parameter.key not in filled:
                    filled[parameter.key] = parameter.fill(values, connection)
                found = filled[parameter.key]
            given += found
            sql += [", ".join(["%s"] * len(found)), part]
        return "".join(sql), tuple(given)


Line = tuple[Any, ...]
"""A row as the database gave it: it can be compared with another, and nothing changes it."""


class Prepared(Generic[Row]):
    """Called with a value for every slot, it reads the rows that the queryset would.

    What is kept are the SQL and which column becomes what, never anything that was read. `read` and `made` are the two
    halves of a call, for whoever may know already what a line comes to.
    """

    def __init__(self, build: Callable[[], QuerySet[Any, Row]]) -> None:
        self._build = build

    @cached_property
    def _queryset(self) -> QuerySet[Any, Row]:
        return self._build()

    @cached_property
    def _compiled(self) -> _Compiled:
        compiler: Any = self._queryset.query.get_compiler(using=self._queryset.db)
        sql, parameters = compiler.as_sql()
        columns = [column for column, *_ in compiler.select]
        converters, composite = compiler.get_converters(columns), compiler.has_composite_fields(columns)
        compiler.get_converters = lambda *_: converters  # Django asks every column at each call
        compiler.has_composite_fields = lambda *_: composite
        return _Compiled(compiler, re.split("(?<!%)%s", sql), tuple(parameters))

    def __call__(self, **values: Any) -> list[Row]:
        return self.made(self.read(**values))

    def read(self, **values: Any) -> list[Line]:
        connection = connections[self._queryset.db]  # each thread has its own
        with connection.cursor() as cursor:
            cursor.execute(*self._compiled.filled(values, connection))
            lines: list[Line] = cursor.fetchall()
        return lines

    def made(self, lines: Iterable[Line]) -> list[Row]:
        compiler: Any = copy(self._compiled.compiler)
        compiler.connection = connections[self._queryset.db]
        compiler.execute_sql = lambda *_, **__: [lines]
        query: Any = copy(self._queryset.query)
        query.get_compiler = lambda *_, **__: compiler
        rows: QuerySet[Any, Row] = object.__new__(type(self._queryset))  # as `.all()`, which copies every condition
        vars(rows).update(vars(self._queryset), _query=query)
        return list(rows)

    def key(self, line: Line) -> Any:
        """The line's own primary key."""
        return line[self._columns[self._queryset.model._meta.pk.attname]]

    def by(self, name: str, lines: Iterable[Line]) -> dict[Any, list[Line]]:
        """The lines by what stands in the model's own column of this name; in order."""
        place = self._columns[name]
        found: dict[Any, list[Line]] = defaultdict(list)
        for line in lines:
            found[line[place]].append(line)
        return found

    def keys(self, model: type[Model], lines: Iterable[Line]) -> set[Any]:
        """The keys of all rows of this model that these lines name: what was read, and what it points to."""
        found = set().union(*map(self._picks[model], lines))
        found.discard(None)
        return found

    @cached_property
    def _columns(self) -> dict[str, int]:
        compiler: Any = self._compiled.compiler
        return {compiler.select[at][0].target.attname: at for at in compiler.klass_info["select_fields"]}

    @cached_property
    def _picks(self) -> dict[type[Model], Callable[[Line], tuple[Any, ...]]]:
        """For each model what picks from a line its keys."""
        places: dict[type[Model], list[int]] = defaultdict(list)
        for at, (column, *_) in enumerate(self._compiled.compiler.select):
            field = getattr(column, "target", None)  # none has what was worked out
            if field and (field.primary_key or field.is_relation):
                places[field.related_model or field.model].append(at)
        return {model: itemgetter(*found, found[0]) for model, found in places.items()}  # two at least: a tuple

    def one(self, **values: Any) -> Row:
        """The only row, or the model's `DoesNotExist`; for what is unique."""
        for row in self(**values):
            return row
        raise self._queryset.model.DoesNotExist(f"{self._queryset.model.__name__} matching {values} does not exist.")
