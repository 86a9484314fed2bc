"""A child that leads others is asked alone to end: it knows in which order they have to."""

import asyncio
import subprocess
import sys
from unittest.mock import Mock

from config.children import Child, ChildSpec
from config.process_identity import ProcessIdentity
from config.watcher import Watcher, stop_all

# The member says whether SIGTERM came before its leader told it to end (with a signal of a higher number: of two that
# wait, the lower one is delivered first).
LEADER = """
import os, signal, time
said = []
member = os.fork()
if not member:
    signal.signal(signal.SIGTERM, lambda *_: said.append("asked"))
    signal.signal(signal.SIGWINCH, lambda *_: os._exit(print("member ends", *said, flush=True) or 0))
    print("ready", flush=True)
else:
    signal.signal(signal.SIGTERM, lambda *_: (os.kill(member, signal.SIGWINCH), os.wait(), os._exit(0)))
while True:
    time.sleep(60)
"""
COMMAND = [sys.executable, "-c", LEADER]


def test_a_retired_child_ends_its_own_children_undisturbed() -> None:
    lines: list[str] = []

    async def live_and_retire() -> None:
        ready = asyncio.Event()

        def hear(line: str) -> None:
            lines.append(line)
            ready.set()

        child = Child(ChildSpec("it", COMMAND, {}), watcher=Mock(spec=Watcher), say=hear, changed=lambda: None)
        life = asyncio.create_task(child.live())
        await asyncio.wait_for(ready.wait(), 10)
        child.retire()
        assert await asyncio.wait_for(life, 10) == 0

    asyncio.run(live_and_retire())
    assert lines == ["it | ready", "it | member ends"]


def test_the_watcher_lets_a_leader_end_its_own_children() -> None:
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        leader = ProcessIdentity.of(process.pid)
        assert leader is not None
        stop_all({leader: "group"})
        assert process.stdout.read() == "member ends\n"
    assert process.returncode == 0
