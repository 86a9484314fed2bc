"""Seats: as many streams as a caller may have, and not one that is over counts on."""

import gc
import random
import threading

import pytest

from runs.errors import RateLimited
from runs.streaming.seats import Seat, Seats


def test_each_caller_has_seats_of_their_own() -> None:
    seats = Seats()
    held = [seats.take("alice", at_most=2) for _ in range(2)]
    with pytest.raises(RateLimited) as refused:
        seats.take("alice", at_most=2)
    assert (refused.value.code, refused.value.details) == ("RATE_LIMITED", {"limit": 2})
    with seats.take("bob", at_most=2):
        assert (seats.taken("alice"), seats.taken("bob")) == (len(held), 1)
    assert (seats.taken("alice"), seats.taken("bob")) == (2, 0)


def test_a_seat_is_left_however_the_stream_ends_and_once_only() -> None:
    seats = Seats()
    other = seats.take("alice", at_most=2)
    with pytest.raises(KeyboardInterrupt), seats.take("alice", at_most=2) as seat:
        raise KeyboardInterrupt
    seat.leave()
    seat.leave()
    assert seats.taken("alice") == 1
    other.leave()
    assert seats.taken("alice") == 0


def test_a_seat_that_nobody_holds_is_free() -> None:
    seats = Seats()
    held: list[object] = [seats.take("alice", at_most=1)]
    held.append(held)  # only the garbage collector finds it
    del held
    gc.collect()
    with seats.take("alice", at_most=1):
        assert seats.taken("alice") == 1


def test_callers_who_have_left_cost_no_memory() -> None:
    seats = Seats()
    for number in range(1000):
        with seats.take(f"caller {number}", at_most=1):
            pass
    assert seats.taken("caller 1") == 0
    assert not seats._taken
    assert not seats._left


def test_threads_that_come_and_go_lose_no_seat() -> None:
    seats = Seats()

    def come_and_go(seed: int) -> None:
        chance, held = random.Random(seed), list[Seat]()
        for _ in range(500):
            held.append(seats.take("alice", at_most=1000))
            if chance.random() < 0.5:
                held.pop(chance.randrange(len(held))).leave()
        for seat in held:
            seat.leave()

    threads = [threading.Thread(target=come_and_go, args=[seed]) for seed in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seats.taken("alice") == 0
