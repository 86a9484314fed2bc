"""Home and list of the console in a real Chromium, over a real web process."""

import os
import shutil
from collections.abc import Iterator
from uuid import UUID

import pytest

from runs.domain.endings import EndingCode, Verdict
from runs.ending import end_run
from runs.models import AuditEntry, Run
from runs.observer import lease
from tests.cast import queued_run
from tests.integration.runs.test_lease import age
from tests.integration.runs.test_observe_run import launch
from tests.steered import bind
from tests.watching.browser import CHROMIUM
from tests.watching.console import ConsoleBrowser
from tests.watching.steering import an_observer
from tests.watching.web import WebProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.acceptance]


@pytest.fixture
def staff(web: WebProcess) -> Iterator[ConsoleBrowser]:
    if shutil.which(CHROMIUM) is None:
        if os.environ.get("REQUIRE_CHROMIUM"):
            pytest.fail("REQUIRE_CHROMIUM is set and there is no chromium")
        pytest.skip("there is no chromium (Debian: apt-get install chromium; CHROMIUM names another)")
    browser = ConsoleBrowser()
    browser.log_in(web.base)
    yield browser
    browser.close()


def silent_launch() -> UUID:
    return launch(runtime={"kind": "scripted", "options": {"scenario": "silent"}})


def line(run_id: UUID, more: str = "") -> str:
    return f'tr[data-run="{run_id}"] {more}'.strip()


def box(run: Run) -> str:
    return f'#lines input[value="{run.id}"]'


def test_the_home_counts_what_happens_by_itself_and_comes_back_after_its_server(
    staff: ConsoleBrowser, web: WebProcess
) -> None:
    staff.goes_to(f"{web.base}/admin/")
    staff.sees("#live", "live")
    staff.sees("#parts", "No runs yet")
    run = queued_run()
    staff.sees('.sb-counts a[href*="status=queued"]', "1")

    web.kill()
    staff.sees("#live", "trying again in")
    web.start_again()
    staff.sees("#live", "live")
    end_run(run.id, Verdict(code=EndingCode.NEVER_STARTED), epoch=None)
    staff.sees(".sb-codes", "never_started")


def test_lines_change_and_come_by_themselves_and_stay_picked(staff: ConsoleBrowser, web: WebProcess) -> None:
    first = queued_run()
    staff.goes_to(f"{web.base}/admin/console/runs/")
    staff.sees("#live", "live")
    staff.clicks(box(first))
    second = queued_run()
    staff.sees(line(second.id), "queued")
    end_run(first.id, Verdict(code=EndingCode.NEVER_STARTED), epoch=None)
    staff.sees(line(first.id), "never_started")

    assert staff.is_checked(box(first))
    assert staff.texts("#picked") == ["1 picked"]


def test_picked_runs_are_cancelled_after_a_dry_run_and_a_confirmation(staff: ConsoleBrowser, web: WebProcess) -> None:
    runs = [queued_run() for _ in range(3)]
    ended = queued_run()
    end_run(ended.id, Verdict(code=EndingCode.NEVER_STARTED), epoch=None)
    staff.goes_to(f"{web.base}/admin/console/runs/")
    staff.presses("#all", "Space")
    staff.presses('[data-action="cancel"]', "Enter")
    staff.sees("#dialog-body", "For 3 runs something is done, for 1 nothing")

    # It should have done nothing before it was confirmed.
    assert set(Run.objects.filter(id__in=[run.id for run in runs]).values_list("status", flat=True)) == {"queued"}

    staff.presses("#do", "Enter")
    staff.sees("#dialog-words", "Done for 3.")
    assert set(Run.objects.filter(id__in=[run.id for run in runs]).values_list("status", flat=True)) == {"cancelled"}
    audited = AuditEntry.objects.filter(actor="ann", resource_id__in=[str(run.id) for run in runs])
    assert set(audited.values_list("action", flat=True)) == {"run.cancelled"}
    assert audited.count() == 3
    staff.sees(line(runs[0].id), "cancelled")


def test_picked_runs_that_nobody_watches_are_recovered(staff: ConsoleBrowser, web: WebProcess) -> None:
    lost, ended, owner = silent_launch(), queued_run(), lease.register()
    end_run(ended.id, Verdict(code=EndingCode.NEVER_STARTED), epoch=None)
    bind(lost)
    lease.claim(owner, 1, only=lost)
    with an_observer():
        age(owner, 22)  # two thirds of its lease: lost by its own rule, not yet by that of the others
        staff.goes_to(f"{web.base}/admin/console/runs/")
        staff.presses("#all", "Space")
        staff.presses('[data-action="recover"]', "Enter")
        staff.sees("#dialog-body", "For 1 run something is done, for 1 nothing")
        assert Run.objects.get(id=lost).lease_epoch == 1
        staff.presses("#do", "Enter")
        staff.sees("#dialog-words", "Done for 1.")
        staff.sees(line(lost, "[data-outcome]"), "taken over by an observer, is running")
        assert Run.objects.get(id=lost).lease_epoch == 2
    audited = AuditEntry.objects.filter(actor="ann", action="run.recovery_requested")
    assert [entry.resource_id for entry in audited] == [str(lost)]


def test_picked_runs_are_archived_rebuilt_and_exported(staff: ConsoleBrowser, web: WebProcess) -> None:
    run = queued_run()
    staff.goes_to(f"{web.base}/admin/console/runs/")
    staff.clicks(box(run))
    staff.clicks('[data-action="rebuild"]')
    staff.clicks("#do")
    staff.sees("#dialog-body", "rebuilt up to event 1")
    staff.clicks("#close")

    staff.clicks('[data-action="export"]')
    assert staff.downloads("#do").startswith("signalbox-runs-")
    staff.clicks("#close")

    staff.clicks('[data-action="archive"]')
    staff.clicks("#do")
    staff.sees("#dialog-words", "Done for 1.")
    assert Run.objects.get(id=run.id).archived_at is not None
    staff.sees("#lines", "No run matches")
