"""Which observations of a batch are new, told by source id under the run's lock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from runs.domain.events import Observation
from runs.domain.text import clean

# The clock is read in the same statement, after the lock: one round trip less, and never a host's clock.
_KNOWN = """
SELECT date_trunc('milliseconds', clock_timestamp()), raw.source_id, raw.digest
  FROM (VALUES (1)) AS once
  LEFT JOIN runs_rawobservation raw ON raw.run_id = %s AND raw.source_id = ANY(%s)
"""

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

    now: datetime
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
    """Tell new observations from repeats and from contradictions; also the database's time. The run must be locked."""
    identified = [identify(run_id, observation) for observation in observations]
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [run_id, [one.source_id for one in identified if one.source_id is not None]])
        found = cursor.fetchall()
    known: dict[str, bytes | None] = {
        source_id: bytes(digest) for _, source_id, digest in found if source_id is not None
    }
    sifted = Sifted(now=found[0][0], fresh=[], conflicts=[])
    for one in identified:
        if one.source_id is None:
            sifted.fresh.append(one)
        elif one.source_id not in known:
            known[one.source_id] = one.digest
            sifted.fresh.append(one)
        elif known[one.source_id] != one.digest:
            sifted.conflicts.append(one)
    return sifted
