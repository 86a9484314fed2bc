"""The RPCs of the stand-in, in bytes: a frame may be anything, also one that cannot be read."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import Any

import grpc
import grpc.aio
from macp.v1 import core_pb2 as core
from macp.v1.envelope_pb2 import MACPError
from macp.v1.policy_pb2 import GetPolicyRequest, GetPolicyResponse

from tests.stand_in_runtime.delivery import Broken, Closed, Forgotten, delivered, live
from tests.stand_in_runtime.faults import Faults
from tests.stand_in_runtime.log import SessionLog
from tests.stand_in_runtime.manners import START, Manners
from tests.stand_in_runtime.playing import Player
from tests.stand_in_runtime.sessions import CREATED, TERMINAL, Sessions, lifecycle_frame

NAME = "signalbox-stand-in-runtime"
Context = Any  # grpc.aio.ServicerContext is untyped
Answer = Callable[[bytes, Context], Awaitable[bytes]]


class Service:
    """Handlers by RPC name. With a player every session plays by itself.

    `compaction`: what a subscription to an ended session is told of its history, by an `inline` frame or a `status`.
    """

    def __init__(
        self, sessions: Sessions, faults: Faults, manners: Manners, *, player: Player | None, compaction: str | None
    ) -> None:
        self._sessions = sessions
        self._faults = faults
        self._manners = manners
        self._player = player
        self._compaction = compaction

    async def initialize(self, request: bytes, context: Context) -> bytes:
        answer = core.InitializeResponse(selected_protocol_version="1.0", supported_modes=["macp.mode.decision.v1"])
        answer.runtime_info.name, answer.runtime_info.version = NAME, "0"
        answer.capabilities.sessions.stream = answer.capabilities.sessions.watch_sessions = True
        answer.capabilities.cancellation.cancel_session = True
        return bytes(answer.SerializeToString())

    async def send(self, request: bytes, context: Context) -> bytes:
        envelope = core.SendRequest.FromString(request).envelope
        is_start = envelope.message_type == "SessionStart"
        ack = self._sessions.send(envelope, identity_of(context))
        if self._player and is_start:
            self._player.begin()
        if is_start:
            with self._manners.answering(START):
                await self._manners.hesitate(START)
        if self._faults.next("lose-start" if is_start else "lose"):
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
        with self._manners.answering("StreamSession"):
            await self._manners.hesitate("StreamSession")
        if self._faults.next("silent"):
            await asyncio.Event().wait()
        log = await self._known(asked.subscribe_session_id, context)
        if identity_of(context) not in {log.initiator, *log.start.participants}:
            yield inline("FORBIDDEN", log.session_id)
            await asyncio.Event().wait()
        if self._compaction and log.state in TERMINAL:
            yield await self._compacted(log, context)
            await asyncio.Event().wait()
        try:
            async for frame in self._delivered(log, asked.after_sequence):
                yield frame
        except Closed:
            return
        except Broken as broken:
            await context.abort(grpc.StatusCode[broken.status], broken.text)
        except Forgotten:
            self._sessions.forget(log.session_id)
            await context.abort(grpc.StatusCode.NOT_FOUND, f"session {log.session_id} not found")

    async def _delivered(self, log: SessionLog, after: int) -> AsyncIterator[bytes]:
        player = self._player
        frames = player.delivered(log, after) if player else live(log, after)

        def earlier(ordinal: int) -> bytes:
            return player.frame(log, ordinal) if player else log.frames[ordinal - 1]

        error = inline("INVALID_ENVELOPE", log.session_id)
        async for frame in delivered(frames, self._faults, earlier=earlier, inline=error):
            yield frame
        await asyncio.Event().wait()  # like the real one, it does not close the stream of an ended session

    async def _compacted(self, log: SessionLog, context: Context) -> bytes:
        text = f"history before ordinal {self._player.last if self._player else len(log.frames)} is compacted"
        if self._compaction == "status":
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"HISTORY_UNAVAILABLE: {text}")
        return inline("INVALID_ENVELOPE", log.session_id, text)

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
        unary = {
            "Initialize": self.initialize,
            "Send": self.send,
            "GetSession": self.get_session,
            "GetPolicy": self.get_policy,
        }
        for verb in ("Cancel", "Suspend", "Resume"):
            request, response = getattr(core, f"{verb}SessionRequest"), getattr(core, f"{verb}SessionResponse")
            unary[f"{verb}Session"] = self._steer(f"{verb}Session", request, response)
        rpcs = {
            "StreamSession": grpc.stream_stream_rpc_method_handler(self.stream_session),
            "WatchSessions": grpc.unary_stream_rpc_method_handler(self.watch_sessions),
            "WatchSignals": grpc.unary_stream_rpc_method_handler(self.watch_signals),
        }
        rpcs |= {name: grpc.unary_unary_rpc_method_handler(self._mannered(name, rpc)) for name, rpc in unary.items()}
        offered = {name: handle for name, handle in rpcs.items() if name not in without}
        return grpc.method_handlers_generic_handler("macp.v1.MACPRuntimeService", offered)

    def _mannered(self, name: str, answer: Answer) -> Answer:
        async def handle(request: bytes, context: Context) -> bytes:
            with self._manners.answering(name):
                if self._manners.refuses(name):
                    await context.abort(grpc.StatusCode.PERMISSION_DENIED, f"FORBIDDEN: {name} is refused here")
                await self._manners.hesitate(name)
                return await answer(request, context)

        return handle

    async def _known(self, session_id: str, context: Context) -> SessionLog:
        log = self._sessions.logs.get(session_id)
        if log is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"session {session_id} not found")
        assert log is not None
        return log


def inline(code: str, session_id: str, message: str = "said by a test") -> bytes:
    """An error frame in the newer manner."""
    error = MACPError(code=code, message=f"{code}: {message}", session_id=session_id)
    return bytes(core.StreamSessionResponse(error=error).SerializeToString())


def identity_of(context: Context) -> str:
    """As on a development runtime, the bearer token is the sender's name."""
    for key, value in context.invocation_metadata() or ():
        if key == "authorization":
            return str(value).removeprefix("Bearer ")
    return ""
