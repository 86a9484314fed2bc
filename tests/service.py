"""Real processes of Signalbox on the test's own database: an observer to start, stop and kill."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from django.db import connection

ROOT = Path(__file__).parent.parent
PATIENCE_SECONDS = 15


def database_url() -> str:
    """The address of the database this test writes to, for processes beside it."""
    entry = connection.settings_dict
    password = quote(str(entry["PASSWORD"]), safe="")
    return f"postgres://{entry['USER']}:{password}@{entry['HOST']}:{entry['PORT']}/{entry['NAME']}"


class ObserverProcess:
    """`manage.py observe_runs` with settings of its own; leaving the context stops it politely."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("RUNTIME_", "SIGNALBOX_"))},
            "DATABASE_URL": database_url(),
            "SIGNALBOX_PROCESS": "observer",
            "SECRET_KEY": "a key of this test alone",
            **(environment or {}),
        }

    def __enter__(self) -> "ObserverProcess":
        command = [sys.executable, "manage.py", "observe_runs"]
        self._process = subprocess.Popen(command, cwd=ROOT, env=self._environment)
        return self

    def __exit__(self, *details: object) -> None:
        self.stop()

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command of manage.py under the same settings, to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            check=False,
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS * 4,
        )

    def stop(self) -> None:
        """Asked politely; its runs are handed back."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        self._process.wait(PATIENCE_SECONDS)

    def wait_until_dead(self) -> None:
        """It has died by itself."""
        self._process.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        """Gone at once, without a word to anybody."""
        self._process.kill()
        self._process.wait(PATIENCE_SECONDS)
