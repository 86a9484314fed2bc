"""The plan of every claim and sweep on 1 000 000 runs that have ended, on a throw-away database.

`make sweep-plans`. The statements are those the code issues; tests/integration/runs/test_sweep_plans.py looks at the same on
a tenth of it.
"""

# isort: off
from tests.benchmarks.stage import progress, throwaway_database  # first: it sets Django up

# isort: on
from django.db import connection, transaction

from tests.benchmarks.processes import machine
from tests.history import HOT, fill, plan_of

RUNS = 1_000_000
OPTIONS = "ANALYZE, COSTS OFF, TIMING OFF, SUMMARY ON"


def main() -> None:
    """Prints one plan after the other; what they change is taken back."""
    with throwaway_database(durable=False) as stage:
        print(f"{machine()}, PostgreSQL {stage.row('SHOW server_version')[0]}, {RUNS} runs")
        progress("fill")
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
        fill(runs=RUNS)
        for name, hot in HOT.items():
            progress(name)
            with transaction.atomic():
                print("", f"== {name}", plan_of(hot.issue, options=OPTIONS), sep="\n")
                transaction.set_rollback(True)


if __name__ == "__main__":
    main()
