"""How many rows the database looks at to answer: what a page costs however many rows there are."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from django.db import connection
from django.test.utils import CaptureQueriesContext

_OPTIONS = "ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT JSON"


class Look(NamedTuple):
    """One statement, and the rows it looked at, those that were thrown away included."""

    statement: str
    rows: int


def looks_of(read: Callable[[], object]) -> list[Look]:
    """What the database does for each statement of `read`, when it is issued once more."""
    with CaptureQueriesContext(connection) as captured:
        read()
    statements = [query["sql"] for query in captured.captured_queries]
    return [_look(statement) for statement in statements if statement.lstrip().startswith(("SELECT", "WITH"))]


def _look(statement: str) -> Look:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN ({_OPTIONS}) {statement.replace('%', '%%')}")
        ((plan,),) = cursor.fetchall()
    return Look(statement, sum(map(_rows, _nodes(plan[0]["Plan"]))))


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def _rows(node: Mapping[str, Any]) -> int:
    """Only scans read rows; what is above them passes them on."""
    if "Scan" not in node["Node Type"] or node["Node Type"] in ("Subquery Scan", "CTE Scan", "Function Scan"):
        return 0
    removed = sum(node.get(f"Rows Removed by {why}", 0) for why in ("Filter", "Index Recheck"))
    return int((node["Actual Rows"] + removed) * node["Actual Loops"])
