"""Queries on the way of every request, whose SQL is made once.

To make it takes Django ten times as long as the database takes to answer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model, QuerySet, Value
from django.db.models.query import get_related_populators
from django.db.models.sql.compiler import SQLCompiler

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
    def _made(self) -> tuple[str, tuple[Any, ...], SQLCompiler]:
        query = self._build()
        # A model's default order would be work for the database that no caller needs.
        query = query if query.query.is_sliced else query.order_by()
        compiler = query.query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        return sql, parameters, compiler

    @cached_property
    def _converters(self) -> dict[int, Any]:
        """By column what makes Python's value of the driver's."""
        _, _, compiler = self._made
        return compiler.get_converters([each[0] for each in compiler.select])

    @cached_property
    def _loader(self) -> tuple[type[Model], slice, list[str], list[Any]]:
        """The model, its part of a row, the names there, and what loads the objects beside it."""
        _, _, compiler = self._made
        at = compiler.klass_info["select_fields"]
        own = slice(at[0], at[-1] + 1)
        names = [each[0].target.attname for each in compiler.select[own]]
        beside = get_related_populators(  # type: ignore[call-arg]  # the types are Django 6's
            compiler.klass_info, compiler.select, DEFAULT_DB_ALIAS
        )
        return compiler.klass_info["model"], own, names, beside

    def rows(self, **slots: str | int) -> list[Row]:
        """The rows, in no order unless the query is cut; columns as in its values_list."""
        sql, parameters, _ = self._made
        bound = [slots[each.name] if isinstance(each, Slot) else each for each in parameters]
        with connection.cursor() as cursor:
            cursor.execute(sql, bound)
            found: list[Row] = cursor.fetchall()
        return [converted(row, self._converters) for row in found]

    def objects(self, **slots: str | int) -> list[Any]:
        """The query's model objects, in no order, with those that it selects beside them."""
        found = []
        for row in self.rows(**slots):
            model, own, names, beside = self._loader
            found.append(made := model.from_db(DEFAULT_DB_ALIAS, names, row[own]))
            for each in beside:
                each.populate(row, made)
        return found

    def first(self, **slots: str | int) -> Any:
        """The object of a query that finds one at most; None if it finds none."""
        return next(iter(self.objects(**slots)), None)


def converted(row: Row, converters: dict[int, Any]) -> Row:
    if not converters:
        return row
    values = list(row)
    for at, (functions, column) in converters.items():
        for function in functions:
            values[at] = function(values[at], column, connection)
    return tuple(values)
