"""Who hears what of which run."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from webhooks.models import Endpoint
from webhooks.wanted import is_wanted, sources_of


class HeardRun(NamedTuple):
    """A run as far as it decides who hears of it, and how it stood when that was read."""

    id: UUID
    project_id: UUID
    status: str
    last_seq: int
    tags: list[str]
    mode_name: str
    environment: str | None


class Listener(NamedTuple):
    """An active endpoint. Also a paused one: what comes meanwhile waits."""

    id: UUID
    project_id: UUID
    events: list[str]
    tags: list[str]
    mode_name: str
    environment: str
    run_id: UUID | None

    def hears(self, run: HeardRun) -> bool:
        """True if the run has one of its tags, and each of the other things that it asks for."""
        return (
            run.project_id == self.project_id
            and (not self.tags or not set(self.tags).isdisjoint(run.tags))
            and self.mode_name in ("", run.mode_name)
            and self.environment in ("", run.environment)
            and self.run_id in (None, run.id)
        )

    def wants(self, name: str) -> bool:
        """True if it hears what goes out under this name."""
        return is_wanted(self.events, name)


_HEARD = """
SELECT id, project_id, status, last_seq, tags, mode_name, metadata ->> 'environment' FROM runs_run WHERE id = ANY(%s)
"""
_ACTIVE = f"SELECT {', '.join(Listener._fields)} FROM webhooks_endpoint WHERE active AND deleted_at IS NULL"  # noqa: S608
# Weak enough not to wait for, nor hold up, what each attempt writes to the endpoint; whoever makes it inactive locks it
# for update, and then either finds our deliveries or keeps us from writing them.
_LOCKED = f"{_ACTIVE} AND project_id = %s ORDER BY id FOR KEY SHARE"


def has_listeners() -> bool:
    """True if anybody hears anything."""
    return Endpoint.objects.filter(active=True, deleted_at=None).exists()


def all_listeners() -> list[Listener]:
    """Everybody who hears anything, of whichever project."""
    return _listeners(_ACTIVE, [])


def locked_listeners(run: HeardRun) -> list[Listener]:
    """Who hears the run; none of them becomes inactive before the transaction ends."""
    return [one for one in _listeners(_LOCKED, [run.project_id]) if one.hears(run)]


def sources_for(run: HeardRun, listeners: Iterable[Listener]) -> frozenset[str]:
    """The canonical types of which somebody hears when the run logs one."""
    return frozenset().union(*(sources_of(one.events) for one in listeners if one.hears(run)))


def heard_runs(run_ids: Collection[UUID]) -> dict[UUID, HeardRun]:
    """These runs, those that are still there."""
    with connection.cursor() as cursor:
        cursor.execute(_HEARD, [list(run_ids)])
        return {row[0]: HeardRun._make(row) for row in cursor.fetchall()}


def _listeners(query: str, values: Sequence[UUID]) -> list[Listener]:
    with connection.cursor() as cursor:
        cursor.execute(query, list(values))
        return [Listener._make(row) for row in cursor.fetchall()]
