"""Many deliveries are sent once more: counted before, never more than a job may, and harmless when asked twice."""

from io import StringIO
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from runs.models.identity import uuid7
from tests.integration.webhooks.subscribed import (
    Answer,
    audited,
    changed,
    client_of,
    delivery,
    faults,
    posted,
    refusal,
    subscribed,
)
from webhooks.models import Delivery, Replay
from webhooks.operations import replay_deliveries

pytestmark = pytest.mark.django_db


@pytest.fixture
def webhook(caller: Client) -> Answer:
    return subscribed(caller)


def replay(caller: Client, webhook: Answer, **members: object) -> dict[str, Any]:
    response = posted(caller, f"/webhooks/{webhook['id']}/replay", **members)
    assert response.status_code == 201, response.content
    answer: dict[str, Any] = response.json()
    return answer


def due() -> set[str]:
    """Which deliveries somebody asked for."""
    rows = Delivery.objects.filter(status="pending").exclude(resend_at=None)
    return {str(found) for found in rows.values_list("id", flat=True)}


def command(*options: str) -> str:
    out = StringIO()
    call_command("replay_webhooks", *options, stdout=out)
    return out.getvalue()


def test_what_did_not_arrive_is_sent_again(caller: Client, webhook: Answer) -> None:
    missed = [delivery(webhook["id"], status) for status in ("exhausted", "cancelled")]
    for status in ("pending", "delivered"):
        delivery(webhook["id"], status)
    delivery(webhook["id"], "exhausted", run_id=None, event_type="webhook.test")
    delivery(subscribed(caller)["id"], "exhausted")

    answer = replay(caller, webhook)

    assert answer == {"count": 2, "matched": 2, "dryRun": False, "key": answer["key"]}
    assert due() == {str(row.id) for row in missed}
    [entry] = audited("webhook.replayed")
    assert entry["resource_id"] == webhook["id"]
    assert entry["details"] == {"count": 2, "key": answer["key"]}


def test_a_dry_run_counts_and_does_nothing(caller: Client, webhook: Answer) -> None:
    delivery(webhook["id"], "exhausted")
    before = list(Delivery.objects.values())
    assert replay(caller, webhook, dryRun=True, key="k") == {"count": 1, "matched": 1, "dryRun": True, "key": None}
    assert list(Delivery.objects.values()) == before
    assert (Replay.objects.count(), audited("webhook.replayed")) == (0, [])


@pytest.mark.parametrize(
    ("members", "picked"),
    [
        ({"status": "delivered"}, {"d"}),
        ({"status": "exhausted"}, {"a", "b", "c"}),
        ({"events": ["run.completed"]}, {"b"}),
        ({"events": ["run.*"]}, {"a", "b"}),
        ({"events": ["message.*", "run.completed"]}, {"b", "c"}),
        ({"events": ["*"]}, {"a", "b", "c"}),
        ({"from": "2026-01-31T09:31:00Z"}, {"b", "c"}),
        ({"to": "2026-01-31T10:32:00+01:00"}, {"a", "b"}),
        ({"from": "2026-01-31T09:31:00Z", "to": "2026-01-31T09:32:00Z"}, {"b"}),
        ({"events": ["run.*"], "from": "2026-01-31T09:31:00Z"}, {"b"}),
    ],
)
def test_a_replay_picks_by_status_type_and_time(
    caller: Client, webhook: Answer, members: Answer, picked: set[str]
) -> None:
    rows = {
        "a": delivery(webhook["id"], "exhausted"),
        "b": delivery(webhook["id"], "exhausted", minute=1, event_type="run.completed"),
        "c": delivery(webhook["id"], "exhausted", minute=2, event_type="message.received"),
        "d": delivery(webhook["id"], "delivered", minute=3),
    }
    assert replay(caller, webhook, **members, dryRun=True)["count"] == len(picked)
    assert replay(caller, webhook, **members)["count"] == len(picked)
    assert due() == {str(rows[name].id) for name in picked}


def test_a_pattern_ends_at_its_dot(caller: Client, webhook: Answer) -> None:
    delivery(webhook["id"], "exhausted", event_type="runaway.seen")
    row = delivery(webhook["id"], "exhausted")
    assert replay(caller, webhook, events=["run.*"])["count"] == 1
    assert due() == {str(row.id)}


def test_a_replay_picks_by_run(caller: Client, webhook: Answer) -> None:
    rows = [delivery(webhook["id"], "exhausted") for _ in range(2)]
    assert replay(caller, webhook, runId=str(rows[1].run_id))["count"] == 1
    assert due() == {str(rows[1].id)}


