"""Where the matrix plays: a throw-away PostgreSQL, one runtime process for all, and a database for each lane.

Importing it sets Django up, with settings that lead to no database until a lane has entered; whoever imports models imports
this file first.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import django
import psycopg
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections

from tests.database import ThrowawayServer
from tests.runtime_process import StandInRuntime

ROOT = Path(__file__).resolve().parents[2]
API_KEY = "crash-matrix"
SECRET_KEY = "a key of the crash matrix alone"

LEASES = {"OBSERVER_BEAT_S": "1", "OBSERVER_LEASE_S": "3", "OBSERVER_SWEEP_S": "1"}

# Of every process of the matrix, this one included: it calls the API as well.
SETTINGS = {
    **LEASES,
    "RUNTIME_DEV_SENDERS": "true",
    "THROTTLE_LIMIT": "0",
    "WEBHOOK_ALLOW_HTTP": "true",
    "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
}

os.environ.update(SETTINGS, AUTH_API_KEYS=f"matrix={API_KEY}", SECRET_KEY=SECRET_KEY)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
os.environ.setdefault("SIGNALBOX_PROCESS", "crash-matrix")
os.environ.setdefault("LOG_LEVEL", "error")
django.setup()

Address = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stage:
    """What all lanes share: a migrated database to copy, and a runtime."""

    database: Address
    runtime_address: str


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """The stage stands, and nothing of it is left afterwards."""
    server = ThrowawayServer()
    address = {name.upper(): str(value) for name, value in server.start().items()}
    try:
        settings.DATABASES["default"].update(address)
        call_command("migrate", verbosity=0)
        connections.close_all()  # a database that somebody uses cannot be copied
        runtime = StandInRuntime("--script", "none")
        try:
            yield Stage(address, runtime.address)
        finally:
            runtime.stop()
    finally:
        server.stop()


def enter_lane(database: Address) -> None:
    """This process has a database of its own, a copy of the stage's."""
    name = f"lane_{os.getpid()}"
    with psycopg.connect(_url(database | {"NAME": "postgres"}), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {database['NAME']}".encode())
    settings.DATABASES["default"].update(database | {"NAME": name})


def lane_url() -> str:
    """The address of this lane's database, for processes beside it."""
    return _url({name: str(value) for name, value in settings.DATABASES["default"].items()})


def clear_lane() -> None:
    """No run and no observer is left in this lane."""
    kept = {"runs_project"}
    tables = [model._meta.db_table for model in apps.get_app_config("runs").get_models()]
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(table for table in tables if table not in kept)}")


def _url(address: Address) -> str:
    return "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**address)
