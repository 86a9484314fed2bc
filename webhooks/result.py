"""Result: how one attempt went, without anything secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# What a receiver may ask for with the header `webhook-delivery`; `gone` is what 410 means.
Wish = Literal["abort-message", "disable", "gone"]


@dataclass(frozen=True, slots=True)
class Result:
    """`status` is None where no answer came; `reason` is empty for a success, a word of runs.errors.NoAnswer,
    `address_refused`, or `status` for an answer that was not 2xx."""

    duration_ms: int
    status: int | None = None
    reason: str = ""
    message: str = ""
    excerpt: str = ""  # at most 4 kB, redacted
    headers: Mapping[str, str] = field(default_factory=dict)  # allow-listed
    retry_after_s: float | None = None  # as the receiver said, not yet clamped
    wish: Wish | None = None

    @property
    def is_success(self) -> bool:
        """The receiver has it: 2xx and nothing else."""
        return self.status is not None and 200 <= self.status <= 299

    @property
    def is_permanent(self) -> bool:
        """Trying again is of no use."""
        return self.wish is not None or self.reason == "address_refused"
