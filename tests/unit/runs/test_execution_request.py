"""ExecutionRequest: what POST /runs takes, and that every fault is told with its path."""

import pytest
from pytest_django.fixtures import Settings

from runs.api.requests import read_execution_request
from runs.domain.requests import canonical, decode_request, digest_of, document_of
from runs.errors import ValidationFailed
from tests.bodies import UUID_4, Body, changed, full_body, short_body


def faults_of(body: object, **headers: str) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as failed:
        read_execution_request(body, **headers)
    return {fault.path: fault.message for fault in failed.value.faults}


def test_the_short_form_of_the_console_is_enough() -> None:
    request = read_execution_request(short_body())

    assert request.session.opener == "control-plane"
    assert request.runtime.kind == "scripted"
    assert request.initiator == "alice"
    assert request.execution.idempotency_key is None
    assert request.tags == []


def test_the_full_form_is_read_completely() -> None:
    request = read_execution_request(full_body())

    assert document_of(request) == document_of(decode_request(canonical(document_of(request))))
    assert request.admission_ms == 5000
    assert request.progress_ms == 0
    assert request.session.cancellation_delegated
    assert request.session.metadata["free"] == {"stays": [1, 2.5, None]}


def test_optional_members_may_be_null() -> None:
    body = short_body() | {"kickoff": None, "execution": None}
    body["session"] |= {"roots": None, "context": None, "metadata": None, "sessionId": None}

    assert digest_of(read_execution_request(body)) == digest_of(read_execution_request(short_body()))


@pytest.mark.parametrize("name", ["mode", "runtime", "session"])
def test_a_missing_member_is_named(name: str) -> None:
    body = short_body()
    del body[name]

    assert list(faults_of(body)) == [name]


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        (None, "is required: one of live, sandbox"),
        ("Live", "must be one of live, sandbox"),
        (["replay"], "must be one of live, sandbox"),
        ("replay", "must be live or sandbox; replay a recorded run with POST /runs/{id}/replay"),
    ],
)
def test_a_bad_mode_is_told_what_it_may_be(mode: object, message: str) -> None:
    assert faults_of(short_body() | {"mode": mode}) == {"mode": message}


@pytest.mark.parametrize("body", [None, [], "text", 5, True])
def test_a_body_that_is_no_object_is_one_fault(body: object) -> None:
    assert faults_of(body) == {"body": "must be an object"}


