"""Pages for staff beside very many runs: how long the server takes for each, as somebody who is signed in asks for it."""

import time
from collections.abc import Iterator
from statistics import median

import httpx

from tests.benchmarks.stage import progress
from tests.staff_addresses import Addresses

TIMES = 7
GOAL_MS = 200
PAGES = 40

Row = dict[str, object]


def staff_page_rows(browser: httpx.Client, runs: int) -> Iterator[Row]:
    """The lines of the table, one for each page."""
    for what, address in Addresses(runs, pages=PAGES).all().items():
        taken = sorted(_milliseconds(browser, address) for _ in range(TIMES))
        row: Row = {
            "what": what,
            "times": TIMES,
            "median ms": f"{median(taken):.0f}",
            "most ms": f"{taken[-1]:.0f}",
            "goal": GOAL_MS,
        }
        progress(" | ".join(map(str, row.values())))
        yield row


def _milliseconds(browser: httpx.Client, address: str) -> float:
    began = time.perf_counter()
    answer = browser.get(address)
    if answer.status_code != 200:
        raise SystemExit(f"{address} answered {answer.status_code}")
    return (time.perf_counter() - began) * 1_000
