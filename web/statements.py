"""Changes of rows that every request and every hint wait for, in SQL of our own.

A QuerySet takes ten times as long for each, most of it to make its SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import DurationField, Field, Model
from django.db.models.functions import Now
from django.db.models.sql import Query

from web.database import ago
from web.prepared import converted

DURATION = DurationField()


class Sql(NamedTuple):
    """A part of a statement in the words of this database, and its parameters."""

    text: str
    parameters: tuple[Any, ...] = ()


@cache
def now_sql() -> Sql:
    """The time of the database; to make the words takes longer than to ask it."""
    return compiled(Now())


def ago_sql(seconds: float) -> Sql:
    """As ago."""
    duration = DURATION.get_db_prep_value(timedelta(seconds=seconds), connection)
    return Sql(long_ago().text, (duration,))


@cache
def long_ago() -> Sql:
    return compiled(ago(1))


def compiled(expression: Any) -> Sql:
    """An expression without columns."""
    query = Query(None)
    compiler = query.get_compiler(connection=connection)
    text, parameters = compiler.compile(expression.resolve_expression(query))
    return Sql(text, tuple(parameters))


def update(table: str, columns: Mapping[str, Any], rows: Sql) -> int:
    """Changes those rows, and counts them.

    columns: values as the driver takes them, or Sql. rows: the condition.
    """
    parts = [value if isinstance(value, Sql) else Sql("%s", (value,)) for value in columns.values()]
    to = ", ".join(f"{name} = {part.text}" for name, part in zip(columns, parts, strict=True))
    parameters = chain.from_iterable(part.parameters for part in (*parts, rows))
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {to} WHERE {rows.text}", list(parameters))  # noqa: S608
        return int(cursor.rowcount)


class Insertion:
    """The SQL of a model's new rows, but for what the database works out and for a condition.

    computed: the columns worked out, which come last. given: those that a row brings; made: those
    that the database fills by itself.
    """

    def __init__(self, model: type[Model], *computed: str) -> None:
        table = model._meta.db_table
        columns = {column.attname: column for column in model._meta.concrete_fields}
        last = [columns.pop(name) for name in computed]
        self.given = [column for column in columns.values() if not column.db_returning]
        self.made = [column for column in columns.values() if column.db_returning]
        blanks = ", ".join(["%s"] * len(self.given) + ["{}"] * len(last))
        # A refused row is no error: on PostgreSQL that would end the transaction around it.
        self.sql = (
            f"INSERT INTO {table} ({names([*self.given, *last])}) SELECT {blanks} WHERE {{}} "
            f"ON CONFLICT DO NOTHING RETURNING {names(self.made)}"
        )
        compiler = Query(model).get_compiler(connection=connection)
        self.converters = compiler.get_converters([column.get_col(table) for column in self.made])


def names(columns: Iterable[Field[Any, Any]]) -> str:
    return ", ".join(connection.ops.quote_name(str(column.column)) for column in columns)


insertion = cache(Insertion)
ALWAYS = Sql("TRUE")


def holds(condition: Sql) -> bool:
    """Whether it is so now."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 WHERE {condition.text}", condition.parameters)
        return cursor.fetchone() is not None


def insert(row: Model, condition: Sql = ALWAYS, **computed: Sql) -> bool:
    """Saves a new row; False if a unique constraint or the condition keeps it out.

    computed: columns that the database works out. What else it fills, such as a number or a time,
    is then in the object as well. Raises: IntegrityError if it breaks another rule of the table.
    """
    # Itself, as Django's `connection` looks it up anew for each column.
    of, database = insertion(type(row), *computed), connections[DEFAULT_DB_ALIAS]
    values = [column.get_db_prep_save(column.pre_save(row, True), database) for column in of.given]
    parts = (*computed.values(), condition)
    sql = of.sql.format(*(part.text for part in parts))
    with database.cursor() as cursor:
        cursor.execute(sql, [*values, *(value for part in parts for value in part.parameters)])
        found = cursor.fetchone()
    if found is None:
        return False
    for column, value in zip(of.made, converted(found, of.converters), strict=True):
        setattr(row, column.attname, value)
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return True
