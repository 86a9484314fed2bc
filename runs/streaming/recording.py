"""What one replay shows: a part of a run's log, and how the run stood when the replay was opened."""

from dataclasses import dataclass
from uuid import UUID

from runs.domain.replays import Part, Replay, part_of
from runs.errors import RunNotFound
from runs.models import Run
from runs.streaming.standing import end_of


@dataclass(frozen=True, slots=True)
class Recording:
    """The part of a run's log that is shown; the rest is the run when that was decided."""

    run_id: UUID
    part: Part
    status: str
    last_seq: int
    ending_seq: int | None


def recording_of(run_id: UUID, project_id: UUID, asked: Replay, *, seen: int) -> Recording:
    """What to show to somebody who has seen every event up to `seen`.

    Raises RunNotFound, also for a run of another project.
    """
    runs = Run.objects.filter(id=run_id, project_id=project_id)
    found = runs.values_list("status", "last_seq", "ending_seq").first()
    if found is None:
        raise RunNotFound
    status, last_seq, ending_seq = found
    return Recording(run_id, part_of(asked, last_seq=last_seq, seen=seen), status, last_seq, ending_seq)


def last_words(recording: Recording) -> dict[str, object]:
    """What the `end` frame says: the ending of a run that had one, else how far the run was. Raises RunNotFound."""
    if recording.ending_seq is not None:
        return end_of(recording.run_id, recording.ending_seq)
    return {"status": recording.status, "seq": recording.last_seq}
