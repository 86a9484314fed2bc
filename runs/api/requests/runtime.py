"""`runtime` of an ExecutionRequest; the registry and the adapter judge what only they can know."""

from runs.api.members import Members
from runs.domain.events import JsonObject
from runs.domain.requests import SANDBOX, RuntimeChoice
from runs.errors import ValidationFailed
from runs.runtimes.registry import adapter_class, resolve_kind

SANDBOX_KIND = "scripted"


def read_runtime(body: Members, *, mode: str, scenario: str) -> RuntimeChoice:
    """The runtime that `body` names, or the scripted one for a sandbox run; faults are noted there."""
    members = body.optional_child("runtime") if mode == SANDBOX else body.required_child("runtime")
    if members is None:
        _note_option_faults(body, SANDBOX_KIND, {}, scenario)
        return RuntimeChoice(kind=SANDBOX_KIND)
    options = members.optional_object("options") or {}
    version = members.optional_text("version", longest=100)
    kind = _read_kind(members, members.text("kind"))
    if kind:
        _note_option_faults(body, kind, options, scenario)
    members.refuse_others()
    return RuntimeChoice(kind=kind, version=version, options=options)


def _read_kind(members: Members, named: str) -> str:
    if not named:
        return ""
    try:
        return resolve_kind(named)
    except ValidationFailed as failed:
        for fault in failed.faults:
            members.fault("kind", fault.message)
        return ""


def _note_option_faults(body: Members, kind: str, options: JsonObject, scenario: str) -> None:
    for fault in adapter_class(kind).option_faults(options, scenario):
        is_named_by_session = fault.path == "scenario" and "scenario" not in options
        body.fault(
            "session.metadata.scenario" if is_named_by_session else f"runtime.options.{fault.path}", fault.message
        )
