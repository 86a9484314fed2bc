"""What this adapter must know of its deployment, read from the settings once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from django.conf import settings


@dataclass(frozen=True, slots=True, kw_only=True)
class MacpSettings:
    """Where the runtime is and who we are there. Times are in seconds; an empty address means that there is none."""

    address: str = ""
    tls: bool = False
    tls_ca_file: str = ""
    allow_insecure: bool = False
    request_timeout: float = 30.0
    channels: int = 4
    backoff_base: float = 0.25
    backoff_max: float = 30.0
    bearer_token: str = field(default="", repr=False)
    sender_tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    dev_senders: bool = False
    dev_agent_id: str = "control-plane"
    use_dev_header: bool = False

    @classmethod
    def configured(cls) -> Self:
        """As the settings say (docs/settings.md, runtimes)."""
        return cls(
            address=settings.RUNTIME_ADDRESS or "",
            tls=settings.RUNTIME_TLS,
            tls_ca_file=settings.RUNTIME_TLS_CA_FILE or "",
            allow_insecure=settings.RUNTIME_ALLOW_INSECURE,
            request_timeout=settings.RUNTIME_REQUEST_TIMEOUT_MS / 1000,
            channels=settings.RUNTIME_CHANNELS,
            backoff_base=settings.STREAM_BACKOFF_BASE_MS / 1000,
            backoff_max=settings.STREAM_BACKOFF_MAX_MS / 1000,
            bearer_token=settings.RUNTIME_BEARER_TOKEN or "",
            sender_tokens=dict(settings.RUNTIME_SENDER_TOKENS),
            dev_senders=settings.RUNTIME_DEV_SENDERS,
            dev_agent_id=settings.RUNTIME_DEV_AGENT_ID,
            use_dev_header=settings.RUNTIME_USE_DEV_HEADER,
        )
