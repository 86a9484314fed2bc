"""The schemas of what webhooks take, answer and send."""

from runs.api.members import LONGEST_URL
from runs.api.schemas.shapes import (
    BOOLEAN,
    COUNT,
    FREE,
    MOMENT,
    NUMBER,
    SEQ,
    TEXT,
    TEXTS,
    UUID,
    Schema,
    closed,
    fixed,
    listed,
    nullable,
    ref,
    shape,
    text,
    whole,
    word,
)
from runs.domain.redaction import MASK
from webhooks.api.bodies import (
    FASTEST,
    LONGEST_DESCRIPTION,
    LONGEST_EVENT,
    LONGEST_TAG,
    MOST_AT_ONCE,
    MOST_EVENTS,
    MOST_TAGS,
    SLOWEST,
)
from webhooks.models.delivery import DeliveryStatus
from webhooks.operations.own_headers import LONGEST_VALUE, MOST_HEADERS
from webhooks.operations.replay_deliveries import REPLAYABLE
from webhooks.operations.secret_text import LONGEST, SHORTEST
from webhooks.operations.terms import OVERLAPS, USUAL_OVERLAP
from webhooks.payloads import TEST_EVENT

_MAYBE = nullable(TEXT)
_EVENTS: Schema = {
    **listed(text(longest=LONGEST_EVENT, shortest=1), most=MOST_EVENTS),
    "description": "Event types and patterns such as `run.*`; none means the six events of a run.",
}
_TERMS: dict[str, Schema] = {
    "url": {"type": "string", "format": "uri", "minLength": 1, "maxLength": LONGEST_URL},
    "events": _EVENTS,
    "secret": {**text(longest=LONGEST, shortest=SHORTEST), "description": "`whsec_` and base64, or any other text."},
    "description": text(longest=LONGEST_DESCRIPTION),
    "filters": {
        **closed(
            tags=listed(text(longest=LONGEST_TAG, shortest=1), most=MOST_TAGS),
            modeName=text(),
            environment=text(),
            runId=UUID,
        ),
        "description": "Of which runs it hears: with one of the tags, and each of the others that is set.",
    },
    "headers": {
        "type": "object",
        "maxProperties": MOST_HEADERS,
        "additionalProperties": text(longest=LONGEST_VALUE, shortest=1),
        "description": "Headers of its own; never one that Signalbox sets, or one of the connection.",
    },
    "ratePerSecond": {"type": "number", "minimum": SLOWEST, "maximum": FASTEST},
    "concurrency": whole(1, MOST_AT_ONCE),
}
_ROW: dict[str, Schema] = {
    "id": UUID,
    "url": TEXT,
    "events": TEXTS,
    "active": BOOLEAN,
    "description": _MAYBE,
    "secretHint": {**_MAYBE, "description": "The last characters of the present secret."},
    "createdAt": MOMENT,
    "updatedAt": MOMENT,
    "filters": shape({}, tags=TEXTS, modeName=TEXT, environment=TEXT, runId=UUID),
    "headers": {**FREE, "description": f"Its own headers; in place of each value stands {MASK}."},
    "ratePerSecond": NUMBER,
    "concurrency": {**nullable(COUNT), "description": "null: WEBHOOK_CONCURRENCY"},
    "paused": {**BOOLEAN, "description": "What comes meanwhile waits."},
    "disabledAt": {**nullable(MOMENT), "description": "When Signalbox has switched it off by itself."},
    "disabledReason": _MAYBE,
    "formerSecretExpiresAt": {**nullable(MOMENT), "description": "Until then the former secret signs, too."},
    "health": shape(
        {
            "lastSuccessAt": nullable(MOMENT),
            "lastFailureAt": nullable(MOMENT),
            "failingSince": {**nullable(MOMENT), "description": "The first failure after the last success."},
            "failures": {**COUNT, "description": "Attempts that failed since the last success."},
        }
    ),
}
_DELIVERY: dict[str, Schema] = {
    "id": UUID,
    "webhookId": UUID,
    "event": TEXT,
    "runId": {**nullable(UUID), "description": "null: a test event."},
    "seq": {**COUNT, "description": "0: a test event."},
    "status": word(DeliveryStatus),
    "attempts": COUNT,
    "nextAttemptAt": nullable(MOMENT),
    "lastAttemptAt": nullable(MOMENT),
    "responseStatus": nullable(COUNT),
    "errorMessage": _MAYBE,
    "createdAt": MOMENT,
    "deliveredAt": nullable(MOMENT),
}

SCHEMAS: dict[str, Schema] = {
    "NewWebhook": closed(("url",), **_TERMS),
    "WebhookChange": closed(
        (),
        **_TERMS,
        active={**BOOLEAN, "description": "false cancels what waits."},
        paused={**BOOLEAN, "description": "true lets what comes wait."},
        secretOverlap={
            **word(OVERLAPS),
            "description": f"How long the former secret goes on signing beside a new one; {USUAL_OVERLAP} by default.",
        },
    ),
    "Webhook": shape(_ROW),
    "WebhookWithSecret": shape(_ROW, secret={**TEXT, "description": "Shown this once."}),
    "Delivery": shape(_DELIVERY),
    "WholeDelivery": shape(
        {
            **_DELIVERY,
            "payload": {**FREE, "description": "What is sent, byte for byte."},
            "attemptLog": listed(
                shape(
                    {
                        "number": SEQ,
                        "startedAt": MOMENT,
                        "durationMs": COUNT,
                        "responseStatus": nullable(COUNT),
                        "errorMessage": _MAYBE,
                        "manual": {**BOOLEAN, "description": "Somebody asked for it."},
                        "responseExcerpt": {**_MAYBE, "description": "The beginning of the answer, without secrets."},
                    }
                )
            ),
        }
    ),
    "WebhookReplay": closed(
        (),
        events={**_EVENTS, "description": "Types and patterns; none means all."},
        status={**word(REPLAYABLE), "description": "Those that did not arrive, if absent: exhausted and cancelled."},
        runId=UUID,
        **{"from": {"type": "string", "format": "date-time", "description": "Created at or after this."}},
        to={"type": "string", "format": "date-time", "description": "Created before this."},
        dryRun={**BOOLEAN, "default": False, "description": "Count and do nothing."},
        key={**text(shortest=1), "description": "Of the job: asked for again under it, nothing more is sent."},
    ),
    "WebhookReplayed": shape(
        {
            "count": {**COUNT, "description": "How many are due once more, or would be: at most 10 000."},
            "matched": {**COUNT, "description": "How many there were; another job takes what is left."},
            "dryRun": BOOLEAN,
            "key": _MAYBE,
        }
    ),
    "WebhookEvent": shape(
        {
            "event": ref("EventType"),
            "type": ref("EventType"),
            "runId": UUID,
            "status": ref("RunStatus"),
            "timestamp": MOMENT,
            "eventId": UUID,
            "seq": SEQ,
            "data": {**FREE, "description": "Of the six events of a run only `error`, where something went wrong."},
        },
        dataUrl={**TEXT, "description": "Where the event can be read; its data would have been too long to send."},
    ),
    "WebhookTest": shape(
        {
            "event": fixed(TEST_EVENT),
            "type": fixed(TEST_EVENT),
            "runId": {"type": "null"},
            "status": {"type": "null"},
            "timestamp": MOMENT,
            "eventId": UUID,
            "seq": fixed(0),
            "data": closed(),
        }
    ),
}
