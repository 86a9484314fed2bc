"""Waking a crowd of streams sets off no collection: all of them would wait for it. Seen in a process of its own."""

import subprocess
import sys

CROWD = """
import asyncio, gc
{prepared}

async def reader(waiting, number):
    while True:
        waiting[number] = asyncio.get_running_loop().create_future()
        await waiting[number]

async def main():
    waiting = [None] * 3000
    readers = [asyncio.ensure_future(reader(waiting, number)) for number in range(3000)]
    await asyncio.sleep(0)
    before = sum(generation["collections"] for generation in gc.get_stats()[1:])
    for _ in range(100):
        for one in waiting:
            one.set_result(None)
        await asyncio.sleep(0)
    print(sum(generation["collections"] for generation in gc.get_stats()[1:]) - before)

asyncio.run(main())
"""
SELDOM = "from config.garbage import collect_seldom; collect_seldom()"


def collections(prepared: str) -> int:
    """How often more than the youngest objects were looked through while a crowd was woken a hundred times."""
    done = subprocess.run(
        [sys.executable, "-c", CROWD.format(prepared=prepared)], capture_output=True, text=True, check=True, timeout=60
    )
    return int(done.stdout)


def test_a_crowd_that_is_woken_is_not_looked_through() -> None:
    assert collections(SELDOM) == 0


def test_by_itself_the_interpreter_would() -> None:
    assert collections("") > 0


def test_what_was_there_at_the_start_is_never_looked_through() -> None:
    asked = f"{SELDOM}; import gc; print(gc.get_freeze_count())"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stdout) > 1_000
