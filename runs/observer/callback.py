"""The cancel callback: an agent that opened its session itself is asked to cancel it."""

from runs.errors import CallbackFailed
from runs.observer.owned import OwnedRun


async def call_back(run: OwnedRun, reason: str | None) -> None:
    """The agent that opened the session of `run` has agreed to cancel it. Raises CallbackFailed."""
    raise CallbackFailed("cancel callbacks are not called yet")
