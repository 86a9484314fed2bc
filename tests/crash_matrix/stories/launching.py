"""How runs begin: launched by us, opened by an agent, or refused at the kickoff; and one that is folded anew."""

from tests.crash_matrix.play import Body, Play  # isort: skip  # First: it sets Django up.

from uuid import uuid4

from tests.crash_matrix.agents import ALICE, LEAD
from tests.crash_matrix.stories.parts import RESOLVED, kickoff, talk


def launch(play: Play) -> None:
    """A run with a kickoff is asked for over the API, launched, watched, and resolved by its agents."""
    staged = play.ask_for(RESOLVED, kickoff=[kickoff(LEAD, number) for number in range(2)])
    play.start()
    talk(play, staged)
    play.until_all_is_over()


def scripted(play: Play) -> None:
    """The same on the scripted runtime, whose session is nowhere but in our own rows."""
    options: Body = {"scenario": "decision", "stepMs": play.random.randint(10, 60)}
    play.launch(RESOLVED, kind="scripted", options=options, kickoff=[kickoff(LEAD, number) for number in range(2)])
    play.start()
    play.until_all_is_over()


def watch(play: Play) -> None:
    """An agent opens the session; the run waits for it, then watches."""
    staged = play.launch(RESOLVED, session={"opener": "agent", "sessionId": str(uuid4())})
    play.start()
    play.until(lambda: staged.run.status == "starting", "the start of the run")
    staged.agents.open_session()
    talk(play, staged)
    play.until_all_is_over()


def refuse(play: Play) -> None:
    """A message of the kickoff cannot be sent: the run fails, and its session is cancelled."""
    play.settings |= {"RUNTIME_DEV_SENDERS": "false", "RUNTIME_SENDER_TOKENS": f'{{"{LEAD}": "{LEAD}"}}'}
    play.launch("failed/kickoff_failed", kickoff=[kickoff(LEAD, 1), kickoff(ALICE, 2)])
    play.start()
    play.until_all_is_over()


def rebuild(play: Play) -> None:
    """The projection of a run that is over is folded anew."""
    play.launch(RESOLVED, kind="scripted", options={"scenario": "veto"})
    play.start()
    play.until_all_is_over()
    play.manage("rebuild", "rebuild_projections")
