"""A page of a log costs what it holds, also where the planner has not heard yet how long the log has become."""

from collections.abc import Callable

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs.models import Run
from runs.queries.events import event_pages, events_after
from runs.streaming.log import page_after
from tests.integration.runs.conftest import append, store_run

pytestmark = [pytest.mark.django_db, pytest.mark.handmade_rows("a long log that only planners look at")]

EVENTS = 6_000
AFTER = 2_000


def a_long_log() -> Run:
    """A run of so many events, of which there are no statistics."""
    run = store_run()
    append(run)
    with connection.cursor() as cursor:
        cursor.execute("SELECT attname FROM pg_attribute WHERE attrelid = 'runs_event'::regclass AND attnum > 0")
        columns = [name for (name,) in cursor.fetchall()]
        values = [{"id": "gen_random_uuid()", "seq": "n"}.get(name, name) for name in columns]
        cursor.execute(
            f"INSERT INTO runs_event ({', '.join(columns)}) SELECT {', '.join(values)}"
            " FROM runs_event, generate_series(2, %s) AS n WHERE run_id = %s AND seq = 1",
            [EVENTS, run.id],
        )
        cursor.execute("UPDATE runs_run SET last_seq = %s WHERE id = %s", [EVENTS, run.id])
    return run


def rows_touched(read: Callable[[], object]) -> int:
    """The most rows that any step of the statement that `read` issues has produced."""
    with CaptureQueriesContext(connection) as captured:
        read()
    statement = captured.captured_queries[-1]["sql"]
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement.replace("%", "%%"))
        (plan,) = cursor.fetchone()[0]
    return _most(plan["Plan"])


def _most(step: dict[str, object]) -> int:
    steps = step.get("Plans", [])
    assert isinstance(steps, list)
    return max([int(float(str(step["Actual Rows"]))), *(_most(each) for each in steps)])


def test_a_page_touches_no_more_rows_than_it_has_room_for() -> None:
    run = a_long_log()
    assert len(page_after(run.id, AFTER, limit=100).entries) == 100
    assert rows_touched(lambda: page_after(run.id, AFTER, limit=100)) == 100
    assert rows_touched(lambda: events_after(run.id, AFTER, limit=100)) == 100
    assert rows_touched(lambda: next(event_pages(run.id, after=AFTER))) == 1_000


def test_a_page_holds_what_follows_up_to_the_last_event_and_nothing_behind_it() -> None:
    run = a_long_log()
    page = page_after(run.id, EVENTS - 3, limit=100)
    assert [entry.seq for entry in page.entries] == [EVENTS - 2, EVENTS - 1, EVENTS]
    assert orjson.loads(page.entries[-1].document)["seq"] == page.last_seq == EVENTS
    assert page_after(run.id, EVENTS).entries == ()
    assert [row.seq for row in events_after(run.id, EVENTS - 2, limit=100)] == [EVENTS - 1, EVENTS]
    assert events_after(run.id, (1 << 63) - 1, limit=100) == []
