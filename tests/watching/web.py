"""A web process beside the test, on the test's database, that can be killed and started again at the same address."""

import signal
from collections.abc import Mapping

import httpx

from tests.beside import beside
from tests.processes import ManageCommand, wait_until
from tests.runtime_process import free_port

KEY = "a key of this test"
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}


class WebProcess:
    """`manage.py serve_web`; it answers once the constructor returns."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self._environment = {"AUTH_API_KEYS": f"test={KEY}", "STREAM_MAX_PER_CALLER": "5000", **(environment or {})}
        self._command = self._started()

    @property
    def pid(self) -> int:
        """Of the process that answers now."""
        return self._command.pid

    def kill(self) -> None:
        """It is gone at once, and so are its connections."""
        self._command.send(signal.SIGKILL)
        self._command.wait(within_s=10)

    def restart(self) -> None:
        """It was asked to stop, as a deployment does it, and a new one answers at the same address."""
        self._command.send(signal.SIGTERM)
        self._command.wait(within_s=15)
        self.start_again()

    def start_again(self) -> None:
        """A new process answers at the same address."""
        self._command = self._started()

    def end(self) -> None:
        """Nothing is left."""
        self._command.end()

    def _started(self) -> ManageCommand:
        command = beside("serve_web", "--port", str(self.port), environment=self._environment)
        wait_until(self._answers, within_s=30, what="the web process")
        return command

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.base}/healthz", trust_env=False).is_success
        except httpx.TransportError:
            return False
