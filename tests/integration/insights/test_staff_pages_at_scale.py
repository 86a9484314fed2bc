"""What the pages for staff look at stays the same however many runs, events, audit entries and deliveries there are.

How long they take at a million: `make bench-console`.
"""

from collections.abc import Iterator

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client

from insights import run_rows
from insights.pages import ownership
from runs.admin import bounded
from tests.looked_at import looks_of
from tests.many_runs import ENDPOINTS, TABLES, fill
from tests.staff_addresses import Addresses
from webhooks.admin import figures

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db,
    pytest.mark.handmade_rows("a crowd that only planners look at"),
]
RUNS = 30_000
# What a page may look at, smaller than in service by as much as the crowd is.
LOOKED_AT, COUNTED = 1_000, 500
MOST_ROWS = 12_000  # COUNTED runs with a tag that one in twenty has are found among ten thousand


@pytest.fixture
def staff(client: Client, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A superuser in front of many runs."""
    monkeypatch.setattr(run_rows, "LOOKED_AT", LOOKED_AT)
    monkeypatch.setattr(ownership, "LOOKED_AT", LOOKED_AT)
    monkeypatch.setattr(bounded, "COUNTED_ROWS", COUNTED)
    monkeypatch.setattr(bounded, "LOOKED_AT", LOOKED_AT)
    monkeypatch.setattr(figures, "COUNTED", COUNTED // ENDPOINTS)
    monkeypatch.setattr(figures, "MEASURED_ATTEMPTS", COUNTED // ENDPOINTS)
    with connection.cursor() as cursor:
        fill(cursor.execute, RUNS)
        # What tests before have rolled back still lies in the indexes, and would make the planner think little of them.
        cursor.execute("; ".join(f"REINDEX TABLE {table}" for table in TABLES))
        cursor.execute(f"ANALYZE {', '.join(TABLES)}")
    client.force_login(get_user_model().objects.create_superuser("root", password="x"))
    return client


def test_no_page_looks_at_more_than_so_many_rows(staff: Client) -> None:
    assert list(_too_much(staff)) == []


def _too_much(staff: Client) -> Iterator[tuple[str, int, str]]:
    for what, address in Addresses(RUNS, pages=COUNTED // 50).all().items():

        def answered(address: str = address) -> None:
            assert staff.get(address).status_code == 200, address

        for look in looks_of(answered):
            if look.rows > MOST_ROWS:
                yield what, look.rows, look.statement
