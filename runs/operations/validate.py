"""Validate: would a runtime take this request? Nothing is stored."""

from dataclasses import dataclass, field

from runs.domain.requests import ExecutionRequest
from runs.errors import RuntimeFault, RuntimeTimedOut, RuntimeUnavailable
from runs.runtimes.calls import ask_runtime
from runs.runtimes.port import Capabilities, Runtime, RuntimeInfo


@dataclass(slots=True)
class Preflight:
    """What a runtime says of a request. `capabilities` is None where the runtime was not reached."""

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    reachable: bool = False
    supported_modes: tuple[str, ...] = ()
    capabilities: Capabilities | None = None

    @property
    def is_valid(self) -> bool:
        """True unless something is certainly wrong; an unreachable runtime only warns."""
        return not self.errors


def validate_request(request: ExecutionRequest) -> Preflight:
    """What launching `request` now would meet at its runtime."""

    async def question(runtime: Runtime) -> Preflight:
        return await _preflight(runtime, request)

    try:
        return ask_runtime(request.runtime.kind, question)
    except (RuntimeUnavailable, RuntimeTimedOut) as fault:
        return Preflight(warnings=[_not_reached(fault)])


async def _preflight(runtime: Runtime, request: ExecutionRequest) -> Preflight:
    try:
        info = await runtime.initialize()
    except (RuntimeUnavailable, RuntimeTimedOut):
        raise
    except RuntimeFault as fault:
        return Preflight(reachable=True, errors=[f"The runtime refused: {fault.message}"])
    found = Preflight(reachable=True, supported_modes=info.supported_modes, capabilities=info.capabilities)
    _judge_mode(found, info, request.session.mode_name)
    await _judge_policy(found, runtime, request.session.policy_version)
    return found


def _judge_mode(found: Preflight, info: RuntimeInfo, mode_name: str) -> None:
    if info.supported_modes and mode_name not in info.supported_modes:
        found.errors.append(f"The runtime does not support mode {mode_name}")


async def _judge_policy(found: Preflight, runtime: Runtime, policy_version: str) -> None:
    try:
        if not await runtime.policy_known(policy_version):
            found.errors.append(f"The runtime does not know policy {policy_version}")
    except (RuntimeUnavailable, RuntimeTimedOut) as fault:
        found.warnings.append(_not_reached(fault))
    except RuntimeFault as fault:
        found.warnings.append(f"The policy could not be checked: {fault.message}")


def _not_reached(fault: RuntimeFault) -> str:
    return f"Runtime not reachable: {fault.message}"
