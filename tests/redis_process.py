"""A real `redis-server` on a free port: where its binary is, how it is killed, frozen and started again."""

import os
import shutil
import signal
import tempfile
import time
from types import TracebackType
from typing import Self

import redis

from tests.runtime_process import PATIENCE, Child, free_port

REQUIRED = os.environ.get("REQUIRE_REDIS") == "1"
MISSING = "no redis-server: set REDIS_SERVER_BIN or put it into PATH (REQUIRE_REDIS=1 makes this fail)"


def binary() -> str | None:
    """REDIS_SERVER_BIN, else `redis-server` in PATH; None without either."""
    return os.environ.get("REDIS_SERVER_BIN") or shutil.which("redis-server")


class RedisServer:
    """Stores nothing on the disk. As a context manager it is started, and gone afterwards."""

    def __init__(self) -> None:
        self.port = free_port()
        self._child: Child | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="signalbox-redis-")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._folder.cleanup()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """It answers, under the same address as ever."""
        found = binary()
        assert found is not None, "no redis-server binary"
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._child = Child([found, *options, "--dir", self._folder.name, "--loglevel", "warning"])
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._child.process.poll() is None, "redis-server did not start"
            assert time.monotonic() < deadline, "redis-server does not answer"
            time.sleep(0.02)

    def kill(self) -> None:
        """Gone without a word; nothing happens where it is gone already."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def restart(self) -> None:
        """Killed and started again."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """It answers nothing more; connections stay, and new ones are taken by the system for it."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on where it was."""
        self._signal(signal.SIGCONT)

    def client(self) -> "redis.Redis":
        """A client of one's own."""
        return redis.Redis.from_url(self.url, socket_timeout=PATIENCE)

    def _signal(self, number: signal.Signals) -> None:
        assert self._child is not None, "it runs"
        self._child.process.send_signal(number)

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False
