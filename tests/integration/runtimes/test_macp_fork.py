"""gRPC does not survive a fork, so importing and building the adapter must not create anything of it."""

import os
import subprocess
import sys

from tests.integration.runtimes.conftest import StartStandIn
from tests.runtime_process import ROOT

FORKED = """
import asyncio, os, sys, threading
from runs.runtimes.macp.client import MacpRuntime
from runs.runtimes.macp.settings import MacpSettings
from tests.plans import a_message, a_plan

settings = MacpSettings(address=sys.argv[1], allow_insecure=True, dev_senders=True)
runtime = MacpRuntime(settings)
plan = a_plan()
session = runtime.attach(plan, adapter_state=None)
start = runtime.encode_start(plan)
message = runtime.encode_message(plan, a_message(1))
assert threading.active_count() == 1, "a thread before the fork"

async def talk(who):
    async with asyncio.timeout(10):
        assert (await session.start(start)).ack.ok
        assert (await session.send(message)).ack.ok
        print(who, (await runtime.initialize()).name, flush=True)
        await runtime.close()

child = os.fork()
asyncio.run(talk("parent" if child else "child"))
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_an_adapter_that_was_built_before_a_fork_works_on_both_sides(start_stand_in: StartStandIn) -> None:
    command = [sys.executable, "-c", FORKED, start_stand_in().address]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}

    told = subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30)

    assert told.returncode == 0, told.stderr
    assert sorted(line.split()[0] for line in told.stdout.splitlines()) == ["child", "parent"]
