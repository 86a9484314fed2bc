"""How fast the MACP adapter reads: gRPC, decoding and merging, without a database.

python -m tests.benchmarks.read_macp --events 50000 --sessions 8
"""

import argparse
import asyncio
import os
import time
from uuid import uuid4

from runs.domain.events import ObservationKind
from runs.runtimes.macp.client import MacpRuntime
from runs.runtimes.macp.codec import read_frame
from runs.runtimes.macp.settings import MacpSettings
from tests.plans import a_plan
from tests.runtime_process import StandInRuntime
from tests.stand_in_runtime.load import in_session, prepared


async def read_one(runtime: MacpRuntime, envelopes: int) -> None:
    """A load session is started and read to its Commitment."""
    plan = a_plan(run_id=str(uuid4()), session_id=str(uuid4()))
    session = runtime.attach(plan, adapter_state=None)
    await session.start(runtime.encode_start(plan))
    async for observation in session.observe(0):
        envelopes -= observation.kind is ObservationKind.ENVELOPE
        if envelopes == 0:
            break


async def read_all(address: str, sessions: int, envelopes: int) -> tuple[float, float]:
    """Seconds by the clock and of this process's CPU to read `envelopes` in each of `sessions`."""
    runtime = MacpRuntime(MacpSettings(address=address, allow_insecure=True, dev_senders=True))
    await runtime.initialize()
    clock, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(read_one(runtime, envelopes) for _ in range(sessions)))
    spent = time.perf_counter() - clock, time.process_time() - cpu
    await runtime.close()
    return spent


def decode(events: int) -> float:
    """Seconds to decode as many frames without any transport."""
    frames = [in_session(str(uuid4()), envelope) for envelope in prepared(events)]
    began = time.process_time()
    for frame in frames:
        read_frame(frame)
    return time.process_time() - began


def main() -> None:
    """Prints one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--sessions", type=int, default=8)
    wanted = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"decode only            {wanted.events / decode(wanted.events):>9.0f} envelopes/CPU-s")
    for sessions in sorted({1, wanted.sessions}):
        each = wanted.events // sessions
        stand_in = StandInRuntime("--script", "load", "--events", str(each))
        try:
            clock, cpu = asyncio.run(read_all(stand_in.address, sessions, each + 2))
        finally:
            stand_in.stop()
        read = sessions * (each + 2)
        print(f"{sessions:>3} session(s)         {read / clock:>9.0f} envelopes/s  {read / cpu:>9.0f} envelopes/CPU-s")


if __name__ == "__main__":
    main()
