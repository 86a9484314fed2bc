"""Very many runs with what belongs to them, written by the database itself: what staff pages find their lines in.

Logs are not whole: of each run there is the last event alone, but of one, which has as many as all the others together.
"""

import re
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from runs.domain.projection import SCHEMA_VERSION, dump, empty, fold
from tests.run_log import RUN_ID, Log

OPEN = 500  # the newest
DAYS = 30
ENDPOINTS = 20
RARE_TAG, RARE_SOURCE = "rare", "nightly/rare"  # of a hundred runs, spread over all of them
TABLES = (
    *("runs_run", "runs_projection", "runs_event", "runs_outboundmessage", "runs_auditentry", "runs_observer"),
    *("webhooks_endpoint", "webhooks_delivery", "webhooks_attempt"),
)

_STATEMENTS = Path(__file__).with_suffix(".sql")
_NAME = re.compile(r"^-- name: (.+)$", re.MULTILINE)
_WORD = re.compile(r":([A-Z]+)\b")


def fill(execute: Callable[[str], object], runs: int, *, tell: Callable[[str], object] = len) -> None:
    """There are `runs` runs of thirty days, each with its last event, a message, an audit entry and a delivery."""
    _, *parts = _NAME.split(_STATEMENTS.read_text())
    words = _words(runs)
    for what, statements in zip(parts[::2], parts[1::2], strict=True):
        tell(what)
        execute(_WORD.sub(lambda found: words[found[1]], statements))


def long_run(runs: int) -> UUID:
    """The run with the long log: the newest, which is still running."""
    return run_id(runs)


def run_id(number: int) -> UUID:
    """The run with this number, from 1, the oldest."""
    return UUID(f"01900000-0000-7000-8000-{number:012x}")


def _words(runs: int) -> dict[str, str]:
    # Ids as they are made in the order of time: the admin sorts by them.
    kinds = ("RUN", "EVENT", "MESSAGE", "DELIVERY", "AUDIT", "ENDPOINT")
    ids = {kind: _id(f"01900000-0000-7000-{8000 + place}") for place, kind in enumerate(kinds)}
    return {
        **ids,
        "LOGGED": _id("01800000-0000-7000-8000"),
        "LISTENER": _id("01900000-0000-7000-8005", f"n % {ENDPOINTS}"),
        "PROJECT": "'00000000-0000-7000-8000-000000000001'::uuid",
        "LONG": f"'{long_run(runs)}'::uuid",
        "AT": f"(now() - ({runs} - n) * interval '{DAYS} days' / {runs})",
        "ALL": f"generate_series(1, {runs}) AS n",
        "RUNS": str(runs),
        "OPEN": str(OPEN),
        **dict(zip(("STATE", "PRIVATE"), map(_text, _state()), strict=True)),
        "NAME": _text(str(RUN_ID)),
        "SCHEMA": str(SCHEMA_VERSION),
        "ENDPOINTS": str(ENDPOINTS),
    }


def _state() -> tuple[str, str]:
    """The state of a run in which little was said, public and private."""
    log = Log()
    log.bind(("alice", "bob"))
    for person in ("alice", "bob"):
        log.see(person, "voter")
    log.write("progress.reported", {"participantId": "bob", "sender": "bob", "percentage": 40, "message": "counted"})
    public, private = dump(fold(empty(str(RUN_ID)), log.events))
    return public.decode(), private.decode()


def _text(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"


def _id(beginning: str, number: str = "n") -> str:
    return f"('{beginning}-' || lpad(to_hex({number}), 12, '0'))::uuid"
