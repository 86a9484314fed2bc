"""How runs change hands."""

from tests.crash_matrix.play import SCENERY, Play  # isort: skip  # First: it sets Django up.

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
