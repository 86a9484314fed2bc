"""Endpoints over HTTP: the whole contract of POST, GET, PATCH and DELETE."""

import base64
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client

from runs.models.identity import uuid7
from tests.integration.webhooks.subscribed import (
    JSON,
    URL,
    audited,
    changed,
    delivery,
    faults,
    fresh,
    patched,
    posted,
    refusal,
    subscribed,
)
from webhooks.models import Endpoint, EndpointSecret
from webhooks.operations import create_endpoint

pytestmark = pytest.mark.django_db

MEMBERS = ["id", "url", "events", "active", "description", "secretHint", "createdAt", "updatedAt"]
FURTHER = [
    *("filters", "headers", "ratePerSecond", "concurrency", "paused", "disabledAt", "disabledReason"),
    *("formerSecretExpiresAt", "health"),
]
OWN = "a secret of my own, in plain text"
EVERYTHING: dict[str, Any] = {
    "events": ["run.*", "message.received"],
    "description": "the pager",
    "filters": {"tags": ["release"], "modeName": "macp.mode.decision.v1", "environment": "prod", "runId": str(uuid7())},
    "headers": {"Authorization": "Bearer of-the-receiver", "X-Team": "pager"},
    "ratePerSecond": 2.5,
    "concurrency": 7,
}


def row(caller: Client, webhook_id: str) -> dict[str, Any]:
    found: dict[str, Any] = caller.get(f"/webhooks/{webhook_id}").json()
    return found


def test_an_address_alone_makes_a_webhook_with_a_new_secret(caller: Client) -> None:
    response = posted(caller, "/webhooks", url=URL)
    answer = response.json()
    assert response.status_code == 201
    assert list(answer) == [*MEMBERS, *FURTHER, "secret"]
    assert (answer["url"], answer["events"], answer["active"], answer["description"]) == (URL, [], True, None)
    assert answer["secret"].startswith("whsec_")
    assert len(base64.b64decode(answer["secret"].removeprefix("whsec_"), validate=True)) == 32
    assert answer["secretHint"] == "…" + answer["secret"][-4:]
    assert answer["createdAt"] == answer["updatedAt"]
    assert answer["health"] == {"lastSuccessAt": None, "lastFailureAt": None, "failingSince": None, "failures": 0}
    # It should be kept by nobody on the way.
    assert response["Cache-Control"] == "no-store"


def test_two_webhooks_have_two_secrets(caller: Client) -> None:
    assert subscribed(caller)["secret"] != subscribed(caller)["secret"]


def test_everything_that_is_said_is_kept(caller: Client) -> None:
    answer = subscribed(caller, **EVERYTHING, secret=OWN)
    assert answer["secret"] == OWN
    shown = row(caller, answer["id"])
    assert {name: shown[name] for name in EVERYTHING if name != "headers"} == {
        name: value for name, value in EVERYTHING.items() if name != "headers"
    }
    # It should not show what the headers say.
    assert shown["headers"] == {"Authorization": "[redacted]", "X-Team": "[redacted]"}


def test_a_secret_is_in_no_answer_but_the_one_to_the_call_that_sets_it_d02(caller: Client) -> None:
    made = subscribed(caller, secret=OWN, headers={"X-Key": "of-the-receiver"})
    later = [
        caller.get("/webhooks"),
        caller.get(f"/webhooks/{made['id']}"),
        patched(caller, made["id"], description="another"),
        posted(caller, f"/webhooks/{made['id']}/test"),
        caller.get(f"/webhooks/{made['id']}/deliveries"),
        caller.get("/audit"),
        caller.delete(f"/webhooks/{made['id']}"),
    ]
    for response in later:
        assert response.status_code < 300
        assert OWN not in response.content.decode()
        assert "of-the-receiver" not in response.content.decode()
        assert b'"secret"' not in response.content


def test_the_list_is_a_bare_array_in_the_order_in_which_they_were_made(caller: Client) -> None:
    assert caller.get("/webhooks").json() == []
    made = [subscribed(caller, description=name) for name in ("one", "two", "three")]
    listed = caller.get("/webhooks").json()
    assert [one["description"] for one in listed] == ["one", "two", "three"]
    assert listed == [row(caller, one["id"]) for one in made]
    assert list(listed[0]) == [*MEMBERS, *FURTHER]


