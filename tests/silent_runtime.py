"""A runtime that nobody can reach."""

from collections.abc import Mapping, Sequence
from typing import Self

from runs.errors import FieldFault, RuntimeUnavailable
from runs.runtimes.port import RuntimeInfo


class SilentRuntime:
    """Answers no question."""

    source_name = "silent-runtime"

    @classmethod
    def configured(cls) -> Self:
        """The runtime. Makes no call."""
        return cls()

    @staticmethod
    def option_faults(options: Mapping[str, object], scenario: str) -> Sequence[FieldFault]:
        """Every option is taken."""
        return []

    async def initialize(self) -> RuntimeInfo:
        """Never: raises RuntimeUnavailable."""
        raise RuntimeUnavailable

    async def close(self) -> None:
        """Nothing is open."""
