"""Which observations of a batch are new, told by source id under the run's lock."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from runs.domain.events import Observation
from runs.domain.text import clean

_KNOWN = "SELECT source_id, digest FROM runs_rawobservation WHERE run_id = %s AND source_id = ANY(%s)"

# A btree entry ends at 2 704 bytes; agents choose message ids.
LONGEST_SOURCE_ID = 400


@dataclass(frozen=True, slots=True)
class Identified:
    """An observation with the source id and digest it is stored under."""

    observation: Observation
    source_id: str | None
    digest: bytes | None


@dataclass(frozen=True, slots=True)
class Sifted:
    """A batch told apart: `fresh` in order, and `conflicts` (known id, other content). Repeats are in neither."""

    fresh: list[Identified]
    conflicts: list[Identified]


def identify(run_id: UUID, observation: Observation) -> Identified:
    """The observation with a source id that fits an index, and a digest keyed by its run."""
    digest = observation.digest(run_id.bytes)
    source_id = observation.source_id
    if source_id is not None and (len(source_id) > LONGEST_SOURCE_ID or clean(source_id) != source_id):
        prefix = clean(source_id.partition(":")[0])
        source_id = f"{prefix}:sha256:{(digest or b'').hex()}"
    return Identified(observation, source_id, digest)


def sift(run_id: UUID, observations: Sequence[Observation]) -> Sifted:
    """Tell new observations from repeats and from contradictions. The run must be locked."""
    identified = [identify(run_id, observation) for observation in observations]
    known = _known(run_id, [one.source_id for one in identified if one.source_id is not None])
    sifted = Sifted(fresh=[], conflicts=[])
    for one in identified:
        if one.source_id is None:
            sifted.fresh.append(one)
        elif one.source_id not in known:
            known[one.source_id] = one.digest
            sifted.fresh.append(one)
        elif known[one.source_id] != one.digest:
            sifted.conflicts.append(one)
    return sifted


def _known(run_id: UUID, source_ids: list[str]) -> dict[str, bytes | None]:
    if not source_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [run_id, source_ids])
        return {source_id: bytes(digest) for source_id, digest in cursor.fetchall()}
