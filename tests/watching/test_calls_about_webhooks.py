"""docs/webhooks.md: every call of its section on endpoints is made as it stands there, against a real web process."""

import subprocess
from typing import Any

import orjson
import pytest

from tests.watching.guide import DOCS, blocks_in, sections_of
from tests.watching.web import KEY, WebProcess
from webhooks.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)

SECTION = sections_of(DOCS / "webhooks.md")["Managing endpoints"]


class Caller:
    """Makes the calls in their order."""

    def __init__(self, base: str) -> None:
        self.given = {"BASE": base, "KEY": KEY, "HOOK": "", "DELIVERY": ""}
        self._left = blocks_in(SECTION, "sh")

    def call(self) -> Any:
        """What the next call answers."""
        done = subprocess.run(
            ["sh", "-ec", self._left.pop(0)], env=self.given, capture_output=True, timeout=60, check=True
        )
        return orjson.loads(done.stdout) if done.stdout else None

    @property
    def is_done(self) -> bool:
        return not self._left


def test_every_call_works_as_it_is_described(web: WebProcess) -> None:
    caller = Caller(web.base)
    made = caller.call()
    assert made["secret"].startswith("whsec_")
    caller.given["HOOK"] = made["id"]
    shown = caller.call()
    assert (shown["id"], shown["health"]["failures"], "secret" in shown) == (made["id"], 0, False)

    tested = caller.call()
    caller.given["DELIVERY"] = tested["id"]
    listed = caller.call()
    assert ([row["id"] for row in listed["data"]], listed["total"]) == ([tested["id"]], 1)
    assert caller.call()["attemptLog"] == []
    assert caller.call()["status"] == "pending"
    assert caller.call() == {"count": 0, "matched": 0, "dryRun": True, "key": None}

    assert caller.call()["paused"] is True
    changed = caller.call()
    assert (changed["secretHint"], changed["formerSecretExpiresAt"] is None) == ("…Hh8=", False)
    assert caller.call() is None
    assert caller.is_done
    assert Endpoint.objects.get().deleted_at is not None