def test_a_webhook_nobody_has_is_404_and_one_that_was_removed_too(caller: Client) -> None:
    removed = subscribed(caller)["id"]
    assert caller.delete(f"/webhooks/{removed}").status_code == 204
    for webhook_id in (removed, str(uuid7())):
        for response in (
            caller.get(f"/webhooks/{webhook_id}"),
            patched(caller, webhook_id, active=True),
            posted(caller, f"/webhooks/{webhook_id}/test"),
            posted(caller, f"/webhooks/{webhook_id}/replay"),
            posted(caller, f"/webhooks/{webhook_id}/replay", dryRun=True),
            caller.get(f"/webhooks/{webhook_id}/deliveries"),
        ):
            assert refusal(response) == (404, "NOT_FOUND")
    assert caller.get("/webhooks").json() == []


@pytest.mark.parametrize("text", ["x", "1", "%00", "0" * 40])
def test_an_id_that_is_no_uuid_is_400(caller: Client, text: str) -> None:
    webhook = f"/webhooks/{text}"
    for response in (
        caller.get(webhook),
        caller.patch(webhook, {}, content_type=JSON),
        caller.delete(webhook),
        caller.get(f"{webhook}/deliveries"),
        posted(caller, f"{webhook}/test"),
        posted(caller, f"{webhook}/replay"),
    ):
        assert faults(response) == {"id": "must be a UUID"}
    deliveries = f"/webhooks/{uuid7()}/deliveries/{text}"
    for response in (caller.get(deliveries), posted(caller, f"{deliveries}/resend")):
        assert faults(response) == {"deliveryId": "must be a UUID"}


def test_each_member_is_changed_alone(caller: Client) -> None:
    made = subscribed(caller)
    for name, value in EVERYTHING.items():
        before = row(caller, made["id"])
        after = changed(caller, made["id"], **{name: value})
        shown = dict.fromkeys(value, "[redacted]") if name == "headers" else value
        assert after[name] == shown
        assert after["updatedAt"] >= before["updatedAt"]
        assert {**after, name: None, "updatedAt": None} == {**before, name: None, "updatedAt": None}
    assert [entry["details"] for entry in audited("webhook.changed")] == [{"changed": [name]} for name in EVERYTHING]


def test_filters_and_headers_are_replaced_as_a_whole(caller: Client) -> None:
    made = subscribed(caller, **EVERYTHING)
    assert changed(caller, made["id"], filters={"environment": "test"})["filters"] == {"environment": "test"}
    assert changed(caller, made["id"], filters={})["filters"] == {}
    assert changed(caller, made["id"], headers={"X-Other": "1"})["headers"] == {"X-Other": "[redacted]"}
    assert changed(caller, made["id"], headers={})["headers"] == {}
    assert Endpoint.objects.get().headers_sealed == ""


def test_what_changes_nothing_is_no_change(caller: Client) -> None:
    made = subscribed(caller, **EVERYTHING)
    before = Endpoint.objects.values().get()
    for members in ({}, EVERYTHING, {"active": True, "paused": False, "url": URL}):
        changed(caller, made["id"], **members)
    assert Endpoint.objects.values().get() == before
    assert audited("webhook.changed") == []


def test_switching_off_cancels_what_waits_and_on_again_starts_afresh(caller: Client) -> None:
    made = subscribed(caller)
    waiting, arrived = delivery(made["id"], due_at=Now(), next_attempt_at=Now()), delivery(made["id"], "delivered")
    Endpoint.objects.update(
        failing_since=Now(), failures=30, broken_until=Now(), disabled_at=Now(), disabled_reason="x"
    )

    assert changed(caller, made["id"], active=False)["active"] is False
    assert (fresh(waiting).status, fresh(waiting).due_at, fresh(arrived).status) == ("cancelled", None, "delivered")
    assert audited("webhook.changed")[0]["details"] == {"changed": ["active"], "active": False, "cancelled": 1}
    assert row(caller, made["id"])["disabledReason"] == "x"

    after = changed(caller, made["id"], active=True)
    assert (after["active"], after["disabledAt"], after["disabledReason"]) == (True, None, None)
    assert (after["health"]["failingSince"], after["health"]["failures"]) == (None, 0)
    assert Endpoint.objects.get().broken_until is None
    # It should send again only what somebody asks for.
    assert fresh(waiting).status == "cancelled"


