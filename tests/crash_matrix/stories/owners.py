"""How runs change hands."""

from tests.crash_matrix.play import SCENERY, Body, Play, Staged, is_over  # isort: skip  # First: it sets Django up.

from tests.crash_matrix.stories.parts import RESOLVED, talk_slowly

SECOND = "second observer"


def take_over(play: Play) -> None:
    """The first observer is killed in mid-run; a second one takes the run over."""
    staged = play.launch(RESOLVED)
    play.start(SCENERY)
    talk_slowly(play, staged)
    play.kill(SCENERY)
    play.start(SECOND)
    play.until_all_is_over()


def hand_back(play: Play) -> None:
    """The first observer is asked to stop in mid-run and hands the run back; a second one goes on."""
    staged = play.launch(RESOLVED)
    play.start()
    talk_slowly(play, staged)
    play.stop()
    play.start(SECOND)
    play.until_all_is_over()


def recover(play: Play) -> None:
    """Somebody asks that a run is taken over: in vain before there is an observer, and again when the first was killed in
    mid-run and the second one is there.
    """
    staged = play.launch(RESOLVED)
    play.expect(_ask(play, staged)["status"] == 503, "a run was taken over where nobody is")
    play.start(SCENERY)
    talk_slowly(play, staged)
    play.kill(SCENERY)
    play.start(SECOND)
    play.until(lambda: _is_taken(play, staged), "the take-over")
    play.until_all_is_over()


def _is_taken(play: Play, staged: Staged) -> bool:
    """Somebody else owns the run by now; if not, it is asked for once more."""
    if staged.run.lease_epoch == 1 and not is_over(staged.run):
        _ask(play, staged)
    return staged.run.lease_epoch > 1 or is_over(staged.run)


def _ask(play: Play, staged: Staged) -> Body:
    return play.answer(play.post(f"/runs/{staged.run_id}/recover", {}))
