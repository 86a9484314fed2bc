"""Many runs like one, written by the database itself: thousands in a second, each whole and true to its invariants."""

from django.db import connection
from django.db.models import Model

from runs.models import Event, Projection, RawObservation, Run, RuntimeSession
from runs.models.outbox import OutboxEntry

_CHILDREN = (RuntimeSession, Projection, Event, RawObservation, OutboxEntry)
# Texts that name the run or its session.
_NAMING = frozenset({"state", "private", "data", "subject_id"})


def crowd_of(run: Run, number: int) -> None:
    """There are `number` more runs like this one, with sessions of their own."""
    events = [str(event_id) for event_id in Event.objects.filter(run_id=run.id).values_list("id", flat=True)]
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE crowd AS SELECT gen_random_uuid() AS id FROM generate_series(1, %s)", [number]
        )
        cursor.execute(_copy(Run, {"id": "crowd.id", "session_id": "crowd.id::text"}, [], key="id"), [run.id])
        for child in _CHILDREN:
            own = _EVENT_ID if child is Event else "gen_random_uuid()"
            statement = _copy(child, {"id": own, "run_id": "crowd.id"}, events, key="run_id")
            cursor.execute(statement, {"run": run.id, "names": [str(run.id), run.session_id], "events": events})
        cursor.execute("DROP TABLE crowd")


# The same wherever the event is named: in its own row and in the projection.
_EVENT_ID = "md5(crowd.id::text || row.id::text)::uuid"


def _copy(model: type[Model], values: dict[str, str], events: list[str], *, key: str) -> str:
    columns = [field.column for field in model._meta.concrete_fields]
    table = model._meta.db_table
    chosen = ", ".join(values.get(column) or _renamed(column, len(events)) for column in columns)
    named = "%s" if key == "id" else "%(run)s"
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM {table} AS row, crowd WHERE row.{key} = {named}"


def _renamed(column: str, events: int) -> str:
    text = f"row.{column}"
    if column not in _NAMING:
        return text
    for number in (1, 2):
        text = f"replace({text}, (%(names)s::text[])[{number}], crowd.id::text)"
    for number in range(1, events + 1):
        event = f"(%(events)s::text[])[{number}]"
        text = f"replace({text}, {event}, md5(crowd.id::text || {event})::uuid::text)"
    return text
