"""What a drill came to: a table for people, JSON for machines."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from config.drill.steps import Step

WIDTH = 72
INDENT = " " * 16


@dataclass(frozen=True, slots=True)
class Outcome:
    """One step, done."""

    step: Step
    seen: str
    passed: bool
    seconds: float

    def document(self) -> dict[str, object]:
        """As JSON."""
        return {
            "step": self.step.name,
            "done": self.step.what,
            "expected": self.step.expected,
            "seen": self.seen,
            "passed": self.passed,
            "seconds": round(self.seconds, 1),
        }

    def lines(self, colour: Callable[[str, bool], str]) -> list[str]:
        """As a row of the table."""
        word = colour("ok    " if self.passed else "FAILED", self.passed)
        head = f"{word} {self.seconds:5.1f} s  {self.step.what}"
        return [head, *_cell("expected", self.step.expected), *_cell("seen", self.seen)]


def _cell(name: str, text: str) -> list[str]:
    first, *rest = textwrap.wrap(text, WIDTH) or ["-"]
    return [f"{INDENT}{name:8}  {first}", *(f"{INDENT}{'':8}  {line}" for line in rest)]


def summary(outcomes: Sequence[Outcome], seconds: float) -> str:
    """The last line."""
    failed = sum(not outcome.passed for outcome in outcomes)
    what = f"{failed} of {len(outcomes)} failed" if failed else f"all {len(outcomes)} as expected"
    return f"{what}, {seconds:.0f} s"
