"""A proxy before PostgreSQL that knows a COMMIT when it sees one: the outcome of a transaction becomes unknown at will."""

import asyncio
import threading
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from tests.faults.postgres_wire import ClientMessages, Transactions
from tests.faults.proxy import PATIENCE_SECONDS, Cut, Proxy


class At(Enum):
    """What happens to a COMMIT."""

    LOSE_ANSWER = auto()  # the server has committed; its answer is lost with the connection
    LOSE_COMMIT = auto()  # the server never hears of it; the connection is lost
    HOLD = auto()  # it waits in the proxy: the transaction stays open, its locks are held


@dataclass(slots=True)
class CommitFault:
    """One fault to come: at the `nth` COMMIT of a transaction in which the client said all of `of`."""

    what: At
    nth: int
    of: tuple[bytes, ...]
    happened: threading.Event = field(default_factory=threading.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def strikes(self, said: bytes) -> bool:
        """True once: at the transaction it is meant for."""
        if self.happened.is_set() or not all(one in said for one in self.of):
            return False
        self.nth -= 1
        return self.nth == 0


class PostgresProxy(Proxy):
    """Passes on a session with PostgreSQL, without TLS: ask for `sslmode=disable`."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        assert self._url.hostname is not None, "an address with a host"
        super().__init__(self._url.hostname, self._url.port or 5432, filters=lambda: _Commits(self._faults))
        self._faults: list[CommitFault] = []

    def __enter__(self) -> Self:
        return super().__enter__()

    def url(self, **parameters: str) -> str:
        """The address of the same database through this proxy."""
        credentials, _, _ = self._url.netloc.rpartition("@")
        query = "&".join(["sslmode=disable", "gssencmode=disable", *(f"{k}={v}" for k, v in parameters.items())])
        return urlunsplit(self._url._replace(netloc=f"{credentials}@{self.address}", query=query))

    def cut_after_commit(self, *of: bytes, nth: int = 1) -> CommitFault:
        """The next such transaction commits, and its client never learns it: the connection is cut before the reply."""
        return self._arm(At.LOSE_ANSWER, nth, of)

    def cut_before_commit(self, *of: bytes, nth: int = 1) -> CommitFault:
        """The next such transaction does not commit, and its client never learns it."""
        return self._arm(At.LOSE_COMMIT, nth, of)

    def hold_commit(self, *of: bytes, nth: int = 1) -> CommitFault:
        """The COMMIT of the next such transaction waits until `release`."""
        return self._arm(At.HOLD, nth, of)

    def release(self, fault: CommitFault) -> None:
        """A COMMIT that was held goes on its way."""
        self._loop.call_soon_threadsafe(fault.released.set)

    def wait_for(self, fault: CommitFault, *, within_s: float = PATIENCE_SECONDS * 3) -> None:
        """The fault has happened; fails the test when it does not in time."""
        assert fault.happened.wait(within_s), f"no transaction came to COMMIT that said {fault.of!r}"

    def _arm(self, what: At, nth: int, of: tuple[bytes, ...]) -> CommitFault:
        fault = CommitFault(what, nth, of)
        self._loop.call_soon_threadsafe(self._faults.append, fault)
        return fault


class _Commits:
    """The filter of one connection."""

    def __init__(self, faults: list[CommitFault]) -> None:
        self._faults = faults
        self._messages = ClientMessages()
        self._transactions = Transactions()
        self._unanswered: CommitFault | None = None

    async def up(self, data: bytes) -> bytes:
        passed_on = b""
        for message in self._messages.feed(data):
            said = self._transactions.committed_by(message)
            fault = None if said is None else next((one for one in self._faults if one.strikes(said)), None)
            if fault is not None:
                await self._strike(fault)
            passed_on += message.raw
        return passed_on

    async def _strike(self, fault: CommitFault) -> None:
        if fault.what is At.LOSE_ANSWER:
            self._unanswered = fault
            return
        fault.happened.set()
        if fault.what is At.LOSE_COMMIT:
            raise Cut
        await fault.released.wait()

    async def down(self, data: bytes) -> bytes:
        if self._unanswered is not None:  # what the server says first after a COMMIT is its answer
            self._unanswered.happened.set()
            raise Cut
        return data
