"""The breakers of all processes: their history, the state they are in together, and closing them by hand."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client
from pytest_django.fixtures import Settings

from runs.errors import RuntimeUnavailable
from runs.models import AuditEntry, BreakerChange, Observer
from runs.models.breaker_change import KEPT_DAYS
from tests.bodies import Body
from tests.keys import stored_key
from tests.observing import wait_for
from tests.offering import KIND, Shelf
from tests.sweeping import swept

pytestmark = pytest.mark.django_db(transaction=True)

RESET = "/admin/circuit-breaker/reset"
JSON = "application/json"
HISTORY = "/admin/circuit-breaker/history"


@pytest.fixture(autouse=True)
def one_failure_opens(settings: Settings, shelf: Shelf) -> None:
    settings.RUNTIME_CIRCUIT_BREAKER_THRESHOLD = 1


def history(caller: Client, query: str = "") -> Body:
    response = caller.get(f"{HISTORY}{query}")
    assert response.status_code == 200, response.content
    answer: Body = response.json()
    return answer


def changed(state: str, *, ago: timedelta = timedelta(), **columns: object) -> BreakerChange:
    return BreakerChange.objects.create(**{"kind": KIND, "state": state, "entered_at": Now() - ago, **columns})


def test_without_any_change_they_are_closed(caller: Client) -> None:
    assert history(caller) == {"state": "CLOSED", "history": []}


def test_the_breaker_of_this_process_opens_and_that_is_history(caller: Client, shelf: Shelf) -> None:
    shelf.fault = RuntimeUnavailable("gone fishing")
    caller.get("/runtime/modes")

    assert history(caller)["state"] == "OPEN"
    wait_for(lambda: BreakerChange.objects.count() == 1, "the row")
    [change] = history(caller)["history"]
    assert (change["state"], change["reason"]) == ("OPEN", "gone fishing")
    assert change["enteredAt"].endswith("Z")


def test_a_reset_closes_them_and_calls_are_made_again(caller: Client, shelf: Shelf) -> None:
    shelf.fault = RuntimeUnavailable()
    caller.get("/runtime/modes")
    shelf.fault = None
    assert caller.get("/runtime/modes").json()["errorCode"] == "CIRCUIT_BREAKER_OPEN"

    answer = caller.post(RESET, content_type=JSON)

    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "state": "CLOSED"})
    assert history(caller)["state"] == "CLOSED"
    assert caller.get("/runtime/modes").status_code == 200
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.resource, entry.resource_id) == (
        "tester",
        "breaker.reset",
        "breaker",
        KIND,
    )


def test_a_reset_of_another_kind_closes_nothing_here(caller: Client, shelf: Shelf) -> None:
    shelf.fault = RuntimeUnavailable()
    caller.get("/runtime/modes")

    assert caller.post(f"{RESET}?kind=rust", content_type=JSON).status_code == 200

    assert caller.get("/runtime/modes").json()["errorCode"] == "CIRCUIT_BREAKER_OPEN"
    assert BreakerChange.objects.get(is_reset=True).kind == "macp"
    assert caller.post(f"{RESET}?kind=none", content_type=JSON).status_code == 404


def test_a_breaker_that_opens_after_the_reset_stays_open(caller: Client, shelf: Shelf) -> None:
    caller.post(RESET, content_type=JSON)
    shelf.fault = RuntimeUnavailable()
    caller.get("/runtime/modes")

    assert caller.get("/runtime/modes").json()["errorCode"] == "CIRCUIT_BREAKER_OPEN"
    assert history(caller)["state"] == "OPEN"


def test_the_state_is_the_worst_of_living_observers_since_the_reset(caller: Client) -> None:
    well, ill, dead, silent = (
        Observer.objects.create(host=host, process_id=1, version="1", **columns)
        for host, columns in {
            "well": {},
            "ill": {},
            "dead": {"lost_at": Now()},
            "silent": {"beat_at": Now() - timedelta(minutes=1)},
        }.items()
    )
    for observer in (dead, silent):
        changed("OPEN", observer_id=observer.id)
    changed("OPEN", observer_id=well.id)
    changed("CLOSED", observer_id=well.id)
    assert history(caller)["state"] == "CLOSED"

    changed("OPEN", observer_id=ill.id)
    changed("HALF_OPEN", observer_id=ill.id)
    assert history(caller)["state"] == "HALF_OPEN"
    changed("OPEN", observer_id=ill.id)
    assert history(caller)["state"] == "OPEN"

    caller.post(RESET, content_type=JSON)
    assert history(caller)["state"] == "CLOSED"


def test_history_is_of_a_window_or_since_a_time_oldest_first(caller: Client) -> None:
    for hours, state in ((30, "OPEN"), (5, "HALF_OPEN"), (2, "CLOSED")):
        changed(state, ago=timedelta(hours=hours))
    changed("OPEN", kind="macp")
    everything = ["OPEN", "HALF_OPEN", "CLOSED"]

    def states(query: str) -> list[str]:
        return [change["state"] for change in history(caller, query)["history"]]

    assert states("") == states("?window=24h") == everything[1:]
    assert states("?window=1h") == []
    assert states("?window=6h") == everything[1:]
    assert states("?window=7d") == everything
    since = history(caller, "?window=7d")["history"][-1]["enteredAt"]
    assert states(f"?window=7d&since={since}") == ["CLOSED"]
    assert caller.get(f"{HISTORY}?kind=none").status_code == 404


@pytest.mark.parametrize("query", ["window=2h", "since=yesterday"])
def test_a_bad_query_is_400(caller: Client, query: str) -> None:
    assert caller.get(f"{HISTORY}?{query}").json()["errorCode"] == "VALIDATION_ERROR"


def test_of_many_changes_the_latest_200_are_shown(caller: Client) -> None:
    for number in range(201):
        changed("OPEN", reason=str(number), ago=timedelta(seconds=300 - number))

    reasons = [change["reason"] for change in history(caller)["history"]]

    assert (len(reasons), reasons[0], reasons[-1]) == (200, "1", "200")


def test_resetting_and_looking_need_scopes_of_their_own_d05() -> None:
    reader = Client(headers={"authorization": stored_key("admin:read").header})

    assert reader.get(HISTORY).status_code == 200
    assert reader.post(RESET).json()["details"] == {"scope": "admin:write"}
    stranger = Client(headers={"authorization": stored_key("runs:read").header})
    assert stranger.get(HISTORY).json()["details"] == {"scope": "admin:read"}
    assert BreakerChange.objects.count() == 0


def test_a_sweep_forgets_what_is_older_than_a_week() -> None:
    changed("OPEN", ago=timedelta(days=KEPT_DAYS, seconds=1))
    kept = changed("CLOSED", ago=timedelta(days=KEPT_DAYS) - timedelta(minutes=1))

    assert swept()["breaker changes pruned"] == 1

    assert BreakerChange.objects.get() == kept
