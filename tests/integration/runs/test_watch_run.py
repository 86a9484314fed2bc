"""manage.py watch_run: a run as it happens, from the database alone."""

import os
import signal
import threading
import time
from collections.abc import Callable
from io import StringIO

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from runs import hub
from runs.models import Run

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.handmade_rows("logs are written by hand: what reads them is tested"),
]

MakeRun = Callable[..., Run]
Append = Callable[..., list[int]]
End = Callable[..., int]


def watch(run_id: object, *options: str) -> tuple[int | str | None, str]:
    """Exit code and output."""
    out = StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command("watch_run", str(run_id), *options, stdout=out)
    return caught.value.code, out.getvalue()


@pytest.mark.parametrize(("status", "code", "exit_code"), [("completed", "resolved", 0), ("cancelled", "cancelled", 2)])
def test_an_ended_run_is_told_and_its_status_is_the_exit_code(
    status: str, code: str, exit_code: int, stored_run: MakeRun, append_events: Append, end_run: End
) -> None:
    run = stored_run()
    append_events(run, 2)
    end_run(run, status=status, code=code)

    found, out = watch(run.id)

    assert found == exit_code
    assert [line.split()[1] for line in out.splitlines()[:3]] == ["1", "2", "3"]
    assert "says Note" in out
    assert out.splitlines()[-1] == f"{status} ({code})"


def test_a_failed_run_exits_1_with_its_code_and_error(stored_run: MakeRun, end_run: End) -> None:
    run = stored_run()
    end_run(run, status="failed", code="session_lost", error="the runtime no longer knows the session")

    found, out = watch(run.id)

    assert found == 1
    assert out.splitlines()[-1] == "failed (session_lost): the runtime no longer knows the session"


def test_a_live_run_is_followed_to_its_ending(
    settings: Settings, stored_run: MakeRun, append_events: Append, end_run: End
) -> None:
    settings.STREAM_MAX_AGE_S = 0.2  # it should come back as often as the stream closes
    settings.STREAM_POLL_MS = 100
    run = stored_run()

    def write() -> None:
        for _ in range(5):
            append_events(run, 2)
            time.sleep(0.1)
        end_run(run)
        connection.close()

    writing = threading.Thread(target=write)
    writing.start()
    found, out = watch(run.id)
    writing.join()

    assert found == 0
    assert [line.split()[1] for line in out.splitlines()[:11]] == [str(seq) for seq in range(1, 12)]


def test_with_json_every_line_is_an_event(stored_run: MakeRun, append_events: Append, end_run: End) -> None:
    run = stored_run()
    append_events(run, 300, text="\u2028\x1b")
    end_run(run)

    found, out = watch(run.id, "--json")

    assert found == 0
    events = [orjson.loads(line) for line in out.strip().split("\n")]
    assert [event["seq"] for event in events] == list(range(1, 302))
    assert {event["runId"] for event in events} == {str(run.id)}


@pytest.mark.parametrize("options", [(), ("--json",)])
@pytest.mark.parametrize("run_id", ["00000000-0000-7000-8000-000000000000", "no-run\x1b[2J"])
def test_an_unknown_run_exits_4_with_a_plain_message(run_id: str, options: tuple[str, ...]) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("watch_run", run_id, *options)

    assert caught.value.returncode == 4
    assert str(caught.value) == f"there is no run {run_id.replace(chr(27), '')}"


def test_an_interrupt_exits_130_and_leaves_nothing_behind(stored_run: MakeRun) -> None:
    run = stored_run()

    def interrupt() -> None:
        deadline = time.monotonic() + 10
        while run.id.hex not in hub._listener()._subscribers and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    found, _ = watch(run.id)

    assert found == 130
    assert run.id.hex not in hub._listener()._subscribers
