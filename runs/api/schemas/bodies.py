"""The bodies that callers send. All are closed: an unknown member is a fault. A member that is null counts as absent."""

from runs.api.members import LONGEST_URL
from runs.api.query import BIGGEST
from runs.api.requests.artifact import KINDS as ARTIFACTS
from runs.api.requests.batch import MOST_RUNS
from runs.api.requests.execution import ACTOR_TYPES, LONGEST_TAG, LONGEST_TIMEOUT_MS, MOST_TAGS
from runs.api.requests.kickoff import KINDS, LONGEST_REPLY_TIMEOUT_MS, MOST_MESSAGES, MOST_RECIPIENTS
from runs.api.requests.payloads import ENCODINGS, LONGEST_TYPE_NAME
from runs.api.requests.policy import BIGGEST_VERSION
from runs.api.requests.reason import LONGEST_REASON
from runs.api.requests.session import LONGEST_TTL_MS, MOST_PARTICIPANTS, MOST_ROOTS
from runs.api.schemas.shapes import FREE, UUID, Schema, closed, listed, ref, text, whole, word
from runs.domain.replays import FASTEST, SLOWEST
from runs.domain.replays import MODES as REPLAY_MODES
from runs.domain.requests import MODES, OPENERS
from runs.operations.artifact import LONGEST_LABEL

NAME = text(shortest=1)
REASON = closed(reason=text(longest=LONGEST_REASON))
NOTHING = closed()
TICKET = closed(runId=UUID)
TAGS = listed(text(longest=LONGEST_TAG, shortest=1), most=MOST_TAGS)
CLONE = closed(tags=TAGS, context=FREE)
RUN_IDS = closed(("runIds",), runIds={"type": "array", "minItems": 1, "maxItems": MOST_RUNS, "items": UUID})
ARTIFACT = closed(
    ("kind", "label"),
    kind=word(ARTIFACTS),
    label=text(longest=LONGEST_LABEL, shortest=1),
    uri={"type": "string", "format": "uri", "maxLength": LONGEST_URL},
    inline=FREE,
)
REPLAY = closed(
    mode={**word(REPLAY_MODES), "default": "timed"},
    speed={"type": "number", "minimum": SLOWEST, "maximum": FASTEST, "default": 1},
    fromSeq=whole(1, BIGGEST),
    toSeq=whole(1, BIGGEST),
)
POLICY = closed(
    ("policyId", "mode", "description", "rules"),
    policyId=text(),
    mode={**text(), "description": "`*` is any mode."},
    description={"type": "string"},
    rules=FREE,
    schemaVersion={**whole(1, BIGGEST_VERSION), "default": 1},
)

_RECIPIENTS = listed(NAME, most=MOST_RECIPIENTS)
_REPLY_TIMEOUT = whole(1, LONGEST_REPLY_TIMEOUT_MS)
_PAYLOAD = {"payload": FREE, "payloadEnvelope": ref("PayloadEnvelope")}

MESSAGE = closed(
    ("from", "messageType"),
    **{"from": NAME},
    to=_RECIPIENTS,
    messageType=NAME,
    **_PAYLOAD,
    metadata=FREE,
    replyTimeoutMs=_REPLY_TIMEOUT,
)
SIGNAL = closed(
    ("from", "to", "messageType"),
    **{"from": NAME},
    to=_RECIPIENTS,
    messageType=NAME,
    payload=FREE,
    signalType=text(),
    severity=text(),
    confidence={"type": "number", "minimum": 0, "maximum": 1},
)
CONTEXT = closed(("from", "context"), **{"from": NAME}, context=FREE)

_PARTICIPANT = closed(("id",), id=NAME, role=text(), transportIdentity=text(), metadata=FREE)
_SESSION = closed(
    ("modeName", "modeVersion", "configurationVersion", "ttlMs", "participants"),
    opener=word(OPENERS),
    sessionId={"type": "string", "description": "A lower-case UUID of version 4 or 7, or base64url text of 22 to 128."},
    modeName=NAME,
    modeVersion=text(longest=100),
    configurationVersion=text(),
    policyVersion=text(),
    ttlMs=whole(1, LONGEST_TTL_MS),
    initiatorParticipantId=NAME,
    participants={"type": "array", "minItems": 1, "maxItems": MOST_PARTICIPANTS, "items": _PARTICIPANT},
    roots=listed(closed(("uri",), uri=text(longest=LONGEST_URL, shortest=1), name=text()), most=MOST_ROOTS),
    context=FREE,
    contextEnvelope=ref("PayloadEnvelope"),
    metadata={
        **FREE,
        "description": "Recognised: source, sourceRef, intent, environment, scenarioRef, scenario, contextId, "
        "cancelCallback {url, bearer?}, cancellationDelegated.",
    },
)
_KICKOFF = closed(
    ("from", "to", "kind", "messageType"),
    **{"from": NAME},
    to={**_RECIPIENTS, "minItems": 1},
    kind=word(KINDS),
    messageType=NAME,
    **_PAYLOAD,
    metadata=FREE,
    replyTimeoutMs=_REPLY_TIMEOUT,
)
_EXECUTION = closed(
    idempotencyKey=NAME,
    tags=TAGS,
    requester=closed(actorId=text(), actorType=word(ACTOR_TYPES)),
    timeouts=closed(admissionMs=whole(1, LONGEST_TIMEOUT_MS), progressMs=whole(0, LONGEST_TIMEOUT_MS)),
)

SCHEMAS: dict[str, Schema] = {
    "ExecutionRequest": closed(
        ("mode", "session"),
        mode=word(MODES),
        runtime={
            **closed(("kind",), kind=NAME, version=text(longest=100), options=FREE),
            "description": "Required but for mode sandbox, which means the scripted runtime without it.",
        },
        session=_SESSION,
        kickoff=listed(_KICKOFF, most=MOST_MESSAGES),
        execution=_EXECUTION,
    ),
    "PayloadEnvelope": closed(
        ("encoding",),
        encoding=word(ENCODINGS),
        mediaType=text(),
        json=FREE,
        text={"type": "string"},
        base64={"type": "string", "contentEncoding": "base64"},
        proto=closed(("typeName", "value"), typeName=text(longest=LONGEST_TYPE_NAME, shortest=1), value=FREE),
    ),
}
