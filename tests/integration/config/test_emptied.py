"""After a test that committed, rows and session are as new: what a test sees does not depend on those before it."""

import contextlib
from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.conf import global_settings
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, connection, transaction
from django.test import override_settings

from runs.models import Project, Run
from tests.cast import queued_message, running_run
from tests.deliveries import listening, waiting
from tests.kept_session import KeptSession
from tests.keys import stored_key
from tests.meanwhile import PATIENCE_SECONDS, elsewhere, held, wait_until_somebody_waits
from tests.migrated_rows import MOST_DELETED_BYTES, MigratedRows
from tests.service import database_url

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def migrated() -> MigratedRows:
    """What is there when this test begins, which is what the migrations left."""
    return MigratedRows()


def everything() -> dict[str, list[str]]:
    """Every row of every table of ours, as text."""
    with connection.cursor() as cursor:
        found = {}
        for table in connection.introspection.django_table_names(only_existing=True, include_views=False):
            cursor.execute(f'SELECT rows::text FROM "{table}" AS rows ORDER BY 1')
            found[table] = [row for (row,) in cursor.fetchall()]
    return found


def fill() -> None:
    """Rows in tables of all kinds: logs, what refers to what, what is refused to be deleted."""
    run = running_run()
    queued_message(run)
    stored_key()
    waiting(listening(), 2)
    User.objects.create_user("ann").user_permissions.add(*Permission.objects.all()[:3])


def test_rows_of_all_kinds_are_gone(migrated: MigratedRows) -> None:
    before = everything()
    fill()
    filled = {table for table, rows in everything().items() if rows != before[table]}

    migrated.come_back()

    assert {"runs_run", "runs_event", "runs_apikey", "webhooks_delivery", "auth_user_user_permissions"} <= filled
    assert everything() == before


@pytest.mark.parametrize(
    "change",
    [
        lambda: Permission.objects.all().delete(),
        lambda: ContentType.objects.get_for_id(ContentType.objects.create(app_label="runs", model="nothing").id),
        lambda: Project.objects.update(name="Another"),
        lambda: Project.objects.all().delete(),
    ],
    ids=["permissions deleted", "content type added", "project renamed", "project deleted"],
)
def test_what_the_migrations_wrote_is_there_again(change: Callable[[], object], migrated: MigratedRows) -> None:
    before = everything()
    change()
    assert everything() != before

    migrated.come_back()

    assert everything() == before
    assert ContentType.objects.get_for_model(Run).permission_set.exists()
    with pytest.raises(ContentType.DoesNotExist):  # nor does anybody remember it
        ContentType.objects.get_by_natural_key("runs", "nothing")


def test_a_long_log_leaves_no_dead_rows_in_the_files(migrated: MigratedRows) -> None:
    before = everything()
    run = running_run()
    with connection.cursor() as cursor:
        cursor.execute("SET signalbox.prune = 'on'")
        cursor.execute(
            "INSERT INTO runs_event (id, run_id, project_id, seq, ts, created_at, type, source_kind, source_name,"
            " lease_epoch, data) SELECT gen_random_uuid(), id, project_id, n, now(), now(), 'message.received',"
            " 'runtime', 'r', 0, repeat('x', 1000) FROM runs_run, generate_series(100, 2000) AS n WHERE id = %s",
            [run.id],
        )
    assert size_of("runs_event") > MOST_DELETED_BYTES

    migrated.come_back()

    assert size_of("runs_event") == 0
    assert everything() == before


def size_of(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size(%s)", [table])
        return int(cursor.fetchone()[0])


def test_whoever_still_writes_is_waited_for(migrated: MigratedRows) -> None:
    before = everything()
    with held(lambda: Project.objects.create(name="Late", slug="late")) as late, elsewhere() as start:
        coming_back = start(migrated.come_back)
        wait_until_somebody_waits()
        late.commit()
        coming_back.result(PATIENCE_SECONDS)

    assert everything() == before


def test_a_session_is_as_new_and_the_same() -> None:
    session, number = KeptSession(), backend()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout')")
        usual = cursor.fetchone()
        cursor.execute("SET statement_timeout = 12345")
        cursor.execute("CREATE TEMPORARY TABLE left_over ()")
        cursor.execute("SELECT pg_advisory_lock(7)")
        cursor.execute("LISTEN somebody")

        assert session.begins_anew()

        cursor.execute("SELECT current_setting('statement_timeout')")
        assert cursor.fetchone() == usual
        cursor.execute("SELECT to_regclass('left_over'), array(SELECT pg_listening_channels())")
        assert cursor.fetchone() == (None, [])
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone() == (0,)
    assert backend() == number


def in_a_transaction() -> None:
    transaction.set_autocommit(False)
    Project.objects.count()


def after_a_fault() -> None:
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("SELECT nothing")


def opened_otherwise() -> None:
    connection.close()
    with with_options(application_name="somebody else"):
        connection.ensure_connection()


@contextlib.contextmanager
def with_options(**options: str) -> Iterator[None]:
    usual = connection.settings_dict["OPTIONS"]
    connection.settings_dict["OPTIONS"] = {**usual, **options}
    yield
    connection.settings_dict["OPTIONS"] = usual


def cut_off() -> None:
    with psycopg.connect(database_url(), autocommit=True) as elsewhere:
        elsewhere.execute("SELECT pg_terminate_backend(%s)", [backend()])


@pytest.mark.parametrize("left", [in_a_transaction, after_a_fault, opened_otherwise, cut_off, connection.close])
def test_a_session_that_is_not_as_it_was_is_not_kept(left: Callable[[], None]) -> None:
    session = KeptSession()
    left()
    try:
        assert not session.begins_anew()
    finally:
        connection.close()


def backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def test_a_password_of_a_test_is_good_wherever_the_usual_hashers_check_it() -> None:
    made = make_password("a password")

    with override_settings(PASSWORD_HASHERS=global_settings.PASSWORD_HASHERS):
        assert check_password("a password", made)
        assert not check_password("another", made)
