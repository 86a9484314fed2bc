"""An observer beside the test, in a thread of its own, so that the test may wait for what it carries out."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from uuid import UUID

from runs.models import Run
from runs.observer.supervisor import Observer
from tests.integration.runs.test_observe_run import launch

PATIENCE_SECONDS = 20


@contextlib.contextmanager
def observing() -> Iterator[None]:
    """An observer works until the block ends; then it has stopped politely. What it died of is raised."""
    ready = threading.Event()
    stops: list[Callable[[], object]] = []
    failures: list[BaseException] = []

    async def observe() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        stops.append(lambda: loop.call_soon_threadsafe(stop.set))
        ready.set()
        await Observer().run(stop)

    def work() -> None:
        try:
            asyncio.run(observe())
        except BaseException as failure:
            failures.append(failure)
        finally:
            ready.set()

    thread = threading.Thread(target=work, name="observing", daemon=True)
    thread.start()
    ready.wait(PATIENCE_SECONDS)
    try:
        yield
    finally:
        with contextlib.suppress(RuntimeError):  # its loop is closed: it has died, and why is raised below
            stops[0]()
        thread.join(PATIENCE_SECONDS)
    if failures:
        raise failures[0]
    assert not thread.is_alive(), "the observer does not stop"


def wait_for(condition: Callable[[], object], what: str = "it") -> None:
    """Returns once `condition` holds of the rows, which another thread or process writes."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen in time"
        time.sleep(0.01)


def silent_run(**changes: object) -> UUID:
    """A run whose participants say nothing unasked, once an observer beside the test has brought it to running."""
    scripted = {"kind": "scripted", "options": {"scenario": "silent"}}
    return running(**{"runtime": scripted, **changes})


def running(**changes: object) -> UUID:
    """A launched run, once it is running."""
    run_id = launch(**changes)
    wait_for(lambda: Run.objects.get(id=run_id).status not in ("queued", "starting", "binding_session"), "the start")
    run = Run.objects.get(id=run_id)
    assert run.status == "running", run.error_message
    return run_id
