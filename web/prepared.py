"""Queries on the way of every request, whose SQL is made once.

To make it takes Django ten times as long as the database takes to answer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model, QuerySet, Value
from django.db.models.sql.compiler import SQLCompiler

M = TypeVar("M", bound=Model)
Row = tuple[Any, ...]


class Slot(Value):
    """Stands in a query for the value that each run brings under this name."""

    def __init__(self, name: str) -> None:
        super().__init__(None)
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self,)


class Prepared:
    """build: makes the query, with slots; called when it is first run, as models are there then."""

    def __init__(self, build: Callable[[], QuerySet[Any, Any]]) -> None:
        self._build = build

    @cached_property
    def _made(self) -> tuple[str, tuple[Any, ...], dict[int, Any]]:
        """The SQL, its parameters, and by column what makes Python's value of the driver's."""
        # A model's default order would be work for the database that no caller needs.
        compiler = self._build().order_by().query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        return sql, parameters, compiler.get_converters([each[0] for each in compiler.select])

    def rows(self, **slots: str | int) -> list[Row]:
        """The rows, in no order. Columns as in the query's values_list, else for `loaded`."""
        sql, parameters, converters = self._made
        bound = [slots[each.name] if isinstance(each, Slot) else each for each in parameters]
        with connection.cursor() as cursor:
            cursor.execute(sql, bound)
            found: list[Row] = cursor.fetchall()
        return [converted(row, converters) for row in found] if converters else found


def converted(row: Row, converters: dict[int, Any]) -> Row:
    values = list(row)
    for at, (functions, column) in converters.items():
        for function in functions:
            values[at] = function(values[at], column, connection)
    return tuple(values)


@cache
def columns(model: type[Model]) -> tuple[str, ...]:
    """Names of a model's columns, in the order in which Django asks for them."""
    return tuple(field.attname for field in model._meta.concrete_fields)


def loaded(model: type[M], row: Row, parent: str = "") -> M:
    """The object of a row; with its parent's, if the query's select_related names that key."""
    own = columns(model)
    found = model.from_db(DEFAULT_DB_ALIAS, own, row[: len(own)])
    if parent:
        above: Any = model._meta.get_field(parent).related_model
        setattr(found, parent, loaded(above, row[len(own) :]))
    return found
