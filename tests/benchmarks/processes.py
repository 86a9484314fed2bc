"""What processes cost: CPU seconds, memory and connections, read from /proc."""

import os
import platform
from collections.abc import Iterator
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_ESTABLISHED = "01"


def family(pid: int) -> list[int]:
    """`pid` and all its living descendants."""
    children: dict[int, list[int]] = {}
    for other, fields in _all_stats():
        children.setdefault(int(fields[1]), []).append(other)
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += children.get(one, [])
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of the family so far, ended children included."""
    members = set(family(pid))
    return sum(sum(map(int, fields[11:15])) for one, fields in _all_stats() if one in members) / _TICKS


def resident_mb(pid: int) -> float:
    """Resident memory of one process, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def connections_to(port: int) -> int:
    """Established TCP connections of this machine to a local port."""
    # gRPC reaches an IPv4 address from a socket that speaks both, which is listed among those of IPv6.
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()]
    return sum(fields[2].endswith(f":{port:04X}") and fields[3] == _ESTABLISHED for fields in lines)


def machine() -> str:
    """One line that says on what this was measured."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return f"{os.cpu_count()} cores ({model}), Python {platform.python_version()}"


def _all_stats() -> Iterator[tuple[int, list[str]]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
            except OSError:
                continue
            yield int(entry.name), text.rpartition(")")[2].split()
