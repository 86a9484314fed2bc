"""The terminal view of a run."""

import io

from hypothesis import given
from hypothesis import strategies as st

from runs.streaming.terminal import Screen, event_line, fit, paint, progress, status_line, votes, wants_colours

STATE: dict[str, object] = {
    "run": {"status": "running"},
    "participants": [
        {"participantId": "alice", "status": "active"},
        {"participantId": "bob\x1b[31m", "status": "waiting"},
    ],
    "policy": {"voteTally": [{"allow": 2, "deny": 1, "quorum": {"required": 4, "cast": 3}}]},
    "progress": {"entries": [{"participantId": "alice", "percentage": 50, "message": "half"}]},
}
EVENT: dict[str, object] = {
    "seq": 7,
    "ts": "2026-01-31T09:30:00.123Z",
    "type": "message.received",
    "data": {"sender": "alice", "messageType": "Note"},
}
END: dict[str, object] = {"status": "failed", "seq": 9, "code": "session_lost", "error": "gone\x07"}


def _screen(*, live: bool) -> tuple[Screen, io.StringIO]:
    out = io.StringIO()
    return Screen(out.write, live=live, colours=live, width=lambda: 60), out


def test_an_event_is_a_line_of_time_number_speaker_and_words() -> None:
    assert paint(event_line(EVENT), False) == "09:30:00.123     7 alice            says Note"


def test_the_status_line_shows_participants_votes_and_progress() -> None:
    assert paint(status_line(STATE), False) == (
        "running  ● alice  … bob[31m  │ votes 2 for, 1 against (3 of 4)  │ ████████░░░░░░░░ 50 % half"
    )
    assert paint(status_line({}), False) == "queued"


def test_progress_stays_within_its_bar() -> None:
    assert progress({"progress": {"entries": [{"percentage": 900}]}}) == "█" * 16 + " 100 %"
    assert progress({"progress": {"entries": [{"percentage": -1}, {"message": "no number"}]}}) == "░" * 16 + " 0 %"
    assert progress({}) == votes({}) == ""


def test_without_a_terminal_only_lines_of_plain_text_are_written() -> None:
    screen, out = _screen(live=False)
    screen.state(STATE)
    screen.event(EVENT)
    screen.ending(END)

    assert "\x1b" not in out.getvalue()
    assert "\r" not in out.getvalue()
    assert out.getvalue().splitlines() == [
        "09:30:00.123     7 alice            says Note",
        "",
        "  ● alice                active",
        "  … bob[31m              waiting",
        "  votes 2 for, 1 against (3 of 4)",
        "failed (session_lost): gone",
    ]


def test_on_a_terminal_the_status_line_stays_below_the_events_and_goes_in_the_end() -> None:
    screen, out = _screen(live=True)
    screen.state(STATE)
    shown = out.getvalue()
    screen.event(EVENT)
    screen.ending(END)

    assert shown.startswith("\r\x1b[K\x1b[36mrunning")
    after_event = out.getvalue()[len(shown) :]
    assert after_event.startswith("\r\x1b[K")
    assert f"Note\n{shown.removeprefix(chr(13) + chr(27) + '[K')}\r\x1b[K\n" in after_event
    assert out.getvalue().endswith("\n")


def test_colours_need_a_terminal_and_no_objection() -> None:
    assert wants_colours(True, {})
    assert wants_colours(True, {"NO_COLOR": ""})
    assert not wants_colours(True, {"NO_COLOR": "1"})
    assert not wants_colours(False, {})


@given(st.lists(st.tuples(st.text(alphabet="ab漢字é"), st.sampled_from(["", "dim"]))), st.integers(0, 30))
def test_a_line_that_fits_never_wraps(line: list[tuple[str, str]], cells: int) -> None:
    text = paint(fit(line, cells), False)

    assert sum(2 if character in "漢字" else 1 for character in text) <= cells
    assert paint(line, False).startswith(text)
