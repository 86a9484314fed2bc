"""The labels of crash points: those the source knows, those that were recorded, and those that were recorded last."""

import ast
from collections.abc import Iterator, Set
from pathlib import Path

from tests.crash_matrix.cells import Recorded

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = Path(__file__).with_name("labels.txt")

COMMITS = ("before_commit", "after_commit")
CALLS = ("before_call", "after_call")
_PAIRS = {"committing": COMMITS, "autocommitting": COMMITS, "calling": CALLS, "call": CALLS}
_NAMED_BY = {"call": "name"}  # the others are named by their first argument
STEP = "step"  # whoever takes a parameter of this name hands it on to where the transaction is

# No path of a run leads there, so no story does.
EXEMPT = {
    "runtime.policy": "only POST /runs/validate asks for a policy: it belongs to no run and writes nothing",
    "webhooks.drop": "only a fan-out passes it, which reads what is committed; tests/integration/webhooks kills it there",
    "webhooks.fanout": "as webhooks.drop",
    **dict.fromkeys(
        ("webhooks.claim", "webhooks.send", "webhooks.record"),
        "no run waits for a webhook; a drain is killed there in tests/recovery/test_a_drain_dies.py",
    ),
    "forgive": "comes when a run was watched for a minute: one statement that may be lost, and only resets a counter",
}


def known_to_the_source() -> set[str]:
    """Every label that stands in the source."""
    return {
        label
        for app in ("runs", "webhooks")
        for file in (ROOT / app).rglob("*.py")
        for label in _labels_of(ast.parse(file.read_text()))
    }


def is_exempt(label: str) -> bool:
    """True if a label needs no cell."""
    return label.rpartition(".")[0] in EXEMPT


def _labels_of(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        yield from (f"{step}.{moment}" for step in _handed_on(node) for moment in COMMITS)
        if not isinstance(node, ast.Call):
            continue
        function = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if function == "crashpoint":
            yield from (one.value for one in node.args if _is_text(one))
        if function in _PAIRS:
            for step in _steps(node, function):
                yield from (f"{step}.{moment}" for moment in _PAIRS[function])


def _steps(node: ast.Call, function: str) -> Iterator[str]:
    named = _NAMED_BY.get(function)
    given = [one.value for one in node.keywords if one.arg == named] if named else node.args[:1]
    yield from (one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str))


def _handed_on(node: ast.AST) -> Iterator[str]:
    """The names given as `step`, by a call or by a default."""
    if isinstance(node, ast.Call):
        yield from (one.value.value for one in node.keywords if one.arg == STEP and _is_text(one.value))
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        defaults = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        yield from (one.value for name, one in defaults if name.arg == STEP and one is not None and _is_text(one))


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def recorded_last() -> set[str]:
    """The labels of tests/crash_matrix/labels.txt."""
    return set(COMMITTED.read_text().split())


def write(recorded: Recorded) -> None:
    """tests/crash_matrix/labels.txt holds what was recorded."""
    COMMITTED.write_text("\n".join(sorted({place.label for place in recorded})) + "\n")


def faults_of(recorded: Recorded, *, known: Set[str], last: Set[str]) -> list[str]:
    """What is wrong with a recording: labels that no story passes, that are gone, or that are exempt without a reason.

    `known` are those of the source, `last` those that were recorded last.
    """
    labels = {place.label for place in recorded}
    exempt = sorted(filter(is_exempt, labels))
    uncovered = sorted(label for label in known - labels if not is_exempt(label))
    gone = sorted(last - labels)
    return [
        *(f"{label} is exempt, and a story passes it: take it out of EXEMPT" for label in exempt),
        *(f"{label} has no cell: no story passes it (tests/crash_matrix/stories)" for label in uncovered),
        *(f"{label} is recorded no more: restore it, or take it out with `make crash-matrix-labels`" for label in gone),
    ]
