"""The crash matrix: at every commit and every external call of every path a run can take, the process is killed, a fresh one
is started, and the run must come to its one ending with nothing lost and nothing doubled.

    make crash-matrix-short        each label once, as CI does
    make crash-matrix              every scenario, process, label and occurrence; writes docs/crash-matrix.md
    make crash-matrix-labels       records the labels anew and writes tests/crash_matrix/labels.txt

    stories        the paths, each told with real processes
    play.py        one playing of a story: starts processes, arms one of them, replaces what dies
    agents.py      who speaks in a session, over gRPC, and what the runtime has heard
    promises.py    what must hold of every run afterwards
    cells.py       which story is played with which process killed where
    labels.py      which labels the source knows, and which were recorded

Everything is real: `manage.py observe_runs` with short leases, PostgreSQL, and the stand-in runtime in its own process.
"""
