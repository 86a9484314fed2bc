"""A wish whose caller and whose owner are both gone: a sweep settles it, and asks the runtime first."""

import asyncio
from collections import Counter
from uuid import UUID

import orjson
import pytest
from django.db import connection

from runs.ending import Questions
from runs.models import Run
from runs.observer import lease
from runs.observer.sweep import Sweep
from runs.runtimes.registry import Runtimes
from tests.cast import fresh, running_run

pytestmark = pytest.mark.django_db(transaction=True)

REQUEST = orjson.dumps(
    {
        "mode": "live",
        "runtime": {"kind": "scripted"},
        "session": {
            "opener": "control-plane",
            "modeName": "macp.mode.decision.v1",
            "modeVersion": "1.0.0",
            "configurationVersion": "c",
            "ttlMs": 60000,
            "participants": [{"id": "lead"}],
        },
        "execution": {},
    }
).decode()


def wished(kind: str, *, seconds_ago: int, owner: UUID | None = None, **columns: object) -> Run:
    """A running run of which something was wanted a while ago."""
    run = running_run(**columns)
    Run.objects.filter(id=run.id).update(
        request=REQUEST, wanted=kind, wanted_through="operator", observer_id=owner, lease_epoch=1
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE runs_run SET wanted_at = clock_timestamp() - make_interval(secs => %s) WHERE id = %s",
            [seconds_ago, run.id],
        )
    return fresh(run)


def swept() -> Counter[str]:
    async def sweep() -> Counter[str]:
        runtimes = Runtimes()
        try:
            return await Sweep(runtimes, Questions()).once()
        finally:
            await runtimes.close()

    return asyncio.run(sweep())


def test_a_cancel_left_behind_is_carried_out_as_whoever_wanted_it_decided() -> None:
    run = wished("cancel", seconds_ago=60)
    assert swept()["abandoned cancels ended"] == 1

    ended = fresh(run)
    ending = orjson.loads(ended.ending or "")
    assert (ended.status, ending["code"], ending["decidedBy"]) == ("cancelled", "cancelled", "operator")


@pytest.mark.parametrize("kind", ["suspend", "resume"])
def test_suspending_or_resuming_left_behind_is_refused_and_the_run_goes_on(kind: str) -> None:
    run = wished(kind, seconds_ago=3600)
    assert swept() == Counter({"wishes refused": 1})

    after = fresh(run)
    answer = orjson.loads(after.wanted_answer or "")
    assert (after.status, after.wanted, answer["ok"]) == ("running", None, False)
    assert answer["errorCode"] == "RUNTIME_UNAVAILABLE"


@pytest.mark.parametrize("kind", ["cancel", "suspend"])
def test_a_wish_that_somebody_may_still_carry_out_is_left_alone(kind: str) -> None:
    young, owned = wished(kind, seconds_ago=1), wished(kind, seconds_ago=3600, owner=lease.register())
    assert swept() == Counter()
    assert [fresh(run).wanted for run in (young, owned)] == [kind, kind]
