"""Policies over HTTP: registered, read and unregistered, each change with its audit entry."""

from urllib.parse import quote

import pytest
from django.test import Client

from runs.errors import BreakerOpen, RuntimeFault, RuntimeRejected, RuntimeTimedOut, RuntimeUnavailable
from runs.models import AuditEntry
from runs.runtimes.offer import Policy
from tests.bodies import Body
from tests.keys import stored_key
from tests.offering import KIND, Shelf

pytestmark = pytest.mark.django_db(transaction=True)

POLICY = {
    "policyId": "policy.mine",
    "mode": "*",
    "description": "as we like it",
    "rules": {"voting": {"algorithm": "majority", "threshold": 0.5}},
}
HTTP = {"RUNTIME_TIMEOUT": 504, "RUNTIME_UNAVAILABLE": 503}


def registered(caller: Client, status: int = 201, **changes: object) -> Body:
    response = caller.post("/runtime/policies", {**POLICY, **changes}, content_type="application/json")
    assert response.status_code == status, response.content
    answer: Body = response.json()
    return answer


def audited() -> list[tuple[str, str, str | None]]:
    return list(AuditEntry.objects.order_by("id").values_list("actor", "action", "resource_id"))


def test_a_registered_policy_is_known_with_its_rules_as_an_object(caller: Client, shelf: Shelf) -> None:
    assert registered(caller, schemaVersion=2) == {"ok": True}

    [listed] = caller.get("/runtime/policies").json()
    assert listed == {**POLICY, "schemaVersion": 2}
    assert caller.get("/runtime/policies/policy.mine").json() == listed
    assert audited() == [("tester", "policy.registered", "policy.mine")]
    entry = AuditEntry.objects.get()
    assert (entry.resource, entry.actor_type, entry.details["runtimeKind"]) == ("policy", "api_key", KIND)
    assert entry.request_id


def test_policies_are_listed_for_a_mode(caller: Client, shelf: Shelf) -> None:
    registered(caller)
    registered(caller, policyId="policy.task", mode="macp.mode.task.v1")

    assert [one["policyId"] for one in caller.get("/runtime/policies?mode=other").json()] == ["policy.mine"]


@pytest.mark.parametrize("policy_id", ["policy.mine", "a/b c", "ä?#%2F", "/", "x/", "ends with policies"])
def test_an_id_may_hold_anything_if_it_is_encoded(caller: Client, shelf: Shelf, policy_id: str) -> None:
    registered(caller, policyId=policy_id)
    address = f"/runtime/policies/{quote(policy_id, safe='')}"

    assert caller.get(address).json()["policyId"] == policy_id
    answer = caller.delete(address)

    assert (answer.status_code, answer.content) == (204, b"")
    assert shelf.known == {}
    assert audited()[-1] == ("tester", "policy.unregistered", policy_id)


def test_a_policy_that_is_not_there_is_404_and_leaves_no_entry(caller: Client, shelf: Shelf) -> None:
    for method in (caller.get, caller.delete):
        answer = method("/runtime/policies/policy.none")
        assert (answer.status_code, answer.json()["errorCode"]) == (404, "NOT_FOUND")
    assert audited() == []


def test_the_reserved_policy_is_neither_registered_nor_removed(caller: Client, shelf: Shelf) -> None:
    shelf.known["policy.default"] = Policy(id="policy.default", mode="*")

    answer = caller.delete("/runtime/policies/policy.default")

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "INVALID_POLICY_DEFINITION")
    assert registered(caller, 400, policyId="policy.default")["errorCode"] == "INVALID_POLICY_DEFINITION"
    assert shelf.asked == 0


def test_what_breaks_the_local_checks_never_reaches_the_runtime(caller: Client, shelf: Shelf) -> None:
    answer = registered(caller, 400, policyId=" ", rules={"voting": {"algorithm": "weighted"}})

    assert answer["errorCode"] == "INVALID_POLICY_DEFINITION"
    assert [fault["path"] for fault in answer["details"]["errors"]] == ["policyId", "rules.voting.weights"]
    assert shelf.asked == 0


def test_an_unknown_member_is_a_plain_validation_error_d14(caller: Client, shelf: Shelf) -> None:
    answer = registered(caller, 400, colour="red")

    assert (answer["errorCode"], answer["details"]["errors"][0]["path"]) == ("VALIDATION_ERROR", "colour")


@pytest.mark.parametrize(
    ("runtime_code", "status", "code"),
    [
        ("INVALID_POLICY_DEFINITION", 400, "INVALID_POLICY_DEFINITION"),
        ("FAILED_PRECONDITION", 502, "RUNTIME_REJECTED"),
        ("REGISTRY_READ_ONLY", 502, "RUNTIME_REJECTED"),
        ("FORBIDDEN", 502, "RUNTIME_REJECTED"),
    ],
)
def test_what_the_runtime_refuses_is_no_policy_or_its_own_refusal(
    caller: Client, shelf: Shelf, runtime_code: str, status: int, code: str
) -> None:
    shelf.fault = RuntimeRejected("it said no", runtime_code=runtime_code)

    answer = registered(caller, status)

    assert (answer["errorCode"], answer["message"]) == (code, "it said no")
    assert audited() == []


@pytest.mark.parametrize("fault", [RuntimeTimedOut(), RuntimeUnavailable()], ids=lambda fault: fault.code)
def test_a_change_of_unknown_outcome_is_in_the_audit_list_as_that(
    caller: Client, shelf: Shelf, fault: RuntimeFault
) -> None:
    shelf.fault = fault

    assert registered(caller, HTTP[fault.code])["errorCode"] == fault.code
    assert caller.delete("/runtime/policies/policy.mine").status_code == HTTP[fault.code]

    assert audited() == [("tester", f"policy.{done}", "policy.mine") for done in ("registered", "unregistered")]
    for entry in AuditEntry.objects.all():
        assert (entry.details["outcome"], entry.details["errorCode"]) == ("unknown", fault.code)
        assert (entry.details["runtimeKind"], bool(entry.request_id)) == (KIND, True)


def test_a_change_that_was_never_asked_for_at_the_runtime_leaves_no_entry(caller: Client, shelf: Shelf) -> None:
    shelf.fault = BreakerOpen()

    assert registered(caller, 503)["errorCode"] == "CIRCUIT_BREAKER_OPEN"
    assert audited() == []


def test_changing_policies_needs_its_own_scope_and_reading_does_not_d05(shelf: Shelf) -> None:
    reader = Client(headers={"authorization": stored_key("runs:read").header})

    assert reader.get("/runtime/policies").status_code == 200
    answer = reader.post("/runtime/policies", POLICY, content_type="application/json")
    assert (answer.status_code, answer.json()["details"]) == (403, {"scope": "policies:manage"})
    assert reader.delete("/runtime/policies/policy.mine").status_code == 403


def test_where_the_audit_cannot_be_written_the_call_fails_d11(
    caller: Client, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**entry: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(AuditEntry.objects, "create", full)

    assert registered(caller, 500)["errorCode"] == "INTERNAL_ERROR"
