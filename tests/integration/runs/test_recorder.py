"""The one transaction: what it promises about numbers, repeats, contradictions, fences and endings (P1, P2, P6)."""

import msgspec
import pytest
from django.db import IntegrityError, connection, transaction

from runs.domain.endings import EndingCode, Verdict
from runs.domain.events import Draft, EventType, Observation, ObservationKind, SessionState, Undecodable
from runs.domain.normaliser import Context, normalise
from runs.ending import end_run
from runs.errors import Fenced, InvalidTransition, RunEnded, RunNotFound
from runs.models import Event, LateObservation, OutboxEntry, RawObservation, Run, RuntimeSession
from runs.models.event import AppendOnlyError
from runs.models.identity import uuid7
from runs.recorder import quarantine, record, writing
from runs.recorder import writer as writer_module
from tests.cast import envelope, fresh, queued_run, run_event, running_run, session_now
from tests.invariants import assert_invariants, types_of

pytestmark = pytest.mark.django_db


def test_a_batch_is_numbered_folded_and_put_in_the_outbox_together() -> None:
    run = running_run()
    recorded = record(run.id, [envelope(1), envelope(2, sender="bob")], epoch=0)

    # It should be dense, count both envelopes in the cursor, and leave one outbox row for the batch.
    assert [event.seq for event in recorded.events] == [5, 6, 7, 8]
    assert recorded.cursor == 2
    assert fresh(run).last_raw_seq == 2
    assert OutboxEntry.objects.filter(run_id=run.id, from_seq=5, to_seq=8).count() == 1
    assert_invariants()


def test_a_repeated_observation_adds_nothing_b11() -> None:
    run = running_run()
    record(run.id, [envelope(1)], epoch=0)
    before = fresh(run).last_seq
    recorded = record(run.id, [envelope(1), envelope(1)], epoch=0)

    assert recorded.events == ()
    assert fresh(run).last_seq == before
    assert recorded.cursor == 1
    assert_invariants()


def test_the_same_identity_with_other_content_is_kept_apart_and_counted_once() -> None:
    run = running_run()
    record(run.id, [envelope(1, text="first")], epoch=0)
    for _ in range(2):
        record(run.id, [envelope(1, text="second")], epoch=0)

    late = LateObservation.objects.get(run_id=run.id)
    assert (late.reason, late.source_id) == ("conflict", "env:m-1")
    assert fresh(run).late_count == 1
    assert RawObservation.objects.filter(run_id=run.id).count() == 1
    assert_invariants()


def test_a_contradiction_within_one_batch_is_kept_apart_too() -> None:
    run = running_run()
    record(run.id, [envelope(1, text="first"), envelope(1, text="second")], epoch=0)

    assert LateObservation.objects.get(run_id=run.id).reason == "conflict"
    assert_invariants()


def test_an_overlong_message_id_is_known_again() -> None:
    run = running_run()
    name = "x" * 5000
    record(run.id, [envelope(name)], epoch=0)
    assert record(run.id, [envelope(name)], epoch=0).events == ()
    assert_invariants()


def test_a_frame_nobody_can_read_is_kept_raw_and_the_run_goes_on_c17() -> None:
    run = running_run()
    poison = Observation(
        kind=ObservationKind.UNDECODABLE,
        body=Undecodable(reason="bad wire type"),
        raw=b"\xff\x00",
        source_id="env:sha256:1",
    )
    record(run.id, [poison, envelope(1)], epoch=0)

    assert bytes(RawObservation.objects.get(run_id=run.id, kind="undecodable").body) == b"\xff\x00"
    assert types_of(run.id)[4:] == ["message.received", "participant.seen", "message.received"]
    assert fresh(run).session.cursor == 1
    assert_invariants()


def test_nul_characters_from_an_agent_do_not_stop_a_run() -> None:
    run = running_run()
    record(run.id, [envelope("a\0b", sender="al\0ice", kind="No\0te", text="a\0b")], epoch=0)

    data = Event.objects.filter(run_id=run.id, type="message.received").get().data
    assert "\\u0000" not in data
    assert_invariants()


