"""One read-only subscription to a session's stream.

The runtime acknowledges no subscription, and refuses one in three ways: it ends the stream, it sends an error frame
and falls silent, or it says nothing at all. So the subscription asks for one envelope more than is needed: the first
frame shows that it stands, and is left out. Where no earlier envelope can be had (it was compacted away, or the
cursor is ahead), the subscription stands once the runtime has taken the call and stayed quiet for QUIET_S.
"""

import asyncio
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from runs.domain.events import InlineError
from runs.errors import RuntimeFault, RuntimeRejected, RuntimeTimedOut, RuntimeUnavailable, SessionNotFound
from runs.runtimes.macp import wire
from runs.runtimes.macp.channels import Channels, StreamCall
from runs.runtimes.macp.codec import read_frame
from runs.runtimes.macp.credentials import Metadata
from runs.runtimes.macp.faults import json_object, only_our_faults, own_code
from runs.runtimes.macp.mailbox import Mailbox

RPC = "StreamSession"
QUIET_S = 1.0
HISTORY_UNAVAILABLE = "HISTORY_UNAVAILABLE"

_COMPACTED = re.compile(r"before ordinal (\d+)|compacted")


class HistoryGone(RuntimeRejected):
    """The runtime no longer has the envelopes that were asked for."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Who subscribes to what; `patience` is how many seconds the runtime may stay silent."""

    channels: Channels
    session_id: str
    metadata: Metadata
    patience: float

    async def subscribe(self, after: int) -> "Subscription":
        """A subscription that stands, delivering the envelopes after ordinal `after`.

        Raises SessionNotFound, RuntimeRejected (HISTORY_UNAVAILABLE: `after` lies below what the runtime has kept),
        RuntimeTimedOut, RuntimeUnavailable.
        """
        if after > 0:
            with suppress(HistoryGone):
                return await self._open(after - 1, probed=True)
        return await self._open(after, probed=False)

    async def _open(self, after: int, *, probed: bool) -> "Subscription":
        request = wire.StreamSessionRequest(subscribe_session_id=self.session_id, after_sequence=after)
        with ExitStack() as held, _history_is_told(), only_our_faults(RPC):
            call = held.enter_context(self.channels.bidirectional(RPC, self.metadata))
            await self._ask(call, request.SerializeToString())
            reading = asyncio.ensure_future(_read(call))
            reading.add_done_callback(_seen)  # it ends with the call, also where nobody waits for it any more
            quiet = QUIET_S if after else self.patience
            if not await _answered(reading, quiet) and not after:
                raise RuntimeTimedOut(f"{RPC}: no frame within {quiet} s")
            return Subscription(call, reading, held.pop_all(), probed=probed)

    async def _ask(self, call: StreamCall, request: bytes) -> None:
        try:
            async with asyncio.timeout(self.patience):
                await call.write(request)
                await call.initial_metadata()
        except TimeoutError as error:
            raise RuntimeTimedOut(f"{RPC}: no answer within {self.patience} s") from error


async def _read(call: StreamCall) -> bytes | None:
    frame = await call.read()
    return frame if isinstance(frame, bytes) else None


def _seen(reading: "asyncio.Future[bytes | None]") -> None:
    if not reading.cancelled():
        reading.exception()


async def _answered(reading: "asyncio.Future[bytes | None]", quiet: float) -> bool:
    """True if a first frame came within `quiet` seconds; raises if it is a refusal or the end of the stream."""
    await asyncio.wait({reading}, timeout=quiet)
    if not reading.done():
        return False
    frame = reading.result()
    if frame is None:
        raise RuntimeUnavailable(f"{RPC}: the runtime closed the subscription")
    first = read_frame(frame)
    if isinstance(first.body, InlineError):
        raise refusal_of(first.body)
    return True


def refusal_of(error: InlineError) -> RuntimeRejected:
    """The refusal an error frame means that answers a subscription."""
    code = own_code(error.code) or own_code(error.message)
    message = error.message or error.code
    if code == "SESSION_NOT_FOUND":
        return SessionNotFound(message, runtime_code=code)
    details = json_object(error.details)
    return _told(RuntimeRejected(message, runtime_code=code or "INVALID_ENVELOPE", details=details))


@contextmanager
def _history_is_told() -> Iterator[None]:
    try:
        yield
    except RuntimeRejected as refused:
        raise _told(refused) from refused


def _told(refused: RuntimeRejected) -> RuntimeRejected:
    """A refusal for a compacted history always looks alike, whichever way the runtime put it."""
    lost = _COMPACTED.search(refused.message)
    if isinstance(refused, SessionNotFound) or not (lost or refused.runtime_code == HISTORY_UNAVAILABLE):
        return refused
    base = {"lowest_available_sequence": int(lost.group(1))} if lost and lost.group(1) else {}
    return HistoryGone(refused.message, runtime_code=HISTORY_UNAVAILABLE, details={**base, **refused.details})


class Subscription:
    """A standing subscription; `probed` says that its first frame only showed so, and was not asked for."""

    def __init__(
        self,
        call: StreamCall,
        reading: "asyncio.Future[bytes | None]",
        held: ExitStack,
        *,
        probed: bool,
    ) -> None:
        self.probed = probed
        self._call = call
        self._reading = reading
        self._held = held

    async def pump(self, mailbox: Mailbox) -> None:
        """Every frame is in the mailbox, and then the end of the stream with its reason."""
        try:
            with only_our_faults(RPC):
                frame: object = await self._reading
                while isinstance(frame, bytes):
                    if not mailbox.put(frame):
                        await mailbox.room()
                    frame = await self._call.read()
        except RuntimeFault as fault:
            mailbox.end(fault)
        else:
            mailbox.end()

    def close(self) -> None:
        """The stream is cancelled and its place in the channel is free."""
        self._held.close()
