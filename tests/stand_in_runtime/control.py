"""What a test tells the stand-in while it runs: one call, one line of text, one answer in JSON."""

import json
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio

from tests.stand_in_runtime.faults import Faults
from tests.stand_in_runtime.manners import Manners
from tests.stand_in_runtime.sessions import Sessions

METHOD = "/signalbox.StandIn/Do"


class Control:
    """`fault NAME@N`, `forget` (every session), `states` (of the sessions), `seen` (how it was called)."""

    def __init__(self, sessions: Sessions, faults: Faults, manners: Manners) -> None:
        self._sessions = sessions
        self._faults = faults
        self._manners = manners

    async def do(self, request: bytes, context: Any) -> bytes:
        verb, _, what = request.decode().partition(" ")
        verbs: dict[str, Callable[[str], object]] = {
            "fault": self._fault,
            "forget": self._forget,
            "states": self._states,
            "seen": self._seen,
        }
        return json.dumps(verbs[verb](what)).encode()

    def _fault(self, what: str) -> None:
        self._faults.add(what)

    def _forget(self, what: str) -> int:
        forgotten = list(self._sessions.logs)
        for session_id in forgotten:
            self._sessions.forget(session_id)
        return len(forgotten)

    def _states(self, what: str) -> dict[str, int]:
        return {session_id: log.state for session_id, log in self._sessions.logs.items()}

    def _seen(self, what: str) -> dict[str, dict[str, int]]:
        return self._manners.seen()

    def handler(self) -> grpc.GenericRpcHandler:
        """The one call as gRPC takes it."""
        _, service, method = METHOD.split("/")
        return grpc.method_handlers_generic_handler(service, {method: grpc.unary_unary_rpc_method_handler(self.do)})


def tell(address: str, line: str) -> Any:
    """What the stand-in at an address answers to one line."""
    with grpc.insecure_channel(address) as channel:
        return json.loads(channel.unary_unary(METHOD)(line.encode(), timeout=10))
