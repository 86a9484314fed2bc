"""A stream that waits holds no thread of the web process, however many there are."""

import contextlib
import http.client
from pathlib import Path

import pytest

from tests.integration.runs.conftest import append, store_run
from tests.watching.web import AUTHORIZED, WebProcess

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]

STREAMS = 60


def threads_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def test_open_streams_hold_no_thread(web: WebProcess) -> None:
    run = store_run()
    append(run)
    with contextlib.ExitStack() as opened:
        for number in range(2 * STREAMS):
            connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=10)
            opened.callback(connection.close)
            connection.request("GET", f"/runs/{run.id}/stream", headers=AUTHORIZED)
            assert connection.getresponse().readline() == b"retry: 3000\n"
            if number == STREAMS - 1:
                half = threads_of(web.pid)
        assert threads_of(web.pid) - half < STREAMS // 4
