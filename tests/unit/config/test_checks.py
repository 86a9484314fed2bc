import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from config import checks, row_checks
from config.variables import VARIABLES

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def sound(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> LazySettings:
    """A development start with nothing to complain about."""
    for name, variable in VARIABLES.items():
        if variable.later or variable.ignored:
            monkeypatch.delenv(name, raising=False)
    settings.PRODUCTION = False
    return settings


def found() -> list[str]:
    return [str(message.id).removeprefix("signalbox.") for check in checks.OF_SETTINGS for message in check(None)]


def test_a_development_start_without_any_setting_is_sound() -> None:
    assert found() == []


def test_a_production_start_with_what_it_needs_is_sound(sound: LazySettings) -> None:
    sound.PRODUCTION = True
    sound.AUTH_API_KEYS = ["ops=0123456789abcdef"]
    sound.ALLOWED_HOSTS = ["signalbox.example"]
    assert found() == []


@pytest.mark.parametrize(
    ("changed", "number"),
    [
        ({"ALLOWED_HOSTS": []}, "E002"),
        ({"RUNTIME_USE_DEV_HEADER": True}, "E004"),
        ({"RUNTIME_DEV_SENDERS": True}, "E005"),
        ({"RUNTIME_KIND": "macp", "RUNTIME_TLS": True}, "W003"),
    ],
)
def test_production_refuses_or_warns_of_what_development_allows(
    changed: dict[str, object], number: str, sound: LazySettings
) -> None:
    sound.AUTH_API_KEYS, sound.ALLOWED_HOSTS = ["ops=0123456789abcdef"], ["signalbox.example"]
    for name, value in changed.items():
        setattr(sound, name, value)
    assert found() == []
    sound.PRODUCTION = True
    assert found() == [number]


@pytest.mark.parametrize(
    ("changed", "number"),
    [
        ({"RUNTIME_KIND": "macp", "RUNTIME_TLS": False, "RUNTIME_ALLOW_INSECURE": False}, "E003"),
        ({"DB_POOL_MAX": 1}, "E006"),
        ({"DATA_RETENTION_TTL_DAYS": 0}, "E007"),
        ({"OBSERVER_BEAT_S": 11}, "E008"),
        ({"RUNTIME_REQUEST_TIMEOUT_MS": 4999}, "W004"),
        ({"STREAM_SSE_HEARTBEAT_MS": 45000}, "W005"),
    ],
)
def test_what_cannot_work_is_found_everywhere(changed: dict[str, object], number: str, sound: LazySettings) -> None:
    for name, value in changed.items():
        setattr(sound, name, value)
    assert found() == [number]


@pytest.mark.parametrize(
    "changed",
    [
        {"RUNTIME_KIND": "scripted", "RUNTIME_TLS": False, "RUNTIME_ALLOW_INSECURE": False},
        {"RUNTIME_KIND": "macp", "RUNTIME_TLS": True, "RUNTIME_ALLOW_INSECURE": False},
        {"DB_POOL_MAX": 2},
        {"OBSERVER_BEAT_S": 10, "OBSERVER_LEASE_S": 30},
        {"RUNTIME_REQUEST_TIMEOUT_MS": 5000, "STREAM_SSE_HEARTBEAT_MS": 44999},
    ],
)
def test_the_edge_of_what_works_is_accepted(changed: dict[str, object], sound: LazySettings) -> None:
    for name, value in changed.items():
        setattr(sound, name, value)
    assert found() == []


SOUND = "-c statement_timeout=15000 -c idle_in_transaction_session_timeout=8000"


@pytest.mark.parametrize(
    ("lease_s", "options", "numbers"),
    [
        (30, SOUND, []),
        (16, SOUND, []),
        (15, SOUND, ["E012"]),
        (8, SOUND, ["E011", "E012"]),
        (30, f"{SOUND} -c idle_in_transaction_session_timeout=30s", ["E011"]),
        (30, f"{SOUND} -c idle_in_transaction_session_timeout=0", ["E011"]),
        (30, f"{SOUND} -c statement_timeout=0", ["E012"]),
        (30, f"{SOUND} -c statement_timeout=29999", []),
        (30, "", ["E011", "E012"]),
    ],
)
def test_no_session_may_outlive_a_lease(
    lease_s: int, options: str, numbers: list[str], sound: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound.OBSERVER_LEASE_S, sound.OBSERVER_BEAT_S = lease_s, 1
    monkeypatch.setitem(sound.DATABASES["default"], "OPTIONS", {"options": options})
    assert found() == numbers


@pytest.mark.parametrize(
    ("name", "value", "stopped"),
    [
        ("OBSERVER_LEASE_S", "3", False),  # what nobody set follows the lease
        ("DB_STATEMENT_TIMEOUT_MS", "3001", True),
        ("OBSERVER_BEAT_S", "2", True),
    ],
)
def test_a_process_refuses_to_start_with_times_that_do_not_fit_together(name: str, value: str, stopped: bool) -> None:
    times = {"OBSERVER_LEASE_S": "3", "OBSERVER_BEAT_S": "1", "DB_STATEMENT_TIMEOUT_MS": "", name: value}
    environment = {**os.environ, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "SECRET_KEY": "x", **times}
    command = [sys.executable, "manage.py", "check"]
    checked = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (checked.returncode != 0) is stopped, checked.stderr
    number = {"DB_STATEMENT_TIMEOUT_MS": "E012", "OBSERVER_BEAT_S": "E008"}.get(name, "")
    assert number in checked.stderr
    assert checked.stderr.count("signalbox.E") == stopped


def test_every_setting_without_effect_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_ENABLED", "true")
    monkeypatch.setenv("DATA_RETENTION_ENABLED", "1")
    messages = checks.check_later_settings(None)
    assert [(m.id, m.msg.split()[0]) for m in messages] == [
        ("signalbox.W001", "OTEL_ENABLED"),
        ("signalbox.W001", "DATA_RETENTION_ENABLED"),
    ]


def test_one_warning_lists_all_ignored_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_ENV", "production")
    monkeypatch.setenv("STREAM_HUB_STRATEGY", "redis")
    (message,) = checks.check_ignored_names(None)
    assert message.msg == "Not used and ignored: NODE_ENV, STREAM_HUB_STRATEGY."


def test_every_message_has_a_hint(sound: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    sound.PRODUCTION, sound.AUTH_API_KEYS, sound.ALLOWED_HOSTS = True, [], []
    monkeypatch.setenv("NODE_ENV", "production")
    assert all(message.hint for check in checks.OF_SETTINGS for message in check(None))


def test_django_runs_the_checks_with_its_own(sound: LazySettings) -> None:
    sound.DB_POOL_MAX = 1
    assert [message.id for message in run_checks(tags=["signalbox"])] == ["signalbox.E006"]


def test_a_server_that_runs_no_checks_is_stopped_with_every_reason(sound: LazySettings) -> None:
    sound.DB_POOL_MAX, sound.OBSERVER_BEAT_S = 1, 20
    with pytest.raises(ImproperlyConfigured, match=r"signalbox\.E006 .*; signalbox\.E008 "):
        checks.refuse_unsound_settings()


def test_a_warning_does_not_stop_a_server_but_is_logged(sound: LazySettings, caplog: pytest.LogCaptureFixture) -> None:
    sound.STREAM_SSE_HEARTBEAT_MS = 60_000
    checks.refuse_unsound_settings()
    assert [record.getMessage().split()[0] for record in caplog.records] == ["signalbox.W005"]


def test_a_short_command_does_not_ask_for_migrations(sound: LazySettings) -> None:
    sound.SIGNALBOX_PROCESS = "check"
    assert row_checks.check_migrations(None) == []
