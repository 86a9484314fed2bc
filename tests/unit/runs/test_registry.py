"""From a name in a request to an opened runtime."""

import pytest
from pytest_django.fixtures import Settings as SettingsWrapper

from runs.errors import RuntimeUnavailable, ValidationFailed
from runs.runtimes.breaker import BreakerState
from runs.runtimes.registry import Runtimes, adapter_class, open_runtime, resolve_kind
from runs.runtimes.scripted import ScriptedRuntime


class Counted(ScriptedRuntime):
    """A runtime that knows how often it was opened and closed."""

    opened = 0
    closed = 0

    @classmethod
    def configured(cls) -> "Counted":
        cls.opened += 1
        return cls()

    async def close(self) -> None:
        type(self).closed += 1


class Stubborn(ScriptedRuntime):
    """A runtime that cannot be closed."""

    async def close(self) -> None:
        raise RuntimeUnavailable


@pytest.fixture(autouse=True)
def runtimes_in_settings(settings: SettingsWrapper) -> None:
    settings.RUNTIME_ADAPTERS = {
        "counted": f"{__name__}.Counted",
        "stubborn": f"{__name__}.Stubborn",
        "scripted": "runs.runtimes.scripted.ScriptedRuntime",
    }
    settings.RUNTIME_ALIASES = {"rust": "counted"}
    settings.RUNTIME_CIRCUIT_BREAKER_THRESHOLD = 1
    settings.RUNTIME_CIRCUIT_BREAKER_RESET_MS = 1000
    Counted.opened = Counted.closed = 0


def test_a_kind_is_itself_and_an_alias_is_the_kind_it_stands_for() -> None:
    assert resolve_kind("scripted") == "scripted"
    assert resolve_kind("rust") == "counted"


@pytest.mark.parametrize("name", ["process", "", "SCRIPTED"])
def test_an_unknown_kind_is_a_fault_that_names_the_known_ones(name: str) -> None:
    with pytest.raises(ValidationFailed) as failure:
        resolve_kind(name)

    [fault] = failure.value.faults
    assert fault.path == "runtime.kind"
    assert fault.message == "must be one of counted, rust, scripted, stubborn"


def test_an_adapter_class_answers_before_anything_is_opened() -> None:
    adapter = adapter_class("scripted")

    assert adapter.source_name == "scripted-runtime"
    assert adapter.option_faults({"scenario": "silent"}, "") == []


def test_an_opened_runtime_stands_behind_a_breaker_of_the_settings() -> None:
    runtime = open_runtime("scripted")

    assert isinstance(runtime.adapter, ScriptedRuntime)
    with pytest.raises(RuntimeUnavailable), runtime.breaker.attempt():
        raise RuntimeUnavailable
    assert runtime.breaker.state == "OPEN"


async def test_a_process_opens_each_runtime_once_whatever_it_is_called() -> None:
    runtimes = Runtimes()

    assert runtimes.get("counted") is runtimes.get("rust")
    assert Counted.opened == 1


async def test_nothing_is_opened_before_it_is_asked_for() -> None:
    await Runtimes().close()

    assert (Counted.opened, Counted.closed) == (0, 0)


async def test_closing_closes_every_runtime_even_if_one_fails() -> None:
    runtimes = Runtimes()
    runtimes.get("stubborn")
    runtimes.get("counted")

    with pytest.raises(RuntimeUnavailable):
        await runtimes.close()

    assert Counted.closed == 1


async def test_a_change_of_a_breaker_is_told_with_its_kind() -> None:
    told: list[tuple[str, BreakerState]] = []
    runtimes = Runtimes(on_breaker_change=lambda kind, state, reason: told.append((kind, state)))

    with pytest.raises(RuntimeUnavailable), runtimes.get("rust").breaker.attempt():
        raise RuntimeUnavailable

    assert told == [("counted", "OPEN")]
