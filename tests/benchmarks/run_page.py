"""The page of a long run in a real Chromium: how soon it can be used, and how long a frame takes while somebody scrolls."""

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from django.db import connections
from playwright.sync_api import Page

from tests.benchmarks.long_run import LongRun
from tests.benchmarks.stage import progress
from tests.watching.staff import RunPage, StaffBrowser

OPENED = 7
SECONDS = 5
RATE = 50
USABLE_MS, FRAME_MS = 1_000, 100
WHEEL_PX = 120  # a frame, as a wheel turned fast does it
WHOLE_LOG_IN_FRAMES = 120  # as somebody who drags the bar

# The newest line has its words, and the head its values; on the clock that begins with the navigation.
TELLS_WHEN_USABLE = """(() => {
  const isUsable = () => {
    const page = document.getElementById('run');
    const line = page && page.querySelector(`.line[data-seq="${page.dataset.lastSeq}"] .line-what`);
    return line && line.textContent !== '…' && page.querySelector('[data-field=status]').textContent !== '';
  };
  const look = () => {
    if (isUsable()) window.usableAt = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()"""
USABLE_AT = "() => window.usableAt ?? null"
SCROLLED = """async ({ milliseconds, pixels, frames }) => {
  const box = document.querySelector('[data-part=timeline]');
  const tasks = [0];
  const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map((task) => task.duration)));
  observer.observe({ type: 'longtask' });
  const gaps = [];
  const begun = performance.now();
  let before = begun;
  let direction = -1;
  await new Promise((resolve) => {
    const frame = () => {
      const now = performance.now();
      gaps.push(now - before);
      before = now;
      if (now - begun >= milliseconds) return resolve();
      const span = box.scrollHeight - box.clientHeight;
      if (box.scrollTop <= 0) direction = 1;
      if (box.scrollTop >= span - 1) direction = -1;
      box.scrollTop += direction * (pixels ?? span / frames);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  observer.disconnect();
  return { gaps, longest: Math.max(...tasks) };
}"""
BY_WHEEL: Mapping[str, int | None] = {"pixels": WHEEL_PX, "frames": None}
BY_THE_BAR: Mapping[str, int | None] = {"pixels": None, "frames": WHOLE_LOG_IN_FRAMES}

Row = dict[str, object]


def run_page_rows(base: str, key: str, events: int) -> list[Row]:
    """The lines of the table."""
    progress(f"a run of {events} events")
    long = LongRun(events)
    with _browser(base, key) as browser:
        page = RunPage(browser, base, long.run)
        opened = [_opened(page) for _ in range(OPENED + 1)][1:]  # the first fills the caches of both sides
        rows = [_row(f"run page, {events} events: navigation to usable", opened, USABLE_MS)]
        rows += _scrolled(browser, "wheel, right after opening", BY_WHEEL)
        rows += _scrolled(browser, "bar, through all of it", BY_THE_BAR)
        with _goes_on(long):
            rows += _scrolled(browser, f"wheel, {RATE} events/s arriving", BY_WHEEL)
            rows += _scrolled(browser, f"bar, {RATE} events/s arriving", BY_THE_BAR)
    return rows


def _opened(page: RunPage) -> float:
    page.open()
    page.browser.wait_for(lambda: page.browser.asks(USABLE_AT) is not None, "the newest line")
    return float(page.browser.asks(USABLE_AT))


def _scrolled(browser: StaffBrowser, how: str, pace: Mapping[str, int | None]) -> list[Row]:
    progress(f"scrolling by the {how}")
    asked = {"milliseconds": SECONDS * 1_000, **pace}

    def scroll(page: Page) -> Any:
        return page.evaluate(SCROLLED, asked)

    found = browser.do(scroll)
    frames = _row(f"scrolling {SECONDS} s by the {how}: frames", found["gaps"], FRAME_MS)
    return [
        frames,
        {
            **frames,
            "what": "the same: longest task",
            "times": "",
            "median ms": "",
            "most ms": f"{found['longest']:.0f}",
        },
    ]


def _row(what: str, milliseconds: list[float], goal: int) -> Row:
    return {
        "what": what,
        "times": len(milliseconds),
        "median ms": f"{median(milliseconds):.0f}",
        "most ms": f"{max(milliseconds):.0f}",
        "goal": goal,
    }


@contextlib.contextmanager
def _browser(base: str, key: str) -> Iterator[StaffBrowser]:
    browser = StaffBrowser()
    try:
        browser.signs_in(base, key)
        browser.do(lambda page: page.add_init_script(TELLS_WHEN_USABLE))
        yield browser
        if browser.problems:
            raise SystemExit(f"the page complained: {browser.problems}")
    finally:
        browser.close()


@contextlib.contextmanager
def _goes_on(long: LongRun) -> Iterator[None]:
    """Messages of the run are recorded at their times, about RATE events a second."""
    stop = threading.Event()

    def talk() -> None:
        begun, first = time.monotonic(), long.last_seq
        while not stop.is_set():
            late = (time.monotonic() - begun) * RATE - (long.last_seq - first)
            if late >= 1:
                long.goes_on()
            else:
                stop.wait(1 / RATE)
        connections.close_all()

    talking = threading.Thread(target=talk)
    talking.start()
    try:
        yield
    finally:
        stop.set()
        talking.join()
