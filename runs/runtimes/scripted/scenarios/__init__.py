"""The scenarios a scripted session can play, by name, and the one each mode plays unasked."""

from collections.abc import Callable

from runs.runtimes.scripted.scenarios.decision import decision, failing, silent, veto
from runs.runtimes.scripted.scenarios.handoff import handoff
from runs.runtimes.scripted.scenarios.proposal import proposal
from runs.runtimes.scripted.scenarios.quorum import quorum
from runs.runtimes.scripted.scenarios.script import Cast, WrittenScript
from runs.runtimes.scripted.scenarios.task import task

WRITTEN: dict[str, Callable[[Cast], WrittenScript]] = {
    "decision": decision,
    "task": task,
    "quorum": quorum,
    "handoff": handoff,
    "proposal": proposal,
    "veto": veto,
    "failing": failing,
    "silent": silent,
}
LOAD = "load"
NAMES = (*WRITTEN, LOAD)

OF_MODE = {
    "macp.mode.decision.v1": "decision",
    "macp.mode.proposal.v1": "proposal",
    "macp.mode.task.v1": "task",
    "macp.mode.handoff.v1": "handoff",
    "macp.mode.quorum.v1": "quorum",
    "ext.multi_round.v1": "decision",
}


def of_mode(mode_name: str) -> str:
    """The scenario a session of this mode plays when none is named; an unknown mode plays `decision`."""
    return OF_MODE.get(mode_name, "decision")
