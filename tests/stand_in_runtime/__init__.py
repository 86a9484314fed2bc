"""A MACP runtime for benchmarks and fault tests, in a process of its own; it says so in its name.

    python -m tests.stand_in_runtime --port 0 --script load --events 5000

It keeps the log of each session, replays it, and validates lightly; it is no judge of the protocol: for that the
tests run against the real runtime.
"""
