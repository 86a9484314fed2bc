"""GET /runtime/*: what the runtime offers, and every way in which it does not say."""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from runs.errors import (
    RuntimeFault,
    RuntimeRejected,
    RuntimeTimedOut,
    RuntimeUnavailable,
    RuntimeUnsupported,
)
from tests.bodies import Body
from tests.offering import KIND, Shelf

pytestmark = pytest.mark.django_db(transaction=True)

ROUTES = ("manifest", "modes", "roots", "policies", "policies/policy.mine")


def got(caller: Client, route: str, status: int = 200) -> Body:
    response = caller.get(f"/runtime/{route}")
    assert response.status_code == status, response.content
    answer: Body = response.json()
    return answer


def test_the_runtime_introduces_itself(caller: Client, shelf: Shelf) -> None:
    assert got(caller, "manifest") == {
        "agentId": "the-runtime",
        "title": "The runtime",
        "supportedModes": ["a.mode"],
        "metadata": {"k": "v"},
    }


def test_modes_and_roots_are_listed_without_what_was_left_out(caller: Client, shelf: Shelf) -> None:
    first, second = got(caller, "modes")

    assert first == {
        "mode": "a.mode",
        "modeVersion": "1.0.0",
        "title": "A",
        "messageTypes": ["Say", "End"],
        "terminalMessageTypes": [],
        "schemaUris": {},
    }
    assert (second["terminalMessageTypes"], second["schemaUris"]) == (["End"], {"json": "urn:b"})
    assert got(caller, "roots") == [{"uri": "file:///a", "name": "files"}, {"uri": "file:///b"}]


def test_the_scripted_runtime_has_modes_no_roots_and_no_policies(caller: Client, shelf: Shelf) -> None:
    assert "macp.mode.decision.v1" in [mode["mode"] for mode in got(caller, "modes?kind=scripted")]
    assert got(caller, "manifest?kind=scripted")["supportedModes"]
    assert got(caller, "roots?kind=scripted") == []
    assert got(caller, "policies?kind=scripted", 501)["errorCode"] == "NOT_IMPLEMENTED"


@pytest.mark.parametrize("route", [*ROUTES, "health"])
def test_an_unknown_kind_is_404(caller: Client, shelf: Shelf, route: str) -> None:
    assert got(caller, f"{route}?kind=process", 404)["errorCode"] == "NOT_FOUND"
    assert got(caller, f"{route}?kind=", 404)["errorCode"] == "NOT_FOUND"


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (RuntimeUnsupported(runtime_code="UNIMPLEMENTED"), 501, "NOT_IMPLEMENTED"),
        (RuntimeRejected(runtime_code="FORBIDDEN"), 502, "RUNTIME_REJECTED"),
        (RuntimeUnavailable(), 503, "RUNTIME_UNAVAILABLE"),
        (RuntimeTimedOut(), 504, "RUNTIME_TIMEOUT"),
    ],
)
def test_a_runtime_that_does_not_say_is_told_by_its_status_e22(
    caller: Client, shelf: Shelf, route: str, fault: RuntimeFault, status: int, code: str
) -> None:
    shelf.fault = fault

    answer = got(caller, route, status)

    assert answer["errorCode"] == code
    assert answer.get("details", {}).get("runtimeCode", "") == fault.runtime_code


def test_after_repeated_failures_calls_are_suspended_for_a_while_e22(
    caller: Client, shelf: Shelf, settings: Settings
) -> None:
    settings.RUNTIME_CIRCUIT_BREAKER_THRESHOLD = 2
    shelf.fault = RuntimeUnavailable()
    for _ in range(2):
        got(caller, "modes", 503)
    asked = shelf.asked

    answer = caller.get("/runtime/modes")

    assert (answer.status_code, answer.json()["errorCode"]) == (503, "CIRCUIT_BREAKER_OPEN")
    assert answer.headers["Retry-After"] == "30"
    assert shelf.asked == asked


def test_where_no_runtime_is_set_up_the_missing_setting_is_told_every_time_c23(
    caller: Client, shelf: Shelf, settings: Settings
) -> None:
    settings.RUNTIME_CIRCUIT_BREAKER_THRESHOLD = 1
    settings.RUNTIME_ADDRESS = ""

    for _ in range(3):
        refused = got(caller, "manifest?kind=macp", 503)
        assert (refused["errorCode"], refused["message"]) == (
            "RUNTIME_UNAVAILABLE",
            "there is no runtime: RUNTIME_ADDRESS is not set",
        )


def test_health_is_200_with_the_manifest_of_a_runtime_that_answers(caller: Client, shelf: Shelf) -> None:
    answer = got(caller, "health")

    assert (answer["ok"], answer["runtimeKind"], answer["manifest"]["agentId"]) == (True, KIND, "the-runtime")
    assert "detail" not in answer


def test_health_is_200_whatever_is_wrong_and_feeds_no_breaker_c23(
    caller: Client, shelf: Shelf, settings: Settings
) -> None:
    settings.RUNTIME_CIRCUIT_BREAKER_THRESHOLD = 1
    shelf.fault = RuntimeUnavailable()

    answer = got(caller, "health")

    assert (answer["ok"], answer["detail"]) == (False, "The runtime cannot be reached.")
    assert "manifest" not in answer
    # It should be what anybody is told, and nothing for the breaker: the next call is made.
    assert caller.get("/readyz").json()["runtime"] == answer
    shelf.fault = None
    got(caller, "modes")


def test_health_is_asked_once_in_five_seconds_whoever_asks(caller: Client, shelf: Shelf) -> None:
    for _ in range(3):
        got(caller, "health")
    caller.get("/readyz")

    assert shelf.asked == 1


@pytest.mark.parametrize("route", [*ROUTES, "health"])
def test_reading_needs_a_key(caller: Client, shelf: Shelf, route: str) -> None:
    assert Client().get(f"/runtime/{route}").status_code == 401
    assert shelf.asked == 0
