"""The RPCs of the stand-in, in bytes: a frame may be anything, also one that cannot be read."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from time import time
from typing import Any

import grpc
import grpc.aio
from macp.v1 import core_pb2 as core
from macp.v1.envelope_pb2 import MACPError
from macp.v1.policy_pb2 import GetPolicyRequest, GetPolicyResponse

from tests.stand_in_runtime.faults import Faults
from tests.stand_in_runtime.load import in_session, prepared
from tests.stand_in_runtime.log import OPEN, POISON, RESOLVED, SessionLog
from tests.stand_in_runtime.sessions import CREATED, SAYS_RESOLVED, Sessions, lifecycle_frame

NAME = "signalbox-stand-in-runtime"
Context = Any  # grpc.aio.ServicerContext is untyped


class Service:
    """Handlers by RPC name. `events` > 0: every session plays that many prepared messages and resolves."""

    def __init__(self, sessions: Sessions, faults: Faults, *, events: int, rate: float) -> None:
        self._sessions = sessions
        self._faults = faults
        self._prepared = prepared(events) if events else []
        self._rate = rate

    async def initialize(self, request: bytes, context: Context) -> bytes:
        answer = core.InitializeResponse(selected_protocol_version="1.0", supported_modes=["macp.mode.decision.v1"])
        answer.runtime_info.name, answer.runtime_info.version = NAME, "0"
        answer.capabilities.sessions.stream = answer.capabilities.sessions.watch_sessions = True
        answer.capabilities.cancellation.cancel_session = True
        return bytes(answer.SerializeToString())

    async def send(self, request: bytes, context: Context) -> bytes:
        envelope = core.SendRequest.FromString(request).envelope
        fault = "lose-start" if envelope.message_type == "SessionStart" else "lose"
        ack = self._sessions.send(envelope, identity_of(context))
        if self._faults.next(fault):
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the answer is lost")
        return bytes(core.SendResponse(ack=ack).SerializeToString())

    async def get_session(self, request: bytes, context: Context) -> bytes:
        log = await self._known(core.GetSessionRequest.FromString(request).session_id, context)
        return bytes(core.GetSessionResponse(metadata=log.metadata()).SerializeToString())

    def _steer(self, rpc: str, request_type: Any, response_type: Any) -> Callable[[bytes, Context], Any]:
        async def handle(request: bytes, context: Context) -> bytes:
            log = await self._known(request_type.FromString(request).session_id, context)
            if identity_of(context) != log.initiator:
                await context.abort(grpc.StatusCode.PERMISSION_DENIED, "FORBIDDEN: only the initiator")
            return bytes(response_type(ack=self._sessions.steering(rpc)(log.session_id)).SerializeToString())

        return handle

    async def get_policy(self, request: bytes, context: Context) -> bytes:
        if GetPolicyRequest.FromString(request).policy_id != "policy.default":
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such policy")
        return bytes(GetPolicyResponse().SerializeToString())

    async def stream_session(self, requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        await context.send_initial_metadata(())
        asked = core.StreamSessionRequest.FromString(await anext(requests))
        if self._faults.next("silent"):
            await asyncio.Event().wait()
        log = await self._known(asked.subscribe_session_id, context)
        if identity_of(context) not in {log.initiator, *log.start.participants}:
            yield inline("FORBIDDEN", log.session_id)
            await asyncio.Event().wait()
        frames = self._played(log, asked.after_sequence) if self._prepared else live(log, asked.after_sequence)
        async for ordinal, frame in frames:
            if frame is None:
                await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "STREAM_LAGGED: too slow")
                return
            if self._faults.at("inline", ordinal):
                yield inline("INVALID_ENVELOPE", log.session_id)
            if self._faults.at("drop", ordinal):
                await context.abort(grpc.StatusCode.UNAVAILABLE, "the stream is dropped")
            if self._faults.at("close", ordinal):
                return
            yield frame
        await asyncio.Event().wait()  # like the real one, it does not close the stream of an ended session

    async def _played(self, log: SessionLog, after: int) -> AsyncIterator[tuple[int, bytes | None]]:
        """The prepared log of a load session, as fast as it is read or at `rate` a second since its start."""
        if after == 0:
            yield 1, log.frames[0]
        for ordinal in range(max(after, 1) + 1, len(self._prepared) + 2):
            if self._rate:
                await asyncio.sleep(max(0.0, log.began_at + (ordinal - 1) / self._rate - time()))
            log.activity["load"] = max(log.activity["load"], ordinal - 1)
            poisoned = self._faults.poisons(ordinal)
            yield ordinal, POISON if poisoned else in_session(log.session_id, self._prepared[ordinal - 2])
        if log.state == OPEN:
            self._sessions.move(log, RESOLVED, SAYS_RESOLVED)

    async def watch_sessions(self, request: bytes, context: Context) -> AsyncIterator[bytes]:
        watcher: asyncio.Queue[bytes] = asyncio.Queue()
        self._sessions.lifecycle.add(watcher)
        try:
            await context.send_initial_metadata(())
            for frame in [lifecycle_frame(CREATED, log) for log in self._sessions.logs.values()]:
                yield frame
            while True:
                yield await watcher.get()
        finally:
            self._sessions.lifecycle.discard(watcher)

    async def watch_signals(self, request: bytes, context: Context) -> AsyncIterator[bytes]:
        watcher: asyncio.Queue[bytes] = asyncio.Queue()
        self._sessions.signals.add(watcher)
        try:
            await context.send_initial_metadata(())
            while True:
                yield await watcher.get()
        finally:
            self._sessions.signals.discard(watcher)

    def handler(self, *, without: Collection[str] = ()) -> grpc.GenericRpcHandler:
        """The service as gRPC takes it; an RPC that is not named here, or that it is `without`, is UNIMPLEMENTED."""
        rpcs = {
            "Initialize": grpc.unary_unary_rpc_method_handler(self.initialize),
            "Send": grpc.unary_unary_rpc_method_handler(self.send),
            "GetSession": grpc.unary_unary_rpc_method_handler(self.get_session),
            "GetPolicy": grpc.unary_unary_rpc_method_handler(self.get_policy),
            "StreamSession": grpc.stream_stream_rpc_method_handler(self.stream_session),
            "WatchSessions": grpc.unary_stream_rpc_method_handler(self.watch_sessions),
            "WatchSignals": grpc.unary_stream_rpc_method_handler(self.watch_signals),
        }
        for verb in ("Cancel", "Suspend", "Resume"):
            request, response = getattr(core, f"{verb}SessionRequest"), getattr(core, f"{verb}SessionResponse")
            handle = self._steer(f"{verb}Session", request, response)
            rpcs[f"{verb}Session"] = grpc.unary_unary_rpc_method_handler(handle)
        offered = {name: handle for name, handle in rpcs.items() if name not in without}
        return grpc.method_handlers_generic_handler("macp.v1.MACPRuntimeService", offered)

    async def _known(self, session_id: str, context: Context) -> SessionLog:
        log = self._sessions.logs.get(session_id)
        if log is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"session {session_id} not found")
        assert log is not None
        return log


async def live(log: SessionLog, after: int) -> AsyncIterator[tuple[int, bytes | None]]:
    """The log after an ordinal, then whatever is appended; no frame when the reader lagged behind."""
    missed, reader = log.join(after)
    try:
        for ordinal, frame in missed:
            yield ordinal, frame
        while (following := await reader.get()) is not None:
            yield following
        yield 0, None
    finally:
        log.readers.discard(reader)


def inline(code: str, session_id: str) -> bytes:
    """An error frame in the newer manner."""
    error = MACPError(code=code, message=f"{code}: said by a test", session_id=session_id)
    return bytes(core.StreamSessionResponse(error=error).SerializeToString())


def identity_of(context: Context) -> str:
    """As on a development runtime, the bearer token is the sender's name."""
    for key, value in context.invocation_metadata() or ():
        if key == "authorization":
            return str(value).removeprefix("Bearer ")
    return ""
