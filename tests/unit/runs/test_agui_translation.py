"""The log of a run as AG-UI events: whatever the log, a valid sequence; whenever a reader comes, the same conversation."""

from hypothesis import given
from hypothesis import strategies as st

from runs.domain.agui import events as agui
from runs.domain.agui.message import conversation
from runs.domain.agui.opened import Opened
from runs.domain.agui.translation import announcements, ending, opened_at, translate
from runs.domain.events import Event, JsonObject
from tests.agui import Json, Reader, parsed
from tests.agui_log import THREAD, document_of, read_from, state_of
from tests.event_logs import event_logs
from tests.hostile_logs import hostile_logs
from tests.run_log import RUN_ID, Log

ALICE = f"{RUN_ID}:alice"


@given(event_logs(), st.data())
def test_whatever_a_run_does_its_stream_is_valid_from_any_moment_on(log: list[Event], data: st.DataObject) -> None:
    whole = read_from(log, 0)
    later = read_from(log, data.draw(st.integers(0, len(log))))

    # It should be the same conversation, whether it was streamed or came as a snapshot.
    assert later.messages == whole.messages
    assert whole.has_ended == (log[-1].ends_the_run)


@given(event_logs(), st.data())
def test_a_reader_who_comes_and_goes_reads_no_text_twice(log: list[Event], data: st.DataObject) -> None:
    reader = Reader()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(log)), max_size=4)))
    for begins_at, ends_at in zip([0, *cuts], [*cuts, None], strict=True):
        read_from(log, begins_at, reader, ends_at)

    assert reader.messages == read_from(log, 0).messages
    assert len(reader.texts_streamed) == len(set(reader.texts_streamed))


@given(hostile_logs(max_events=15), st.data())
def test_no_log_makes_an_invalid_stream(log: list[Event], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(log)))
    opened = opened_at(str(RUN_ID), state_of(log[:cut]))
    reader = Reader()
    reader.read(agui.run_started(thread_id=THREAD, run_id=str(RUN_ID), asked={}))
    reader.read(agui.messages_snapshot(conversation([document_of(event) for event in log[:cut]], opened)))
    for event in announcements(opened, {}):
        reader.read(event)
    for event in log[cut:]:
        for one in translate(document_of(event), opened):
            reader.read(one)
    for one in ending({"status": "cancelled", "code": "cancelled"}, opened, thread_id=THREAD):
        reader.read(one)
    assert reader.has_ended


def told(log: Log, opened: Opened | None = None) -> list[Json]:
    """What the last event of the log becomes, without the time that each has."""
    opened = opened or Opened(str(RUN_ID))
    events = [parsed(event) for document in map(document_of, log.events[-1:]) for event in translate(document, opened)]
    assert {event.pop("timestamp") for event in events} == {1769851800000 + 1000 * len(log.events)}
    return events


def test_a_participant_is_a_subagent_with_its_role() -> None:
    log, opened = Log(), Opened(str(RUN_ID))
    log.see("alice", "proposer")

    assert told(log, opened) == [
        {"type": "SUBAGENT_STARTED", "subagentRunId": ALICE, "name": "alice", "description": "proposer"}
    ]
    # It should be announced once; what is said again is still in the stream.
    log.see("alice", "proposer")
    [again] = told(log, opened)
    assert (again["type"], again["name"]) == ("CUSTOM", "signalbox.participant.seen")


def test_a_text_is_a_message_of_its_speaker() -> None:
    for payload in (
        {"text": "good morning", "encoding": "text", "payloadBase64": "Z29vZCBtb3JuaW5n"},
        {"json": "good morning", "encoding": "json"},
        {"json": {"text": "good morning"}, "encoding": "json"},
        {"message": "good morning"},
    ):
        log = Log()
        log.hear("alice", "Note", payload, "m-1")

        started, *events = told(log)

        message_id = str(log.events[0].id)
        owner = {"messageId": message_id, "subagentRunId": ALICE}
        origin = {"signalbox": {"seq": 1, "messageType": "Note", "messageId": "m-1"}}
        assert started == {"type": "SUBAGENT_STARTED", "subagentRunId": ALICE, "name": "alice"}
        assert events == [
            {"type": "TEXT_MESSAGE_START", "role": "assistant", "name": "alice", "metadata": origin, **owner},
            {"type": "TEXT_MESSAGE_CONTENT", "delta": "good morning", **owner},
            {"type": "TEXT_MESSAGE_END", **owner},
        ]


def test_what_stands_beside_a_text_is_kept() -> None:
    log = Log()
    log.hear("alice", "Note", {"json": {"text": "yes", "confidence": 0.7}, "encoding": "json"})

    assert told(log)[1]["metadata"]["signalbox"]["payload"] == {"confidence": 0.7}


