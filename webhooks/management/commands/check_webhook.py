"""Explain whether a webhook may be sent to a URL."""

import asyncio
import sys
from collections.abc import Sequence
from ipaddress import ip_address

import orjson
from django.core.management.base import BaseCommand, CommandParser

from runs.egress import look_up
from runs.egress.rules import Rules
from runs.egress.target import Target
from runs.errors import AddressRefused, NotAnswered

REFUSED, UNRESOLVED = 1, 3

Line = dict[str, object]


class Command(BaseCommand):
    """Nothing is sent. The name is resolved here, so ask on a host that sends."""

    help = (
        "Say what the address guard says of a URL: what is wrong with it, or of each address that its name has now whether "
        "anything may be sent there, and why not. One that is refused is enough to refuse them all. Nothing is sent. "
        "Exit code: 0 it may be used, 1 it is refused, 3 its name cannot be resolved."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """URL, --json."""
        parser.add_argument("url", metavar="URL")
        parser.add_argument("--json", action="store_true", help="print it as JSON")

    def handle(self, *args: object, url: str, json: bool, **options: object) -> None:
        """What the guard says is on standard output."""
        code, report = explain(url)
        if json:
            self.stdout.write(orjson.dumps(report).decode())
        else:
            for line in in_words(code, report):
                self.stdout.write(line)
        if code:
            sys.exit(code)


def explain(url: str) -> tuple[int, Line]:
    """The exit code, and what is to be told: `refused` for the URL itself, else its addresses."""
    rules = Rules.configured()
    try:
        target = rules.target(url)
    except AddressRefused as refused:
        return REFUSED, {"allowed": False, "refused": f"the URL {refused.message}", "addresses": []}
    try:
        found = _addresses(target)
    except NotAnswered as unresolved:
        return UNRESOLVED, {"allowed": False, "refused": unresolved.message, "addresses": []}
    addresses = [{"address": address, "refused": _refusal(rules, address, target.port)} for address in found]
    is_allowed = not any(one["refused"] for one in addresses)
    return 0 if is_allowed else REFUSED, {"allowed": is_allowed, "refused": None, "addresses": addresses}


def in_words(code: int, report: Line) -> list[str]:
    """The report for people."""
    addresses = report["addresses"]
    assert isinstance(addresses, list)
    lines = [f"{one['address']}  {one['refused'] or 'allowed'}" for one in addresses]
    if code == UNRESOLVED:
        return [f"Not now: {report['refused']}. It may be saved, and each attempt resolves the name anew."]
    if report["refused"]:
        return [f"Refused: {report['refused']}."]
    return [*lines, "Allowed." if report["allowed"] else "Refused: every address of the name must be allowed."]


def _addresses(target: Target) -> Sequence[str]:
    return (str(target.address),) if target.address else asyncio.run(_resolved(target))


async def _resolved(target: Target) -> Sequence[str]:
    return await look_up(target.host, target.port)


def _refusal(rules: Rules, address: str, port: int) -> str | None:
    try:
        rules.refuse(ip_address(address), port)
    except AddressRefused as refused:
        return refused.message
    return None
