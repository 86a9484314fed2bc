"""The pool of a web process: no connection is asked before it is used, and none that the server has ended is used."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import psycopg
import pytest
from django.db import connection

from config.database import database_entry
from tests.service import database_url

pytestmark = pytest.mark.django_db(transaction=True)

MOST = 3
PATIENCE = 15


@pytest.fixture(autouse=True)
def _as_in_a_web_process(transactional_db: None) -> Iterator[None]:
    entry = connection.settings_dict
    before = dict(entry)
    of_web = database_entry(
        {"OPTIONS": {}}, process="web", pool_max=MOST, pool_timeout_ms=2_000, statement_timeout_ms=9_000, lease_s=30
    )
    connection.close()
    entry.update({name: of_web[name] for name in ("OPTIONS", "CONN_MAX_AGE", "CONN_HEALTH_CHECKS")})
    try:
        yield
    finally:
        connection.close()
        cast(Any, connection).close_pool()
        entry.update(before)


@pytest.fixture
def elsewhere() -> Iterator["psycopg.Connection[Any]"]:
    """A session of its own that sees what the others do."""
    with psycopg.connect(database_url(), autocommit=True) as session:
        yield session


def answer(question: str, *, first: str = "") -> object:
    """What one request is told that says `first` and then asks this; its connection is back in the pool."""
    try:
        with connection.cursor() as cursor:
            if first:
                cursor.execute(first)
            cursor.execute(question)
            return cursor.fetchone()[0]
    finally:
        connection.close()


def fill_pool() -> set[object]:
    """The sessions of a pool that holds as many as it may."""
    all_have_one = threading.Barrier(MOST)

    def ask(_: int) -> object:
        connection.ensure_connection()
        all_have_one.wait(PATIENCE)
        return answer("SELECT pg_backend_pid()")

    with ThreadPoolExecutor(MOST) as threads:
        return set(threads.map(ask, range(MOST)))


def test_sessions_that_the_server_has_ended_are_replaced(elsewhere: "psycopg.Connection[Any]") -> None:
    sessions = fill_pool()
    assert len(sessions) == MOST
    for session in sessions:
        elsewhere.execute("SELECT pg_terminate_backend(%s, 5000)", [session])

    assert [answer("SELECT 1") for _ in range(2 * MOST)] == [1] * 2 * MOST
    assert answer("SELECT pg_backend_pid()") not in sessions


def test_a_session_that_was_only_told_something_is_kept(elsewhere: "psycopg.Connection[Any]") -> None:
    sessions = fill_pool()
    for _ in sessions:
        answer("SELECT 1", first="LISTEN anything")
    elsewhere.execute("NOTIFY anything")

    assert {answer("SELECT pg_backend_pid()") for _ in sessions} == sessions


def test_nothing_is_asked_before_a_request_asks(elsewhere: "psycopg.Connection[Any]") -> None:
    session = answer("SELECT pg_backend_pid()")
    connection.ensure_connection()

    said = elsewhere.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [session]).fetchone()
    assert said == ("SELECT pg_backend_pid()",)
