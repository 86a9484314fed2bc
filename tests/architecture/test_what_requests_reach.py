"""What answers requests starts no program and opens no file, and locks nothing for longer than its transaction."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Whatever a request can reach with what it says: the processes, the demo and the commands of operators are not among it.
REACHED = ["config/http", "insights", "webhooks", *(f"runs/{room}" for room in ("api", "domain", "egress", "ending"))]
REACHED += [f"runs/{room}" for room in ("models", "operations", "queries", "recorder", "runtimes", "streaming")]
PROGRAMS = {"subprocess", "pty", "shutil", "tempfile", "multiprocessing", "runpy", "ctypes", "pathlib"}
CALLS = {"open", "eval", "exec", "compile", "__import__"}
LOADERS = {"import_string", "import_module"}
OF_THE_SYSTEM = re.compile(r"os\.(system|popen|exec|spawn|posix_spawn|startfile|open|fdopen)")
# The one file that is read: RUNTIME_TLS_CA_FILE, which the operator names.
READS_A_FILE_OF_THE_SETTINGS = {"runs/runtimes/macp/channels.py": {"pathlib"}}
LOCKS_OF_A_SESSION = re.compile(r"pg_(try_)?advisory_(lock|unlock)")


def modules(rooms: list[str]) -> Iterator[Path]:
    for room in rooms:
        yield from sorted((ROOT / room).rglob("*.py"))


def programs_and_files(source: str) -> set[str]:
    """What this code uses to start a program, to open a file, or to load what somebody else than the settings names."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names} & PROGRAMS
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module.partition(".")[0]} & PROGRAMS
        elif isinstance(node, ast.Attribute) and OF_THE_SYSTEM.fullmatch(ast.unparse(node)):
            found.add(ast.unparse(node))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            loads = node.func.id in LOADERS and not ast.unparse(node.args[0]).startswith("settings.")
            found |= {node.func.id} if node.func.id in CALLS or loads else set()
    return found


@pytest.mark.parametrize(
    "source",
    [
        "import subprocess",
        "from pathlib import Path",
        "with open(name): ...",
        "os.system(words)",
        "import_string(request['adapter'])",
    ],
)
def test_a_program_or_a_file_is_found_out_d16(source: str) -> None:
    assert len(programs_and_files(source)) == 1


def test_no_request_chooses_a_command_or_a_file_d16() -> None:
    used = {str(path.relative_to(ROOT)): programs_and_files(path.read_text()) for path in modules(REACHED)}
    assert len(used) > 200
    assert {name: what for name, what in used.items() if what} == READS_A_FILE_OF_THE_SETTINGS


def test_no_lock_belongs_to_a_connection_instead_of_a_transaction_c04() -> None:
    holding = [path for path in modules(["config", "insights", "runs", "webhooks"]) if _locks(path.read_text())]
    assert holding == []
    assert _locks("SELECT pg_try_advisory_lock(1)")


def _locks(source: str) -> bool:
    return LOCKS_OF_A_SESSION.search(source) is not None
