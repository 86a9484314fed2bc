"""The rows of a launch, step by step: each function is one transaction that commits before the next call to the runtime.

What Initialize answered is stored before SessionStart, and SessionStart is stored as exact bytes before it is sent, so that
whoever goes on after a crash sends the same bytes again or knows that it must not.
"""

from collections.abc import Sequence
from uuid import UUID, uuid5

import orjson
from django.conf import settings

from runs.domain import deadlines
from runs.domain.documents import iso
from runs.domain.events import Draft, EventType, JsonObject, Observation, SessionSnapshot, SessionState
from runs.domain.lifecycle import RunStatus
from runs.domain.outbound import KICKOFF, payload_descriptor
from runs.domain.text import clean
from runs.ending import walk
from runs.models.session import shown_versions
from runs.observer.owned import OwnedRun
from runs.observer.telling import ends_session
from runs.recorder import Recorded, RunWriter, writing
from runs.recorder.queued import NewMessage, queue_message
from runs.runtimes.plan import KickoffMessage
from runs.runtimes.port import RuntimeInfo, SessionPlan

LAUNCHER = "launcher"
LONGEST_PROTOCOL = 20
LONGEST_NAME = 100
LONGEST_TTL_MS = 30 * 24 * 3600 * 1000


def record_started(run: OwnedRun) -> Recorded:
    """The run is starting: queued -> starting."""
    with writing(run.id, epoch=run.epoch, step="launch.started") as writer:
        data: JsonObject = {
            "status": RunStatus.STARTING.value,
            "runStatus": RunStatus.STARTING.value,
            "modeName": run.plan.mode_name,
            "runtimeKind": run.kind,
            "startedAt": iso(writer.clock()),
        }
        if writer.run.trace_id:
            data["traceId"] = writer.run.trace_id
        writer.append([_own(EventType.RUN_STARTED, data, "run", str(run.id))])
    return writer.recorded()


def store_runtime(run: OwnedRun, info: RuntimeInfo, start: bytes | None) -> bytes | None:
    """What Initialize answered is kept with the session, and the exact SessionStart bytes as about to be sent.

    Returns the stored bytes, which are those of the first attempt; None where the session is not ours to open.
    """
    with writing(run.id, epoch=run.epoch, step="launch.runtime") as writer:
        writer.change_session(**_runtime_columns(info), initialized_at=writer.clock())
        if not writer.run.runtime_version:
            writer.change_run(runtime_version=_fitting(info.version, LONGEST_NAME))
        if start is not None and writer.session.start_envelope is None:
            writer.change_session(start_envelope=start, start_message_id=start_id(run.id), start_sent_at=writer.clock())
        stored = writer.session.start_envelope
    return None if stored is None else bytes(stored)


def _runtime_columns(info: RuntimeInfo) -> dict[str, object]:
    return {
        "protocol": _fitting(info.protocol_version, LONGEST_PROTOCOL),
        "runtime_name": _fitting(info.name, LONGEST_NAME),
        "runtime_version": _fitting(info.version, LONGEST_NAME),
        "supported_modes": [clean(mode) for mode in info.supported_modes],
        # An absent capability stays null.
        "capabilities": {name: getattr(info.capabilities, name) for name in info.capabilities.__struct_fields__},
    }


def record_accepted(run: OwnedRun, adapter_state: bytes | None) -> None:
    """The runtime has taken the SessionStart: from now on it is never sent again, and a session that is gone is lost."""
    with writing(run.id, epoch=run.epoch, step="launch.accepted") as writer:
        writer.change_session(start_acked_at=writer.clock())
        if adapter_state is not None:
            writer.change_session(adapter_state=adapter_state)


def bind(
    run: OwnedRun,
    *,
    kickoff: Sequence[tuple[KickoffMessage, bytes]],
    snapshot: Observation | None = None,
    ttl_ms: int | None = None,
) -> Recorded:
    """The session is bound: its participants are in the log, the kickoff is stored, the hard deadline stands.

    `kickoff` holds each message with the exact bytes to send. `snapshot` is the GetSession answer of a
    session that an agent opened; `ttl_ms` is how long the runtime says that a session of ours lives.
    """
    with writing(run.id, epoch=run.epoch, step="launch.bind") as writer:
        body = snapshot.body if snapshot is not None else None
        seen = body if isinstance(body, SessionSnapshot) else None
        writer.append([_bound(writer, run, seen), *_participants(writer, run)])
        for index, (message, encoded) in enumerate(kickoff):
            queue_message(writer, _kickoff_message(writer, index, message, encoded), source_name=LAUNCHER)
        if snapshot is not None and not ends_session(snapshot):
            writer.append([snapshot])  # a session that is over already ends its run after it was bound
        writer.change_session(**_session_columns(writer, run, seen))
        if writer.session.start_acked_at is None:  # opened by an agent
            writer.change_session(start_acked_at=writer.clock())
        writer.change_run(
            **deadlines.bound(
                writer.clock(),
                ttl_ms=(granted_ttl_ms(seen) if seen else None) or ttl_ms or run.plan.ttl_ms,
                grace_ms=settings.RUN_HARD_GRACE_MS,
                progress_timeout_ms=writer.run.progress_timeout_ms,
            )
        )
    return writer.recorded()


