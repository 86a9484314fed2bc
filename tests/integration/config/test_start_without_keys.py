"""Production lets nobody in without a key, and says so before it starts; the first key can be made all the same."""

import subprocess
from pathlib import Path

import pytest

from runs.models import ApiKey
from tests.integration.config.test_start import MANAGE, PRODUCTION, start
from tests.keys import stored_key
from tests.service import database_url

pytestmark = pytest.mark.django_db(transaction=True)

UVICORN = "import asyncio, importlib\nasync def load(): importlib.import_module('config.asgi')\nasyncio.run(load())"
WAYS = {
    "manage.py": [str(MANAGE), "check"],
    "a server that imports us": ["-c", "import config.asgi"],
    "a server whose loop runs already": ["-c", UVICORN],
}


def started(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A production process on this test's database, with no key in its settings."""
    given = PRODUCTION | {"AUTH_API_KEYS": "", "DATABASE_URL": database_url(), "SIGNALBOX_PROCESS": "web"}
    return start(folder, *command, **given | environment)


@pytest.mark.parametrize("way", WAYS)
def test_a_web_process_that_would_let_nobody_in_does_not_start_d15(way: str, tmp_path: Path) -> None:
    stored_key().revoke()
    stored_key().expire()
    ended = started(tmp_path, *WAYS[way])
    assert ended.returncode == 1
    assert "signalbox.E001" in ended.stderr
    assert "manage.py create_api_key NAME --all-scopes" in ended.stderr

    stored_key()
    ended = started(tmp_path, *WAYS[way])
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    "environment",
    [
        {"AUTH_API_KEYS": "a=" + "k" * 40},
        {"SIGNALBOX_PROCESS": "observer"},
        {"SIGNALBOX_ENV": "development"},
        {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "DB_POOL_CONNECTION_TIMEOUT": "500"},
    ],
    ids=["configured key", "observer", "development", "database away"],
)
def test_where_a_key_is_configured_or_not_needed_or_cannot_be_asked_for_it_starts(
    environment: dict[str, str], tmp_path: Path
) -> None:
    ended = started(tmp_path, str(MANAGE), "check", **environment)
    assert ended.returncode == 0, ended.stderr


def test_the_first_key_of_production_is_made_by_a_command_that_needs_none(tmp_path: Path) -> None:
    made = started(tmp_path, str(MANAGE), "create_api_key", "ops", "--all-scopes", SIGNALBOX_PROCESS="")
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith(f"{ApiKey.objects.get(name='ops').prefix}_")
    assert made.stdout.startswith("sb_live_")
    assert started(tmp_path, str(MANAGE), "check").returncode == 0
