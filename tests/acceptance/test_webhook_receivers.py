"""The receivers of docs/webhooks.md as they stand there, each as a process of its own that is sent real requests."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson
import playwright
import pytest
from pytest_django.fixtures import Settings

from tests.parcels import FORMER_SECRET, SECRET, parcel
from tests.processes import wait_until
from tests.runtime_process import free_port
from tests.watching.guide import DOCS, blocks_in
from webhooks import signing
from webhooks.parcel import Parcel
from webhooks.result import Result
from webhooks.sender import send

pytestmark = pytest.mark.acceptance

PAGE = DOCS / "webhooks.md"
# The one that the browser's driver brings along: no machine has to have another.
NODE = str(Path(playwright.__file__).parent / "driver" / "node")
RECEIVERS = {
    "python": ("python", "ThreadingHTTPServer", "receiver.py", sys.executable),
    "node": ("js", "createServer", "receiver.mjs", NODE),
}
BODY = orjson.dumps({"event": "run.completed", "runId": "grüße-🚦", "seq": 7, "data": {"cost": 0.1}})


class Receiver:
    """One of them, and what it is sent."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.port = port
        self._process = process

    def is_sent(self, *, at: int | None = None, **changes: object) -> Result:
        """What it answers to this parcel."""
        one = self._parcel(**changes)
        return asyncio.run(send(one, timeout_s=10, at=int(time.time()) if at is None else at))

    def is_sent_raw(self, headers: Mapping[str, str], body: bytes = BODY) -> int:
        """Its status for a request with our headers but for these."""
        signed = signing.headers(self._parcel(body=body), at=int(time.time()))
        said = {"Host": "x", "Content-Length": str(len(body)), "Connection": "close"} | signed | headers
        lines = ["POST / HTTP/1.1", *(f"{name}: {value}" for name, value in said.items()), "", ""]
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall("\r\n".join(lines).encode() + body)
            return int(connection.recv(4096).split(b" ", 2)[1])

    def handled(self) -> list[str]:
        """The lines that it printed until now; it is ended."""
        self._process.terminate()
        said, _ = self._process.communicate(timeout=10)
        return said.splitlines()

    def _parcel(self, **changes: object) -> Parcel:
        return parcel(url=f"http://127.0.0.1:{self.port}/", **{"body": BODY} | changes)


@pytest.fixture(params=RECEIVERS)
def receiver(request: pytest.FixtureRequest, tmp_path: Path, settings: Settings) -> Iterator[Receiver]:
    """It listens, with the secret of parcels."""
    settings.WEBHOOK_ALLOW_HTTP, settings.WEBHOOK_ALLOWED_NETWORKS = True, ["127.0.0.0/8"]
    language, mentions, name, interpreter = RECEIVERS[request.param]
    (code,) = [block for block in blocks_in(PAGE.read_text(), language) if mentions in block]
    (tmp_path / name).write_text(code)
    port = free_port()
    environment = {"PATH": os.environ["PATH"], "WEBHOOK_SECRET": SECRET, "PORT": str(port), "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen(
        [interpreter, name], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    try:
        wait_until(lambda: listens(port) or process.poll() is not None, within_s=30, what="the receiver")
        yield Receiver(process, port)
    finally:
        process.kill()
        process.communicate()


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def test_a_receiver_of_the_page_takes_what_is_ours_once_and_nothing_else(receiver: Receiver) -> None:
    """W02, W03, D04"""
    now = int(time.time())

    # It should take each message, and handle it once however often it comes.
    for attempt in (1, 2, 3):
        assert receiver.is_sent(attempt=attempt).is_success
    # It should take a message during a change of secrets, with the one that it knows.
    for number, secrets in ((2, (FORMER_SECRET, SECRET)), (3, (SECRET, FORMER_SECRET))):
        assert receiver.is_sent(delivery_id=_id(number), secrets=secrets).is_success
    # It should refuse what is forged, too old, or of a time that has not come.
    assert receiver.is_sent(delivery_id=_id(4), secrets=(FORMER_SECRET,)).status == 401
    assert receiver.is_sent(delivery_id=_id(5), at=now - 600).status == 401
    assert receiver.is_sent(delivery_id=_id(6), at=now + 600).status == 401
    # It should still be there for the next one.
    assert receiver.is_sent(delivery_id=_id(7)).is_success

    assert receiver.handled() == ["run.completed grüße-🚦 7"] * 4


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-id": "msg_another"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "nonsense without a comma"},
        {"webhook-signature": "v1,not%base64 v1a,AAAA ,"},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "-1"},
    ],
)
def test_a_receiver_of_the_page_refuses_whatever_else_is_said(receiver: Receiver, headers: dict[str, str]) -> None:
    assert receiver.is_sent_raw({}) == 204
    assert receiver.is_sent_raw(headers) == 401
    assert len(receiver.handled()) == 1


def test_a_receiver_of_the_page_takes_the_largest_body_and_none_beyond(receiver: Receiver) -> None:
    beginning, end = b'{"event":"run.failed","runId":"r","seq":1,"data":"', b'"}'
    largest = beginning + b"x" * (256 * 1024 - len(beginning) - len(end)) + end

    assert receiver.is_sent(body=largest).is_success
    assert receiver.is_sent_raw({"Content-Length": str(len(largest) + 1)}) == 413
    assert receiver.is_sent_raw({"Content-Length": "many"}) in {400, 413}
    assert receiver.handled() == ["run.failed r 1"]


def _id(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012}"
