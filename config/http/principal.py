"""Principal: who is calling, however they showed it."""

from dataclasses import dataclass, field
from uuid import UUID

from runs.domain.scopes import SCOPES
from runs.models.project import DEFAULT_PROJECT_ID

ALL_SCOPES = frozenset(SCOPES)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling: a name for people, an id for limits and audit (never a part of a secret), and scopes.

    `kind` is `api_key` or `user`, the words of the audit's `actorType`. `credential` names what they showed, so that it can
    be asked later whether it still holds (config/http/stream_authentication.py); it is shown and logged nowhere.
    """

    id: str
    name: str
    kind: str
    scopes: frozenset[str]
    project_id: UUID = DEFAULT_PROJECT_ID
    credential: str = field(default="", repr=False)
    is_authenticated: bool = True
    is_active: bool = True
