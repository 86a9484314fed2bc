"""The drill: the service on a scratch database, runs in it, and processes killed under them.

    scratch.py      a database of its own, and its restart
    troupe.py       web, observers and queue as children
    stage.py        what a step may do: launch runs, read their logs, find who owns them
    viewer.py       somebody who watches a stream, and comes back with the last cursor
    steps.py        what is done, what is expected, what was seen
    finalisers.py   many who end one run at the same moment
    report.py       the table

Everything is seen from outside: over HTTP, over SQL, and by the processes.
"""
