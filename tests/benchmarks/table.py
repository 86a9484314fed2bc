"""One table with the machine it was measured on."""

import os
from collections.abc import Mapping, Sequence

from tests.benchmarks.processes import machine


def print_table(rows: Sequence[Mapping[str, object]], *notes: str) -> None:
    """The machine, each note on a line of its own, and the rows under the names of the first."""
    print("\n".join([machine(), *notes]))
    print("| " + " | ".join(rows[0]) + " |")
    print("|" + "---|" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join(map(str, row.values())) + " |")


def load_average() -> str:
    """How busy the machine was during the last minute and the last five, this benchmark included."""
    one, five, _ = os.getloadavg()
    return f"load average {one:.1f} (1 min), {five:.1f} (5 min)"
