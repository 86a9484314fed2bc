"""docs/openapi.json: valid, current, and of every route and method there is."""

import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from openapi_spec_validator import OpenAPIV31SpecValidator

from config.documents.examples import EXAMPLES
from config.documents.openapi import INFO
from config.http.fault import STATUS_OF
from runs.models.identity import uuid7
from tests.documents import DOCS, document, faults_of, told, validator
from tests.integration.documents.answers import documented
from tests.routes import Call, all_routes, calls
from tests.sample_bodies import sample_body

OF_THE_DOCUMENT = {"docs", "docs-json"}
WITH_A_BODY = [call for call in calls() if call.method in {"POST", "PUT", "PATCH"}]


def operation(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = document("openapi")["paths"][documented(call.route)][call.method.lower()]
    return found


def test_it_is_a_document_of_openapi_3_1() -> None:
    assert document("openapi")["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document("openapi")).validate()


def test_it_is_current() -> None:
    call_command("documents", check=True)


def test_a_process_serves_what_is_committed(client: Client) -> None:
    assert client.get("/docs-json?format=json").json() == document("openapi")


def test_a_stale_document_is_told_and_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    before = (DOCS / "openapi.json").read_bytes()
    monkeypatch.setitem(INFO, "title", "Another")
    with pytest.raises(CommandError, match=r"openapi\.json"):
        call_command("documents", check=True)
    assert (DOCS / "openapi.json").read_bytes() == before


def test_it_has_every_route_and_method_and_no_others() -> None:
    described = {(path, method.upper()) for path, methods in document("openapi")["paths"].items() for method in methods}
    there = {
        (documented(route), method)
        for route in all_routes()
        if route.path not in OF_THE_DOCUMENT
        for method in route.methods or ("GET",)
    }
    assert described == there


@pytest.mark.parametrize("call", calls(), ids=str)
def test_a_route_names_its_scope_and_how_to_show_who_one_is(call: Call) -> None:
    ways = {way: scopes for one in operation(call)["security"] for way, scopes in one.items()}
    assert {tuple(scopes) for scopes in ways.values()} == {(call.route.scope(call.method),)}
    is_stream = "text/event-stream" in operation(call)["responses"].get("200", {}).get("content", {})
    assert set(ways) == {"bearer", "session"} | ({"ticket"} if is_stream else set())


@pytest.mark.parametrize("call", calls(), ids=str)
def test_a_route_says_what_it_is_for_and_what_it_answers(call: Call) -> None:
    found = operation(call)
    assert found["summary"]
    good = [one for status, one in found["responses"].items() if status < "300"]
    schemas = [content["schema"] for one in good for content in one.get("content", {}).values()]
    assert all(schema != {"type": "object", "additionalProperties": True} for schema in schemas), "of any form"


def test_the_codes_of_errors_are_the_closed_list() -> None:
    schemas = document("openapi")["components"]["schemas"]
    assert schemas["ErrorCode"]["enum"] == list(STATUS_OF)
    for methods in document("openapi")["paths"].values():
        for found in methods.values():
            assert {str(STATUS_OF[code]) for code in found["x-error-codes"]} <= set(found["responses"])


@pytest.mark.parametrize("call", WITH_A_BODY, ids=str)
def test_a_body_that_is_taken_is_described_and_has_room_for_nothing_else(call: Call) -> None:
    schema = operation(call)["requestBody"]["content"]["application/json"]["schema"]
    judge = validator(schema, as_it_is=True)
    sample = sample_body(call, uuid7())
    assert told(judge, sample) == []
    assert told(judge, {**sample, "surprise": 1}) != []


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_an_example_is_what_it_is_an_example_of(name: str) -> None:
    assert faults_of(name, EXAMPLES[name]) == []


def test_the_page_that_shows_it_loads_nothing_from_elsewhere(client: Client) -> None:
    page = client.get("/docs").content.decode()
    loaded = re.findall(r"(?:src|href)=\"([^\"]+)\"", page)
    assert loaded
    assert [one for one in loaded if not one.startswith("/")] == []