def test_a_job_takes_the_oldest_up_to_its_cap_and_the_next_one_the_rest(
    caller: Client, webhook: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert replay_deliveries.MOST == 10_000
    monkeypatch.setattr(replay_deliveries, "MOST", 3)
    rows = [str(delivery(webhook["id"], "exhausted", minute=-minute).id) for minute in range(5)]
    assert replay(caller, webhook, dryRun=True) == {"count": 3, "matched": 5, "dryRun": True, "key": None}
    first = replay(caller, webhook)
    assert (first["count"], first["matched"]) == (3, 5)
    assert due() == set(rows[2:])
    assert replay(caller, webhook)["count"] == 2
    assert due() == set(rows)


def test_asking_again_under_the_same_key_sends_nothing_more(caller: Client, webhook: Answer) -> None:
    delivery(webhook["id"], "exhausted")
    first = replay(caller, webhook, key="once", events=["run.*"])
    Delivery.objects.update(status="exhausted", resend_at=None)
    assert replay(caller, webhook, key="once", events=["run.*", "run.*"]) == first
    assert due() == set()
    assert len(audited("webhook.replayed")) == 1
    # It should be another job under another key, and under none.
    assert replay(caller, webhook, key="twice")["count"] == 1
    Delivery.objects.update(status="exhausted", resend_at=None)
    assert replay(caller, webhook)["count"] == 1


def test_a_key_is_of_one_job(caller: Client, webhook: Answer) -> None:
    replay(caller, webhook, key="once")
    for address, members in ((webhook["id"], {"status": "delivered"}), (subscribed(caller)["id"], {})):
        response = posted(caller, f"/webhooks/{address}/replay", key="once", **members)
        assert refusal(response) == (409, "IDEMPOTENCY_KEY_REUSED")
    # It should be anybody's in another project.
    outsider = client_of(uuid7())
    assert replay(outsider, subscribed(outsider), key="once")["key"] == "once"


def test_every_fault_of_a_replay_is_told(caller: Client, webhook: Answer) -> None:
    body = {
        "events": ["run.exploded"],
        "status": "pending",
        "runId": "x",
        "from": "2026-01-31",
        "to": 5,
        "dryRun": "yes",
        "key": "",
    }
    expected = {"events[0]", "status", "runId", "from", "to", "dryRun", "key", "surprise"}
    assert set(faults(posted(caller, f"/webhooks/{webhook['id']}/replay", **body, surprise=1))) == expected
    backwards = {"from": "2026-01-31T09:30:00Z", "to": "2026-01-31T09:30:00Z"}
    assert faults(posted(caller, f"/webhooks/{webhook['id']}/replay", **backwards)) == {"from": "must be before to"}


def test_an_operator_replays_many_webhooks_at_once(caller: Client, webhook: Answer) -> None:
    other, inactive = subscribed(caller), subscribed(caller)
    rows = [delivery(one["id"], "exhausted") for one in (webhook, other)]
    delivery(inactive["id"], "exhausted")
    changed(caller, inactive["id"], active=False)
    removed = subscribed(caller)
    caller.delete(f"/webhooks/{removed['id']}")

    assert command("--dry-run").splitlines()[-1] == "2 would be sent again."
    assert due() == set()
    said = command().splitlines()
    assert said[-1] == "2 are due once more."
    assert [line for line in said if inactive["id"] in line and "not active" in line]
    assert not [line for line in said if removed["id"] in line]
    assert due() == {str(row.id) for row in rows}
    entries = audited("webhook.replayed")
    assert {entry["resource_id"] for entry in entries} == {webhook["id"], other["id"]}
    assert all("@" in entry["actor"] for entry in entries)


def test_an_operator_picks_as_callers_do(caller: Client, webhook: Answer) -> None:
    rows = [delivery(webhook["id"], "exhausted", minute=minute) for minute in range(3)]
    delivery(subscribed(caller)["id"], "exhausted", minute=1)
    window = ("--from", "2026-01-31T09:31:00Z", "--to", "2026-01-31T09:32:00")
    report = orjson.loads(command("--json", "--webhook", webhook["id"], "--event", "run.*", *window))
    [line] = report["webhooks"]
    assert (report["dryRun"], line["webhookId"], line["count"], line["left"]) == (False, webhook["id"], 1, 0)
    assert due() == {str(rows[1].id)}
    assert "0 are due" in command("--run", str(uuid7()))
    assert "1 are due" in command("--run", str(rows[0].run_id), "--status", "exhausted")


def test_an_operator_is_told_what_there_is_not() -> None:
    with pytest.raises(CommandError, match="no webhook") as unknown:
        command("--webhook", str(uuid7()))
    assert unknown.value.returncode == 4
    with pytest.raises(CommandError, match=r"run\.exploded"):
        command("--event", "run.exploded")
    with pytest.raises(CommandError, match="ISO-8601"):
        command("--from", "yesterday")
