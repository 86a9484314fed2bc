"""The plan of every hot read on 2 000 runs and 1 000 000 events, on a throw-away database.

`make read-plans`. The statements stand in read_plans.sql, each section under a line `-- name: ...`.
"""

import re
from pathlib import Path

from tests.benchmarks.processes import machine
from tests.benchmarks.stage import Stage, progress, throwaway_database

STATEMENTS = Path(__file__).with_name("read_plans.sql")
NAME = re.compile(r"^-- name: (.+)$", re.MULTILINE)


def main() -> None:
    """Prints one plan after the other."""
    with throwaway_database(durable=False) as stage:
        print(f"{machine()}, PostgreSQL {stage.row('SHOW server_version')[0]}")
        for name, statements in sections(STATEMENTS.read_text()):
            progress(name)
            if _answer(stage, statements):
                # Once more: the first time fetched the pages from the disk.
                print("", f"== {name}", *_answer(stage, statements), sep="\n")


def sections(text: str) -> list[tuple[str, str]]:
    """Name and statements of every section; what stands before the first name is left out."""
    _, *parts = NAME.split(text)
    return list(zip(parts[::2], parts[1::2], strict=True))


def _answer(stage: Stage, statements: str) -> list[str]:
    """The lines of the last statement's answer; none if it answers nothing."""
    cursor = stage.database.execute(statements.encode())
    while cursor.nextset():
        pass
    return [str(row[0]) for row in cursor.fetchall()] if cursor.description else []


if __name__ == "__main__":
    main()
