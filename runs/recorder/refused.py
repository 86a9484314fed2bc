"""What the database refuses for its content would be refused at every repetition: it is told from what may be repeated."""

import psycopg
from django.db import DataError
from django.db import Error as DatabaseFault

from runs.domain.events import Envelope, Observation, ObservationKind, Undecodable
from runs.errors import ControlPlaneError


def is_about_content(error: Exception) -> bool:
    """True if the same batch would fail again for what stands in it; False for lost connections, fences and clashes."""
    if isinstance(error, DatabaseFault):
        return isinstance(error, DataError) or isinstance(error.__cause__, psycopg.errors.ProgramLimitExceeded)
    return not isinstance(error, ControlPlaneError)


def unstorable(observation: Observation) -> Observation:
    """The observation as a frame that could not be read: its bytes and its identity are kept."""
    return Observation(
        kind=ObservationKind.UNDECODABLE,
        body=Undecodable(
            reason="what was read could not be stored",
            read=observation.body if isinstance(observation.body, Envelope) else None,
        ),
        raw=observation.raw,
        source_id=observation.source_id,
    )
