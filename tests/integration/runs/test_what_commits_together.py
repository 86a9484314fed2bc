"""A clash of numbers is seen, nothing commits without its outbox row, and the bytes of a payload are stored once."""

from base64 import b64encode

import msgspec
import orjson
import pytest
from django.db import IntegrityError

from runs.models import Event, OutboxEntry, Projection, RawObservation, Run
from runs.recorder import record, writer
from tests.cast import envelope, fresh, running_run
from tests.invariants import types_of

pytestmark = pytest.mark.django_db

PAYLOAD = orjson.dumps({"text": "said once", "list": [1, 2, 3]})


@pytest.mark.handmade_rows("the run's last number is set back, which no code of ours does")
@pytest.mark.parametrize("column", ["last_seq", "last_raw_seq"])
def test_a_number_that_is_taken_is_an_error_and_no_event_is_dropped_b06(column: str) -> None:
    run = running_run()
    record(run.id, [envelope(1)], epoch=0)
    before = types_of(run.id)
    Run.objects.filter(id=run.id).update(**{column: getattr(fresh(run), column) - 1})

    with pytest.raises(IntegrityError, match="run_seq"):
        record(run.id, [envelope(2)], epoch=0)
    assert types_of(run.id) == before
    assert RawObservation.objects.filter(run_id=run.id).count() == 1


def test_no_change_is_committed_without_the_row_that_tells_of_it_b07(monkeypatch: pytest.MonkeyPatch) -> None:
    run = running_run()
    before = types_of(run.id)

    def append_rows(table: str, *given: object) -> None:
        if table == OutboxEntry._meta.db_table:
            raise ConnectionError("the process died here")
        store(table, *given)

    store = writer.append_rows
    monkeypatch.setattr(writer, "append_rows", append_rows)
    with pytest.raises(ConnectionError):
        record(run.id, [envelope(1)], epoch=0)
    assert types_of(run.id) == before


def test_the_bytes_of_a_payload_are_stored_once_e02() -> None:
    run = running_run()
    said = envelope(1)
    said = msgspec.structs.replace(said, raw=PAYLOAD, body=msgspec.structs.replace(said.body, payload=PAYLOAD))
    record(run.id, [said], epoch=0)

    assert bytes(RawObservation.objects.get(run_id=run.id).body) == PAYLOAD
    shown = [*Event.objects.filter(run_id=run.id).values_list("data", flat=True)]
    shown += Projection.objects.filter(run_id=run.id).values_list("state", "private")[0]
    assert sum("said once" in text for text in shown) == 1
    for bytes_again in (b64encode(PAYLOAD).decode()[:20], ",".join(map(str, PAYLOAD[:8]))):
        assert not any(bytes_again in text.replace(" ", "") for text in shown)
