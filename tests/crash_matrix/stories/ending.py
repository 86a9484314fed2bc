"""How runs end on our own account, with observers and without."""

from tests.crash_matrix.play import Play, is_over  # isort: skip  # First: it sets Django up.

from tests.crash_matrix.stories.parts import (
    RESOLVED,
    abandon,
    is_past_its_progress_deadline,
    nobody_beats,
    sweep_until,
    talk,
)


def end(play: Play) -> None:
    """The agents fall silent: the run ends at its progress deadline, and its session is cancelled."""
    staged = play.launch("failed/progress_timeout", timeouts={"progressMs": 1_200})
    play.start()
    talk(play, staged, then_commit=False)
    play.until_all_is_over()


def outlast(play: Play) -> None:
    """The agents talk on past the hard deadline, and past the ending: what they say then is late."""
    play.settings["RUN_HARD_GRACE_MS"] = "300"
    staged = play.launch("failed/run_timeout", session={"ttlMs": 1_200})
    play.start()
    staged.agents.talk(messages=100_000, pause=0.01, then_commit=False)
    play.until_all_is_over()


def net(play: Play) -> None:
    """No observer is left: the net ends a run in mid-session and one that was never started."""
    abandoned = play.launch("failed/progress_timeout", timeouts={"progressMs": 1_000})
    abandon(play, abandoned)
    play.launch("failed/never_started", timeouts={"admissionMs": 300})
    play.until(lambda: is_past_its_progress_deadline(abandoned), "the progress deadline")
    play.until(nobody_beats, "the end of the observer's lease")
    sweep_until(play, lambda: all(is_over(one.run) for one in play.runs))


def suspended(play: Play) -> None:
    """No observer is left when the session is suspended: a clock that stood still ends nothing, and the run goes on."""
    staged = play.launch(RESOLVED, timeouts={"progressMs": 1_000})
    abandon(play, staged)
    staged.agents.suspend()
    play.until(lambda: is_past_its_progress_deadline(staged), "the progress deadline")
    sweep_until(play, lambda: staged.run.status == "suspended")
    staged.agents.resume()
    talk(play, staged)
    play.start()
    play.until_all_is_over()
