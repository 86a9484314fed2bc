"""GET /dashboard/overview: every figure and every chart equals a recount of the runs of the window (A05, E10)."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle, pairwise
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from insights.counting import database_now
from runs.domain.endings import EndingCode
from runs.models import Project, Run
from tests.cast import fresh, queued_run, running_run
from tests.integration.insights import conversations as said

pytestmark = pytest.mark.django_db

OVER_TIME = {
    *("runVolume", "latency", "signalVolume", "throughput", "queueDepth", "latencyP50", "latencyP95", "latencyP99"),
    *("cost", "successRate", "decisionOutcome"),
}
START = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


def healthy() -> dict[str, object]:
    return {"ok": True, "runtimeKind": "scripted"}


def broken() -> dict[str, object]:
    raise RuntimeError("canary: internal words")


@pytest.fixture(autouse=True)
def health(settings: Settings) -> None:
    settings.RUNTIME_HEALTH = f"{__name__}.healthy"


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def asked(caller: Client, **query: object) -> dict[str, Any]:
    shown = {name.rstrip("_"): iso(it) if isinstance(it, datetime) else str(it) for name, it in query.items()}
    response = caller.get("/dashboard/overview", shown)
    assert response.status_code == 200, response.content
    document: dict[str, Any] = response.json()
    return document


def at(run: Run, created_at: datetime, seconds: float | None = None, **columns: object) -> Run:
    """The run, created then, and ended so many seconds later if it has ended."""
    ended = {} if seconds is None else {"ended_at": created_at + timedelta(seconds=seconds)}
    Run.objects.filter(id=run.id).update(created_at=created_at, **ended, **columns)
    return fresh(run)


def many_runs() -> list[Run]:
    """Runs of every kind of fate, spread unevenly over four hours."""
    fates: Sequence[Callable[[], Run]] = [
        lambda: said.resolved(said.talked(said.signalled("a", "x"), said.committed("a", "decision.selected"))),
        lambda: said.failed(said.talked(said.called("a", 1000, 10))),
        lambda: said.failed(said.talked(said.committed("a", "decision.rejected")), EndingCode.SESSION_LOST),
        running_run,
        queued_run,
        lambda: said.resolved(said.talked(said.called("b", 3_000_000, 1))),
    ]
    runs = []
    for number, make in zip(range(14), cycle(fates), strict=False):
        run = make()
        created = START + timedelta(minutes=17 * number + number * number % 5, seconds=number)
        runs.append(at(run, created, 0.25 + number * 7 if run.has_ended else None, source_ref=f"pack/{number % 3}"))
    return runs


def percentile(values: list[float], share: float) -> float:
    """As percentile_cont: between its neighbours."""
    place = share * (len(values) - 1)
    low, ordered = int(place), sorted(values)
    high = min(low + 1, len(values) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def recounted(runs: list[Run], begins: datetime, step: timedelta) -> dict[str, float]:
    """The value of each chart for one bucket."""
    mine = [run for run in runs if begins <= run.created_at < begins + step]
    ended = [run for run in mine if run.ended_at is not None]
    durations = [(run.ended_at - run.created_at).total_seconds() * 1000 for run in ended if run.ended_at]
    return {
        "runVolume": len(mine),
        "latency": round(sum(durations) / len(durations)) if durations else 0,
        "signalVolume": sum(run.projection.signal_count for run in mine),
        "throughput": sum(run.ended_at is not None and begins <= run.ended_at < begins + step for run in runs),
        "queueDepth": sum(run.status in ("queued", "starting", "binding_session") for run in mine),
        "latencyP50": round(percentile(durations, 0.5)) if durations else 0,
        "latencyP95": round(percentile(durations, 0.95)) if durations else 0,
        "latencyP99": round(percentile(durations, 0.99)) if durations else 0,
        "cost": sum(run.projection.cost_micro_usd for run in mine) / 1_000_000,
        "successRate": round(100 * sum(run.status == "completed" for run in ended) / len(ended), 2) if ended else 0,
        "decisionOutcome": sum(run.projection.outcome for run in mine),
    }


def test_every_chart_and_figure_equals_a_recount(caller: Client) -> None:
    runs = many_runs()
    end = START + timedelta(hours=8)
    document = asked(caller, from_=START, to=end)
    charts, kpis = document["charts"], document["kpis"]
    first = START.replace(minute=0)
    buckets = [first + timedelta(hours=number) for number in range(9)]

    assert set(charts) == OVER_TIME | {"errorClasses", "perScenario"}
    for name in OVER_TIME:
        assert charts[name]["labels"] == [iso(begins) for begins in buckets], name
        expected = [recounted(runs, begins, timedelta(hours=1))[name] for begins in buckets]
        assert charts[name]["data"] == pytest.approx(expected, abs=1e-6), name
        # It should have had something to count, and buckets in which nothing was.
        assert 0 < sum(map(bool, expected)) < len(expected), name

    durations = [(run.ended_at - run.created_at).total_seconds() * 1000 for run in runs if run.ended_at]
    assert kpis == {
        "totalRuns": 14,
        "activeRuns": sum(run.status in ("running", "queued") for run in runs),
        "completedRuns": sum(run.status == "completed" for run in runs),
        "failedRuns": sum(run.status == "failed" for run in runs),
        "cancelledRuns": 0,
        "totalSignals": sum(run.projection.signal_count for run in runs),
        "totalTokens": sum(run.projection.total_tokens for run in runs),
        "totalCostUsd": 15.01,  # 2 of 1 010 and 2 of 3 000 001 tokens
        "avgDurationMs": round(sum(durations) / len(durations)),
    }
    assert charts["errorClasses"] == {"labels": ["progress_timeout", "session_lost"], "data": [3, 2]}
    scenarios = Counter(run.source_ref for run in runs)
    assert dict(zip(*charts["perScenario"].values(), strict=True)) == scenarios
    assert charts["perScenario"]["data"] == sorted(scenarios.values(), reverse=True)


def test_without_runs_everything_is_zero_and_lengths_are_equal(caller: Client) -> None:
    document = asked(caller)

    assert document["kpis"] == dict.fromkeys(document["kpis"], 0) | {"avgDurationMs": None}
    assert document["recentRuns"] == []
    for name in OVER_TIME:
        chart = document["charts"][name]
        # A day of hours, the first and the last one in part.
        assert len(chart["labels"]) == len(chart["data"]) == 25
        assert not any(chart["data"])
    for name in ("errorClasses", "perScenario"):
        assert document["charts"][name] == {"labels": [], "data": []}


@pytest.mark.parametrize(
    ("length", "step"),
    [
        (timedelta(hours=6), timedelta(minutes=1)),
        (timedelta(hours=6, seconds=1), timedelta(hours=1)),
        (timedelta(hours=48), timedelta(hours=1)),
        (timedelta(hours=48, seconds=1), timedelta(days=1)),
        (timedelta(days=400), timedelta(days=1)),
    ],
)
def test_buckets_are_minutes_hours_or_days_and_cover_the_window(
    caller: Client, length: timedelta, step: timedelta
) -> None:
    end = START + length
    edges = [at(queued_run(), START), at(queued_run(), end - timedelta(microseconds=1))]
    chart = asked(caller, from_=START, to=end)["charts"]["runVolume"]
    labels = [datetime.fromisoformat(label) for label in chart["labels"]]

    assert {after - before for before, after in pairwise(labels)} == {step}
    assert labels[0] <= START < labels[0] + step
    assert labels[-1] < end <= labels[-1] + step
    assert (chart["data"][0], chart["data"][-1], sum(chart["data"])) == (1, 1, len(edges))


def test_from_and_to_are_honoured_to_the_moment_e10(caller: Client) -> None:
    end = START + timedelta(hours=1)
    inside = at(queued_run(), START)
    at(queued_run(), START - timedelta(milliseconds=1))
    at(queued_run(), end)
    document = asked(caller, from_=START, to=end, window="1h")

    assert document["kpis"]["totalRuns"] == 1
    assert [run["id"] for run in document["recentRuns"]] == [str(inside.id)]
    assert asked(caller, to=end, window="1h")["kpis"]["totalRuns"] == 1
    assert asked(caller, from_=START)["kpis"]["totalRuns"] == 2


@pytest.mark.parametrize(
    ("query", "hours"),
    [
        ({}, 24),
        ({"window": "1h"}, 1),
        ({"window": "30d"}, 720),
        ({"range": "7d"}, 168),
        ({"window": "6h", "range": "7d"}, 6),
    ],
)
def test_a_window_ends_now_a_day_long_unless_it_is_named_a05(caller: Client, query: dict[str, str], hours: int) -> None:
    now = database_now()
    at(queued_run(), now - timedelta(hours=hours) + timedelta(minutes=1))
    at(queued_run(), now - timedelta(hours=hours) - timedelta(minutes=1))

    assert asked(caller, **query)["kpis"]["totalRuns"] == 1


def test_sandbox_runs_and_those_of_others_are_left_out_and_archived_ones_are_not(caller: Client) -> None:
    project = Project.objects.create(name="other", slug="other")
    mine = running_run(archived_at=database_now())
    Run.objects.filter(id=running_run().id).update(mode="sandbox")
    running_run(project_id=project.id)
    document = asked(caller)

    assert document["kpis"]["totalRuns"] == 1
    assert [run["id"] for run in document["recentRuns"]] == [str(mine.id)]


def test_a_scenario_and_an_environment_choose_among_the_runs(caller: Client) -> None:
    one = running_run(source_ref="pack/one", metadata={"environment": "staging"})
    two = running_run(metadata={"environment": "production", "scenarioRef": "Pack/One@2"})
    running_run()

    def shown(**query: str) -> set[str]:
        document = asked(caller, **query)
        assert document["kpis"]["totalRuns"] == sum(document["charts"]["runVolume"]["data"])
        return {run["id"] for run in document["recentRuns"]}

    assert shown(scenarioRef="pack/one") == {str(one.id), str(two.id)}
    assert shown(environment="staging") == {str(one.id)}
    assert shown(environment="production", scenarioRef="pack/one") == {str(two.id)}
    assert shown(scenarioRef="100%") == set()


def test_the_ten_newest_runs_are_named(caller: Client) -> None:
    now = database_now()
    runs = [at(running_run(source_ref="pack/one"), now - timedelta(minutes=number)) for number in range(12)]
    ended = at(said.resolved(running_run()), now, 0)
    newest = asked(caller)["recentRuns"]

    assert [run["id"] for run in newest] == [str(run.id) for run in [ended, *runs[:9]]]
    assert newest[1] == {
        "id": str(runs[0].id),
        "status": "running",
        "runtimeKind": "scripted",
        "sourceRef": "pack/one",
        "startedAt": iso(runs[0].started_at or now),
        "createdAt": iso(runs[0].created_at),
    }
    assert newest[0]["endedAt"] == iso(now)


def test_only_the_ten_most_frequent_names_are_shown_and_no_name_is_unknown(caller: Client) -> None:
    for number in range(11):
        for _ in range(2 if number == 10 else 1):
            running_run(source_ref=f"pack/{number:02}")
    running_run()
    running_run()
    running_run()
    chart = asked(caller)["charts"]["perScenario"]

    assert chart["labels"] == ["unknown", "pack/10", *(f"pack/{number:02}" for number in range(8))]
    assert chart["data"] == [3, 2, *[1] * 8]


@pytest.mark.parametrize("probe", ["broken", "missing"])
def test_a_runtime_whose_health_cannot_be_told_is_no_error(caller: Client, settings: Settings, probe: str) -> None:
    assert asked(caller)["runtimeHealth"] == healthy()

    settings.RUNTIME_HEALTH = f"{__name__}.{probe}"
    health = asked(caller)["runtimeHealth"]
    assert health == {"ok": False, "runtimeKind": "scripted", "detail": "its health cannot be told"}


def test_the_health_is_that_of_the_probe_of_readyz(caller: Client, settings: Settings) -> None:
    settings.RUNTIME_HEALTH = "config.health.shown_health"

    assert asked(caller)["runtimeHealth"] == caller.get("/readyz").json()["runtime"]


@pytest.mark.parametrize("route", ["overview", "agents/metrics"])
def test_every_fault_of_a_query_is_named(caller: Client, route: str) -> None:
    for query, paths in (
        ({"window": "2h", "range": "1h", "from": "yesterday", "to": "x"}, ["range", "window", "from", "to"]),
        ({"from": iso(START), "to": iso(START)}, ["from"]),
        ({"from": "2000-01-01T00:00:00Z", "to": iso(START)}, ["from"]),
        ({"to": "0001-01-01T00:00:00Z"}, ["to"]),
        ({"from": "9999-12-31T23:59:59Z"}, ["from"]),
    ):
        response = caller.get(f"/dashboard/{route}", query)
        assert response.status_code == 400
        assert [fault["path"] for fault in response.json()["details"]["errors"]] == paths
