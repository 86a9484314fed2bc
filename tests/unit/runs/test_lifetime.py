"""How long a stream lasts: many are spread when the process stops, and a withdrawn key is noticed in time."""

import pytest

from config.http.keys import REMEMBER_VIEWERS_S
from runs.streaming import lifetime, replay, withdrawal


class Seats:
    def __init__(self, open_seats: int) -> None:
        self.open = open_seats


@pytest.mark.parametrize(("streams", "seconds"), [(0, 0.0), (150, 0.5), (900, 3.0), (100_000, 3.0)])
def test_the_more_streams_there_are_the_longer_their_ends_are_spread_and_never_beyond_the_grace(
    streams: int, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifetime.seats, "seats", Seats(streams))
    assert lifetime._spread() == seconds


@pytest.mark.parametrize("asked_again_s", [withdrawal.ASK_SECONDS, replay.RECHECK_SECONDS])
def test_a_withdrawn_key_is_noticed_within_five_seconds_though_it_is_remembered_for_a_while_s08(
    asked_again_s: float,
) -> None:
    assert asked_again_s + REMEMBER_VIEWERS_S < 5
