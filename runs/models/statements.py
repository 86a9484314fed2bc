"""The fixed statements of every recording, written once: on this path the making of SQL costs more than its execution.

The names in them come from our own models alone. Values are read and adapted as the models' fields do it.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias, TypeVar, cast
from uuid import UUID

from django.db import connection, models

Row = TypeVar("Row", bound=models.Model)
Field: TypeAlias = "models.Field[Any, Any]"
Load = Callable[[Sequence[object]], models.Model]


def locked_row(
    model: type[Row], key: UUID, *, joined: tuple[str, ...], deferred: frozenset[str]
) -> tuple[Row, datetime] | None:
    """The row, locked until the transaction ends, with its `joined` one-to-one rows, and the database's time; None without.

    Two statements: rows joined to the locking one would be as old as its snapshot, however long it waited
    (docs/decisions/0006). The clock is read by the second, under the lock.
    """
    lock, read, loaders = _statements(model, joined, deferred)
    with connection.cursor() as cursor:
        cursor.execute(lock, [key])
        cursor.execute(read, [key])
        found = cursor.fetchone()
    if found is None:
        return None
    row = cast(Row, loaders[0](found))
    for name, load in zip(joined, loaders[1:], strict=True):
        setattr(row, name, load(found))
    return row, found[0]


def change_row(row: models.Model, columns: Mapping[str, object]) -> None:
    """The stored row holds these values; `row` itself is left alone."""
    fields = [cast(Field, row._meta.get_field(name)) for name in columns]
    assignments = ", ".join(f"{field.column} = %s" for field in fields)
    values = [field.get_db_prep_save(value, connection) for field, value in zip(fields, columns.values(), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {row._meta.db_table} SET {assignments} WHERE id = %s", [*values, row.pk])  # noqa: S608 - our own names


@functools.cache
def _statements(
    model: type[models.Model], joined: tuple[str, ...], deferred: frozenset[str]
) -> tuple[str, str, list[Load]]:
    """The lock, the read, and how each row is made of one row of the read; its column 0 is the clock."""
    table = model._meta.db_table
    columns, loaders, joins = ["date_trunc('milliseconds', clock_timestamp())"], [], ""
    for name in (None, *joined):
        related = model if name is None else cast("type[models.Model]", model._meta.get_field(name).related_model)
        if name is not None:
            joins += f" JOIN {related._meta.db_table} {name} ON {name}.run_id = row.id"
        fields = [field for field in related._meta.concrete_fields if field.attname not in deferred]
        loaders.append(_loader(related, fields, first=len(columns)))
        columns += [f"{name or 'row'}.{field.column}" for field in fields]
    lock = f"SELECT 1 FROM {table} WHERE id = %s FOR NO KEY UPDATE"  # noqa: S608 - our own names
    read = f"SELECT {', '.join(columns)} FROM {table} row{joins} WHERE row.id = %s"  # noqa: S608 - our own names
    return lock, read, loaders


def _loader(model: type[models.Model], fields: Sequence[Field], *, first: int) -> Load:
    names = [field.attname for field in fields]
    converted = [(index, field.from_db_value) for index, field in enumerate(fields) if hasattr(field, "from_db_value")]

    def load(found: Sequence[object]) -> models.Model:
        values = list(found[first : first + len(names)])
        for index, convert in converted:
            values[index] = convert(values[index], None, connection)
        return model.from_db(connection.alias, names, values)

    return load
