"""How processes start, seen from outside: a fresh interpreter with an environment of its own."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

MANAGE = Path(settings.BASE_DIR) / "manage.py"
PRODUCTION = {
    "SIGNALBOX_ENV": "production",
    "SECRET_KEY": "x" * 50,
    "ALLOWED_HOSTS": "a.example",
    "AUTH_API_KEYS": "a=" + "k" * 40,
}
SHOW = "from django.conf import settings as s; import json; print(json.dumps({out}))"


def start(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What `manage.py <arguments>` did in `folder` with nothing else in its environment."""
    env = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings", **environment}
    env |= {"PYTHONPATH": str(settings.BASE_DIR)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)


def shown(folder: Path, expression: str, **environment: str) -> object:
    """The value of an expression over the settings `s`, in a fresh process."""
    ended = start(folder, "-c", SHOW.format(out=expression), **environment)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_a_checkout_starts_without_any_setting(tmp_path: Path) -> None:
    ended = start(tmp_path, str(MANAGE), "check")
    assert ended.returncode == 0, ended.stderr
    assert stat.S_IMODE((tmp_path / ".signalbox" / "secrets.json").stat().st_mode) == 0o600


def test_the_generated_secret_key_is_the_same_after_a_restart(tmp_path: Path) -> None:
    first = shown(tmp_path, "s.SECRET_KEY")
    assert shown(tmp_path, "s.SECRET_KEY") == first
    assert shown(tmp_path, "s.SECRET_KEY", SIGNALBOX_DATA="elsewhere") != first


def test_a_dotenv_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=4000\nHOST=10.1.1.1\n")
    assert shown(tmp_path, "[s.PORT, s.HOST]", PORT="4001") == [4001, "10.1.1.1"]


def test_a_value_that_cannot_be_parsed_stops_the_start_in_one_line(tmp_path: Path) -> None:
    ended = start(tmp_path, str(MANAGE), "check", PORT="many", LOG_FORMAT="json")
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert json.loads(line)["message"] == "cannot start: PORT: must be a whole number, not 'many'"


def test_production_without_a_secret_key_does_not_start(tmp_path: Path) -> None:
    ended = start(tmp_path, str(MANAGE), "check", **PRODUCTION | {"SECRET_KEY": ""})
    assert ended.returncode == 1
    assert "SECRET_KEY: is required in production" in ended.stderr
    assert not (tmp_path / ".signalbox").exists()


def test_production_without_hosts_does_not_start(tmp_path: Path) -> None:
    for command in ([str(MANAGE), "check"], ["-c", "import config.asgi"]):
        ended = start(tmp_path, *command, **PRODUCTION | {"ALLOWED_HOSTS": ""})
        assert ended.returncode == 1
        assert "signalbox.E002" in ended.stderr


def test_production_with_what_it_needs_passes_the_checks_for_deployment(tmp_path: Path) -> None:
    ended = start(tmp_path, str(MANAGE), "check", **PRODUCTION)
    assert ended.returncode == 0, ended.stderr


def test_the_first_key_opens_development_and_never_production(tmp_path: Path) -> None:
    (tmp_path / ".signalbox").mkdir()
    (tmp_path / ".signalbox" / "secrets.json").write_text('{"DEVELOPMENT_API_KEY": "sb_dev_1", "SECRET_KEY": "s"}')
    assert shown(tmp_path, "s.AUTH_API_KEYS") == ["development=sb_dev_1"]
    assert shown(tmp_path, "s.AUTH_API_KEYS", **PRODUCTION) == ["a=" + "k" * 40]


def test_an_asgi_server_is_a_web_process_with_a_pool(tmp_path: Path) -> None:
    ended = start(
        tmp_path,
        "-c",
        "import config.asgi, json; from django.conf import settings as s;"
        "print(json.dumps(s.DATABASES['default']['OPTIONS']))",
        DB_POOL_MAX="7",
    )
    options = json.loads(ended.stdout)
    assert (options["pool"]["max_size"], options["application_name"]) == (7, "signalbox-web")


@pytest.mark.parametrize(
    ("environment", "kind"),
    [({}, "scripted"), ({"RUNTIME_ADDRESS": "localhost:1"}, "macp"), ({"RUNTIME_KIND": "rust"}, "macp")],
)
def test_the_default_runtime_follows_from_its_address(environment: dict[str, str], kind: str, tmp_path: Path) -> None:
    assert shown(tmp_path, "s.RUNTIME_KIND", **environment) == kind


def test_no_start_ever_prints_a_secret(tmp_path: Path) -> None:
    ended = start(
        tmp_path,
        str(MANAGE),
        "check",
        RUNTIME_SENDER_TOKENS='{"alice": "canary-one"',
        AUTH_API_KEYS="canary-two",
        SECRET_KEY="canary-three",
    )
    assert ended.returncode == 1
    assert "canary" not in ended.stdout + ended.stderr
