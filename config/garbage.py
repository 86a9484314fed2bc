"""When a process that holds thousands of streams looks for cyclic garbage: seldom, for each look makes all of them wait."""

import gc

# Waking a crowd makes some objects for each reader and drops them a moment later. With the interpreter's own 700 that
# alone sets off a collection, which promotes what is just in use, so that soon everything is walked through: 0.7 s
# with 3 000 streams. This is more than one waking makes, and little memory if all of it is garbage.
NEW_OBJECTS = 50_000


def collect_seldom() -> None:
    """What is there now is never looked through again; new objects are, once there are many."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])
