"""Which runtimes there are: a name becomes a kind, a kind an adapter by dotted path, an adapter an opened runtime."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol, Self, cast

from django.conf import settings
from django.utils.module_loading import import_string

from runs.errors import FieldFault, ValidationFailed
from runs.runtimes.breaker import Breaker, BreakerState
from runs.runtimes.guarded import GuardedRuntime
from runs.runtimes.port import Runtime


class Adapter(Runtime, Protocol):
    """What an adapter class offers beyond the port."""

    @classmethod
    def configured(cls) -> Self:
        """The runtime as the settings describe it. Makes no call."""

    @staticmethod
    def option_faults(options: Mapping[str, object], scenario: str) -> Sequence[FieldFault]:
        """As in the port, but usable before anything is opened."""


class OnBreakerChange(Protocol):
    """Told when the breaker of a kind moves to another state, and why; must not block."""

    def __call__(self, kind: str, state: BreakerState, reason: str) -> None: ...


def resolve_kind(name: str) -> str:
    """The kind a caller means by `name`, aliases resolved. Raises ValidationFailed for an unknown one."""
    kind = settings.RUNTIME_ALIASES.get(name, name)
    if kind not in settings.RUNTIME_ADAPTERS:
        known = sorted({*settings.RUNTIME_ADAPTERS, *settings.RUNTIME_ALIASES})
        raise ValidationFailed([FieldFault("runtime.kind", f"must be one of {', '.join(known)}")])
    return str(kind)


def adapter_class(kind: str) -> type[Adapter]:
    """The adapter of a resolved kind, imported but not opened."""
    return cast(type[Adapter], import_string(settings.RUNTIME_ADAPTERS[kind]))


def open_runtime(kind: str, *, on_breaker_change: OnBreakerChange | None = None) -> GuardedRuntime:
    """The runtime of a resolved kind as the settings describe it, behind a breaker of its own."""

    def on_change(state: BreakerState, reason: str) -> None:
        if on_breaker_change is not None:
            on_breaker_change(kind, state, reason)

    breaker = Breaker(
        threshold=settings.RUNTIME_CIRCUIT_BREAKER_THRESHOLD,
        reset_ms=settings.RUNTIME_CIRCUIT_BREAKER_RESET_MS,
        on_change=on_change,
    )
    return GuardedRuntime(adapter_class(kind).configured(), breaker)


class Runtimes:
    """The runtimes one process holds, each opened when first asked for. Belongs to one event loop."""

    def __init__(self, *, on_breaker_change: OnBreakerChange | None = None) -> None:
        self._on_breaker_change = on_breaker_change
        self._opened: dict[str, GuardedRuntime] = {}

    def get(self, kind: str) -> GuardedRuntime:
        """The runtime of a kind (or alias), always the same one."""
        kind = resolve_kind(kind)
        if kind not in self._opened:
            self._opened[kind] = open_runtime(kind, on_breaker_change=self._on_breaker_change)
        return self._opened[kind]

    def tripped(self) -> list[tuple[str, Breaker]]:
        """The breakers that are not closed, with the kinds of their runtimes."""
        opened = [(kind, runtime.breaker) for kind, runtime in self._opened.items()]
        return [(kind, breaker) for kind, breaker in opened if breaker.state != "CLOSED"]

    async def close(self) -> None:
        """Every opened runtime is closed, even if closing one of them fails (the first fault is raised at the end)."""
        opened, self._opened = list(self._opened.values()), {}
        results = await asyncio.gather(*(runtime.close() for runtime in opened), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
