"""Idempotency keys: a request that is sent again under its key is served once, and answered alike.

    claim the key -> serve -> keep the answer, or give the key back if there is none to keep
    who comes meanwhile waits for that answer; who comes later is told it

Below the operations: whatever has routes may use it, webhooks too. What is served commits by itself, so a process that dies
before the answer is kept leaves a claim behind. It runs out, and then a repetition is served anew, under the id that the
first had: what is made under that id is made once.
"""

import hashlib
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import IntegrityError

from runs.bridge import release_connection
from runs.domain.requests import canonical
from runs.errors import Conflict, ControlPlaneError, IdempotencyKeyReused, RunNotFound
from runs.models import KeyedRequest
from runs.models.keyed_request import Claim, Keyed

log = logging.getLogger("signalbox.idempotency")

# What no request takes longer than, beside the time a runtime is waited for: a batch takes a minute.
LONGEST_REQUEST_S = 90
SHORTEST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Kept:
    """What the request was answered before."""

    status: int
    answer: bytes


def keyed_request(
    *,
    project_id: UUID,
    run_id: UUID | None,
    route: str,
    path: str,
    key: str,
    query: Mapping[str, object],
    body: object,
) -> Keyed:
    """A request under `key`, which is one of this project, and of this very path: each id in it has keys of its own."""
    named = f"{path.lower()}\0{key}"  # ids are the same in either case
    return Keyed(
        project_id=project_id,
        run_id=run_id,
        route=route[:255],
        key_sha256=hashlib.sha256(named.encode(errors="backslashreplace")).digest(),
        body_sha256=hashlib.sha256(canonical({"query": query, "body": body})).digest(),
    )


def claim_or_answer(keyed: Keyed) -> Claim | Kept:
    """The claim on a request that is new; what was answered to one that is not, waited for while it is under way.

    Raises IdempotencyKeyReused if the key was used with another body, RunNotFound, and Conflict where the earlier request is
    not answered within RUNTIME_REQUEST_TIMEOUT_MS, or its answer was not kept.
    """
    began, pause = time.monotonic(), SHORTEST_PAUSE_SECONDS
    while True:
        if claim := _claimed(keyed):
            return claim
        if kept := _kept(keyed):
            return kept
        if (time.monotonic() - began) * 1000 >= settings.RUNTIME_REQUEST_TIMEOUT_MS:
            raise Conflict(
                "an earlier request under this idempotency key is not answered yet; ask again later",
                details={"reason": "under_way"},
            )
        release_connection()  # many may wait, and connections are few
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)


def keep(claim: Claim, *, status: int, answer: bytes | None) -> None:
    """Repetitions are answered this; without an `answer` they are refused. What cannot be kept is logged: it is done."""
    with _at_best("kept"):
        KeyedRequest.objects.keep(claim, status=status, answer=answer)


def give_back(claim: Claim, error: Exception) -> None:
    """What was asked for failed with `error`, which is not kept: a repetition is served anew.

    At once, or when the claim has run out where that cannot be stored. Where it may have been done all the same, it keeps
    the id it was done under.
    """
    with _at_best("given back"):
        if isinstance(error, ControlPlaneError) and not error.may_still_happen:
            KeyedRequest.objects.release(claim)
        else:
            KeyedRequest.objects.lapse(claim)


@contextmanager
def _at_best(what: str) -> Iterator[None]:
    try:
        yield
    except DatabaseFault as error:
        log.warning("a request under an idempotency key could not be %s: %s", what, error)


def _claimed(keyed: Keyed) -> Claim | None:
    patience_s = settings.RUNTIME_REQUEST_TIMEOUT_MS / 1000 + LONGEST_REQUEST_S
    try:
        return KeyedRequest.objects.claim(keyed, patience_s=patience_s)
    except IntegrityError as error:
        if isinstance(error.__cause__, psycopg.errors.ForeignKeyViolation):
            raise RunNotFound from error
        raise


def _kept(keyed: Keyed) -> Kept | None:
    """The answer; None while there is none, or once the row is gone again: then it can be claimed."""
    row = KeyedRequest.objects.filter(project_id=keyed.project_id, key_sha256=keyed.key_sha256).first()
    if row is None:
        return None
    if bytes(row.body_sha256) != keyed.body_sha256:
        raise IdempotencyKeyReused
    if row.status is None:
        return None
    if row.answer is None:
        raise Conflict(
            "the request under this idempotency key was answered; its answer showed a secret, and is not kept",
            details={"reason": "answer_not_kept"},
        )
    return Kept(row.status, bytes(row.answer))
