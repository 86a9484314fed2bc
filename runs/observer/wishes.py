"""Wishes: cancel, suspend and resume are wanted in the run's row; its owner asks the runtime and records the answer."""

from runs.observer.owned import OwnedRun
from runs.runtimes.port import Session


async def fulfil_wish(run: OwnedRun, session: Session) -> None:
    """What was wanted of the run is done or refused, and its row says which; nothing to do where nothing is wanted."""
