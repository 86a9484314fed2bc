from typing import Any

import pytest
from django.test import Client

from runs.version import VERSION


def test_the_description_of_the_routes_names_the_version_and_writes_nothing_past_the_log(
    client: Client, capfd: pytest.CaptureFixture[str]
) -> None:
    assert client.get("/docs-json?format=json").json()["info"]["version"] == VERSION
    assert capfd.readouterr().err == ""


@pytest.fixture
def described(client: Client) -> Any:
    return client.get("/docs-json?format=json").json()["paths"]


def test_the_query_of_a_list_is_described_with_its_bounds(described: Any) -> None:
    of_events = {one["name"]: one["schema"] for one in described["/events"]["get"]["parameters"]}
    assert set(of_events) == {"runId", "scenarioRef", "type", "afterTs", "beforeTs", "afterSeq", "cursor", "limit"}
    assert of_events["limit"] == {"type": "integer", "minimum": 1, "maximum": 5000, "default": 500}
    of_audit = {one["name"] for one in described["/audit"]["get"]["parameters"]}
    assert of_audit == {
        *("actor", "action", "resource", "resourceId", "createdAfter", "createdBefore", "limit", "offset"),
    }


@pytest.mark.parametrize(
    ("address", "names"),
    [
        *((f"/runs/batch/{what}", {"runIds"}) for what in ("cancel", "archive", "delete")),
        ("/runs/{run_id}/clone", {"tags", "context"}),
        ("/runs/{run_id}/artifacts", {"kind", "label", "uri", "inline"}),
    ],
)
def test_a_body_is_described_with_its_members_and_takes_no_others(
    described: Any, address: str, names: set[str]
) -> None:
    route = described[address]["post"]
    schema = route["requestBody"]["content"]["application/json"]["schema"]
    assert (set(schema["properties"]), schema["additionalProperties"]) == (names, False)
    assert [status for status in route["responses"] if status < "300"] == ["201"]


def test_a_deletion_answers_nothing(described: Any) -> None:
    responses = described["/runs/{run_id}"]["delete"]["responses"]
    assert [status for status in responses if status < "300"] == ["204"]
    assert "content" not in responses["204"]
