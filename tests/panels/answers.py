"""What the API answers a panel that asks; `of` is the text of an agent or a receiver."""

from collections.abc import Mapping

from tests.panels.stage import RUN

AT = "2026-01-31T09:30:05.000Z"
MESSAGES = f"/runs/{RUN}/messages?limit=1000"
ARTIFACTS = f"/runs/{RUN}/artifacts"
LATE = f"/runs/{RUN}/late?limit=200"
OWNERSHIP = f"/admin/console/runs/{RUN}/ownership"
ENDPOINT = "0190a7c2-0000-7000-8000-0000000000e1"
TOLD = f"/admin/console/runs/{RUN}/told"


def a_message(of: str = "alice", **changed: object) -> dict[str, object]:
    """A stored message that the runtime took."""
    row: dict[str, object] = {
        **{"messageId": f"m-{of}", "messageType": of, "category": "kickoff", "sender": of, "recipients": [of, "bob"]},
        **{"status": "accepted", "createdAt": AT, "acceptedAt": AT, "ack": {"ok": True}, "errorMessage": None},
        **{"replyStatus": None, "replyDeadlineAt": None, "replyMessageId": None},
        "payloadDescriptor": {"encoding": "json", "sizeBytes": 2, "preview": of},
    }
    return row | changed


def an_artifact(of: str = "trace", **changed: object) -> dict[str, object]:
    """An artifact with its content in it."""
    return {"id": f"a-{of}", "kind": of, "label": of, "inline": {"note": of}, "createdAt": AT} | changed


def a_late_one(of: str = "env:m-9", **changed: object) -> dict[str, object]:
    """An observation that came after the ending."""
    row = {"id": f"l-{of}", "receivedAt": AT, "reason": "after_ending", "kind": "stream-envelope", "sourceId": of}
    return {**row, "payload": {"text": of}, **changed}


def a_delivery(of: str = "run.completed", **changed: object) -> dict[str, object]:
    """A delivery that waits after a refusal."""
    row: dict[str, object] = {"id": f"d-{of}", "event": of, "seq": 9, "status": "pending", "attempts": 2}
    row |= {"responseStatus": 500, "errorMessage": of, "createdAt": AT, "nextAttemptAt": AT}
    return row | changed


def an_endpoint(of: str = "https://a.test/hook", **changed: object) -> dict[str, object]:
    """A registered webhook."""
    return {"id": ENDPOINT, "url": of, "active": True} | changed


def sent(*deliveries: Mapping[str, object], endpoint: Mapping[str, object] | None = None) -> dict[str, object]:
    """One webhook, and what it was sent of the run."""
    row = {"endpoint": endpoint or an_endpoint(), "deliveries": list(deliveries)}
    return {"endpoints": 1, "told": [row] if deliveries else [], "isMore": False}


def ownership(**changed: object) -> dict[str, object]:
    """A run whose observer beats."""
    observer = {"id": "o-1", "host": "host-1", "processId": 7, "beatAt": AT, "isLost": False, "isBeating": True}
    owned = {"observer": observer, "leaseEpoch": 3, "recoveryAttempts": 0, "hasEnded": False, "stream": stream()}
    return owned | changed


def stream(*data: Mapping[str, object]) -> dict[str, object]:
    """The changes of the stream, as events."""
    return {"since": 0, "changes": [{"seq": seq, "ts": AT, "data": one} for seq, one in enumerate(data, start=4)]}


def a_page(*rows: Mapping[str, object]) -> dict[str, object]:
    """A page that holds all there is."""
    return {"data": list(rows), "total": len(rows)}


def answers(of: str = "said", **more: object) -> dict[str, object]:
    """Everything that a panel may ask for, each text in it being `of`."""
    observer = {"id": of, "host": of, "processId": 7, "beatAt": AT, "isLost": False, "isBeating": False}
    return {
        MESSAGES: [a_message(of), a_message(of, messageId="m2", status="rejected", ack=None, errorMessage=of)],
        ARTIFACTS: [
            an_artifact(of),
            an_artifact(of, id="a2", uri=of),
            an_artifact(of, id="a3", uri="javascript:alert(1)"),
        ],
        LATE: a_page(a_late_one(of), a_late_one(of, id="l2", reason="conflict")),
        OWNERSHIP: ownership(
            observer=observer, stream=stream({"status": of, "detail": of}, {"status": "recovered", "recovery": of})
        ),
        TOLD: sent(a_delivery(of), endpoint=an_endpoint(of, active=False)),
    }