def test_a_message_of_the_protocol_is_an_activity_of_its_mode() -> None:
    log = Log()
    log.write(
        "message.received",
        {
            "modeName": "macp.mode.decision.v1",
            "messageType": "TaskUpdate",
            "messageId": "m-1",
            "sender": "alice",
            "payload": {"taskId": "t1", "status": "working", "message": "this is no text of its own"},
        },
    )

    _, activity = told(log)

    assert activity["type"] == "ACTIVITY_SNAPSHOT"
    assert activity["activityType"] == "macp.decision.v1"
    assert activity["subagentRunId"] == ALICE
    assert activity["content"] == log.events[0].data


def test_a_message_of_another_mode_or_of_none_has_its_activity_too() -> None:
    for mode, expected in (("ext.multi_round.v1", "macp.ext.multi_round.v1"), (None, "macp.message")):
        log = Log()
        log.write("message.received", {"messageType": "Unheard", "sender": "", "payload": {}, "modeName": mode})
        assert told(log)[0]["activityType"] == expected


def test_a_tool_is_called_once_and_answered_once() -> None:
    log, opened = Log(), Opened(str(RUN_ID))
    opened.enter("alice")
    asked: JsonObject = {"toolName": "search", "arguments": {"query": "weather"}}
    log.derive("tool.called", "alice", "ToolRequest", asked, ("tool", "t1"))
    start, args, end = told(log, opened)
    call_id = start["toolCallId"]
    assert (start["type"], start["toolCallName"], start["subagentRunId"]) == ("TOOL_CALL_START", "search", ALICE)
    assert start["parentMessageId"] == str(log.events[0].id)
    assert (args["type"], args["delta"], args["toolCallId"]) == ("TOOL_CALL_ARGS", '{"query":"weather"}', call_id)
    assert (end["type"], end["toolCallId"]) == ("TOOL_CALL_END", call_id)

    # It should not be made again when the agent says that it is made now.
    log.derive("tool.called", "alice", "ToolCall", asked, ("tool", "t1"))
    assert [event["type"] for event in told(log, opened)] == ["CUSTOM"]

    log.derive("tool.completed", "alice", "ToolResult", {"result": "sunny"}, ("tool", "t1"))
    [result] = told(log, opened)
    assert (result["type"], result["toolCallId"], result["content"]) == ("TOOL_CALL_RESULT", call_id, "sunny")

    # It should not be answered again, and nothing that was never called is answered.
    for unknown in ("t1", "t2"):
        log.derive("tool.completed", "alice", "ToolCompleted", {"result": "sunny"}, ("tool", unknown))
        assert [event["type"] for event in told(log, opened)] == ["CUSTOM"]


def test_a_result_stands_with_its_call_whoever_comes_when() -> None:
    log = Log()
    log.bind(("alice",))
    log.derive("tool.called", "alice", "ToolCall", {"toolName": "search"}, ("tool", "t1"))
    log.hear("alice", "Note", {"text": "in the meantime"})
    log.derive("tool.completed", "alice", "ToolResult", {"result": "sunny"}, ("tool", "t1"))

    for begins_at in range(len(log.events) + 1):
        messages = read_from(log.events, begins_at).messages
        assert [message.get("content") for message in messages] == [None, "sunny", "in the meantime"]


def test_a_tool_without_a_name_or_named_members_is_told_as_it_is() -> None:
    log, opened = Log(), Opened(str(RUN_ID))
    opened.enter("alice")
    log.derive("tool.called", "alice", "ToolCall", {"query": "weather"}, ("tool", "t1"))
    start, args, _ = told(log, opened)
    assert (start["toolCallName"], args["delta"]) == ("tool", '{"query":"weather"}')
    log.derive("tool.completed", "alice", "ToolResult", {"degrees": 21}, ("tool", "t1"))
    assert told(log, opened)[0]["content"] == '{"degrees":21}'


def test_the_message_that_carries_a_call_or_progress_is_no_message_of_the_conversation() -> None:
    for message_type in ("ToolCall", "TOOLRESULT", "Progress"):
        log, opened = Log(), Opened(str(RUN_ID))
        opened.enter("alice")
        log.hear("alice", message_type, {"message": "half done"})
        assert [event["type"] for event in told(log, opened)] == ["CUSTOM"]


def test_the_status_of_the_run_is_a_step_and_the_event_is_there_too() -> None:
    log, opened = Log(), Opened(str(RUN_ID))
    log.write("run.created", {"status": "queued", "modeName": "m"})
    step, event = told(log, opened)
    assert step == {"type": "STEP_STARTED", "stepName": "queued"}
    assert event == {"type": "CUSTOM", "name": "signalbox.run.created", "value": document_of(log.events[0])}

    log.write("run.started", {"status": "starting"})
    assert [(event["type"], event.get("stepName")) for event in told(log, opened)] == [
        ("STEP_FINISHED", "queued"),
        ("STEP_STARTED", "starting"),
        ("CUSTOM", None),
    ]
    # It should stand where nothing moves.
    log.write("session.state.changed", {"runStatus": "starting"})
    assert [event["type"] for event in told(log, opened)] == ["CUSTOM"]