def test_another_address_is_another_receiver(caller: Client) -> None:
    made = subscribed(caller)
    waiting = delivery(made["id"])
    Endpoint.objects.update(failing_since=Now(), failures=30, broken_until=Now())
    changed(caller, made["id"], url="https://other.example/")
    endpoint = Endpoint.objects.get()
    assert (endpoint.failing_since, endpoint.failures, endpoint.broken_until) == (None, 0, None)
    assert fresh(waiting).status == "pending"


def test_pausing_lets_what_comes_wait(caller: Client) -> None:
    made = subscribed(caller)
    waiting = delivery(made["id"])
    assert changed(caller, made["id"], paused=True)["paused"] is True
    since = Endpoint.objects.get().paused_at
    assert since is not None
    changed(caller, made["id"], paused=True)
    assert Endpoint.objects.get().paused_at == since
    assert changed(caller, made["id"], paused=False)["paused"] is False
    assert fresh(waiting).status == "pending"
    assert [entry["details"] for entry in audited("webhook.changed")] == [{"changed": ["paused"]}] * 2


def test_removing_erases_secrets_and_cancels_what_waits(caller: Client) -> None:
    made = subscribed(caller, headers={"X-Key": "of-the-receiver"})
    waiting = delivery(made["id"])
    for _ in range(2):
        response = caller.delete(f"/webhooks/{made['id']}")
        assert (response.status_code, response.content) == (204, b"")
    assert EndpointSecret.objects.count() == 0
    endpoint = Endpoint.objects.get()
    assert (endpoint.active, endpoint.headers_sealed, endpoint.header_names) == (False, "", [])
    assert endpoint.deleted_at is not None
    assert fresh(waiting).status == "cancelled"
    assert [entry["details"] for entry in audited("webhook.deleted")] == [{"cancelled": 1}]
    assert caller.delete(f"/webhooks/{uuid7()}").status_code == 204


def test_who_made_it_is_on_record_without_secrets(caller: Client) -> None:
    made = subscribed(caller, url="https://receiver.example:8443/hooks/t0ken", events=["run.*"], secret=OWN)
    [entry] = audited("webhook.created")
    assert (entry["actor"], entry["resource_id"]) == ("tester", made["id"])
    assert entry["details"] == {"host": "receiver.example:8443", "events": ["run.*"]}
    assert Endpoint.objects.get().created_by == "tester"


@pytest.mark.parametrize(
    "events",
    [
        ["run.completed"],
        ["run.*", "message.received", "run.*"],
        ["*"],
        [],
    ],
)
def test_every_type_and_pattern_may_be_heard(caller: Client, events: list[str]) -> None:
    assert subscribed(caller, events=events)["events"] == list(dict.fromkeys(events))


def test_unknown_event_types_are_refused_each_at_its_place(caller: Client) -> None:
    found = faults(posted(caller, "/webhooks", url=URL, events=["run.completed", "run.exploded", "x.*"]))
    assert list(found) == ["events[1]", "events[2]"]


BAD: dict[str, tuple[object, str]] = {
    "url": (5, "url"),
    "events": ("run.completed", "events"),
    "secret": ("fifteen letters", "secret"),
    "description": ("x" * 501, "description"),
    "filters": ({"tags": ["a", 1], "colour": "red", "runId": "x"}, "filters.tags[1]"),
    "headers": ({"X-A": 1}, "headers.X-A"),
    "ratePerSecond": (0, "ratePerSecond"),
    "concurrency": (1.5, "concurrency"),
}


