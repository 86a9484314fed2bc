"""Reads of sessions, by their ids."""

from collections.abc import Collection

from runs.models import Run


def sessions_without_run(session_ids: Collection[str]) -> set[str]:
    """Those of the sessions that no run observes, of whatever project."""
    known = Run.objects.filter(session_id__in=session_ids).values_list("session_id", flat=True)
    return set(session_ids) - {name for name in known if name is not None}