def test_a_former_owner_is_fenced() -> None:
    run = running_run(lease_epoch=3)
    with pytest.raises(Fenced):
        record(run.id, [envelope(1)], epoch=2)
    record(run.id, [envelope(1)], epoch=3)
    assert_invariants()


def test_an_unknown_run_is_not_found() -> None:
    with pytest.raises(RunNotFound):
        record(uuid7(), [], epoch=None)


def test_a_move_the_lifecycle_does_not_have_is_refused_and_nothing_is_written_b08() -> None:
    run = queued_run()
    with pytest.raises(InvalidTransition):
        record(run.id, [run_event(run.id, EventType.RUN_RESUMED, "running")], epoch=None)
    assert fresh(run).last_seq == 1
    assert_invariants()


def test_nobody_writes_an_ending_beside_the_one_place() -> None:
    run = running_run()
    with pytest.raises(InvalidTransition):
        record(run.id, [run_event(run.id, EventType.RUN_COMPLETED, "completed")], epoch=None)


def test_an_ended_run_takes_nothing_more_and_late_data_is_quarantined_b23() -> None:
    run = running_run()
    record(run.id, [envelope(1)], epoch=0)
    end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=0, batch=[session_now(SessionState.RESOLVED)])

    with pytest.raises(RunEnded):
        record(run.id, [envelope(2)], epoch=0)
    with pytest.raises(RunEnded):
        end_run(run.id, Verdict(code=EndingCode.SESSION_LOST), epoch=0)
    # It should keep what is new, and not what the log already holds.
    assert quarantine(run.id, [envelope(1), envelope(2)]) == 1
    assert LateObservation.objects.get(run_id=run.id).reason == "after_ending"
    assert fresh(run).status == "completed"
    assert_invariants()


def test_an_exception_inside_leaves_nothing_behind_b01() -> None:
    run = running_run()
    with pytest.raises(ZeroDivisionError), writing(run.id, epoch=0) as writer:
        writer.append([envelope(1)])
        writer.change_session(adapter_state=b"half")
        _ = 1 / 0
    assert fresh(run).last_seq == 4
    assert fresh(run).session.adapter_state is None
    assert_invariants()


def test_a_session_found_further_on_is_walked_there_without_skipping_a_status() -> None:
    run = queued_run()
    end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=0)

    statuses = types_of(run.id)
    assert statuses == ["run.created", "run.started", "session.bound", "session.state.changed", "run.completed"]
    assert_invariants()


def test_what_the_runtime_says_of_the_session_is_kept_with_it_e24() -> None:
    run = running_run()
    suspended = session_now(SessionState.SUSPENDED)
    for ends_at in (1_900_000_000_000, 10**18):
        body = msgspec.structs.replace(suspended.body, expires_at_unix_ms=ends_at)
        record(run.id, [msgspec.structs.replace(suspended, body=body)], epoch=0)

    # It should hold the state and the time that is one.
    session = fresh(run).session
    assert session.state == "SESSION_STATE_SUSPENDED"
    assert session.expires_at is not None
    assert session.expires_at.year == 2030
    assert_invariants()


def test_time_within_a_run_never_goes_back() -> None:
    run = running_run()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE runs_run SET last_event_at = clock_timestamp() + interval '1 hour' WHERE id = %s", [run.id]
        )
    record(run.id, [envelope(1)], epoch=0)
    last = Event.objects.filter(run_id=run.id).order_by("seq").last()
    assert last is not None
    assert last.ts == fresh(run).last_event_at


