"""Threads of requests: kept for the next one, and in use by one request at a time."""

import asyncio
import threading
from concurrent.futures import Future

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async

from config.request_threads import RequestThread, RequestThreads
from tests.processes import wait_until

PATIENCE = 10


def name() -> str:
    return threading.current_thread().name


def running(request: RequestThread) -> tuple[threading.Event, Future[str]]:
    """A call that is under way until the event is set."""
    begun, over = threading.Event(), threading.Event()

    def call() -> str:
        begun.set()
        over.wait(PATIENCE)
        return name()

    future = request.submit(call)
    assert begun.wait(PATIENCE)
    return over, future


def test_a_thread_that_one_request_has_done_with_serves_the_next() -> None:
    threads = RequestThreads()
    names = {RequestThread(threads).submit(name).result(PATIENCE) for _ in range(20)}
    assert len(names) == 1


def test_two_requests_at_once_share_no_thread_and_calls_of_one_request_run_in_turn_on_one() -> None:
    threads = RequestThreads()
    first, second = RequestThread(threads), RequestThread(threads)
    over, one = running(first)
    another = first.submit(name)
    assert second.submit(name).result(PATIENCE) != threading.current_thread().name
    assert not another.done()
    over.set()
    assert one.result(PATIENCE) == another.result(PATIENCE)


def test_a_call_that_fails_gives_its_thread_back() -> None:
    threads = RequestThreads()
    with pytest.raises(ZeroDivisionError):
        RequestThread(threads).submit(lambda: 1 / 0).result(PATIENCE)
    over, one = running(RequestThread(threads))
    over.set()
    assert one.result(PATIENCE) == RequestThread(threads).submit(name).result(PATIENCE)


def test_threads_beyond_those_that_are_kept_end() -> None:
    before = set(threading.enumerate())
    threads = RequestThreads(most_kept=2)
    under_way = [running(RequestThread(threads)) for _ in range(6)]
    ours = {thread for thread in threading.enumerate() if thread.name.startswith("request")} - before
    assert len(ours) == 6
    for over, future in under_way:
        over.set()
        future.result(PATIENCE)
    wait_until(lambda: sum(thread.is_alive() for thread in ours) <= 2, within_s=PATIENCE)
    # It should have kept two, for the next two requests at once.
    again = [running(RequestThread(threads)) for _ in range(2)]
    for over, _ in again:
        over.set()
    assert {future.result(PATIENCE) for _, future in again} <= {thread.name for thread in ours}


def test_what_synchronous_code_remembers_of_a_request_is_not_seen_by_the_next() -> None:
    threads = RequestThreads()

    async def request(number: int) -> list[int]:
        seen = []
        async with ThreadSensitiveContext(executor=RequestThread(threads)):
            for _ in range(3):
                seen.append(await sync_to_async(lambda: number)())
                await asyncio.sleep(0)
        return seen

    async def together() -> list[list[int]]:
        return await asyncio.gather(*(request(number) for number in range(8)))

    assert asyncio.run(together()) == [[number] * 3 for number in range(8)]
