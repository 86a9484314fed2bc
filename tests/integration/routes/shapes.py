"""The one shape of every error."""

from typing import Any

from config.http.fault import STATUS_OF

MEMBERS = {"statusCode", "error", "errorCode", "message", "requestId"}


def code_of(answer: Any) -> str:
    """The code of an error, after its shape was checked."""
    assert answer["Content-Type"] == "application/json", answer.content
    body = answer.json()
    assert set(body) - {"details"} == MEMBERS
    assert body["statusCode"] == answer.status_code == STATUS_OF[body["errorCode"]]
    assert body["requestId"] == answer["X-Request-Id"]
    assert isinstance(body["message"], str)
    assert body["message"]
    assert "Traceback" not in answer.content.decode()
    code: str = body["errorCode"]
    return code