def test_the_statements_of_a_batch_do_not_grow_with_it_e01(django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    run = running_run()
    with django_assert_max_num_queries(11):
        record(run.id, [envelope(n) for n in range(3)], epoch=0)
    with django_assert_max_num_queries(11):
        record(run.id, [envelope(n, sender=f"p{n % 7}") for n in range(100, 300)], epoch=0)


class TestTheDatabaseItself:
    """Rules that hold even for whoever goes around the code."""

    def test_refuses_a_second_ending(self) -> None:
        run = running_run()
        end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=0)
        with (
            pytest.raises(IntegrityError, match="events_one_ending"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(
                """INSERT INTO runs_event (id, run_id, project_id, seq, ts, type, source_kind, source_name, lease_epoch, data)
                SELECT %s, run_id, project_id, seq + 1, ts, 'run.failed', source_kind, source_name, 0, '{}'
                FROM runs_event WHERE run_id = %s AND type = 'run.completed'""",
                [uuid7(), run.id],
            )

    @pytest.mark.parametrize("statement", ["UPDATE {} SET seq = 9", "DELETE FROM {}"])
    @pytest.mark.parametrize("table", ["runs_event", "runs_rawobservation"])
    def test_refuses_to_rewrite_history(self, statement: str, table: str) -> None:
        run = running_run()
        record(run.id, [envelope(1)], epoch=0)
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement.format(table) + f" WHERE run_id = '{run.id}'")

    @pytest.mark.handmade_rows("a log that was pruned no longer begins at 1")
    def test_lets_a_prune_that_says_so_delete(self) -> None:
        run = running_run()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL signalbox.prune = 'on'")
            cursor.execute("DELETE FROM runs_event WHERE run_id = %s", [run.id])
            assert cursor.rowcount == 4

    def test_refuses_a_terminal_status_without_an_ending(self) -> None:
        run = running_run()
        with pytest.raises(IntegrityError, match="runs_terminal_iff_ended"), transaction.atomic():
            Run.objects.filter(id=run.id).update(status="failed")

    def test_deletes_what_belongs_to_a_run_with_the_run(self) -> None:
        run = running_run()
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM runs_run WHERE id = %s", [run.id])
        assert not RuntimeSession.objects.filter(run_id=run.id).exists()

    def test_refuses_a_start_that_was_sent_before_it_was_stored(self) -> None:
        run = running_run()
        with (
            pytest.raises(IntegrityError, match="sessions_start_stored"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("UPDATE runs_runtimesession SET start_sent_at = now() WHERE run_id = %s", [run.id])


def test_the_log_refuses_changes_through_the_models_too() -> None:
    with pytest.raises(AppendOnlyError):
        Event.objects.all().delete()
    with pytest.raises(AppendOnlyError):
        Event.objects.update(seq=1)
    with pytest.raises(AppendOnlyError):
        Event().save()


def test_own_drafts_and_observations_keep_their_order_in_one_batch() -> None:
    run = running_run()
    note = Draft(type=EventType.ARTIFACT_CREATED, data={"artifactId": "a"}, subject_kind="artifact", subject_id="a")
    recorded = record(run.id, [envelope(1, sender="lead"), note, envelope(2, sender="lead")], epoch=0)
    assert [event.type for event in recorded.events][-2:] == ["artifact.created", "message.received"]
    assert_invariants()


def test_what_the_database_refuses_is_kept_as_bytes_and_the_others_are_recorded_c17(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def with_a_defect(observation: Observation, context: Context, *, raw_seq: int) -> list[Draft]:
        drafts = normalise(observation, context, raw_seq=raw_seq)
        if b"worm" in observation.raw and observation.kind != ObservationKind.UNDECODABLE:
            drafts = [msgspec.structs.replace(draft, subject_id="a\0b") for draft in drafts]
        return drafts

    monkeypatch.setattr(writer_module, "normalise", with_a_defect)
    run = running_run()
    batch = [envelope(1), envelope(2, text="worm"), *[envelope(number) for number in range(3, 12)]]
    record(run.id, batch, epoch=None)
    record(run.id, batch, epoch=None)

    kinds = list(RawObservation.objects.filter(run_id=run.id).order_by("seq").values_list("kind", flat=True))
    assert kinds == ["stream-envelope", "undecodable", *["stream-envelope"] * 9]
    assert bytes(RawObservation.objects.get(run_id=run.id, seq=2).body) == batch[1].raw
    assert types_of(run.id).count("message.received") == 11
    # Said again in the same words it contradicts nothing.
    assert not LateObservation.objects.filter(run_id=run.id).exists()
    assert_invariants()


def test_an_identity_no_encoding_can_write_is_kept_by_its_content() -> None:
    run = running_run()
    record(run.id, [envelope("\ud800")], epoch=None)
    record(run.id, [envelope("\ud800")], epoch=None)
    assert RawObservation.objects.filter(run_id=run.id, kind="stream-envelope").count() == 1
    assert_invariants()
