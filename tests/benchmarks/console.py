"""The console at work: the page of a run with 50 000 events in a real Chromium, and every list at a million runs.

`make bench-console`. Filling a million runs takes minutes and gigabytes; `--runs`, `--events` and `--only` ask for less.
"""

import argparse

# isort: off
from tests.benchmarks.stage import Stage, progress, served, throwaway_database  # first: it sets Django up

# isort: on
import httpx
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from tests.benchmarks.run_page import run_page_rows
from tests.benchmarks.staff_pages import staff_page_rows
from tests.benchmarks.table import load_average, print_table
from tests.many_runs import TABLES, fill

RUNS = 1_000_000
EVENTS = 50_000


def main() -> None:
    """Prints one table."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--runs", type=int, default=RUNS)
    wanted.add_argument("--events", type=int, default=EVENTS)
    wanted.add_argument("--only", choices=["page", "lists"])
    options = wanted.parse_args()
    with throwaway_database(durable=False) as stage:
        rows = measured(stage, options)
        print_table(
            rows, f"{options.runs} runs, events, messages, audit entries, deliveries and attempts", load_average()
        )


def measured(stage: Stage, options: argparse.Namespace) -> list[dict[str, object]]:
    """The lines of the table."""
    rows: list[dict[str, object]] = []
    key = _session()
    if options.only != "page":
        _fill(stage, options.runs)
        with served(stage, server="daphne") as (port, _):
            cookies = {settings.SESSION_COOKIE_NAME: key}
            base = f"http://127.0.0.1:{port}"
            with httpx.Client(base_url=base, cookies=cookies, trust_env=False, timeout=60) as browser:
                rows += staff_page_rows(browser, options.runs)
    if options.only != "lists":
        with served(stage, server="daphne") as (port, _):
            rows += run_page_rows(f"http://127.0.0.1:{port}", key, options.events)
    return rows


def _fill(stage: Stage, runs: int) -> None:
    stage.database.execute("SET synchronous_commit = off")
    fill(lambda statement: stage.database.execute(statement.encode()), runs, tell=progress)
    progress("vacuum")
    for table in TABLES:
        stage.database.execute(f"VACUUM (ANALYZE) {table}".encode())


def _session() -> str:
    """Of a superuser who is signed in."""
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("bench", password="bench"))
    return client.cookies[settings.SESSION_COOKIE_NAME].value


if __name__ == "__main__":
    main()
