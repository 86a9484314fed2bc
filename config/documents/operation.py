"""One method of one route as OpenAPI describes it: what its view says, and what holds for every route."""

from collections.abc import Iterable, Mapping
from typing import Any

from drf_spectacular.openapi import AutoSchema

from config.documents.faults import ALWAYS, OF_A_RUN, WITH_A_BODY, responses_of
from runs.api.described import ERRORS

PUBLIC = frozenset({"healthz", "readyz", "metrics"})
KEY, SESSION, TICKET = "bearer", "session", "ticket"
UNSAFE = frozenset({"post", "put", "patch", "delete"})
HEADERS = ("X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
IDS = {
    "run_id": "The id of the run.",
    "webhook_id": "The id of the webhook.",
    "delivery_id": "The id of the delivery.",
}
_ASKS_WHO = frozenset({"UNAUTHENTICATED", "FORBIDDEN", "RATE_LIMITED"})


class Operation(AutoSchema):
    """The description of a view of the REST framework."""

    def get_operation(self, path: str, *arguments: Any, **named: Any) -> dict[str, Any] | None:
        """The whole of it; None for a view that is not described."""
        operation: dict[str, Any] | None = super().get_operation(path, *arguments, **named)
        return operation and completed(operation, path, self.method.lower(), _scope_of(self.view, self.method))

    def get_summary(self) -> str:
        """The first line of what the method says of itself."""
        return _first_line(getattr(self.view, self.method.lower()).__doc__)


def completed(
    operation: Mapping[str, Any], path: str, method: str, scope: str | None, *, ways: Iterable[str] = (KEY, SESSION)
) -> dict[str, Any]:
    """The operation with its id, tag, security, headers and errors."""
    steps = [step for step in path.split("/") if step]
    whole = {**operation, "operationId": _name_of(method, steps), "tags": [_tag_of(steps)]}
    whole.pop("description", None)
    whole["parameters"] = [_parameter(one) for one in operation.get("parameters", [])]
    is_public = steps[0] in PUBLIC
    whole["security"] = _security(steps[0], scope, ways)
    if (body := whole.get("requestBody")) is not None:
        schema = body["content"]["application/json"]["schema"]
        body["required"] = "$ref" in schema or "required" in schema
    codes = [*ALWAYS, *whole.pop(ERRORS, ())]
    codes += WITH_A_BODY if body else ()
    codes += OF_A_RUN if "{run_id}" in steps else ()
    if is_public:
        codes = [code for code in codes if code not in _ASKS_WHO or steps[0] == "metrics"]
    good = {str(status): _with_headers(one, is_public) for status, one in whole["responses"].items()}
    whole["responses"] = {**good, **{s: one for s, one in responses_of(codes).items() if s not in good}}
    whole[ERRORS] = sorted(set(codes))
    return whole


def _scope_of(view: Any, method: str) -> str | None:
    scopes: Mapping[str, str] = getattr(view, "scopes", {})
    return scopes.get(method) or getattr(view, "scope", None)


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]


def _name_of(method: str, steps: Iterable[str]) -> str:
    words = "-".join(step.strip("{}").replace("_", "-") for step in steps).split("-")
    return method + "".join(word[:1].upper() + word[1:] for word in words)


def _tag_of(steps: list[str]) -> str:
    return "health" if steps[0] in PUBLIC else "streams" if steps[0] == "stream-tickets" else steps[0]


def _security(first: str, scope: str | None, ways: Iterable[str]) -> list[dict[str, list[str]]]:
    if first == "metrics":  # closed by METRICS_REQUIRE_KEY alone
        return [{}, {KEY: [scope or ""]}]
    return [] if first in PUBLIC else [{way: [scope] if scope else []} for way in ways]


def _parameter(given: Mapping[str, Any]) -> dict[str, Any]:
    if (described := IDS.get(given["name"])) is not None:
        return {**given, "schema": {"type": "string", "format": "uuid"}, "description": described}
    return dict(given)


def _with_headers(response: Mapping[str, Any], is_public: bool) -> dict[str, Any]:
    names = HEADERS[:1] if is_public else HEADERS
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {**response, "headers": headers}
