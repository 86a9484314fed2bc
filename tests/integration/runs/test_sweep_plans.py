"""Claims and sweeps look at what is open, however much has ended (L11). At a million runs: `make sweep-plans`."""

import pytest
from django.db import connection

from tests.history import HOT, OPEN, fill, plan_of

HISTORY = 100_000
TABLES = ("runs_run", "runs_outboundmessage")


@pytest.mark.django_db
@pytest.mark.handmade_rows("a history that only planners look at")
def test_no_claim_and_no_sweep_reads_the_history_l11() -> None:
    fill(runs=HISTORY)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(*) FILTER (WHERE ending_seq IS NULL) FROM runs_run")
        assert cursor.fetchone() == (HISTORY + 1, OPEN + 1)

    plans = {name: plan_of(hot.issue) for name, hot in HOT.items()}
    scans = [(name, plan) for name, plan in plans.items() for table in TABLES if f"Seq Scan on {table}" in plan]
    assert scans == []
    # It should be the index that was made for it.
    assert [(name, plans[name]) for name, hot in HOT.items() if not hot.is_served_by(plans[name])] == []