def granted_ttl_ms(seen: SessionSnapshot) -> int | None:
    """How long the session lives by its runtime's own word; None where it does not say."""
    ttl_ms = seen.expires_at_unix_ms - seen.started_at_unix_ms
    return ttl_ms if seen.started_at_unix_ms and 0 < ttl_ms <= LONGEST_TTL_MS else None


def record_running(run: OwnedRun) -> Recorded:
    """The kickoff is done and the subscription stands: binding_session -> running, and on to suspended if it is."""
    with writing(run.id, epoch=run.epoch, step="launch.running") as writer:
        if writer.run.status == RunStatus.BINDING_SESSION:
            is_suspended = writer.context.session_state == SessionState.SUSPENDED
            walk(writer, RunStatus.SUSPENDED if is_suspended else RunStatus.RUNNING, source=LAUNCHER)
    return writer.recorded()


def _own(kind: EventType, data: JsonObject, subject_kind: str, subject_id: str) -> Draft:
    return Draft(type=kind, data=data, source_name=LAUNCHER, subject_kind=subject_kind, subject_id=subject_id)


def _bound(writer: RunWriter, run: OwnedRun, seen: SessionSnapshot | None) -> Draft:
    # What a caller wrote anywhere may hold a secret: the protocol gets the words of the plan, a log those without it.
    plan, shown = run.plan, writer.context.redactor.redact_text
    plan_ids = [participant.id for participant in plan.participants]
    data: JsonObject = {
        "sessionId": plan.session_id,
        "initiator": shown(_initiator(plan, seen)),
        "state": SessionState.OPEN.value,
        "modeName": plan.mode_name,
        "modeVersion": shown(plan.mode_version),
        "configurationVersion": shown(plan.configuration_version),
        "policyVersion": shown(plan.policy_version) or "policy.default",
        "participants": [clean(one) for one in seen.participants] if seen and seen.participants else plan_ids,
        "runStatus": RunStatus.BINDING_SESSION.value,
    }
    if plan.context_id:
        data["contextId"] = shown(plan.context_id)
    if seen and seen.extension_keys:
        data["extensionKeys"] = [clean(key) for key in seen.extension_keys]
    return _own(EventType.SESSION_BOUND, data, "session", plan.session_id)


def _participants(writer: RunWriter, run: OwnedRun) -> list[Draft]:
    drafts, shown = [], writer.context.redactor.redact_text
    for participant in run.plan.participants:
        data: JsonObject = {"participantId": participant.id, "status": "idle"}
        if participant.role:
            data["role"] = shown(participant.role)
        if participant.transport_identity:
            data["transportIdentity"] = shown(participant.transport_identity)
        drafts.append(_own(EventType.PARTICIPANT_SEEN, data, "participant", participant.id))
    return drafts


def _kickoff_message(writer: RunWriter, index: int, message: KickoffMessage, body: bytes) -> NewMessage:
    payload = message.payload_bytes if message.payload_bytes is not None else orjson.dumps(message.payload or {})
    return NewMessage(
        message_id=kickoff_id(writer.run.id, index),
        position=index,
        category=KICKOFF,
        kind=message.kind,
        message_type=message.message_type,
        sender=message.sender,
        recipients=message.recipients,
        body=body,
        payload_descriptor=payload_descriptor(payload, redactor=writer.context.redactor, media_type=message.media_type),
        reply_timeout_ms=message.reply_timeout_ms,
    )


def start_id(run_id: UUID) -> UUID:
    """The fixed message id of a run's SessionStart."""
    return uuid5(run_id, "start")


def kickoff_id(run_id: UUID, index: int) -> UUID:
    """The fixed message id of a kickoff message: the same whoever sends it, and however often."""
    return uuid5(run_id, f"kickoff-{index}")


def _session_columns(writer: RunWriter, run: OwnedRun, seen: SessionSnapshot | None) -> dict[str, object]:
    plan = run.plan
    return {
        "state": (seen.state if seen else SessionState.OPEN).value,
        "initiator": _initiator(plan, seen),
        **shown_versions(
            writer.context.redactor,
            mode=plan.mode_version,
            configuration=plan.configuration_version,
            policy=plan.policy_version or "policy.default",
        ),
    }


def _initiator(plan: SessionPlan, seen: SessionSnapshot | None) -> str:
    return clean(seen.initiator) if seen and seen.initiator else plan.initiator


def _fitting(text: str, longest: int) -> str:
    # A runtime's own words about itself must not stop a launch.
    return clean(text)[:longest]
