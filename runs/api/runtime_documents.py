"""What a runtime offers, as answers: what it left out is left out."""

from runs.domain.events import JsonObject
from runs.runtimes.health import Health
from runs.runtimes.offer import Manifest, Mode, Policy, Root


def manifest_document(manifest: Manifest) -> JsonObject:
    """The answer of GET /runtime/manifest."""
    return {
        "agentId": manifest.agent_id,
        **_given(title=manifest.title, description=manifest.description),
        "supportedModes": list(manifest.supported_modes),
        "metadata": dict(manifest.metadata),
    }


def mode_document(mode: Mode) -> JsonObject:
    """One mode of GET /runtime/modes."""
    return {
        "mode": mode.name,
        "modeVersion": mode.version,
        **_given(
            title=mode.title,
            description=mode.description,
            determinismClass=mode.determinism_class,
            participantModel=mode.participant_model,
        ),
        "messageTypes": list(mode.message_types),
        "terminalMessageTypes": list(mode.terminal_message_types),
        "schemaUris": dict(mode.schema_uris),
    }


def root_document(root: Root) -> JsonObject:
    """One root of GET /runtime/roots."""
    return {"uri": root.uri, **_given(name=root.name)}


def health_document(health: Health) -> JsonObject:
    """The answer of GET /runtime/health."""
    document: JsonObject = {"ok": health.ok, "runtimeKind": health.kind}
    if health.manifest is not None:
        document["manifest"] = manifest_document(health.manifest)
    return document | _given(detail=health.detail)


def policy_document(policy: Policy) -> JsonObject:
    """One policy of GET /runtime/policies."""
    return {
        "policyId": policy.id,
        "mode": policy.mode,
        "description": policy.description,
        "rules": policy.rules,
        "schemaVersion": policy.schema_version,
        **_given(registeredAtUnixMs=policy.registered_at_unix_ms),
    }


def _given(**members: object) -> JsonObject:
    return {name: value for name, value in members.items() if value}