def test_every_fault_of_a_body_is_told_at_once(caller: Client) -> None:
    body = {name: value for name, (value, _) in BAD.items()}
    expected = {path for _, path in BAD.values()} | {"filters.colour", "filters.runId", "surprise"}
    assert set(faults(posted(caller, "/webhooks", **body, surprise=1))) == expected
    made = subscribed(caller)
    further = {"active": "no", "paused": 1, "secretOverlap": "1h"}
    assert set(faults(patched(caller, made["id"], **body, **further, surprise=1))) == expected | set(further)
    assert audited("webhook.changed") == []


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("url", "https://receiver.example/" + "x" * 2000),
        ("events", ["run.completed"] * 101),
        ("events", ["x" * 81]),
        ("events", [""]),
        ("secret", "x" * 256),
        ("secret", ""),
        ("ratePerSecond", 1001),
        ("ratePerSecond", "10"),
        ("concurrency", 0),
        ("concurrency", 101),
        ("concurrency", True),
        ("filters", {"tags": ["x"] * 101}),
        ("filters", {"tags": ["x" * 201]}),
        ("filters", {"environment": "x" * 256}),
        ("headers", {f"X-{number}": "1" for number in range(21)}),
        ("headers", []),
        ("description", "\ud800"),
    ],
)
def test_what_is_too_much_is_refused(caller: Client, member: str, value: object) -> None:
    response = posted(caller, "/webhooks", **{"url": URL, member: value})
    assert response.status_code == 400
    assert Endpoint.objects.count() == 0


@pytest.mark.parametrize("length", [16, 255])
def test_a_secret_may_have_16_to_255_characters(caller: Client, length: int) -> None:
    assert subscribed(caller, secret="s" * length)["secret"] == "s" * length


HEADERS = {
    "": "x",
    "X A": "x",
    "X:A": "x",
    "X-Ä": "x",
    "X-A\r\nX-B": "x",
    "x" * 101: "x",
    "Host": "inside.example",
    "content-length": "1",
    "Content-Type": "text/plain",
    "Transfer-Encoding": "chunked",
    "Connection": "keep-alive",
    "Keep-Alive": "1",
    "Upgrade": "h2c",
    "TE": "trailers",
    "Trailer": "X",
    "Expect": "100-continue",
    "Proxy-Authorization": "x",
    "Cookie": "a=b",
    "webhook-id": "msg_1",
    "Webhook-Signature": "v1,x",
    "X-MACP-Signature": "00",
    "x-macp-event": "run.failed",
    "X-Empty": "",
    "X-Lines": "a\r\nX-Injected: 1",
    "X-Control": "a\x1fb",
    "X-Deleted": "a\x7fb",
    "X-Blank": " a",
    "X-Blank-After": "a ",
    "X-Wide": "naïve",
    "X-Long": "x" * 1001,
    "X-Masked": "[redacted]",
}


@pytest.mark.parametrize("name", list(HEADERS), ids=repr)
def test_a_header_that_is_none_or_not_the_callers_is_refused(caller: Client, name: str) -> None:
    assert list(faults(posted(caller, "/webhooks", url=URL, headers={name: HEADERS[name]}))) == [
        f"headers.{name[:100]}"
    ]


def test_a_refusal_does_not_repeat_the_value_of_a_header_or_a_secret(caller: Client) -> None:
    response = posted(caller, "/webhooks", url=URL, headers={"X-Key": "canary\r\n"}, secret="canary")
    assert set(faults(response)) == {"headers.X-Key", "secret"}
    assert "canary" not in response.content.decode()


def test_a_header_is_one_however_it_is_written(caller: Client) -> None:
    found = faults(posted(caller, "/webhooks", url=URL, headers={"X-Team": "a", "x-team": "b"}))
    assert found == {"headers.x-team": "is given twice"}


def test_a_project_has_so_many_webhooks_and_no_more(caller: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(create_endpoint, "MOST_ENDPOINTS", 2)
    first = subscribed(caller)
    subscribed(caller)
    response = posted(caller, "/webhooks", url=URL)
    assert refusal(response) == (409, "CONFLICT")
    assert response.json()["details"] == {"maxWebhooks": 2}
    caller.delete(f"/webhooks/{first['id']}")
    subscribed(caller)
