"""What a scripted session must remember beyond its plan: what was sent into it, and how it was steered.

The state is the `adapter_state` of the run, stored in the transaction that records the answer to a send. Everything
else a session says follows from plan, cursor and this state, so that any process can carry it on.
"""

import msgspec

from runs.domain.events import SessionState
from runs.runtimes.port import Outgoing

AMBIENT_TYPES = frozenset({"Signal", "Progress"})


class Insertion(msgspec.Struct, frozen=True, rename="camel"):
    """An accepted message: its own place in the session, or for an ambient one the place it came after."""

    ordinal: int
    message: Outgoing

    @property
    def aside(self) -> bool:
        """True for an ambient message, which the session does not count."""
        return self.message.message_type in AMBIENT_TYPES


class AdapterState(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The committed memory of a session; immutable, each change makes a new one.

    `since` is how many envelopes had been said when the session was last suspended, resumed or cancelled; None where
    the process that asked for it had not followed the session. `changes` counts how often that happened.
    """

    started: bool = False
    state: SessionState = SessionState.OPEN
    since: int | None = None
    changes: int = 0
    sent: tuple[Insertion, ...] = ()

    @classmethod
    def loads(cls, stored: bytes | None) -> "AdapterState":
        """The state as it was stored; nothing stored is a session nobody has touched."""
        return msgspec.json.decode(stored, type=cls) if stored else cls()

    def dumps(self) -> bytes:
        """The bytes to store."""
        return msgspec.json.encode(self)

    def knows(self, message_id: str) -> bool:
        """True if a message of this id was accepted."""
        return any(insertion.message.message_id == message_id for insertion in self.sent)

    def reach(self, played: int) -> int:
        """The last place that is taken once `played` envelopes were said: later than all of them and all insertions."""
        return max(played, 1, *(insertion.ordinal for insertion in self.sent))

    def opened(self) -> "AdapterState":
        """The state once SessionStart was accepted."""
        return msgspec.structs.replace(self, started=True)

    def accepted(self, message: Outgoing, *, played: int) -> "AdapterState":
        """The state once `message` was accepted after `played` envelopes."""
        reach = self.reach(played)
        ordinal = reach if message.message_type in AMBIENT_TYPES else reach + 1
        return msgspec.structs.replace(self, sent=(*self.sent, Insertion(ordinal, message)))

    def moved(self, state: SessionState, *, played: int | None) -> "AdapterState":
        """The session in another state, from the place it had reached."""
        since = None if played is None else self.reach(played)
        return msgspec.structs.replace(self, state=state, since=since, changes=self.changes + 1)
