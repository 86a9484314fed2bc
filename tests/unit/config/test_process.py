import sys

import pytest

from config.process import process_name


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (["manage.py", "serve_web"], "web"),
        (["/srv/app/manage.py", "observe_runs", "--once"], "observer"),
        (["manage.py", "qcluster"], "queue"),
        (["manage.py", "up"], "supervisor"),
        (["manage.py", "migrate"], "migrate"),
        (["manage.py"], "manage.py"),
        (["/usr/bin/uvicorn", "config.asgi:application"], "uvicorn"),
        (["-c"], "c"),
        ([""], "python"),
        ([], "python"),
    ],
)
def test_the_name_follows_from_the_command_line(argv: list[str], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIGNALBOX_PROCESS", raising=False)
    monkeypatch.delitem(sys.modules, "pytest")
    assert process_name(argv) == name


def test_a_given_name_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNALBOX_PROCESS", "web")
    assert process_name(["manage.py", "qcluster"]) == "web"


def test_a_test_session_is_recognised_whatever_its_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIGNALBOX_PROCESS", raising=False)
    assert process_name(["-c"]) == "test"
