"""Where a stored projection differs from the fold of its log."""

from dataclasses import dataclass
from uuid import UUID

import orjson

from runs.domain.events import JsonObject
from runs.domain.projection import SCHEMA_VERSION, dump, empty, fold
from runs.errors import RunNotFound
from runs.models import Projection, Run
from runs.queries.events import iterate_events


@dataclass(frozen=True, slots=True)
class Drift:
    """One projection that is not the fold of its log; `path` is the first member in which they differ."""

    run_id: UUID
    path: str
    stored_seq: int | None
    last_seq: int

    def document(self) -> JsonObject:
        """As JSON."""
        return {
            "runId": str(self.run_id),
            "path": self.path,
            "storedSeq": self.stored_seq,
            "lastSeq": self.last_seq,
        }


def drift_of(run_id: UUID) -> Drift | None:
    """How the stored projection differs from the fold of the whole log; None if it does not.

    One that an older schema version wrote is no drift: it is refolded before use. Raises RunNotFound.
    """
    last_seq = Run.objects.filter(id=run_id).values_list("last_seq", flat=True).first()
    if last_seq is None:
        raise RunNotFound
    stored = Projection.objects.filter(run_id=run_id).first()
    if stored is None:
        return Drift(run_id, "(no projection)", None, last_seq)
    if stored.schema_version != SCHEMA_VERSION:
        return None
    public, private = dump(fold(empty(str(run_id)), iterate_events(run_id, up_to=last_seq)))
    if (stored.state, stored.private) == (public.decode(), private.decode()):
        return None
    path = _difference(orjson.loads(stored.state), orjson.loads(public))
    path = path or _difference(orjson.loads(stored.private), orjson.loads(private), "(private)") or "(text)"
    return Drift(run_id, path, stored.projected_seq, last_seq)


def _difference(stored: object, folded: object, path: str = "") -> str | None:
    """The path of the first difference, None without."""
    if isinstance(stored, dict) and isinstance(folded, dict):
        for name in sorted({*stored, *folded}):
            if found := _difference(stored.get(name), folded.get(name), f"{path}.{name}" if path else name):
                return found
        return None
    if isinstance(stored, list) and isinstance(folded, list) and len(stored) == len(folded):
        for index, (one, other) in enumerate(zip(stored, folded, strict=True)):
            if found := _difference(one, other, f"{path}[{index}]"):
                return found
        return None
    return None if stored == folded else path or "(everything)"
