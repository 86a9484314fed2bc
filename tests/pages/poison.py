"""Every text that is stored anywhere becomes a canary: also in a column that is new, for columns are found, not listed."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models, transaction
from django_q.models import Schedule, Task

from tests.pages.canary import CANARY, canary, poisoned, poisoned_text

OTHERS: list[type[models.Model]] = [User, Group, LogEntry, Schedule, Task]
JSON_TEXT = {
    *("Event.data", "OutboundMessage.payload_descriptor", "OutboundMessage.ack", "Run.ending", "Run.wanted_answer"),
    *("Metric.labels", "MetricSource.gauges"),
}
# Nobody but us writes these, and something else than text depends on them. Everything else is poisoned.
KEPT: Mapping[str, str] = {
    "Run.status": "the database takes known words alone",
    "Run.wanted": "the database takes known words alone",
    "Run.cleanup_status": "the database takes known words alone",
    "BreakerChange.state": "the database takes known words alone",
    "LateObservation.reason": "the database takes known words alone",
    "OutboundMessage.status": "the database takes known words alone",
    "OutboundMessage.category": "the database takes known words alone",
    "Event.type": "of a closed list; panels and filters choose by it",
    "Event.data": "hostile from the beginning: the log that was stored is one of canaries",
    "Projection.state": "the fold of that log",
    "Projection.private": "the fold of that log",
    "Delivery.status": "of a closed list; pages choose by it",
    "Notice.kind": "of a closed list; pages choose by it",
    "EndpointSecret.sealed": "sealed text, shown nowhere",
    "Endpoint.headers_sealed": "sealed text, shown nowhere",
    "User.password": "a hash, shown nowhere",
    "Schedule.schedule_type": "of a closed list; a letter",
    "Schedule.cron": "read as a time table",
    "Task.id": "made by the queue; the key of the row",
}


def poisonable() -> list[type[models.Model]]:
    """All models with rows that pages could show."""
    ours = [model for model in apps.get_models() if model._meta.app_label in {"runs", "webhooks"}]
    return [*ours, *OTHERS]


def poison() -> None:
    """Whatever is stored is hostile now."""
    with transaction.atomic(), connection.cursor() as cursor:
        # What was written once is not written again, says a trigger; nobody else writes here.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for model in poisonable():
            for row in models.QuerySet(model).all():
                values = _values(model, row)
                if values:
                    models.QuerySet(model).filter(pk=row.pk).update(**values)


def texts_of(model: type[models.Model], row: models.Model) -> Iterator[tuple[str, str]]:
    """Name and content of each column of the row that holds text; what is empty is none."""
    for field in model._meta.concrete_fields:
        value = getattr(row, field.attname)
        is_text = isinstance(field, (*_TEXT, models.JSONField)) or (
            isinstance(field, ArrayField) and isinstance(field.base_field, _TEXT)
        )
        if is_text and not field.is_relation and value is not None:
            yield f"{model.__name__}.{field.name}", str(value)


def _values(model: type[models.Model], row: models.Model) -> dict[str, Any]:
    found = {}
    for field in model._meta.concrete_fields:
        name = f"{model.__name__}.{field.name}"
        if name in KEPT or field.is_relation:
            continue
        value = _poison_of(field, name, getattr(row, field.attname), _serial(row.pk))
        if value is not None:
            found[field.name] = value
    return found


def _poison_of(field: Any, name: str, value: Any, serial: str) -> Any:
    if isinstance(field, models.JSONField):
        return poisoned(value if value is not None else {})
    if isinstance(field, ArrayField):
        return [canary(field.base_field.max_length)] if isinstance(field.base_field, _TEXT) else None
    if isinstance(field, models.BinaryField):
        # Bytes of a fixed length are digests.
        return None if field.max_length or value is None else f'{{"text": "{SAFE_IN_JSON}"}}'.encode()
    if not isinstance(field, _TEXT):
        return None
    if name in JSON_TEXT and value:
        return poisoned_text(value)
    # Some are unique, by themselves or together.
    return canary(field.max_length and field.max_length - len(serial)) + serial


def _serial(key: object) -> str:
    return str(key.int % 10_000).zfill(4) if isinstance(key, UUID) else str(key)[-4:]


_TEXT = (models.CharField, models.TextField)
SAFE_IN_JSON = CANARY.replace('"', '\\"')
