"""The log of each session: frames as they go out, in the order of their acceptance, and who waits for more."""

import asyncio
import base64
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import time
from typing import NamedTuple

from macp.v1.core_pb2 import SessionMetadata, SessionStartPayload, StreamSessionResponse
from macp.v1.envelope_pb2 import Envelope

from tests.stand_in_runtime.faults import Faults
from tests.stand_in_runtime.odd import POISON, in_place_of

OPEN, RESOLVED, SUSPENDED, CANCELLED = 1, 2, 4, 5
FORGOTTEN = -1
BUFFER = 256


class Lagged(Exception):
    """A subscriber was slower than its buffer."""


class SessionLog:
    """One session. Appending and publishing happen without a pause in between, and so does replaying and joining."""

    def __init__(self, start: Envelope, faults: Faults, began_at: float) -> None:
        self.start = SessionStartPayload.FromString(start.payload)
        self.session_id, self.mode, self.initiator = start.session_id, start.mode, start.sender
        self.began_at = began_at
        self.state = OPEN
        self.frames: list[bytes] = []
        self.ids: set[str] = set()
        self.activity: Counter[str] = Counter()
        self.readers: set[asyncio.Queue[tuple[int, bytes] | None]] = set()
        self.stirred = asyncio.Event()  # another one after every step and change of state
        self._faults = faults
        self.append(start)

    def append(self, envelope: Envelope) -> None:
        """The envelope is part of the session and on its way to every reader."""
        self.ids.add(envelope.message_id)
        if envelope.message_type != "SessionStart":
            self.activity[envelope.sender] += 1
        ordinal, frame = len(self.frames) + 1, StreamSessionResponse(envelope=envelope).SerializeToString()
        told = in_place_of(frame, ordinal, self._faults)
        if told == POISON:  # it comes beside what was accepted, not instead of it
            self._publish(POISON)
            told = frame
        self._publish(told)

    def _publish(self, frame: bytes) -> None:
        self.frames.append(frame)
        for reader in tuple(self.readers):
            try:
                reader.put_nowait((len(self.frames), frame))
            except asyncio.QueueFull:
                self.readers.discard(reader)
                reader.get_nowait()
                reader.put_nowait(None)

    def stir(self) -> None:
        """Whoever waits for the session to go on looks at it again."""
        stirred, self.stirred = self.stirred, asyncio.Event()
        stirred.set()

    def join(self, after: int) -> tuple[list[tuple[int, bytes]], "asyncio.Queue[tuple[int, bytes] | None]"]:
        """Everything after ordinal `after`, and a queue of what follows; None in it says that the reader lagged."""
        reader: asyncio.Queue[tuple[int, bytes] | None] = asyncio.Queue(BUFFER)
        self.readers.add(reader)
        return list(enumerate(self.frames[after:], start=after + 1)), reader

    def metadata(self) -> SessionMetadata:
        """What GetSession shows."""
        started = int(self.began_at * 1000)
        told = SessionMetadata(
            session_id=self.session_id,
            mode=self.mode,
            state=self.state,
            started_at_unix_ms=started,
            expires_at_unix_ms=started + self.start.ttl_ms,
            mode_version=self.start.mode_version,
            configuration_version=self.start.configuration_version,
            policy_version=self.start.policy_version or "policy.default",
            participants=self.start.participants,
            initiator=self.initiator,
            context_id=self.start.context_id,
            extension_keys=sorted(self.start.extensions),
        )
        # What is sent into a session that plays by itself is accepted, and is no part of what it plays.
        played = {"load": self.activity["load"]} if "load" in self.activity else self.activity
        for participant, count in sorted(played.items()):
            told.participant_activity.add(participant_id=participant, message_count=count)
        return told


class Entry(NamedTuple):
    """One line of the journal; a state of FORGOTTEN says that there is no such session any more."""

    session_id: str
    at: float
    envelope: Envelope | None
    state: int | None
    played: int | None


class Journal:
    """What must survive a restart, one line each; without a folder nothing does."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / "journal.jsonl" if folder else None
        if folder:
            folder.mkdir(parents=True, exist_ok=True)

    def write(
        self, session_id: str, *, envelope: Envelope | None = None, state: int | None = None, played: int | None = None
    ) -> None:
        """The line is with the operating system: it survives the process. `played` is how far a load session has come."""
        if self._path is None:
            return
        told = base64.b64encode(envelope.SerializeToString()).decode() if envelope else None
        line = {"session": session_id, "at": time(), "envelope": told, "state": state, "played": played}
        with self._path.open("a") as journal:
            journal.write(json.dumps(line) + "\n")

    def read(self) -> Iterator[Entry]:
        """Every line again; one that was cut off by a kill is left out."""
        if self._path is None or not self._path.exists():
            return
        for line in self._path.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                told = json.loads(line)
                raw = told["envelope"]
                envelope = Envelope.FromString(base64.b64decode(raw)) if raw else None
                yield Entry(told["session"], told["at"], envelope, told["state"], told["played"])
