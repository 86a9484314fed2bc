"""A child that leads others: asked alone to end, for it knows in which order they have to; and missed when it dies."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from unittest.mock import Mock

from config.children import Child, ChildSpec
from config.process_identity import ProcessIdentity
from config.watcher import Watcher, stop_all

# The member says whether SIGTERM came before its leader told it to end (with a signal of a higher number: of two that
# wait, the lower one is delivered first).
LEADER = """
import os, signal, time
said = []
listening, tell = os.pipe()
member = os.fork()
if not member:
    signal.signal(signal.SIGTERM, lambda *_: said.append("asked"))
    signal.signal(signal.SIGWINCH, lambda *_: os._exit(print("member ends", *said, flush=True) or 0))
    os.write(tell, b".")
else:
    signal.signal(signal.SIGTERM, lambda *_: (os.kill(member, signal.SIGWINCH), os.wait(), os._exit(0)))
    os.read(listening, 1)  # ready is who listens to signals, both of them
    print("ready", flush=True)
while True:
    time.sleep(60)
"""
COMMAND = [sys.executable, "-c", LEADER]


async def life_until(deed: Callable[[Child], None], lines: list[str]) -> int:
    """The exit status of a child to which `deed` was done once it was ready; what it said is in `lines`."""
    ready = asyncio.Event()

    def hear(line: str) -> None:
        lines.append(line)
        ready.set()

    child = Child(ChildSpec("it", COMMAND, {}), watcher=Mock(spec=Watcher), say=hear, changed=lambda: None)
    life = asyncio.create_task(child.live())
    await asyncio.wait_for(ready.wait(), 10)
    deed(child)
    return await asyncio.wait_for(life, 10)


def test_a_retired_child_ends_its_own_children_undisturbed() -> None:
    lines: list[str] = []

    assert asyncio.run(life_until(Child.retire, lines)) == 0
    assert lines == ["it | ready", "it | member ends"]


def test_the_death_of_a_leader_is_noticed_though_its_children_live_and_they_die_with_it() -> None:
    def kill(child: Child) -> None:
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)

    lines: list[str] = []
    # Its members hold the pipe: that the life ends at all, says that they were not waited for.
    assert asyncio.run(life_until(kill, lines)) == -signal.SIGKILL
    assert lines == ["it | ready"]


def test_the_watcher_lets_a_leader_end_its_own_children() -> None:
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        leader = ProcessIdentity.of(process.pid)
        assert leader is not None
        stop_all({leader: "group"})
        assert process.stdout.read() == "member ends\n"
    assert process.returncode == 0
