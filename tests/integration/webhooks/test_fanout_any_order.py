"""Whatever comes in whatever order: recorders, fan-outs alone, two at once, cut short and dead ones. What is heard is what
the log says; above all the first running event is the first, and the only one, wherever a slice begins."""

import contextlib

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs.domain.endings import EndingCode, Verdict
from runs.domain.events import Draft, EventType
from runs.domain.lifecycle import RunStatus, may_move
from runs.ending import end_run
from runs.models import OutboxEntry, Run
from runs.recorder import record
from tests.cast import envelope, fresh, queued_run, run_event
from tests.fanned import a_project, assert_heard, fan_out_all, heard_by, listens
from tests.meanwhile import elsewhere
from webhooks import fanout
from webhooks.fanout import fan_out_some, run_log

pytestmark = pytest.mark.django_db(transaction=True)

which = st.integers(0, 1)
limits = st.integers(1, 3)
acts = st.one_of(
    st.tuples(st.just("moves on"), which),
    st.tuples(st.just("moves on"), which),
    st.tuples(st.just("says"), which, st.integers(1, 4)),
    st.tuples(st.just("ends"), which),
    st.tuples(st.just("fans out"), limits),
    st.tuples(st.just("dies"), limits),
    st.tuples(st.just("two at once"), limits),
)


class Died(Exception):
    """The process is gone before it has committed."""


class World:
    """Two runs of a project and whoever hears of them."""

    def __init__(self) -> None:
        project = a_project()
        self.runs = [queued_run(project=project) for _ in range(2)]
        self.endpoints = [
            listens(project=project),
            listens("*", project=project),
            listens("run.started", "message.received", project=project),
            listens("session.*", project=project),
        ]
        self.stranger = listens("*", project=a_project())
        self._said = 0

    def does(self, what: str, argument: int, more: int = 0) -> None:
        match what:
            case "moves on":
                self._moves_on(fresh(self.runs[argument]))
            case "says":
                self._says(fresh(self.runs[argument]), more)
            case "ends" if not fresh(self.runs[argument]).has_ended:
                end_run(self.runs[argument].id, Verdict(code=EndingCode.CANCELLED), epoch=None)
            case "fans out":
                fan_out_some(limit=argument)
            case "dies":
                with contextlib.suppress(Died), transaction.atomic():
                    fan_out_some(limit=argument)
                    raise Died
            case "two at once":
                with elsewhere() as start:
                    for one in [start(lambda: fan_out_some(limit=argument)) for _ in range(2)]:
                        one.result()

    def has_no_hole_in_its_outbox(self) -> None:
        for run in self.runs:
            entries = list(OutboxEntry.objects.filter(run_id=run.id).order_by("from_seq"))
            begins = [entry.from_seq for entry in entries] + [fresh(run).last_seq + 1]
            assert begins[1:] == [entry.to_seq + 1 for entry in entries]

    def _says(self, run: Run, count: int) -> None:
        if may_move(RunStatus(run.status), RunStatus.FAILED):
            record(run.id, [envelope(self._said + number) for number in range(count)], epoch=None)
            self._said += count

    def _moves_on(self, run: Run) -> None:
        """To the next status; a running one is suspended, a suspended one goes on."""
        match run.status:
            case "queued":
                draft = run_event(run.id, EventType.RUN_STARTED, "starting")
            case "starting":
                draft = Draft(type=EventType.SESSION_BOUND, data={"runStatus": "binding_session"})
            case "binding_session":
                draft = Draft(type=EventType.SESSION_STATE_CHANGED, data={"runStatus": "running"})
            case "running":
                draft = run_event(run.id, EventType.RUN_SUSPENDED, "suspended", runStatus="suspended")
            case "suspended":
                draft = run_event(run.id, EventType.RUN_RESUMED, "running", runStatus="running")
            case _:
                return
        record(run.id, [draft], epoch=None)


def look_at(examples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many stories end with everybody having heard what the log says."""
    monkeypatch.setattr(fanout, "SLICE", 3)
    monkeypatch.setattr(run_log, "PAGE", 2)

    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(done=st.lists(acts, min_size=4, max_size=25))
    def tell(done: list[tuple[str, int]]) -> None:
        world = World()
        for act in done:
            world.does(*act)
        world.has_no_hole_in_its_outbox()
        fan_out_all()
        assert_heard(world.endpoints, world.runs)
        assert heard_by(world.stranger) == []

    tell()


def test_what_is_heard_is_what_the_log_says_in_whatever_order_things_come_p5(monkeypatch: pytest.MonkeyPatch) -> None:
    look_at(10, monkeypatch)


@pytest.mark.slow
def test_the_same_for_a_long_time_p5(monkeypatch: pytest.MonkeyPatch) -> None:
    look_at(150, monkeypatch)
