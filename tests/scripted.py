"""Scripted sessions as tests hold them: one runtime, handles on it, and answers that are committed at once."""

from runs.runtimes.port import Outgoing, Sent, SessionPlan
from runs.runtimes.scripted import ScriptedRuntime
from runs.runtimes.scripted.session import ScriptedSession

RUNTIME = ScriptedRuntime()


def attached(plan: SessionPlan, state: bytes | None = None) -> ScriptedSession:
    """A fresh handle, as a process has it that takes the run over with this committed state."""
    return RUNTIME.attach(plan, adapter_state=state)


async def committed(session: ScriptedSession, plan: SessionPlan, message: Outgoing) -> Sent:
    """The answer to a message, with whatever follows from it allowed to happen."""
    answer = await session.send(RUNTIME.encode_message(plan, message))
    session.confirm(answer.adapter_state)
    return answer
