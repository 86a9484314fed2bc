"""A web process beside the test, on the test's database, and a caller of it."""

import contextlib
from collections.abc import Iterator

import httpx

from tests.beside import beside
from tests.processes import ManageCommand
from tests.runtime_process import free_port

STARTS_IN_S = 60.0
PATIENCE_S = 30.0
KEY = "key-of-this-test"


class Web:
    """`manage.py serve_web`, and a caller of it with a key."""

    def __init__(self, **environment: str) -> None:
        self._port = free_port()
        self.command: ManageCommand = beside(
            "serve_web",
            "--port",
            str(self._port),
            environment={"AUTH_API_KEYS": KEY, "SIGNALBOX_PROCESS": "web", **environment},
        )

    def __enter__(self) -> "Web":
        self.command.wait_for_line("Listening on TCP address", within_s=STARTS_IN_S)
        self.caller = httpx.Client(
            base_url=f"http://127.0.0.1:{self._port}",
            headers={"Authorization": f"Bearer {KEY}"},
            timeout=PATIENCE_S,
            trust_env=False,
        )
        return self

    def stranger(self) -> httpx.Client:
        """A caller without a key."""
        return httpx.Client(base_url=self.caller.base_url, timeout=PATIENCE_S, trust_env=False)

    def __exit__(self, *details: object) -> None:
        self.caller.close()
        self.command.end()


@contextlib.contextmanager
def two(**environment: str) -> Iterator[tuple[Web, Web]]:
    """Two web processes on one database."""
    one, other = Web(**environment), Web(**environment)
    with one, other:
        yield one, other
