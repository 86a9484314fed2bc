"""The bridge in a forked child: its threads are its own."""

import subprocess
import sys

import pytest

from tests.beside import environment_of
from tests.processes import PROJECT

pytestmark = pytest.mark.django_db(transaction=True)

# In a process of its own, which has no other threads that could hold a lock while it forks.
FORKED = """
import asyncio, os, sys
import django
django.setup()
from runs.bridge import rows
assert asyncio.run(rows(os.getpid)) == os.getpid()
child = os.fork()
if not child:
    try:
        answered = asyncio.run(asyncio.wait_for(rows(os.getpid), 20))
    except BaseException:
        os._exit(2)
    os._exit(0 if answered == os.getpid() else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_child_forked_after_the_first_use_does_not_wait_for_its_parents_threads() -> None:
    command = [sys.executable, "-c", FORKED]
    ended = subprocess.run(
        command, check=False, cwd=PROJECT, env=environment_of(), capture_output=True, text=True, timeout=90
    )
    assert ended.returncode == 0, ended.stderr
