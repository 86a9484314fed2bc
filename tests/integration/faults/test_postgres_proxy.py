"""F02: the outcome of a COMMIT becomes unknown, on a real server."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from tests.faults.postgres_proxy import PostgresProxy
from tests.service import database_url

pytestmark = pytest.mark.django_db(transaction=True)
Connection = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def proxy() -> Iterator[PostgresProxy]:
    with PostgresProxy(database_url()) as proxy:
        yield proxy


@pytest.fixture
def direct() -> Iterator[Connection]:
    """A connection past the proxy, with a table to write to."""
    with psycopg.connect(database_url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        yield connection
        connection.execute("DROP TABLE kept")


def kept(direct: Connection) -> list[str]:
    return sorted(str(word) for (word,) in direct.execute("SELECT word FROM kept"))


@pytest.mark.parametrize("extended", [False, True])
def test_a_commit_whose_answer_is_lost_has_happened(proxy: PostgresProxy, direct: Connection, extended: bool) -> None:
    fault = proxy.cut_after_commit()
    client = psycopg.connect(proxy.url())
    client.execute("INSERT INTO kept VALUES ('one')")
    with pytest.raises(psycopg.OperationalError):
        if extended:
            client.execute("COMMIT", binary=True)
        else:
            client.commit()
    proxy.wait_for(fault)
    assert kept(direct) == ["one"]


def test_a_commit_that_is_lost_has_not_happened(proxy: PostgresProxy, direct: Connection) -> None:
    fault = proxy.cut_before_commit()
    client = psycopg.connect(proxy.url())
    client.execute("INSERT INTO kept VALUES (%s)", ["one"])
    with pytest.raises(psycopg.OperationalError):
        client.commit()
    proxy.wait_for(fault)
    assert kept(direct) == []


def test_only_the_transaction_that_is_meant_is_struck_and_only_once(proxy: PostgresProxy, direct: Connection) -> None:
    fault = proxy.cut_after_commit(b"kept", b"needle", nth=2)
    client = psycopg.connect(proxy.url())
    for word in ("hay", "needle", "hay"):
        client.execute("INSERT INTO kept VALUES (%s)", [word])
        client.commit()
    with client.cursor() as cursor, cursor.copy("COPY kept FROM STDIN") as copy:
        copy.write_row(["the second needle"])
    with pytest.raises(psycopg.OperationalError):
        client.commit()
    proxy.wait_for(fault)
    again = psycopg.connect(proxy.url())
    again.execute("INSERT INTO kept VALUES ('a third needle')")
    again.commit()
    again.close()
    assert kept(direct) == ["a third needle", "hay", "hay", "needle", "the second needle"]


def test_a_commit_that_is_held_keeps_its_locks_until_it_is_released(proxy: PostgresProxy, direct: Connection) -> None:
    direct.execute("INSERT INTO kept VALUES ('one')")
    fault = proxy.hold_commit()
    client = psycopg.connect(proxy.url())
    client.execute("UPDATE kept SET word = 'two'")
    committing = threading.Thread(target=client.commit)
    committing.start()
    proxy.wait_for(fault)
    assert direct.execute("SELECT word FROM kept FOR UPDATE SKIP LOCKED").fetchall() == []
    proxy.release(fault)
    committing.join(10)
    assert kept(direct) == ["two"]
    client.close()
