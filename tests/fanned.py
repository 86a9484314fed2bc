"""Who listens, what there is to hear by the log, and what was written for them."""

import fnmatch
from collections import Counter
from collections.abc import Iterable, Sequence
from uuid import UUID

import orjson

from runs.models import Event, Project, Run
from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID
from webhooks.fanout import fan_out_some
from webhooks.models import Delivery, Endpoint

SIX = ("run.started", "run.completed", "run.failed", "run.cancelled", "run.suspended", "run.resumed")


def listens(*events: str, **columns: object) -> Endpoint:
    """An endpoint that hears these, or the six."""
    return Endpoint.objects.create(**{"url": "https://receiver.example/", "events": list(events), **columns})


def a_project() -> Project:
    """A project with nothing in it."""
    project_id = uuid7()
    return Project.objects.create(id=project_id, name=str(project_id), slug=str(project_id))


def fan_out_all(*, limit: int = 100) -> int:
    """Nothing is left in the outbox that nobody else is at; how much was done for that."""
    done = 0
    while some := fan_out_some(limit=limit):
        done += some
    return done


def heard_by(endpoint: Endpoint) -> list[tuple[int, str]]:
    """Number and name of what it hears, in the order of the numbers."""
    rows = Delivery.objects.filter(endpoint=endpoint).order_by("seq", "event_type")
    return list(rows.values_list("seq", "event_type"))


def bodies_for(endpoint: Endpoint) -> list[dict[str, object]]:
    """What it is sent, in the order of the numbers."""
    rows = Delivery.objects.filter(endpoint=endpoint).order_by("seq", "event_type")
    return [orjson.loads(bytes(body)) for body in rows.values_list("body", flat=True)]


def told_by_the_log(run: Run | UUID, events: Sequence[str]) -> list[tuple[int, str]]:
    """What somebody who names these hears of the run, read from its log as the words of the contract say it."""
    run_id = run.id if isinstance(run, Run) else run
    told: list[tuple[int, str]] = []
    has_run = False
    for seq, kind, data in Event.objects.filter(run_id=run_id).order_by("seq").values_list("seq", "type", "data"):
        is_running = orjson.loads(data).get("runStatus") == "running" and kind != "run.started"
        names = [] if kind == "run.started" else [kind]
        names += ["run.started"] if is_running and not has_run else []
        has_run |= is_running
        told += [(seq, name) for name in sorted(names) if any(fnmatch.fnmatch(name, one) for one in events or SIX)]
    return told


def assert_heard(endpoints: Iterable[Endpoint], runs: Sequence[Run]) -> None:
    """Each of these endpoints, which filter nothing, hears each event of these runs that it wants, once under each name."""
    for endpoint in endpoints:
        rows = Delivery.objects.filter(endpoint=endpoint).values_list("run_id", "seq", "event_type")
        told = [(run.id, seq, name) for run in runs for seq, name in told_by_the_log(run, endpoint.events)]
        assert Counter(rows) == Counter(told), endpoint.events


__all__ = ["DEFAULT_PROJECT_ID", "a_project", "assert_heard", "bodies_for", "fan_out_all", "heard_by", "listens"]
