"""Statements on the way of every request, whose SQL is made once.

To make it takes Django ten times as long as the database takes to answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, cached_property
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Field, Model, QuerySet, Value
from django.db.models.query import get_related_populators
from django.db.models.sql import Query
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
        # A model's default order would be work for the database that no caller needs.
        compiler = self._build().order_by().query.get_compiler(connection=connection)
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
        """The rows, in no order; columns as in the query's values_list."""
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


class Insertion:
    """The SQL of a model's new rows. given: columns that a row brings; made: by the database."""

    def __init__(self, model: type[Model]) -> None:
        table, columns = model._meta.db_table, model._meta.concrete_fields
        self.given = [column for column in columns if not column.db_returning]
        self.made = [column for column in columns if column.db_returning]
        blanks = ", ".join(["%s"] * len(self.given))
        # A refused row is no error: on PostgreSQL that would end the transaction around it.
        self.sql = (
            f"INSERT INTO {table} ({names(self.given)}) VALUES ({blanks}) "  # noqa: S608  # of our own names
            f"ON CONFLICT DO NOTHING RETURNING {names(self.made)}"
        )
        compiler = Query(model).get_compiler(connection=connection)
        self.converters = compiler.get_converters([column.get_col(table) for column in self.made])


def names(columns: Iterable[Field[Any, Any]]) -> str:
    return ", ".join(connection.ops.quote_name(str(column.column)) for column in columns)


insertion = cache(Insertion)


def insert(row: Model) -> bool:
    """Saves a new row; False if a unique constraint keeps it out.

    What the database fills, such as a number or a time, is then in the object as well.
    Raises: IntegrityError if it breaks another rule of the table.
    """
    of = insertion(type(row))
    values = [
        column.get_db_prep_save(column.pre_save(row, True), connection) for column in of.given
    ]
    with connection.cursor() as cursor:
        cursor.execute(of.sql, values)
        found = cursor.fetchone()
    if found is None:
        return False
    for column, value in zip(of.made, converted(found, of.converters), strict=True):
        setattr(row, column.attname, value)
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return True


def converted(row: Row, converters: dict[int, Any]) -> Row:
    if not converters:
        return row
    values = list(row)
    for at, (functions, column) in converters.items():
        for function in functions:
            values[at] = function(values[at], column, connection)
    return tuple(values)
