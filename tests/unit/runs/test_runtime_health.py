"""Whether a runtime is there: one question at a time, remembered for seconds, and an answer whatever happens."""

import asyncio

import pytest

from runs.errors import RuntimeFault, RuntimeRejected, RuntimeTimedOut, RuntimeUnavailable, RuntimeUnsupported
from runs.runtimes import health
from runs.runtimes.health import REMEMBER_S, Health, HealthChecks
from tests.offering import MANIFEST, OfferingRuntime, Shelf


class Scene:
    """A clock that stands still, and a runtime whose offer is written down."""

    def __init__(self) -> None:
        self.now = 0.0
        self.shelf = Shelf()
        self.checks = HealthChecks(clock=lambda: self.now)

    def runtime(self) -> OfferingRuntime:
        runtime = OfferingRuntime()
        runtime.offer = self.shelf  # type: ignore[assignment]
        return runtime

    async def asked(self, kind: str = "a") -> Health:
        return await self.checks.of(kind, self.runtime)


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_whoever_asks_at_once_or_within_seconds_shares_one_question(scene: Scene) -> None:
    first, second = await asyncio.gather(scene.asked(), scene.asked())
    scene.now = REMEMBER_S - 0.001
    third = await scene.asked()

    assert first is second is third
    assert (first.ok, first.manifest, scene.shelf.asked) == (True, MANIFEST, 1)


async def test_an_older_answer_is_not_given_any_more(scene: Scene) -> None:
    await scene.asked()
    scene.shelf.fault = RuntimeUnavailable()
    scene.now = REMEMBER_S

    assert not (await scene.asked()).ok


async def test_each_kind_has_an_answer_of_its_own(scene: Scene) -> None:
    await scene.asked("a")
    scene.shelf.fault = RuntimeUnavailable()

    assert not (await scene.asked("b")).ok
    assert (await scene.asked("a")).ok


@pytest.mark.parametrize(
    ("fault", "ok", "detail"),
    [
        (RuntimeUnsupported(runtime_code="UNIMPLEMENTED"), True, ""),
        (
            RuntimeRejected("10.0.0.7 said no", runtime_code="UNAUTHENTICATED"),
            False,
            "the runtime refused: UNAUTHENTICATED",
        ),
        (RuntimeUnavailable("ipv4:10.0.0.7:1", runtime_code="UNAVAILABLE"), False, "The runtime cannot be reached."),
        (RuntimeTimedOut("10.0.0.7", runtime_code="DEADLINE_EXCEEDED"), False, "The runtime did not answer in time."),
        (RuntimeUnavailable("RUNTIME_ADDRESS is not set"), False, "RUNTIME_ADDRESS is not set"),
    ],
)
async def test_what_is_wrong_is_told_without_addresses(
    scene: Scene, fault: RuntimeFault, ok: bool, detail: str
) -> None:
    scene.shelf.fault = fault

    found = await scene.asked()

    assert (found.ok, found.detail, found.manifest) == (ok, detail, None)


async def test_a_defect_is_an_answer_too(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.shelf.fault = FileNotFoundError("/secret/ca.pem")

    found = await scene.asked()

    assert (found.ok, found.detail) == (False, "it could not be asked: FileNotFoundError")
    assert "could not be asked" in caplog.text


async def test_a_runtime_that_says_nothing_is_waited_for_only_so_long(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PATIENCE_S", 0.01)

    async def silence() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(scene.shelf, "manifest", silence)

    assert (await scene.asked()).detail == "no answer within 0.01 s"


async def test_who_gives_up_waiting_spoils_no_answer_for_others(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = asyncio.Event()

    async def late() -> object:
        await answered.wait()
        return MANIFEST

    monkeypatch.setattr(scene.shelf, "manifest", late)
    impatient, patient = asyncio.create_task(scene.asked()), asyncio.create_task(scene.asked())
    await asyncio.sleep(0)
    impatient.cancel()
    answered.set()

    assert (await patient).ok
