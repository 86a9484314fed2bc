"""`session` of an ExecutionRequest."""

import re

from django.conf import settings

from runs.api.members import LONGEST_URL, UNBOUNDED, Members
from runs.api.requests.payloads import read_envelope
from runs.domain.events import JsonObject
from runs.domain.requests import (
    AGENT,
    CONTROL_PLANE,
    OPENERS,
    ParticipantRequest,
    RootRequest,
    SessionRequest,
)
from runs.egress import check_url
from runs.errors import AddressRefused

LONGEST_TTL_MS = 86_400_000
MOST_PARTICIPANTS = 1000
MOST_ROOTS = 1000
BAD_SESSION_ID = "must be a lower-case UUID of version 4 or 7, or base64url text of 22 to 128 characters"

_UUID_SHAPE = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
_UUID_4_OR_7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII)
_HEADER_TEXT = re.compile(r"([!-~]([ -~]*[!-~])?)?", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22,128}", re.ASCII)

# What metadata may say of a run, and how long the columns that keep it are.
_RECOGNISED_TEXTS = {
    "source": 100,
    "sourceRef": 500,
    "intent": UNBOUNDED,
    "environment": 255,
    "scenarioRef": 500,
    "scenario": 255,
    "contextId": 255,
}


def read_session(members: Members) -> SessionRequest:
    """The session in `members`; faults are noted there."""
    envelope = members.optional_child("contextEnvelope")
    session = SessionRequest(
        opener=_read_opener(members),
        session_id=_read_session_id(members),
        mode_name=members.text("modeName"),
        mode_version=members.text("modeVersion", longest=100, shortest=0),
        configuration_version=members.text("configurationVersion", shortest=0),
        policy_version=members.optional_text("policyVersion") or "",
        ttl_ms=members.integer("ttlMs", least=1, most=LONGEST_TTL_MS),
        initiator_participant_id=members.optional_text("initiatorParticipantId", shortest=1),
        participants=_read_participants(members),
        roots=members.children("roots", _read_root, most=MOST_ROOTS),
        context=members.optional_object("context"),
        context_envelope=read_envelope(envelope) if envelope else None,
        metadata=_read_metadata(members),
    )
    members.refuse_others()
    return session


def is_session_id(text: str) -> bool:
    """True if a session may be called so. What looks like a UUID must be one, it is no token."""
    form = _UUID_4_OR_7 if _UUID_SHAPE.fullmatch(text) else _TOKEN
    return form.fullmatch(text) is not None


def _read_opener(members: Members) -> str:
    wanted = members.optional_choice("opener", OPENERS)
    if not settings.SIGNALBOX_OBSERVER_ONLY:
        return wanted or settings.SIGNALBOX_SESSION_OPENER
    if wanted == CONTROL_PLANE:
        members.fault("opener", "must be agent: this deployment only observes")
    return AGENT


def _read_session_id(members: Members) -> str | None:
    text = members.optional_text("sessionId", longest=UNBOUNDED)
    if text is not None and not is_session_id(text):
        members.fault("sessionId", BAD_SESSION_ID)
    return text


def _read_participants(members: Members) -> tuple[ParticipantRequest, ...]:
    seen: set[str] = set()

    def read_one(one: Members) -> ParticipantRequest:
        participant = _read_participant(one)
        if participant.id and participant.id in seen:
            one.fault("id", "must be unique among the participants")
        seen.add(participant.id)
        return participant

    return members.children("participants", read_one, least=1, most=MOST_PARTICIPANTS)


def _read_participant(members: Members) -> ParticipantRequest:
    participant = ParticipantRequest(
        id=members.text("id"),
        role=members.optional_text("role"),
        transport_identity=members.optional_text("transportIdentity"),
        metadata=members.optional_object("metadata"),
    )
    members.refuse_others()
    return participant


def _read_root(members: Members) -> RootRequest:
    root = RootRequest(uri=members.text("uri", longest=LONGEST_URL), name=members.optional_text("name"))
    members.refuse_others()
    return root


def _read_metadata(members: Members) -> JsonObject:
    free = members.optional_object("metadata")
    if free is None:
        return {}
    recognised = members.optional_child("metadata")
    assert recognised is not None
    for name, longest in _RECOGNISED_TEXTS.items():
        recognised.optional_text(name, longest=longest)
    recognised.optional_boolean("cancellationDelegated")
    _read_cancel_callback(recognised)
    return free


def _read_cancel_callback(metadata: Members) -> None:
    callback = metadata.optional_child("cancelCallback")
    if callback is None:
        return
    url = callback.text("url", longest=LONGEST_URL)
    if url:
        _refuse_address(callback, url)
    bearer = callback.optional_text("bearer", longest=10_000)
    if bearer is not None and _HEADER_TEXT.fullmatch(bearer) is None:
        callback.fault("bearer", "must be ASCII text without control characters or blanks around it")
    callback.refuse_others()


def _refuse_address(callback: Members, url: str) -> None:
    try:
        check_url(url)
    except AddressRefused as refused:
        callback.fault("url", refused.message)
