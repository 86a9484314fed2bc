"""The real `macp-runtime`: where its binary is, how it is started, and who is who in it."""

import asyncio
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

from runs.errors import RuntimeFault
from runs.runtimes.macp.client import MacpRuntime
from runs.runtimes.macp.settings import MacpSettings
from tests.runtime_process import Child, free_port

REQUIRED = os.environ.get("REQUIRE_MACP_RUNTIME") == "1"
OURSELVES = "token-control-plane"
STARTS_IN_S = 10.0


def binary() -> str | None:
    """MACP_RUNTIME_BIN, else `macp-runtime` in PATH, else the newest built one in the cache folder; None without any."""
    if chosen := os.environ.get("MACP_RUNTIME_BIN"):
        return chosen
    cached = sorted(Path.home().glob(".cache/signalbox/macp-runtime-*/bin/macp-runtime"))
    return shutil.which("macp-runtime") or (str(cached[-1]) if cached else None)


def token_of(participant: str) -> str:
    """The static token of a participant."""
    return f"token-{participant}"


class RealRuntime:
    """A runtime process on a free port. `data` keeps its sessions over a restart; without it they are in memory.

    With `participants` it knows one static token each, and ours, which only observes; without it is a development
    runtime, where any token is the name of its sender. With `certificate` (a pem file and its key) it speaks TLS.
    """

    def __init__(
        self,
        *,
        data: Path | None = None,
        participants: tuple[str, ...] = (),
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        self.port = free_port()
        self.participants = participants
        self._data = data
        self._certificate = certificate

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def settings(self) -> MacpSettings:
        """How our adapter reaches it, with every credential it has given out."""
        reached = MacpSettings(address=self.address, allow_insecure=True, backoff_base=0.05)
        if self._certificate:
            reached = replace(reached, allow_insecure=False, tls=True, tls_ca_file=str(self._certificate[0]))
        if not self.participants:
            return replace(reached, dev_senders=True)
        tokens = {participant: token_of(participant) for participant in self.participants}
        return replace(reached, bearer_token=OURSELVES, sender_tokens=tokens)

    async def start(self) -> None:
        """It answers Initialize."""
        found = binary()
        assert found is not None, "no macp-runtime binary"
        self._child = Child([found], self._environment())
        runtime = MacpRuntime(self.settings())
        async with asyncio.timeout(STARTS_IN_S):
            while True:
                try:
                    await runtime.initialize()
                    break
                except RuntimeFault:
                    assert self._child.process.poll() is None, "macp-runtime did not start"
                    await asyncio.sleep(0.05)
        await runtime.close()

    async def restart(self) -> None:
        """Killed and started again on the same port and data."""
        self.kill()
        await self.start()

    def kill(self) -> None:
        """Gone without a word."""
        self._child.kill()

    def _environment(self) -> dict[str, str]:
        chosen = {
            "MACP_BIND_ADDR": self.address,
            "MACP_SHUTDOWN_DRAIN_SECS": "1",
            "MACP_SESSION_START_LIMIT_PER_MINUTE": "100000",
            "MACP_MESSAGE_LIMIT_PER_MINUTE": "1000000",
            "MACP_CLEANUP_INTERVAL_SECS": "1",
            "RUST_LOG": "error",
        }
        stored = {"MACP_DATA_DIR": str(self._data)} if self._data else {"MACP_MEMORY_ONLY": "1"}
        tokens = {"MACP_AUTH_TOKENS_JSON": self._tokens()} if self.participants else {}
        return {**chosen, **stored, **tokens, **self._transport()}

    def _transport(self) -> dict[str, str]:
        if self._certificate is None:
            return {"MACP_ALLOW_INSECURE": "1"}
        pem, key = self._certificate
        return {"MACP_TLS_CERT_PATH": str(pem), "MACP_TLS_KEY_PATH": str(key)}

    def _tokens(self) -> str:
        ours = {"token": OURSELVES, "sender": "control-plane", "is_observer": True, "can_start_sessions": False}
        theirs = [{"token": token_of(one), "sender": one} for one in self.participants]
        return json.dumps([ours, *theirs])
