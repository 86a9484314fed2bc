"""The bounded queue between a session's streams and its one reader."""

import asyncio
from collections.abc import Callable

from runs.domain.events import Observation, ObservationKind, StreamStatus
from runs.errors import RuntimeUnavailable
from runs.runtimes.macp.mailbox import BATCH, MAX_ASIDES, MAX_BYTES, MAX_FRAMES, Mailbox

NEWS: list[Callable[[Mailbox], object]] = [
    lambda mailbox: mailbox.put(b"x"),
    lambda mailbox: mailbox.put_aside(aside(1)),
    lambda mailbox: mailbox.end(),
]


def aside(number: int) -> Observation:
    return Observation(kind=ObservationKind.LIFECYCLE, body=StreamStatus(status=str(number)))


async def test_frames_keep_their_order_over_many_batches() -> None:
    mailbox = Mailbox()
    sent = [str(number).encode() for number in range(MAX_FRAMES - 1)]
    for frame in sent:
        assert mailbox.put(frame)

    taken: list[bytes] = []
    while len(taken) < len(sent):
        post = await mailbox.take()
        assert len(post.frames) <= BATCH
        taken += post.frames
    assert taken == sent


async def test_a_full_mailbox_holds_up_the_stream_until_something_is_taken() -> None:
    for frames in ([b""] * MAX_FRAMES, [bytes(MAX_BYTES)]):
        mailbox = Mailbox()
        assert [mailbox.put(frame) for frame in frames][-1] is False
        waiting = asyncio.ensure_future(mailbox.room())
        await asyncio.sleep(0)
        assert not waiting.done()

        await mailbox.take()
        await asyncio.wait_for(waiting, 1)


async def test_the_watches_never_wait_and_the_oldest_is_dropped_and_counted() -> None:
    mailbox = Mailbox()
    for number in range(MAX_ASIDES + 3):
        mailbox.put_aside(aside(number))

    post = await mailbox.take()
    assert mailbox.dropped == 3
    assert post.asides == [aside(number) for number in range(3, MAX_ASIDES + 3)]


async def test_a_waiting_reader_is_woken_by_each_kind_of_news() -> None:
    for news in NEWS:
        mailbox = Mailbox()
        waiting = asyncio.ensure_future(mailbox.take())
        await asyncio.sleep(0)
        news(mailbox)
        await asyncio.wait_for(waiting, 1)


async def test_a_reader_that_was_just_woken_is_woken_again() -> None:
    mailbox = Mailbox()
    for number in range(5):
        mailbox.put(str(number).encode())
        post = await asyncio.wait_for(mailbox.take(), 1)
        assert post.frames == [str(number).encode()]


async def test_the_end_comes_after_every_frame() -> None:
    mailbox = Mailbox()
    for number in range(BATCH + 1):
        mailbox.put(str(number).encode())
    mailbox.end(RuntimeUnavailable("broken"))

    first, second = await mailbox.take(), await mailbox.take()
    assert (len(first.frames), first.over) == (BATCH, False)
    assert (len(second.frames), second.over) == (1, True)
    assert isinstance(mailbox.fault, RuntimeUnavailable)
