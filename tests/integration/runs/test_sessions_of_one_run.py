"""A session id has one run, under whatever runtime or mode it is asked for again (T09)."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, connection, connections
from django.test import Client

from runs.models import Run, RuntimeSession
from tests.bodies import UUID_4, Body, short_body
from tests.caller import Post
from tests.cast import queued_run

REUSED = (409, "SESSION_ALREADY_EXISTS")
# What the second request changes; the first is for a session that we open, live, on a scripted runtime.
OTHERS: dict[str, Body] = {
    "the same": {},
    "another runtime": {"runtime": {"kind": "macp"}},
    "its alias": {"runtime": {"kind": "rust"}},
    "in the sandbox": {"mode": "sandbox"},
    "another mode": {"session": {"modeName": "macp.mode.task.v1"}},
    "another version of the mode": {"session": {"modeVersion": "2.0.0"}},
    "opened by an agent": {"session": {"opener": "agent"}},
    "opened by an agent elsewhere": {"runtime": {"kind": "macp"}, "session": {"opener": "agent"}},
}


def asked(change: Body) -> Body:
    """A request for the session UUID_4."""
    body = short_body() | {name: value for name, value in change.items() if name != "session"}
    body["session"] |= {"sessionId": UUID_4, **change.get("session", {})}
    return body


def answer(caller: Client, change: Body) -> tuple[int, object]:
    response = caller.post("/runs", asked(change), content_type="application/json")
    return response.status_code, response.json().get("errorCode")


def stored() -> dict[str, int]:
    """How many rows each table of runs holds."""
    return {model.__name__: model._default_manager.count() for model in apps.get_app_config("runs").get_models()}


@pytest.mark.django_db
@pytest.mark.parametrize("second", OTHERS)
def test_a_session_id_reused_under_another_runtime_or_mode_is_409_and_nothing_is_stored_t09(
    second: str, caller: Client, post_run: Post
) -> None:
    first = post_run(asked({}))
    before = stored()

    assert answer(caller, OTHERS[second]) == REUSED
    assert stored() == before
    assert first["sessionId"] == Run.objects.get().session_id == UUID_4


@pytest.mark.django_db
@pytest.mark.parametrize("first", OTHERS)
def test_whoever_had_the_session_first_keeps_it_t09(first: str, caller: Client, post_run: Post) -> None:
    run_id = post_run(asked(OTHERS[first]))["runId"]

    assert answer(caller, {}) == REUSED
    assert [str(run.id) for run in Run.objects.all()] == [run_id]


@pytest.mark.django_db(transaction=True)
def test_of_two_requests_at_once_for_one_session_on_two_runtimes_one_is_refused_t09(caller: Client) -> None:
    together = threading.Barrier(2)

    def ask(kind: str) -> tuple[int, object]:
        try:
            connection.ensure_connection()
            together.wait(timeout=10)
            return answer(caller, {"runtime": {"kind": kind}})
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(ask, ["scripted", "macp"]))

    assert sorted(answers, key=str) == [(201, None), REUSED]
    assert Run.objects.count() == RuntimeSession.objects.count() == 1


# -- the migration that made it so


@pytest.fixture
def two_runs_before_the_migration(transactional_db: None) -> Iterator[tuple[Run, Run]]:
    """Two runs in the schema of the release before, in which an id belongs to a runtime; afterwards all is migrated."""
    runs = queued_run(), queued_run()
    call_command("migrate", "runs", "0004", verbosity=0)
    yield runs
    connection.close()  # a migration that failed has left its session without time limits
    give("session_id = id::text")
    call_command("migrate", verbosity=0)


def give(change: str, run: Run | None = None, *values: object) -> None:
    """The row of one run, or of each, is changed in a schema that the models of today do not know."""
    with connection.cursor() as cursor:
        where, at = ("", []) if run is None else (" WHERE id = %s", [run.id])
        cursor.execute(f"UPDATE runs_run SET {change}{where}", [*values, *at])


@pytest.mark.django_db(transaction=True)
def test_where_two_runs_share_an_id_the_migration_names_it_and_may_be_repeated_t09(
    two_runs_before_the_migration: tuple[Run, Run],
) -> None:
    first, second = two_runs_before_the_migration
    give("runtime_kind = 'macp', session_id = %s", second, first.session_id)
    with pytest.raises(IntegrityError, match=str(first.session_id)):
        call_command("migrate", "runs", verbosity=0)

    give("session_id = %s", second, second.session_id)
    call_command("migrate", "runs", verbosity=0)

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'runs_session'")
        assert cursor.fetchall() == [("UNIQUE (session_id)",)]
        cursor.execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT current_setting('lock_timeout') <> '0'")
        assert cursor.fetchone() == (True,)
