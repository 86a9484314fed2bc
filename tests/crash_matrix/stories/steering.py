"""What callers want of running runs: cancel, suspend, resume, and something said into them."""

from tests.crash_matrix.play import CREATED, Body, Play, Staged, is_over  # isort: skip  # First: it sets Django up.

from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from uuid import uuid4

from runs.models import OutboundMessage
from tests.crash_matrix.agents import ALICE, BOB, LEAD, Agents
from tests.crash_matrix.stories.parts import RESOLVED, abandon, sweep_until, talk, talk_slowly

CANCELLED = "cancelled/cancelled"
NO_OWNER = 503


def cancel(play: Play) -> None:
    """A caller cancels a run in mid-session; its owner cancels the session and ends it."""
    staged = play.launch(CANCELLED)
    play.start()
    talk_slowly(play, staged, for_ever=True)
    _want(play, staged, "cancel")
    play.until_all_is_over()


def cancel_by_callback(play: Play) -> None:
    """The session belongs to an agent, who is asked to cancel it and does."""
    session_id = str(uuid4())
    with _AgentThatCancels() as agent:
        callback: Body = {"url": agent.url, "bearer": "a token of the agent"}
        metadata: Body = {"cancelCallback": callback}
        session: Body = {"opener": "agent", "sessionId": session_id, "metadata": metadata}
        staged = play.ask_for(CANCELLED, session=session)
        agent.agents = staged.agents
        play.start()
        staged.agents.open_session()
        talk_slowly(play, staged, for_ever=True)
        _want(play, staged, "cancel")
        play.until_all_is_over()


def suspend_and_resume(play: Play) -> None:
    """A caller suspends a run and resumes it; then its agents decide."""
    staged = play.launch(RESOLVED)
    play.start()
    play.until(lambda: staged.run.status == "running", "a running run")
    _want(play, staged, "suspend")
    play.until(lambda: staged.run.status == "suspended", "the suspension")
    _want(play, staged, "resume")
    talk(play, staged)
    play.until_all_is_over()


def say(play: Play) -> None:
    """A message whose reply stays away, one that is answered, a signal and a context go into a running run."""
    staged = play.launch(RESOLVED)
    play.start()
    play.until(lambda: staged.run.status == "running", "a running run")
    _say(play, staged, to=BOB, replyTimeoutMs=300)
    play.until(lambda: not _owes_replies(staged), "the end of the wait for a reply")
    _say(play, staged, to=ALICE, replyTimeoutMs=60_000)
    _post(play, staged, "signal", {"from": LEAD, "to": [ALICE], "messageType": "Signal", "payload": {"level": 1}})
    _post(play, staged, "context", {"from": LEAD, "context": {"subject": "crashes"}})
    talk(play, staged)
    play.until_all_is_over()


def left(play: Play) -> None:
    """Callers are gone before anybody carried out what they wanted: a sweep settles it, and the run goes on."""
    play.settings["RUNTIME_REQUEST_TIMEOUT_MS"] = "6000"
    staged = play.launch(RESOLVED)
    abandon(play, staged)
    _leave(play, staged, "messages", _message(ALICE), OutboundMessage.objects.exists)
    _leave(play, staged, "suspend", {}, lambda: staged.run.wanted is not None)
    sweep_until(play, lambda: staged.run.wanted is None and not _waits_to_be_sent())
    talk(play, staged)
    play.start()
    play.until_all_is_over()


def unowned(play: Play) -> None:
    """No observer is left: nothing can be said or suspended, and a cancel ends the run all the same."""
    staged = play.launch(CANCELLED)
    abandon(play, staged)
    calls = {what: play.post(f"/runs/{staged.run_id}/{what}", body) for what, body in _WANTED.items()}
    for what, call in calls.items():
        _check(play, what, play.answer(call), expected=NO_OWNER)
    _want(play, staged, "cancel")
    sweep_until(play, lambda: is_over(staged.run))


class _AgentThatCancels:
    """An agent's own web server: whoever posts to it has the session cancelled."""

    agents: Agents | None = None

    def __enter__(self) -> "_AgentThatCancels":
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                assert outer.agents is not None
                outer.agents.cancel()
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                """Nothing is logged."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/cancel"
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *details: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _want(play: Play, staged: Staged, what: str) -> None:
    _post(play, staged, what, {"reason": "the story says so"})


def _say(play: Play, staged: Staged, *, to: str, **more: object) -> None:
    _post(play, staged, "messages", {**_message(to), **more})


def _leave(play: Play, staged: Staged, what: str, body: Body, is_stored: Callable[[], bool]) -> None:
    """Somebody wanted something of the run, and is gone as soon as that is stored."""
    call = play.post(f"/runs/{staged.run_id}/{what}", body, is_left=True)
    play.until(lambda: is_stored() or call.status is not None, f"the stored {what}")
    play.give_up(call)


def _post(play: Play, staged: Staged, what: str, body: Body) -> None:
    """What was asked for is done. Who hears that nobody is there to do it asks again, as long as somebody was just killed."""
    while True:
        answer = play.answer(play.post(f"/runs/{staged.run_id}/{what}", body))
        if play.died_at is None or answer["status"] != NO_OWNER:
            return _check(play, what, answer, expected=CREATED)


def _check(play: Play, what: str, answer: Body, *, expected: int) -> None:
    """The caller has its answer. It may differ where somebody was killed meanwhile: then the ending is what counts."""
    play.expect(answer["status"] == expected or play.died_at is not None, f"{what} was answered with {answer}")


def _message(to: str) -> Body:
    return {"from": LEAD, "to": [to], "messageType": "Note", "payload": {"text": "from outside"}}


_WANTED: Mapping[str, Body] = {"messages": _message(ALICE), "suspend": {}}


def _waits_to_be_sent() -> bool:
    return OutboundMessage.objects.filter(status="queued").exists()


def _owes_replies(staged: Staged) -> bool:
    return OutboundMessage.objects.filter(run_id=staged.run_id, reply_status="pending").exists()
