"""What a runtime offers, and how the circuit breaker before it stands."""

from runs.api.schemas.shapes import BOOLEAN, COUNT, FREE, MOMENT, TEXT, TEXTS, Schema, fixed, listed, ref, shape, word

_BREAKER = word(("CLOSED", "OPEN", "HALF_OPEN"))

SCHEMAS: dict[str, Schema] = {
    "Manifest": shape(
        {"agentId": TEXT, "supportedModes": TEXTS, "metadata": FREE},
        title=TEXT,
        description=TEXT,
    ),
    "Mode": shape(
        {
            "mode": TEXT,
            "modeVersion": TEXT,
            "messageTypes": TEXTS,
            "terminalMessageTypes": TEXTS,
            "schemaUris": FREE,
        },
        title=TEXT,
        description=TEXT,
        determinismClass=TEXT,
        participantModel=TEXT,
    ),
    "Root": shape({"uri": TEXT}, name=TEXT),
    "RuntimeHealth": shape({"ok": BOOLEAN, "runtimeKind": TEXT}, manifest=ref("Manifest"), detail=TEXT),
    "Policy": shape(
        {"policyId": TEXT, "mode": TEXT, "description": TEXT, "rules": FREE, "schemaVersion": COUNT},
        registeredAtUnixMs=COUNT,
    ),
    "Registered": shape({"ok": fixed(True)}),
    "BreakerReset": shape({"status": fixed("ok"), "state": fixed("CLOSED")}),
    "BreakerHistory": shape(
        {
            "state": _BREAKER,
            "history": listed(shape({"state": _BREAKER, "enteredAt": MOMENT}, reason=TEXT), most=200),
        }
    ),
    "Readiness": shape(
        {
            "ok": BOOLEAN,
            "service": TEXT,
            "status": word(("ok", "degraded", "unavailable")),
            "database": word(("ok", "unhealthy")),
            "runtime": shape({"ok": BOOLEAN, "runtimeKind": TEXT}, detail=TEXT),
            "streamConsumer": word(("ok", "unhealthy")),
            "circuitBreaker": _BREAKER,
        }
    ),
    "Liveness": shape({"ok": fixed(True), "service": TEXT, "status": fixed("ok")}),
}
