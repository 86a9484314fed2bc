"""L15: what one web process writes reaches the viewers of another, by a nudge, and by polling where nudges do not travel."""

import contextlib
from collections.abc import Iterator
from uuid import UUID

import orjson
import psycopg
import pytest

from runs.models import Run
from tests import web_process
from tests.bodies import short_body
from tests.redis_process import RedisServer
from tests.runtime_process import free_port
from tests.service import database_url

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]
HEARTBEAT_MS = 20_000
NEVER = {"STREAM_POLL_MS": "600000"}


class Web(web_process.Web):
    """A web process that can be asked for runs and for their streams."""

    def __init__(self, **environment: str) -> None:
        super().__init__(STREAM_SSE_HEARTBEAT_MS=str(HEARTBEAT_MS), **environment)

    def __enter__(self) -> "Web":
        super().__enter__()
        return self

    def launch(self) -> UUID:
        """A queued run, which stays so: nobody observes."""
        answer = self.caller.post("/runs", json=short_body())
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["runId"])

    def cancel(self, run_id: UUID) -> None:
        """The run has been ended, by this process itself."""
        answer = self.caller.post(f"/runs/{run_id}/cancel", json={"reason": "seen enough"})
        assert answer.status_code < 300, answer.text

    @contextlib.contextmanager
    def viewing(self, run_id: UUID) -> Iterator[Iterator[tuple[str, dict[str, object]]]]:
        """The frames of the run's stream."""
        with self.caller.stream("GET", f"/runs/{run_id}/stream") as answer:
            assert answer.status_code == 200
            yield _frames(answer.iter_lines())


def _frames(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, object]]]:
    name = ""
    for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, orjson.loads(value)


@contextlib.contextmanager
def two(**environment: str) -> Iterator[tuple[Web, Web]]:
    """Two web processes on one database."""
    one, other = Web(**environment), Web(**environment)
    with one, other:
        yield one, other


def watch_it_end(writer: Web, reader: Web) -> None:
    """A viewer of `reader` who waits is told at once that `writer` has ended the run."""
    run_id = writer.launch()
    with reader.viewing(run_id) as frames, writer.viewing(run_id) as frames_at_home:
        viewers = frames, frames_at_home
        assert [next(viewer)[0] for viewer in viewers] == ["snapshot"] * 2
        writer.cancel(run_id)
        # It should tell each of them everything once, and close: nothing follows the end.
        assert [_names_until_end(viewer) for viewer in viewers] == [["run.cancelled", "end"]] * 2
        assert [next(viewer, None) for viewer in viewers] == [None] * 2
    assert Run.objects.get(id=run_id).status == "cancelled"


def _names_until_end(frames: Iterator[tuple[str, dict[str, object]]]) -> list[str]:
    names = []
    for name, data in frames:
        assert name != "heartbeat", "silence, where there was something to tell"
        if name != "snapshot":
            names.append(str(data["type"]) if name == "canonical_event" else name)
        if name == "end":
            break
    return names


def test_a_nudge_by_notify_reaches_the_viewers_of_the_other_process_l15_c16() -> None:
    with two(**NEVER) as (one, other):
        watch_it_end(one, other)
        watch_it_end(other, one)
        # It should find its way again when its listening connections are killed.
        assert terminate_listeners() == 2
        watch_it_end(one, other)
        watch_it_end(other, one)


def terminate_listeners() -> int:
    """How many sessions of web processes that listen have been terminated."""
    with psycopg.connect(database_url(), autocommit=True) as database:
        found = database.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'signalbox-web' AND query LIKE 'LISTEN%'"
        )
        return len(found.fetchall())


@pytest.mark.redis_server
def test_a_nudge_by_redis_reaches_the_viewers_of_the_other_process_l15() -> None:
    with RedisServer() as redis, two(REDIS_URL=redis.url, **NEVER) as (one, other):
        watch_it_end(one, other)
        # It should need no session of the database for it.
        assert terminate_listeners() == 0
        redis.restart()
        watch_it_end(other, one)


def test_where_nudges_do_not_travel_polling_does_l15_s03_c16() -> None:
    nowhere = f"redis://127.0.0.1:{free_port()}"
    with two(REDIS_URL=nowhere, STREAM_POLL_MS="300") as (one, other):
        watch_it_end(one, other)
        assert other.command.said("readers poll until Redis answers")
