"""`manage.py sweep`: what it says, how it exits, and that it owns nothing."""

import signal
from io import StringIO

import orjson
import pytest
from django.core.management import call_command

from runs.models import Observer, Run
from tests.beside import beside
from tests.cast import fresh
from tests.invariants import assert_invariants
from tests.puppet import Stage
from tests.settling import ending_of
from tests.sweeping import make_due
from tests.underway import launched, running

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_SECONDS = 60


def swept(*arguments: str) -> tuple[int, str]:
    """The exit status and what was printed."""
    told = StringIO()
    try:
        call_command("sweep", "--once", *arguments, stdout=told)
    except SystemExit as left:
        return int(left.code or 0), told.getvalue()
    return 0, told.getvalue()


def test_it_says_that_nothing_was_due(stage: Stage) -> None:
    launched()
    assert swept() == (0, "nothing was due\n")
    assert swept("--json") == (0, "{}\n")


def test_it_says_what_it_has_done_in_words_and_as_json(stage: Stage) -> None:
    running()
    running()
    make_due()
    assert swept() == (0, "clean-ups tried: 2, runs ended: 2\n")
    running()
    make_due()
    status, told = swept("--json")
    assert (status, orjson.loads(told)) == (0, {"clean-ups tried": 1, "runs ended": 1})
    assert_invariants()


@pytest.mark.handmade_rows("a projection that nobody can read")
def test_it_exits_1_if_a_row_could_not_be_swept(stage: Stage) -> None:
    run = running()
    projection = fresh(run).projection
    type(projection).objects.all().delete()
    make_due()
    status, told = swept("--json")
    assert (status, orjson.loads(told)) == (1, {"failed": 1})
    projection.save(force_insert=True)


def test_it_exits_1_if_the_database_is_away() -> None:
    sweep = beside("sweep", "--once", "--json", environment={"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"})
    assert sweep.wait(within_s=PATIENCE_SECONDS) == 1


def test_it_takes_no_lease_and_leaves_what_is_not_due_to_others(stage: Stage) -> None:
    waiting, late = launched(), running()
    epoch = late.lease_epoch
    observers = Observer.objects.count()
    make_due(late)
    assert swept()[0] == 0
    assert Observer.objects.count() == observers
    assert (fresh(waiting).observer_id, fresh(waiting).lease_epoch) == (None, 0)
    assert (ending_of(late)["evidence"]["leaseEpoch"], fresh(late).lease_epoch) == (epoch, epoch)


def test_without_once_it_sweeps_until_it_is_told_to_stop() -> None:
    sweep = beside("sweep", environment={"OBSERVER_SWEEP_S": "1", "PYTHONUNBUFFERED": "1"})
    try:
        sweep.wait_for_line("nothing was due", within_s=PATIENCE_SECONDS)
        run = running(runtime={"kind": "scripted"})
        make_due()
        sweep.wait_for_line("runs ended: 1", within_s=PATIENCE_SECONDS)
        sweep.send(signal.SIGTERM)
        assert sweep.wait(within_s=PATIENCE_SECONDS) == 0
    finally:
        sweep.end()
    assert Run.objects.get(id=run.id).has_ended
