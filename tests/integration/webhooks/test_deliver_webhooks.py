"""`manage.py deliver_webhooks`: the drain without a queue."""

import signal
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command

from tests.beside import beside
from tests.deliveries import ARRIVED, REFUSED, Postman, in_turn, listening, seconds, statuses, waiting
from tests.processes import wait_until
from tests.runtime_process import free_port
from webhooks import dispatcher
from webhooks.clock import database_clock
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_S = 60.0
DRAINING = {
    "WEBHOOK_ALLOW_HTTP": "true",
    "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
    "SECRET_KEY": settings.SECRET_KEY,  # secrets are sealed with it
}


def told(*arguments: str) -> tuple[int, str]:
    """The exit status and what was printed."""
    out = StringIO()
    try:
        call_command("deliver_webhooks", *arguments, stdout=out)
    except SystemExit as left:
        return int(left.code or 0), out.getvalue()
    return 0, out.getvalue()


@pytest.fixture
def postman(monkeypatch: pytest.MonkeyPatch) -> Postman:
    postman = Postman(in_turn(REFUSED, ARRIVED))
    monkeypatch.setitem(dispatcher.drain.__kwdefaults__ or {}, "send", postman)
    monkeypatch.setitem(dispatcher.drain.__kwdefaults__ or {}, "fan_out_some", lambda: 0)
    return postman


def test_once_it_sends_what_is_due_and_says_what_it_did(postman: Postman) -> None:
    assert told("--once") == (0, "nothing was due\n")
    waiting(listening(), 3, due_at=database_clock())
    waiting(listening(), due_at=database_clock() + seconds(60))
    assert told("--once") == (0, "delivered: 2, failed: 1\n")
    assert len(postman.sent) == 3


def test_it_exits_1_if_something_of_ours_could_not_be_done(postman: Postman, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> int:
        raise KeyError

    monkeypatch.setitem(dispatcher.drain.__kwdefaults__ or {}, "fan_out_some", broken)
    assert told("--once") == (1, "faults: 1\n")


def test_it_exits_1_if_the_database_is_away() -> None:
    command = beside("deliver_webhooks", "--once", environment={"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"})
    try:
        assert command.wait(within_s=PATIENCE_S) == 1
    finally:
        command.end()


@pytest.mark.acceptance
def test_without_once_it_delivers_until_it_is_told_to_stop() -> None:
    nowhere = f"http://127.0.0.1:{free_port()}/hook"
    waiting(listening(nowhere), due_at=database_clock())
    command = beside("deliver_webhooks", environment=DRAINING)
    try:
        wait_until(lambda: Delivery.objects.filter(attempts=1).exists(), within_s=PATIENCE_S, what="the first")
        waiting(listening(nowhere), due_at=database_clock())
        wait_until(lambda: Delivery.objects.filter(attempts=1).count() == 2, within_s=PATIENCE_S, what="the second")
        command.send(signal.SIGTERM)
        assert command.wait(within_s=PATIENCE_S) == 0
        assert command.said("failed: ")
    finally:
        command.end()
    assert statuses() == {"pending": 2}
