"""All migrations apply to an empty database and to any earlier one with runs in it; none has to be applied by hand."""

from collections.abc import Iterator

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps

from runs.domain.projection import SCHEMA_VERSION, dump, empty
from runs.models import Run
from runs.models.identity import uuid7
from runs.queries.invariants import lost_guards
from tests.cast import MODE
from tests.service import database_url

pytestmark = pytest.mark.django_db(transaction=True)

OTHER = "test_migrations_of_signalbox"
FIRST_WITH_A_PROJECT = "0002_guards"


@pytest.fixture
def empty_database(transactional_db: None, request: pytest.FixtureRequest) -> Iterator[None]:
    """The connections of this process lead to a database without any table."""
    entry = connection.settings_dict
    name, other = entry["NAME"], f"{OTHER}_{entry['NAME']}"
    with psycopg.connect(database_url(), autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {other}")
        server.execute(f"CREATE DATABASE {other}")
        try:
            connections.close_all()
            entry["NAME"] = other
            yield
        finally:
            connections.close_all()
            entry["NAME"] = name
            server.execute(f"DROP DATABASE {other} WITH (FORCE)")


def steps() -> list[str]:
    """The migrations of runs in their order."""
    graph = MigrationExecutor(connection).loader.graph
    (last,) = graph.leaf_nodes("runs")
    return [name for app, name in graph.forwards_plan(last) if app == "runs"]


def store_a_run(apps: StateApps) -> None:
    """A queued run, as the release with these models stored it."""
    run_id = uuid7()
    public, private = dump(empty(str(run_id)))
    apps.get_model("runs", "Run").objects.create(
        id=run_id,
        mode="live",
        mode_name=MODE,
        runtime_kind="scripted",
        session_id=str(run_id),
        session_opener="control-plane",
        request="{}",
        request_digest=b"",
    )
    apps.get_model("runs", "RuntimeSession").objects.create(run_id=run_id)
    apps.get_model("runs", "Projection").objects.create(
        run_id=run_id, state=public.decode(), private=private.decode(), schema_version=SCHEMA_VERSION
    )


@pytest.mark.usefixtures("empty_database")
def test_all_migrations_apply_in_order_to_an_empty_database_and_to_every_earlier_one_a02() -> None:
    stored = 0
    for step in steps():
        state = MigrationExecutor(connection).migrate([("runs", step)])
        if step >= FIRST_WITH_A_PROJECT:
            store_a_run(state.apps)
            stored += 1
    call_command("migrate", verbosity=0)

    call_command("migrate", check=True, verbosity=0)
    runs = Run.objects.select_related("session", "projection", "project")
    assert [(run.status, run.project.slug) for run in runs] == [("queued", "default")] * stored
    assert stored >= 10
    assert list(lost_guards()) == []


def test_no_model_differs_from_its_migrations_a02() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