@pytest.mark.parametrize(
    "path",
    [
        "surprise",
        "runtime.surprise",
        "session.surprise",
        "session.participants.1.surprise",
        "session.roots.0.surprise",
        "session.metadata.cancelCallback.surprise",
        "kickoff.0.surprise",
        "execution.surprise",
        "execution.requester.surprise",
        "execution.timeouts.surprise",
    ],
)
def test_an_unknown_member_is_refused_with_its_path(path: str) -> None:
    shown = path.replace(".0.", "[0].").replace(".1.", "[1].")

    assert faults_of(changed(path, 1)) == {shown: "is not a known field"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("mode", "sometimes"),
        ("runtime", "scripted"),
        ("runtime.kind", "process"),
        ("runtime.kind", ""),
        ("runtime.version", "v" * 101),
        ("runtime.options", []),
        ("runtime.options.surprise", 1),
        ("session", []),
        ("session.opener", "nobody"),
        ("session.modeName", ""),
        ("session.modeName", "m" * 256),
        ("session.modeVersion", None),
        ("session.modeVersion", "v" * 101),
        ("session.configurationVersion", 1),
        ("session.ttlMs", 0),
        ("session.ttlMs", 86_400_001),
        ("session.ttlMs", 1.5),
        ("session.ttlMs", True),
        ("session.ttlMs", "60000"),
        ("session.participants", []),
        ("session.participants", [{"id": str(number)} for number in range(1001)]),
        ("session.participants.0", "alice"),
        ("session.participants.0.id", ""),
        ("session.participants.0.id", "a" * 256),
        ("session.participants.0.id", "nul\0"),
        ("session.participants.0.id", "\ud800"),
        ("session.participants.1.id", "alice"),
        ("session.participants.0.metadata", "x"),
        ("session.roots.0.uri", ""),
        ("session.context", []),
        ("session.metadata.environment", 5),
        ("session.metadata.source", "s" * 101),
        ("session.metadata.sourceRef", "s" * 501),
        ("session.metadata.cancellationDelegated", "yes"),
        ("session.metadata.cancelCallback", "https://agent.example"),
        ("session.metadata.cancelCallback.url", "ftp://agent.example"),
        ("session.metadata.cancelCallback.url", "https://user:word@agent.example"),
        ("session.metadata.cancelCallback.url", "https://[broken"),
        ("session.metadata.cancelCallback.url", None),
        ("session.metadata.cancelCallback.url", ""),
        ("session.metadata.cancelCallback.url", "https://agent.example/" + "x" * 2000),
        ("session.metadata.cancelCallback.bearer", "two\r\nlines"),
        ("session.metadata.cancelCallback.bearer", "bärer"),
        ("session.metadata.cancelCallback.bearer", " blank"),
        ("session.metadata.free", 10**30),
        ("session.metadata.free", float("inf")),
        ("session.metadata.free", "nul\0"),
        ("kickoff.0.from", ""),
        ("kickoff.0.to", []),
        ("kickoff.0.to", ["bob", ""]),
        ("kickoff.0.kind", "gossip"),
        ("kickoff.0.messageType", ""),
        ("kickoff.0.payload", []),
        ("kickoff.0.replyTimeoutMs", 0),
        ("execution.idempotencyKey", ""),
        ("execution.idempotencyKey", "k" * 256),
        ("execution.tags", "a,b"),
        ("execution.tags", ["t" * 201]),
        ("execution.tags", ["t"] * 101),
        ("execution.requester.actorType", "robot"),
        ("execution.timeouts.admissionMs", 0),
        ("execution.timeouts.progressMs", -1),
    ],
)
def test_a_value_out_of_bounds_is_told_at_its_path(path: str, value: object) -> None:
    shown = path.replace(".0", "[0]").replace(".1", "[1]")
    (found,) = faults_of(changed(path, value))

    assert found.startswith(shown), "it should name the member, or the item within it"


def test_every_fault_is_listed_at_once() -> None:
    body = short_body() | {"mode": "never", "extra": 1}
    body["session"] |= {"ttlMs": -1, "participants": [{"id": "a"}, {"id": "b"}, {"id": ""}]}

    assert set(faults_of(body)) == {"mode", "session.participants[2].id", "session.ttlMs", "extra"}


def test_replay_points_to_its_own_route() -> None:
    faults = faults_of(short_body() | {"mode": "replay"})

    assert list(faults) == ["mode"]
    assert "POST /runs/{id}/replay" in faults["mode"]


@pytest.mark.parametrize(
    ("session_id", "usable"),
    [
        (UUID_4, True),
        ("0190a7c2-1f2e-7a3b-8c9d-0e1f2a3b4c5d", True),
        ("a" * 22, True),
        ("A-_9" * 32, True),
        ("a" * 21, False),
        ("a" * 129, False),
        (UUID_4.upper(), False),
        ("0b3a7c1e-5d2f-1a6b-8c9d-0e1f2a3b4c5d", False),
        ("0b3a7c1e-5d2f-4a6b-7c9d-0e1f2a3b4c5d", False),
        ("with space " * 3, False),
        ("", False),
        ("é" * 30, False),
    ],
)
def test_a_session_id_has_a_form_that_the_runtime_takes(session_id: str, usable: bool) -> None:
    body = changed("session.sessionId", session_id)
    if usable:
        assert read_execution_request(body).session.session_id == session_id
        return
    with pytest.raises(ValidationFailed) as failed:
        read_execution_request(body)
    assert failed.value.code == "INVALID_SESSION_ID"


