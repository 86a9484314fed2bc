import logging

import pytest
from django.conf import LazySettings
from django.test import AsyncClient, Client

from tests.integration.config.conftest import KEY, shape

CALLER = {"Authorization": f"Bearer {KEY}"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/fail", (500, "INTERNAL_ERROR")),
        ("/fail/database", (503, "SERVICE_UNAVAILABLE")),
        ("/plain/run", (404, "RUN_NOT_FOUND")),
        ("/plain/database", (503, "SERVICE_UNAVAILABLE")),
        ("/plain/missing", (404, "NOT_FOUND")),
        ("/plain/forbidden", (403, "FORBIDDEN")),
        ("/plain/method", (405, "METHOD_NOT_ALLOWED")),
        ("/plain/cookie", (409, "CONFLICT")),
        ("/plain/anything", (500, "INTERNAL_ERROR")),
        ("/plain-async", (409, "CURSOR_AHEAD")),
        ("/nowhere", (404, "NOT_FOUND")),
        ("/healthz/", (404, "NOT_FOUND")),
        ("/admin", (404, "NOT_FOUND")),
        ("/static/nothing.css", (404, "NOT_FOUND")),
    ],
)
async def test_every_error_has_the_one_shape_in_both_kinds_of_chain(
    path: str, expected: tuple[int, str], alice: Client, async_client: AsyncClient
) -> None:
    from_async = await async_client.get(path, headers=CALLER)
    assert shape(from_async) == expected


@pytest.mark.parametrize(
    "path", ["/fail", "/fail/database", "/plain/run", "/plain/database", "/plain/anything", "/nowhere"]
)
def test_a_synchronous_server_gives_the_same_answers(path: str, alice: Client) -> None:
    shape(alice.get(path))


def test_what_nobody_foresaw_is_logged_under_the_requests_id(alice: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "config.http.errors"):
        response = alice.get("/fail", headers={"X-Request-Id": "req-77"})

    assert response.json()["requestId"] == "req-77"
    (logged,) = [record for record in caplog.records if record.name == "config.http.errors"]
    assert logged.exc_info is not None
    assert "canary" in str(logged.exc_info[1])


def test_a_method_that_is_not_allowed_says_which_are(alice: Client) -> None:
    response = alice.delete("/echo")
    assert shape(response) == (405, "METHOD_NOT_ALLOWED")
    assert response["Allow"] == "GET, POST, HEAD, OPTIONS"
    assert alice.get("/plain/method")["Allow"] == "GET"


def test_a_route_without_get_still_says_which_methods_it_has(alice: Client) -> None:
    response = alice.options("/runs/validate")
    assert (response.status_code, response["Allow"]) == (200, "POST, OPTIONS")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/healthz", "GET, HEAD"),
        ("/readyz", "GET, HEAD"),
        ("/runs/0196f0c4-0000-7000-8000-000000000000/stream", "GET"),
    ],
)
def test_a_plain_route_that_is_asked_to_change_something_says_which_methods_it_has(path: str, allowed: str) -> None:
    response = Client(enforce_csrf_checks=True).put(path, headers=CALLER)
    assert shape(response) == (405, "METHOD_NOT_ALLOWED")
    assert response["Allow"] == allowed


def test_an_error_page_of_another_kind_keeps_its_cookies(client: Client) -> None:
    assert client.get("/plain/cookie").cookies["seen"].value == "1"


def test_an_unknown_host_is_refused(client: Client, settings: LazySettings) -> None:
    settings.ALLOWED_HOSTS = ["signalbox.example"]
    response = client.get("/healthz", headers={"Host": "evil.example"})
    assert shape(response) == (400, "VALIDATION_ERROR")


def test_a_body_that_is_no_json_is_malformed(alice: Client) -> None:
    assert shape(alice.post("/echo", b"{", content_type="application/json")) == (400, "MALFORMED_JSON")


@pytest.mark.parametrize("declared", ["text/plain", "application/x-www-form-urlencoded", "application/json-patch", ""])
def test_a_body_that_is_not_declared_as_json_is_refused(declared: str, alice: Client) -> None:
    assert shape(alice.post("/echo", b'{"a": 1}', content_type=declared)) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("declared", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_is_read_however_it_is_spelled(declared: str, alice: Client) -> None:
    response = alice.post("/echo", b'{"a": 1}', content_type=declared)
    assert (response.status_code, response.json()) == (201, {"got": {"a": 1}})


def test_a_fault_in_the_body_is_named_with_its_path(alice: Client) -> None:
    response = alice.post("/echo", b'{"a": {"b": "\\u0000"}}', content_type="application/json")
    assert shape(response) == (400, "VALIDATION_ERROR")
    assert response.json()["details"] == {"errors": [{"path": "a.b", "message": "must not contain NUL characters"}]}


def test_too_large_a_body_is_refused(alice: Client, settings: LazySettings) -> None:
    settings.MAX_BODY_BYTES = 10
    response = alice.post("/echo", b'{"a": "12345"}', content_type="application/json")
    assert shape(response) == (413, "PAYLOAD_TOO_LARGE")
    assert response.json()["error"] == "Payload Too Large"


def test_too_large_a_form_is_refused(settings: LazySettings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    client = Client(raise_request_exception=False)
    form = client.post("/form", b"a=1234567890", content_type="application/x-www-form-urlencoded")
    assert shape(form) == (413, "PAYLOAD_TOO_LARGE")


def test_a_form_without_a_csrf_token_is_refused() -> None:
    careful = Client(enforce_csrf_checks=True)
    response = careful.post("/form", {"a": "1"})
    assert shape(response) == (403, "FORBIDDEN")
    assert response.json()["details"] == {"reason": "csrf"}


def test_an_answer_of_json_passes_stored_bytes_through(alice: Client) -> None:
    response = alice.get("/echo", headers={"Accept": "text/html"})
    assert response["Content-Type"] == "application/json"
    assert response.content == b'{"id":"key:alice","name":"alice","stored":{"b":1.0}}'
