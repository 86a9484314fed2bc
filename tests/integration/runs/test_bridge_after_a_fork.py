"""The bridge in a forked child: its threads are its own."""

import asyncio
import os

import pytest

from runs.bridge import rows

pytestmark = pytest.mark.django_db(transaction=True)

WITHIN_S = 20


def test_a_child_forked_after_the_first_use_does_not_wait_for_its_parents_threads() -> None:
    assert asyncio.run(rows(os.getpid)) == os.getpid()
    child = os.fork()
    if child == 0:
        # Nothing of the test's own clean-up belongs to the child.
        try:
            answered = asyncio.run(asyncio.wait_for(rows(os.getpid), WITHIN_S))
        except BaseException:
            os._exit(2)
        os._exit(0 if answered == os.getpid() else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
