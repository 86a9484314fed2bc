"""Where a run stands when somebody asks for its stream, and what a stream shows beside its events."""

from dataclasses import dataclass
from uuid import UUID

import orjson

from runs.domain.endings import known_code
from runs.domain.projection import SCHEMA_VERSION
from runs.errors import CursorAhead, RunNotFound
from runs.models import Event, Projection, Run
from runs.queries.states import folded_text
from runs.streaming.frame import Frame


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the log of a run went, and the number of its ending once it has one."""

    last_seq: int
    ending_seq: int | None

    def has_nothing_after(self, cursor: int | None) -> bool:
        """True if a subscriber with this cursor has seen everything there will ever be.

        Raises CursorAhead if the cursor names an event that a live run does not have.
        """
        if cursor is None:
            return False
        if self.ending_seq is not None:
            return cursor >= self.ending_seq
        if cursor > self.last_seq:
            raise CursorAhead(details={"lastSeq": self.last_seq})
        return False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The stored projection, and the number of the last event it contains."""

    seq: int
    frame: Frame


def standing_of(run_id: UUID, project_id: UUID | None = None) -> Standing:
    """Where the run stands now. Raises RunNotFound, also for a run of another project than `project_id`."""
    runs = Run.objects.filter(id=run_id)
    if project_id is not None:
        runs = runs.filter(project_id=project_id)
    found = runs.values_list("last_seq", "ending_seq").first()
    if found is None:
        raise RunNotFound
    return Standing(*found)


def snapshot_of(run_id: UUID) -> Snapshot:
    """The run's projection as stored, byte for byte; folded anew where an older schema version wrote it.

    Raises RunNotFound once the run is gone.
    """
    found = Projection.objects.filter(run_id=run_id).values_list("projected_seq", "state", "schema_version").first()
    if found is None:
        raise RunNotFound
    seq, state, schema_version = found
    if schema_version == SCHEMA_VERSION:
        return Snapshot(seq, Frame("snapshot", state.encode()))
    text = folded_text(run_id)
    return Snapshot(orjson.loads(text)["timeline"]["latestSeq"], Frame("snapshot", text))


def end_of(run_id: UUID, ending_seq: int) -> dict[str, object]:
    """What the `end` frame says, as the ending event has it. Raises RunNotFound once the run is gone."""
    stored = Event.objects.filter(run_id=run_id, seq=ending_seq).values_list("data", flat=True).first()
    if stored is None:
        raise RunNotFound
    data = orjson.loads(stored)
    end = {"status": data["status"], "seq": ending_seq, "code": known_code(data["ending"]["code"])}
    return end | ({"error": data["error"]} if data.get("error") else {})
