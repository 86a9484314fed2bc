"""Start the stand-in; it prints its port on a line of its own and stops at SIGTERM."""

import argparse
import asyncio
import signal
from pathlib import Path

import grpc.aio

from tests.stand_in_runtime.control import Control
from tests.stand_in_runtime.faults import NAMES, Faults
from tests.stand_in_runtime.manners import Manners, seconds_by_call
from tests.stand_in_runtime.playing import Player
from tests.stand_in_runtime.service import Service
from tests.stand_in_runtime.sessions import Sessions

OPTIONS = [
    ("grpc.max_concurrent_streams", 128),
    ("grpc.so_reuseport", 0),
    # Like the real one it takes any number of pings; this library would cut off whoever pings a quiet connection often.
    ("grpc.http2.max_ping_strikes", 0),
]


async def serve(wanted: argparse.Namespace) -> None:
    """Serves until SIGTERM or SIGINT."""
    faults, manners = Faults(wanted.fault), Manners(slow=seconds_by_call(wanted.slow), refused=wanted.refuse)
    sessions = Sessions(faults, wanted.data)
    plays = wanted.script == "load" and wanted.events
    player = Player(sessions, faults, events=wanted.events, rate=wanted.rate) if plays else None
    service = Service(sessions, faults, manners, player=player, compaction=wanted.compact)
    server = grpc.aio.server(options=OPTIONS)
    control = Control(sessions, faults, manners)
    server.add_generic_rpc_handlers((service.handler(without=wanted.without), control.handler()))
    port = server.add_insecure_port(f"127.0.0.1:{wanted.port}")
    await server.start()
    if player:
        player.begin()
    print(port, flush=True)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await stopping.wait()
    await server.stop(0)


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description="A MACP runtime for benchmarks and fault tests.")
    parser.add_argument("--port", type=int, default=0, help="0 = any free one")
    parser.add_argument(
        "--script", choices=("none", "load"), default="none", help="load: every session plays by itself"
    )
    parser.add_argument("--events", type=int, default=5000, help="messages of a load session between start and end")
    parser.add_argument("--rate", type=float, default=0.0, help="messages a second and session; 0 = as fast as read")
    parser.add_argument("--data", type=Path, help="folder that survives restarts; without it sessions do not")
    named = "; ".join(f"{name}: {meaning}" for name, meaning in NAMES.items())
    parser.add_argument("--fault", action="append", default=[], metavar="NAME@N", help=named)
    parser.add_argument("--without", action="append", default=[], metavar="RPC", help="answer it with UNIMPLEMENTED")
    parser.add_argument("--refuse", action="append", default=[], metavar="RPC", help="answer it with PERMISSION_DENIED")
    parser.add_argument(
        "--slow", action="append", default=[], metavar="RPC=SECONDS", help="answer it late; Start: only a SessionStart"
    )
    parser.add_argument(
        "--compact", choices=("inline", "status"), help="the history of an ended session is gone, and how that is said"
    )
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(serve(arguments()))
