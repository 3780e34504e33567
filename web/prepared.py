"""Statements on the way of every request, whose SQL is made once.

To make it takes Django ten times as long as the database takes to answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, cached_property
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Field, Model, QuerySet, Value
from django.db.models.sql import Query
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
        """The rows, in no order; columns as in the query's values_list."""
        sql, parameters, converters = self._made
        bound = [slots[each.name] if isinstance(each, Slot) else each for each in parameters]
        with connection.cursor() as cursor:
            cursor.execute(sql, bound)
            found: list[Row] = cursor.fetchall()
        return [converted(row, converters) for row in found] if converters else found


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
    values = list(row)
    for at, (functions, column) in converters.items():
        for function in functions:
            values[at] = function(values[at], column, connection)
    return tuple(values)


@cache
def columns(model: type[Model], parent: str = "") -> tuple[str, ...]:
    """Names of a model's columns for values_list; then those of the parent it has by this key."""
    own = tuple(field.attname for field in model._meta.concrete_fields)
    above = columns(kind(model, parent)) if parent else ()
    return own + tuple(f"{parent}__{name}" for name in above)


def loaded(model: type[M], row: Row, parent: str = "") -> M:
    """The object of a row with its `columns`, and with its parent's if it is named."""
    own = columns(model)
    found = model.from_db(DEFAULT_DB_ALIAS, own, row[: len(own)])
    if parent:
        setattr(found, parent, loaded(kind(model, parent), row[len(own) :]))
    return found


def kind(model: type[Model], parent: str) -> type[Model]:
    found: Any = model._meta.get_field(parent).related_model
    return found  # type: ignore[no-any-return]
