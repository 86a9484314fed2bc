"""How many statements the pages for staff take: as many for much as for little, whatever there is more of.

What each of them looks at: test_staff_pages_at_scale.py.
"""

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from runs.models import OutboundMessage, Run
from runs.recorder import record
from tests.cast import envelope, queued_message
from tests.console import ended_run, late_run, watched_run
from tests.deliveries import listening, waiting
from webhooks.models import Endpoint

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.handmade_rows("pages show what rows hold, whoever wrote them"),
]
MOST = 25
HOME, LIST = "/admin/", "/admin/console/runs/"
TABLES = (
    *(
        "runs/run",
        "runs/event",
        "runs/rawobservation",
        "runs/outboundmessage",
        "runs/projection",
        "runs/runtimesession",
    ),
    *("runs/auditentry", "runs/observer", "runs/outboxentry", "webhooks/endpoint", "webhooks/delivery"),
)


@pytest.fixture
def staff(client: Client) -> Client:
    """A superuser."""
    client.force_login(get_user_model().objects.create_superuser("root", password="x"))
    return client


@pytest.fixture
def run() -> Run:
    """One run of which everything exists, beside another; somebody listens."""
    run = watched_run(tags=["blue"])
    queued_message(run)
    record(run.id, [envelope(1)], epoch=1)
    ended_run()
    late_run("hard_deadline")
    _tell(run)
    return run


def _tell(run: Run) -> None:
    waiting(listening(), run_id=run.id)


def _more_runs(run: Run) -> None:
    for number in range(4):
        _tell(watched_run(tags=["blue"]))
        late_run("hard_deadline")
        ended_run(tags=[f"t{number}"])
        queued_message(watched_run())


def _more_events(run: Run) -> None:
    record(run.id, [envelope(number) for number in range(2, 1_300)], epoch=1)


def _more_participants(run: Run) -> None:
    record(run.id, [envelope(number, sender=f"agent-{number}") for number in range(2, 60)], epoch=1)


def _more_messages(run: Run) -> None:
    for _ in range(5):
        queued_message(run)


def _more_webhooks(run: Run) -> None:
    for _ in range(5):
        _tell(run)


def _addresses(run: Run) -> Iterator[str]:
    other = Run.objects.exclude(id=run.id).earliest("id")
    page, api = f"{LIST}{run.id}", f"/runs/{run.id}"
    yield from (HOME, f"{HOME}?part", LIST, f"{LIST}?part", f"{LIST}?status=running", f"{LIST}?q=blue")
    yield f"{LIST}preview?action=cancel&id={run.id}&id={other.id}"
    yield from (page, *(f"{page}/{part}" for part in ("head", "lines", "ownership", "told")))
    yield from (f"{api}/{part}" for part in ("state", "messages", "artifacts", "late", "events?type=session.bound"))
    yield f"/admin/console/compare?left={run.id}&right={other.id}"
    yield from (f"{HOME}{table}/" for table in TABLES)
    message = OutboundMessage.objects.filter(run=run).earliest("id").message_id
    yield from (f"{HOME}runs/event/?q={term}" for term in (run.id, run.session_id, message))
    yield from (f"{HOME}runs/run/{run.id}/change/", f"{HOME}runs/run/?status=running")
    yield f"{HOME}webhooks/endpoint/{Endpoint.objects.earliest('id').id}/change/"


def _statements(staff: Client, addresses: list[str]) -> dict[str, int]:
    counted = {}
    for address in addresses:
        with CaptureQueriesContext(connection) as captured:
            assert staff.get(address).status_code == 200, address
        counted[address] = len(captured)
    return counted


@pytest.mark.parametrize("more", [_more_runs, _more_events, _more_participants, _more_messages, _more_webhooks])
def test_more_of_anything_takes_no_more_statements(more: Callable[[Run], None], staff: Client, run: Run) -> None:
    addresses = list(_addresses(run))
    _statements(staff, addresses)  # content types and sites are remembered
    few = _statements(staff, addresses)
    more(run)
    many = _statements(staff, addresses)

    assert {address: (few[address], number) for address, number in many.items() if number > few[address]} == {}
    assert max(many.values()) <= MOST
