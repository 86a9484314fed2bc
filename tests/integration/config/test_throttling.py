"""Requests are counted per caller and route over all processes, and never more than the limit are admitted."""

import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from django.conf import LazySettings
from django.db import DatabaseError, OperationalError, connection
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.response import Response

from config.http import throttled, throttling
from config.http.throttling import Key, Throttle
from runs.models import RateWindow
from runs.models.rate_window import Reserved
from tests.integration.config.conftest import shape
from tests.keys import stored_key
from tests.sweeping import swept

pytestmark = pytest.mark.django_db

LIMIT = 40
KEY = Key("key:robot", "GET /runs")


@dataclass
class Time:
    now: float = 0.0


@pytest.fixture(autouse=True)
def limit(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Throttle:
    """A limit that can be reached, counted by a process that has just begun."""
    settings.THROTTLE_LIMIT = LIMIT
    fresh = process()
    for place in (throttling, throttled):
        monkeypatch.setattr(place, "throttle", fresh)
    return fresh


def process(time: Time | None = None) -> Throttle:
    """What one process knows of the limits."""
    return Throttle(throttling._reserve, clock=lambda: time.now) if time else Throttle(throttling._reserve)


def end_windows() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE runs_ratewindow SET ends_at = clock_timestamp() - interval '1 ms'")


# -- slices


def test_one_process_admits_the_limit_exactly_and_no_more() -> None:
    alone = process()
    assert [alone.take(KEY).is_admitted for _ in range(LIMIT + 5)] == [True] * LIMIT + [False] * 5
    assert RateWindow.objects.get().given == LIMIT


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    requests=st.lists(st.integers(0, 3), max_size=200),
    ends_before=st.sets(st.integers(0, 200), max_size=3),
    limit_of_all=st.integers(1, 60),
)
def test_no_interleaving_of_processes_admits_more_than_the_limit_in_a_window(
    requests: list[int], ends_before: set[int], limit_of_all: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.THROTTLE_LIMIT", limit_of_all)
        RateWindow.objects.all().delete()
        time, admitted, asked = Time(), 0, Counter[int]()
        processes = [process(time) for _ in range(4)]
        for number, one in enumerate(requests):
            if number in ends_before:
                end_windows()
                time.now += 3600
                admitted, asked = 0, Counter()
            allowance = processes[one].take_held(KEY) or processes[one].take(KEY)
            asked[one] += 1
            admitted += allowance.is_admitted
            assert admitted <= limit_of_all
            if not allowance.is_admitted:
                # It should be refused only when the limit is used up, but for what other processes still hold.
                unused = sum(other._held[KEY].requests for other in processes if KEY in other._held)
                assert admitted + unused == limit_of_all
                assert unused <= 3 * max(1, limit_of_all // throttling.LARGEST_PART)


@pytest.mark.django_db(transaction=True)
def test_processes_that_ask_at_the_same_moment_share_one_limit(settings: LazySettings) -> None:
    settings.THROTTLE_LIMIT = 200
    processes = [process() for _ in range(4)]

    def ask(number: int) -> bool:
        try:
            return processes[number % 4].take(KEY).is_admitted
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        admitted = sum(threads.map(ask, range(600)))
    unused = sum(one._held[KEY].requests for one in processes)
    assert admitted + unused == RateWindow.objects.get().given == 200
    assert unused <= 3 * 200 // throttling.LARGEST_PART


def test_unused_slices_end_with_their_window() -> None:
    time = Time()
    one, other = process(time), process(time)
    for _ in range(LIMIT):
        one.take(KEY)
    assert not other.take(KEY).is_admitted
    end_windows()
    time.now += 60.0
    assert other.take(KEY).is_admitted
    assert one.take(KEY).remaining < LIMIT - 1


def test_callers_and_routes_have_limits_of_their_own() -> None:
    alone = process()
    for _ in range(LIMIT + 1):
        alone.take(KEY)
    assert alone.take(Key("key:other", KEY.route)).is_admitted
    assert alone.take(Key(KEY.caller, "GET /runs/{run_id}")).is_admitted
    assert not alone.take(KEY).is_admitted


def test_many_callers_cost_no_memory_without_bound_and_buy_nobody_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttling, "MOST_KEPT", 3)
    alone, admitted = process(), 0
    for number in range(2 * LIMIT):
        admitted += alone.take(KEY).is_admitted
        alone.take(Key(f"address:{number}", KEY.route))
        assert len(alone._held) <= 3
    assert 0 < admitted <= LIMIT


def test_a_request_costs_no_statement_of_its_own(
    settings: LazySettings, alice: Client, django_assert_num_queries: object
) -> None:
    settings.THROTTLE_LIMIT = 1000
    with django_assert_num_queries(1):  # type: ignore[operator]
        alice.get("/echo")
    with django_assert_num_queries(0):  # type: ignore[operator]
        for _ in range(9):
            assert alice.get("/echo").status_code == 200
    with django_assert_num_queries(36) as counted:  # type: ignore[operator]
        for _ in range(990):
            assert alice.get("/echo").status_code == 200
    # It should cost nothing to be refused, either.
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert alice.get("/echo").status_code == 429
    assert all("runs_ratewindow" in query["sql"] for query in counted)


def test_a_stored_key_is_looked_up_once_for_many_requests(
    settings: LazySettings, client: Client, django_assert_num_queries: object
) -> None:
    settings.THROTTLE_LIMIT = 1000
    headers = {"Authorization": stored_key("runs:read").header}
    # The key, that it was used (in a savepoint), and a slice of the limit.
    with django_assert_num_queries(5):  # type: ignore[operator]
        client.get("/echo", headers=headers)
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert client.get("/echo", headers=headers).status_code == 200


# -- answers


def left(response: object) -> tuple[int, str, str]:
    assert 0 < int(response["X-RateLimit-Reset"]) <= 60  # type: ignore[index]
    return response.status_code, response["X-RateLimit-Limit"], response["X-RateLimit-Remaining"]  # type: ignore[attr-defined,index]


def test_every_answer_says_how_many_requests_are_left(alice: Client, client: Client) -> None:
    assert left(alice.get("/echo")) == (200, "40", "39")
    assert left(alice.get("/echo")) == (200, "40", "38")
    assert left(alice.delete("/echo")) == (405, "40", "39")
    assert left(alice.get("/special/")) == (404, "40", "39")
    assert left(alice.get("/fail")) == (500, "40", "39")
    assert left(client.get("/echo")) == (401, "40", "39")
    assert left(client.get("/echo", headers={"Authorization": "Bearer wrong"})) == (401, "40", "38")


def test_too_many_requests_are_refused_until_the_window_is_over(alice: Client, client: Client) -> None:
    for _ in range(LIMIT):
        assert alice.get("/echo").status_code == 200
    refused = alice.get("/echo")
    assert shape(refused) == (429, "RATE_LIMITED")
    assert left(refused) == (429, "40", "0")
    assert refused["Retry-After"] == refused["X-RateLimit-Reset"]
    # It should be one caller's limit on one route.
    assert alice.post("/echo", {}, content_type="application/json").status_code == 201
    assert client.get("/echo").status_code == 401


def test_a_refused_request_does_nothing(alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(LIMIT):
        alice.post("/echo", {}, content_type="application/json")
    asked: list[object] = []
    monkeypatch.setattr("tests.integration.config.routes.Echo.post", asked.append)
    assert alice.post("/echo", {}, content_type="application/json").status_code == 429
    assert asked == []


def test_a_parameter_named_ticket_buys_no_change_beyond_the_limit(
    client: Client, admin_user: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[object] = []
    monkeypatch.setattr("tests.integration.config.routes.Echo.post", lambda *given: done.append(given) or Response({}))
    client.force_login(admin_user)  # type: ignore[arg-type]
    answers = [client.post("/echo?ticket=x", {}, content_type="application/json") for _ in range(LIMIT + 1)]
    assert [answer.status_code for answer in answers] == [200] * LIMIT + [429]
    assert len(done) == LIMIT
    assert RateWindow.objects.get().caller == f"user:{admin_user.pk}"  # type: ignore[attr-defined]


def test_guesses_and_paths_that_lead_nowhere_are_limited_too(client: Client) -> None:
    guess = {"Authorization": "Bearer guessed"}
    assert [client.get("/echo", headers=guess).status_code for _ in range(LIMIT + 1)] == [401] * LIMIT + [429]
    assert [client.get(f"/nowhere/{n}").status_code for n in range(LIMIT + 1)] == [404] * LIMIT + [429]
    assert RateWindow.objects.count() == 2
    assert set(RateWindow.objects.values_list("route", flat=True)) == {"GET /echo", "GET other"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_are_never_limited_d08(path: str, client: Client, settings: LazySettings) -> None:
    settings.THROTTLE_LIMIT = 1
    for _ in range(3):
        response = client.get(path)
        assert response.status_code < 500
        assert "X-RateLimit-Limit" not in response
    assert not RateWindow.objects.exists()


def test_a_limit_of_0_is_none(alice: Client, settings: LazySettings) -> None:
    settings.THROTTLE_LIMIT = 0
    assert "X-RateLimit-Limit" not in alice.get("/echo")
    assert not RateWindow.objects.exists()


def test_what_is_counted_holds_no_part_of_a_key_and_tells_equal_beginnings_apart_d07(
    client: Client, settings: LazySettings
) -> None:
    settings.AUTH_API_KEYS = ["sb_live_0123456789_one", "sb_live_0123456789_two"]
    stored = stored_key("runs:read")
    for key in (*settings.AUTH_API_KEYS, stored.secret, "sb_live_0123456789_wrong"):
        client.get("/echo", headers={"Authorization": f"Bearer {key}"})
    callers = set(RateWindow.objects.values_list("caller", flat=True))
    assert len(callers) == 4
    assert {f"key:{stored.id}", "address:127.0.0.1"} < callers
    pieces = [key[start : start + 5] for key in (*settings.AUTH_API_KEYS, stored.secret) for start in (0, 3, 8, 14)]
    assert not [piece for piece in pieces for caller in callers if piece in caller]


def test_staff_are_counted_by_who_they_are(client: Client, admin_user: object) -> None:
    client.force_login(admin_user)  # type: ignore[arg-type]
    assert left(client.get("/echo")) == (200, "40", "39")
    assert RateWindow.objects.get().caller == f"user:{admin_user.pk}"  # type: ignore[attr-defined]


def test_a_cookie_of_nobody_buys_no_limit_of_its_own(client: Client) -> None:
    for number in range(2):
        client.cookies["sessionid"] = f"made-up-{number}"
        client.get("/echo")
    assert RateWindow.objects.get().caller == "address:127.0.0.1"


# -- without the database


@pytest.mark.parametrize("error", [OperationalError, DatabaseError])
def test_without_the_database_nobody_is_refused_and_it_is_asked_once_a_second(
    error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    time, asked = Time(), []

    def away(caller: str, route: str, *, wanted: int, limit: int, seconds: float) -> Reserved:
        asked.append(wanted)
        raise error("it is away")

    alone = Throttle(away, clock=lambda: time.now)
    with caplog.at_level(logging.WARNING, "signalbox.limits"):
        assert all((alone.take_held(KEY) or alone.take(KEY)).is_admitted for _ in range(LIMIT * 2))
    assert (len(asked), len(caplog.records)) == (1, 1)
    time.now += throttling.TRUST_S
    assert alone.take(KEY).is_admitted
    assert len(asked) == 2
    # It should count again as soon as the database does.
    time.now += throttling.TRUST_S
    alone._reserve = throttling._reserve
    assert [alone.take(KEY).is_admitted for _ in range(LIMIT + 1)] == [True] * LIMIT + [False]


def test_a_database_that_is_away_is_no_500(alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*arguments: object, **more: object) -> Reserved:
        raise OperationalError("it is away")

    monkeypatch.setattr(throttled.throttle, "_reserve", away)
    assert alice.get("/echo").status_code == 200


# -- what is left


@pytest.mark.django_db(transaction=True)
def test_the_sweep_clears_windows_away_that_are_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runs.observer.sweep.EXPIRED", 2)
    one = process()
    for number in range(3):
        one.take(Key(f"key:{number}", KEY.route))
    end_windows()
    one.take(Key("key:present", KEY.route))
    assert swept() == {"rate windows pruned": 3}
    assert RateWindow.objects.get().caller == "key:present"
