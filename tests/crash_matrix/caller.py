"""Callers of the API without a web server: the request goes through every layer of the application.

`python -m tests.crash_matrix.caller PATH BODY` posts from a process of its own, which may be told to die at a crash point,
and prints status and answer. Where nobody is to die, a thread does, and saves the start of a process.
"""

from tests.crash_matrix import stage  # isort: skip  # First: it sets Django up.

import json
import sys
import threading

from django.db import connections
from django.test import Client

Answer = dict[str, object]


def post(path: str, body: str) -> Answer:
    """`{status, body}`."""
    client = Client(headers={"authorization": f"Bearer {stage.API_KEY}"}, raise_request_exception=False)
    answer = client.post(path, body, content_type="application/json")
    return {"status": answer.status_code, "body": json.loads(answer.content) if answer.content else None}


class ThreadOfCaller:
    """A caller that nobody kills, with the face of a process."""

    role = "caller"
    is_armed = was_killed = False

    def __init__(self, path: str, body: str) -> None:
        self._answer: Answer = {}
        self._thread = threading.Thread(target=self._ask, args=(path, body), daemon=True)
        self._thread.start()

    @property
    def status(self) -> int | None:
        """0 once it has its answer."""
        return None if self._thread.is_alive() else 0

    def answer(self) -> Answer:
        """What the API answered."""
        return self._answer

    def last_words(self) -> str:
        """What it was answered."""
        return f"    caller | {self._answer}"

    def _ask(self, path: str, body: str) -> None:
        try:
            self._answer = post(path, body)
        finally:
            connections.close_all()


if __name__ == "__main__":
    print(json.dumps(post(*sys.argv[1:])), flush=True)
