"""What can be done to an endpoint at the press of a button, and when there is sense in it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from webhooks.models import Endpoint
from webhooks.operations.caller import Caller
from webhooks.operations.change_endpoint import change_endpoint, pause_endpoint, resume_endpoint
from webhooks.operations.send_test import send_test
from webhooks.operations.terms import Terms


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is asked for, explained, done and reported."""

    title: str
    says: str
    done: str
    act: Callable[[Endpoint, Caller], object]


STEPS: Mapping[str, Step] = {
    "pause": Step(
        "Pause",
        "Whatever comes for it waits, and is sent once it is resumed.",
        "Paused: what comes for it waits.",
        lambda endpoint, caller: pause_endpoint(endpoint.id, caller),
    ),
    "resume": Step(
        "Resume",
        "What has waited is due at once, as fast as its rate allows.",
        "Resumed: what has waited is due.",
        lambda endpoint, caller: resume_endpoint(endpoint.id, caller),
    ),
    "switch_off": Step(
        "Switch off",
        "It hears nothing more. What waits for it is cancelled, and can be replayed once it is switched on again.",
        "Switched off: what waited was cancelled.",
        lambda endpoint, caller: change_endpoint(endpoint.id, Terms(active=False), caller),
    ),
    "switch_on": Step(
        "Switch on",
        "It hears of what happens from now on; its failures of before no longer count. Replay what it has missed.",
        "Switched on: replay what it has missed.",
        lambda endpoint, caller: change_endpoint(endpoint.id, Terms(active=True), caller),
    ),
    "send_test": Step(
        "Send a test event",
        "One event that speaks of no run goes out, signed like any other; it is tried once.",
        "A test event is under way: see the newest deliveries.",
        lambda endpoint, caller: send_test(endpoint.id, caller),
    ),
}


def steps_for(endpoint: Endpoint) -> frozenset[str]:
    """The names of what there is sense in at present, rotation and replay included."""
    if endpoint.deleted_at is not None:
        return frozenset()
    if not endpoint.active:
        return frozenset({"switch_on", "rotate"})
    waiting = "resume" if endpoint.paused_at else "pause"
    return frozenset({waiting, "switch_off", "send_test", "rotate", "replay"})
