"""What callers do with runs as with things: something is added, they are put on the shelf, they are deleted."""

from tests.crash_matrix.play import CREATED, Body, Play, Staged  # isort: skip  # First: it sets Django up.

from runs.models import Artifact, AuditEntry, Run
from tests.crash_matrix.stories.parts import RESOLVED


def shelve(play: Play) -> None:
    """A run is given an artifact, ends, is given another, is archived; of two that have ended one is deleted."""
    kept, deleted = (play.launch(RESOLVED, kind="scripted", options={"scenario": "veto"}) for _ in range(2))
    _ask(play, f"/runs/{kept.run_id}/artifacts", _ARTIFACT)
    play.start()
    play.until_all_is_over()
    _ask(play, f"/runs/{kept.run_id}/artifacts", _ARTIFACT)
    _ask(play, f"/runs/{kept.run_id}/archive", {})
    _ask(play, "/runs/batch/delete", {"runIds": [str(deleted.run_id)]})
    _expect_shelved(play, kept)
    _expect_gone(play, deleted)


_ARTIFACT: Body = {"kind": "log", "label": "what was said"}


def _ask(play: Play, path: str, body: Body) -> None:
    answer = play.answer(play.post(path, body))
    play.expect(answer["status"] == CREATED, f"{path} was answered with {answer}")


def _expect_shelved(play: Play, staged: Staged) -> None:
    """Once on the shelf and once in the audit list; who is asked twice adds twice, but nothing half."""
    run = staged.run
    play.expect(run.archived_at is not None and run.tags == ["archived"], f"archived {run.archived_at}, {run.tags}")
    play.expect(_audited(staged, "run.archived") == 1, "it is not once in the audit list that the run was archived")
    artifacts = Artifact.objects.filter(run_id=run.id).count()
    noted = AuditEntry.objects.filter(action="artifact.created", details__runId=str(run.id)).count()
    play.expect(artifacts == noted >= 2, f"{artifacts} artifacts, {noted} audit entries of them")


def _expect_gone(play: Play, staged: Staged) -> None:
    """It is no longer one of the runs that have to keep their promises."""
    play.expect(not Run.objects.filter(id=staged.run_id).exists(), "the run that was deleted is there")
    play.expect(_audited(staged, "run.deleted") == 1, "it is not once in the audit list that the run was deleted")
    play.runs.remove(staged)


def _audited(staged: Staged, action: str) -> int:
    return AuditEntry.objects.filter(resource_id=str(staged.run_id), action=action).count()
