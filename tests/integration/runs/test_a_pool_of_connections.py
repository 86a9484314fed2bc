"""Writers whose connections come from a pool, as in the web process: each write needs one, and no lock belongs to any."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast
from uuid import UUID

import pytest
from django.db import connection

from runs.models import Event
from runs.recorder import record, writing
from tests.cast import envelope, running_run

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS = 4
ROUNDS = 10
PATIENCE_SECONDS = 15


@pytest.fixture
def pooled(transactional_db: None) -> Iterator[None]:
    """Connections come from a pool of WRITERS; whoever finds it empty gives up after two seconds."""
    database = cast(Any, connection)
    options, age = connection.settings_dict["OPTIONS"], connection.settings_dict["CONN_MAX_AGE"]
    connection.close()
    pool = {"min_size": 1, "max_size": WRITERS, "timeout": 2}
    connection.settings_dict.update(OPTIONS={**options, "pool": pool}, CONN_MAX_AGE=0)
    try:
        yield
    finally:
        connection.close()
        database.close_pool()
        connection.settings_dict.update(OPTIONS=options, CONN_MAX_AGE=age)


def written_by_all(write: Callable[[int], object]) -> None:
    """Every writer has written on a thread of its own and has given its connection back; raises what one of them met."""

    def written(number: int) -> None:
        try:
            write(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(WRITERS) as threads:
        list(threads.map(written, range(WRITERS), timeout=PATIENCE_SECONDS))


def numbers_of(run_id: UUID) -> list[int]:
    return list(Event.objects.filter(run_id=run_id).order_by("seq").values_list("seq", flat=True))


@pytest.mark.usefixtures("pooled")
def test_as_many_writers_as_there_are_connections_do_not_block_each_other_b04() -> None:
    runs = [running_run().id for _ in range(WRITERS)]
    connection.close()
    all_have_one = threading.Barrier(WRITERS)

    def write(number: int) -> None:
        with writing(runs[number], epoch=None) as writer:
            all_have_one.wait(PATIENCE_SECONDS)  # from here on the pool is empty
            writer.append([envelope(1), envelope(2)])

    written_by_all(write)
    assert [len(numbers_of(run_id)) for run_id in runs] == [7] * WRITERS


@pytest.mark.usefixtures("pooled")
def test_a_lock_goes_with_its_transaction_whoever_has_the_connection_next_c04() -> None:
    run_id = running_run().id
    connection.close()

    def write(number: int) -> None:
        for turn in range(ROUNDS):
            record(run_id, [envelope(f"{number}-{turn}", sender="alice")], epoch=None)
            connection.close()  # somebody else has it now

    written_by_all(write)
    assert numbers_of(run_id) == list(range(1, 4 + 1 + WRITERS * ROUNDS + 1))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        assert cursor.fetchone() == (0,)
