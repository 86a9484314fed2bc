"""What the log says of a transport that is away: one line when it goes, one when it is back."""

import logging

from runs.hub.transport import TransportLost

log = logging.getLogger("signalbox.hub")


class Outage:
    """Whether an end of the hub is without its transport right now."""

    def __init__(self, *, meaning: str, transport: str) -> None:
        self._meaning = meaning
        self._transport = transport
        self._lasts = False

    def goes_on(self, error: Exception) -> None:
        """The transport is away, or still is, which is not worth another line; a fault of ours comes with its trace."""
        if not self._lasts:
            reason = str(error).partition("\n")[0]
            unknown = None if isinstance(error, TransportLost) else error
            log.warning("%s until %s answers: %s", self._meaning, self._transport, reason, exc_info=unknown)
        self._lasts = True

    def is_over(self) -> None:
        """The transport is there, or is there again."""
        if self._lasts:
            log.info("%s answers again", self._transport)
        self._lasts = False