def test_a_session_id_of_another_type_is_an_ordinary_fault() -> None:
    with pytest.raises(ValidationFailed) as failed:
        read_execution_request(changed("session.sessionId", 5))
    assert failed.value.code == "VALIDATION_ERROR"


def test_an_agent_that_opens_the_session_gets_no_kickoff() -> None:
    assert list(faults_of(changed("session.opener", "agent"))) == ["kickoff"]


def test_an_observing_deployment_takes_only_sessions_of_agents(settings: Settings) -> None:
    settings.SIGNALBOX_OBSERVER_ONLY = True
    settings.SIGNALBOX_SESSION_OPENER = "control-plane"

    assert read_execution_request(short_body()).session.opener == "agent"
    assert "session.opener" in faults_of(changed("session.opener", "control-plane"))


@pytest.mark.parametrize("mode", ["sandbox", "live"])
def test_a_scenario_that_nobody_knows_is_named_where_it_stands(mode: str) -> None:
    body = short_body() | {"mode": mode}
    body["session"]["metadata"] = {"scenario": "nobody-wrote-it"}
    if mode == "sandbox":
        del body["runtime"]

    [(path, message)] = faults_of(body).items()

    assert path == "session.metadata.scenario"
    assert "veto" in message


def test_a_sandbox_run_needs_no_runtime_and_is_tagged_once() -> None:
    body = short_body() | {"mode": "sandbox", "execution": {"tags": ["sandbox", "a", "a"]}}
    del body["runtime"]
    request = read_execution_request(body)

    assert request.runtime.kind == "scripted"
    assert request.tags == ["sandbox", "a"]


@pytest.mark.parametrize(
    ("envelope", "path"),
    [
        ({"encoding": "xml"}, "encoding"),
        ({}, "encoding"),
        ({"encoding": "base64", "base64": "?"}, "base64"),
        ({"encoding": "proto"}, "proto"),
        ({"encoding": "proto", "proto": {"typeName": "", "value": {}}}, "proto.typeName"),
        ({"encoding": "proto", "proto": {"typeName": "a.B"}}, "proto.value"),
        ({"encoding": "json", "json": []}, "json"),
        ({"encoding": "text", "text": 5}, "text"),
        ({"encoding": "text", "surprise": 5}, "surprise"),
    ],
)
def test_a_broken_payload_envelope_is_refused(envelope: Body, path: str) -> None:
    body = full_body()
    del body["kickoff"][0]["payload"]
    body["kickoff"][0]["payloadEnvelope"] = envelope

    assert list(faults_of(body)) == [f"kickoff[0].payloadEnvelope.{path}"]


def test_both_forms_of_a_payload_are_too_many() -> None:
    body = changed("kickoff.0.payloadEnvelope", {"encoding": "json"})

    assert list(faults_of(body)) == ["kickoff[0].payloadEnvelope"]


def test_the_header_may_name_the_idempotency_key() -> None:
    in_header = read_execution_request(short_body(), idempotency_header="key-1")
    in_body = read_execution_request(short_body() | {"execution": {"idempotencyKey": "key-1"}})

    assert digest_of(in_header) == digest_of(in_body)
    assert "execution.idempotencyKey" in faults_of(full_body(), idempotency_header="another")
    assert "Idempotency-Key" in faults_of(short_body(), idempotency_header="")


def test_a_caller_cannot_pass_off_a_sealed_bearer() -> None:
    assert "session.metadata.cancelCallback.sealedBearer" in faults_of(
        changed("session.metadata.cancelCallback.sealedBearer", "x")
    )


def test_free_form_values_have_a_depth() -> None:
    deep: object = 1
    for _ in range(40):
        deep = [deep]
    (found,) = faults_of(changed("session.metadata.free", deep))

    assert found.startswith("session.metadata.free[0][0]")
