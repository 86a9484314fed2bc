"""What the small service sends where a reader looks at every byte."""

# So many parts of about 6 KB, each of its own number: much more than the buffers on the way hold.
PARTS = 3_000
TIMES = 1_500
# Takes a slow reader much longer than it is given for a part.
LARGE_MESSAGE = b"".join(b"%d " % number for number in range(900_000))

# Why a WebSocket is closed that was asked for in a wrong way.
REFUSED = 4400
REASON = "limit: must be an integer from 1 to 200"


def part(number: int) -> bytes:
    """The part with this number."""
    return b"%04d " % number * TIMES
