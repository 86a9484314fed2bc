"""What an ending adds to `metadata`: it overwrites nobody's change, and counts every event."""

import pytest

from runs.domain.endings import EndingCode, Verdict
from runs.ending import end_run
from runs.models import Run
from runs.queries.log_pages import PAGE_ROWS
from runs.recorder import record
from tests.cast import envelope, fresh, running_run
from tests.meanwhile import elsewhere, held, wait_until_somebody_waits

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_is_changed_meanwhile_stays_and_all_events_are_counted_b20() -> None:
    run = running_run(metadata={"source": "before"})
    record(run.id, [envelope(number) for number in range(2 * PAGE_ROWS + 1)], epoch=None)

    def change() -> None:
        Run.objects.filter(id=run.id).update(metadata={"source": "before", "note": "meanwhile"})

    with held(change) as changed, elsewhere() as start:
        ending = start(lambda: end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=None))
        wait_until_somebody_waits()
        changed.commit()
        ending.result(15)

    run = fresh(run)
    assert (run.metadata["source"], run.metadata["note"]) == ("before", "meanwhile")
    assert run.metadata["eventCount"] == run.last_seq > 2 * PAGE_ROWS
