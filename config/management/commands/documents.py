"""Write docs/openapi.json and docs/asyncapi.json from the code."""

from argparse import ArgumentParser
from pathlib import Path

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.documents.asyncapi import asyncapi
from config.documents.openapi import openapi

_FORM = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


class Command(BaseCommand):
    """With --check nothing is written: it fails if a document is not current."""

    help = "Writes docs/openapi.json and docs/asyncapi.json, the documents of the HTTP contract."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares --check."""
        parser.add_argument("--check", action="store_true", help="only say whether the documents are current")

    def handle(self, *args: object, check: bool, **options: object) -> None:
        """The documents are current afterwards; with --check CommandError names those that are not."""
        folder = Path(settings.BASE_DIR) / "docs"
        documents = {folder / "openapi.json": openapi(), folder / "asyncapi.json": asyncapi()}
        texts = {path: orjson.dumps(document, option=_FORM) for path, document in documents.items()}
        stale = [path for path, text in texts.items() if not path.is_file() or path.read_bytes() != text]
        if check and stale:
            names = ", ".join(path.name for path in stale)
            raise CommandError(f"not current in docs/: {names}; run `make documents`")
        for path in stale:
            path.write_bytes(texts[path])