def test_what_a_participant_is_at_is_its_step() -> None:
    log, opened = Log(), Opened(str(RUN_ID))
    opened.enter("alice")
    for data, expected in (
        ({"percentage": 10, "message": "reading"}, [("STEP_STARTED", "reading")]),
        ({"percentage": 20}, []),
        ({"percentage": 30, "message": "reading"}, []),
        ({"percentage": 60, "message": "writing"}, [("STEP_FINISHED", "reading"), ("STEP_STARTED", "writing")]),
        ({"percentage": 100, "message": "done"}, [("STEP_FINISHED", "writing")]),
        ({"percentage": 1, "message": "x" * 300}, [("STEP_STARTED", "x" * 200)]),
    ):
        log.write("progress.reported", {"participantId": "alice", "sender": "alice", **data})
        *steps, event = told(log, opened)
        assert [(step["type"], step["stepName"]) for step in steps] == expected
        assert {step["subagentRunId"] for step in steps} <= {ALICE}
        assert event["name"] == "signalbox.progress.reported"


def test_the_ending_itself_is_there_and_the_last_phase_stays_open_until_all_is_closed() -> None:
    log, opened = Log(), Opened(str(RUN_ID), phase="running")
    log.end()

    assert [event["name"] for event in told(log, opened)] == ["signalbox.run.completed"]
    assert opened.phase == "running"


def test_whoever_comes_later_is_told_what_is_open() -> None:
    log = Log()
    log.bind(("alice", "bob"))
    log.see("alice", "proposer")
    log.hear("bob", "Note", {})
    log.write("progress.reported", {"participantId": "bob", "percentage": 10, "message": "reading"})
    state = state_of(log.events)

    bob = f"{RUN_ID}:bob"
    assert announcements(opened_at(str(RUN_ID), state), state) == [
        {"type": "SUBAGENT_STARTED", "subagentRunId": ALICE, "name": "alice", "description": "proposer"},
        {"type": "SUBAGENT_STARTED", "subagentRunId": bob, "name": "bob"},
        {"type": "STEP_STARTED", "stepName": "binding_session"},
        {"type": "STEP_STARTED", "stepName": "reading", "subagentRunId": bob},
    ]
    # It should be at nothing any more once it has ended.
    log.end()
    state = state_of(log.events)
    opened = opened_at(str(RUN_ID), state)
    assert [event["type"] for event in announcements(opened, state)] == ["SUBAGENT_STARTED"] * 2


def test_whoever_speaks_in_the_conversation_is_announced_though_the_state_has_forgotten_them() -> None:
    log, opened = Log(), Opened(str(RUN_ID))
    log.hear("zoe", "Note", {"text": "hello"})

    [message] = conversation(map(document_of, log.events), opened)

    assert message["subagentRunId"] == f"{RUN_ID}:zoe"
    assert opened.participants == ["zoe"]

    entry = {"participantId": "yan", "message": "reading"}
    state = {"run": {"status": "running"}, "participants": [], "progress": {"entries": [entry]}}
    started, _, step = announcements(opened_at(str(RUN_ID), state), state)
    assert started["subagentRunId"] == step["subagentRunId"] == f"{RUN_ID}:yan"


def test_what_becomes_of_our_own_messages_announces_nobody() -> None:
    log = Log()
    log.send("queued", None, "m-1")

    assert [event["type"] for event in told(log)] == ["CUSTOM"]


def test_every_ending_has_its_own_last_event() -> None:
    def last(**end: object) -> tuple[list[str], Json]:
        opened = Opened(str(RUN_ID), phase="running", steps={"alice": "reading"})
        opened.enter("alice")
        events = [parsed(event) for event in ending(end, opened, thread_id=THREAD)]
        return [event["type"] for event in events[:-1]], events[-1]

    closing = ["STEP_FINISHED", "SUBAGENT_FINISHED", "STEP_FINISHED"]
    names = {"threadId": THREAD, "runId": str(RUN_ID)}
    result = {"status": "completed", "code": "resolved"}
    assert last(status="completed", code="resolved") == (closing, {"type": "RUN_FINISHED", "result": result, **names})
    outcome = {"type": "cancelled"}
    assert last(status="cancelled", code="cancelled") == (
        closing,
        {"type": "RUN_FINISHED", "outcome": outcome, **names},
    )
    lost = {"type": "RUN_ERROR", "message": "gone", "code": "session_lost"}
    assert last(status="failed", code="session_lost", error="gone") == ([], lost)
    assert last(status="failed", code="run_timeout")[1]["message"] == "run_timeout"


def test_calls_that_wait_for_ever_are_forgotten_at_last() -> None:
    opened = Opened(str(RUN_ID))
    for number in range(1_500):
        opened.call(f"t{number}", f"call-{number}")

    assert len(opened.calls) == 1_000
    assert "t1499" in opened.calls
