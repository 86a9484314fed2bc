"""Rebuilding: a stored projection becomes the fold of its log again, by command and by route (B12, B13)."""

from io import StringIO

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from runs.domain.endings import EndingCode, Verdict
from runs.ending import end_run
from runs.models import Projection, Run
from runs.models.identity import uuid7
from runs.queries.drift import drift_of
from runs.recorder import record
from tests.cast import envelope, running_run

pytestmark = pytest.mark.django_db(transaction=True)


def ended_run() -> Run:
    run = running_run()
    record(run.id, [envelope(number) for number in range(30)], epoch=0)
    end_run(run.id, Verdict(code=EndingCode.RESOLVED), epoch=0)
    return run


def spoil(run: Run) -> None:
    """The stored projection says something else, under the present schema version (B13)."""
    Projection.objects.filter(run=run).update(state='{"timeline": {"latestSeq": 1}}')


def command(*options: str) -> tuple[int, dict[str, object]]:
    """The exit status and the report."""
    out = StringIO()
    try:
        call_command("rebuild_projections", "--json", *options, stdout=out)
    except SystemExit as left:
        return int(str(left.code)), orjson.loads(out.getvalue())
    return 0, orjson.loads(out.getvalue())


@pytest.mark.handmade_rows("a projection is spoiled, and must stay so")
def test_a_check_reports_drift_with_its_place_and_changes_nothing() -> None:
    run = ended_run()
    assert command("--check")[0] == 0
    spoil(run)

    status, report = command("--check")
    assert (status, report["runs"], report["rebuilt"]) == (1, 1, 0)
    (drift,) = report["drifted"]  # type: ignore[misc]
    assert (drift["runId"], drift["path"]) == (str(run.id), "decision")
    assert drift_of(run.id) is not None


def test_a_rebuild_mends_every_projection_also_of_ended_runs_b13() -> None:
    runs = [ended_run(), running_run()]
    before = [Projection.objects.get(run=run).state for run in runs]
    for run in runs:
        spoil(run)

    status, report = command()
    assert (status, report["runs"], report["rebuilt"]) == (0, 2, 2)
    assert [Projection.objects.get(run=run).state for run in runs] == before  # B12


def test_one_run_alone_is_rebuilt() -> None:
    run, other = ended_run(), running_run()
    spoil(run)
    assert command("--run", str(run.id))[1]["runs"] == 1
    assert drift_of(run.id) is None
    assert drift_of(other.id) is None


def test_an_unknown_run_is_a_plain_error() -> None:
    with pytest.raises(CommandError, match="no run"):
        command("--run", str(uuid7()))


def test_the_route_answers_with_the_projection_it_made(caller: Client) -> None:
    run = ended_run()
    served = caller.get(f"/runs/{run.id}/state").json()
    spoil(run)

    answer = caller.post(f"/runs/{run.id}/projection/rebuild")
    assert answer.status_code == 201
    last_seq = Run.objects.get(id=run.id).last_seq
    assert answer.json() == {**served, "rebuilt": True, "latestSeq": last_seq}
    assert caller.get(f"/runs/{run.id}/state").json() == served


def test_a_rebuild_of_an_unknown_run_is_404_and_of_no_id_400_e21(caller: Client) -> None:
    assert caller.post(f"/runs/{uuid7()}/projection/rebuild").json()["errorCode"] == "RUN_NOT_FOUND"
    assert caller.post("/runs/yesterday/projection/rebuild").status_code == 400
