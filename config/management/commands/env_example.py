"""Write .env.example and docs/settings.md from the declared variables."""

from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.settings_reference import as_env_example, as_markdown


class Command(BaseCommand):
    """With --check nothing is written: it fails if a page is not current."""

    help = "Writes .env.example and docs/settings.md from the declared settings."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares --check."""
        parser.add_argument("--check", action="store_true", help="only say whether the pages are current")

    def handle(self, *args: object, check: bool, **options: object) -> None:
        """The pages are current afterwards; with --check CommandError names those that are not."""
        root = Path(settings.BASE_DIR)
        pages = {root / ".env.example": as_env_example(), root / "docs" / "settings.md": as_markdown()}
        stale = [page for page, text in pages.items() if not page.is_file() or page.read_text("utf-8") != text]
        if check and stale:
            names = ", ".join(page.relative_to(root).as_posix() for page in stale)
            raise CommandError(f"not current: {names}; run `manage.py env_example`")
        for page in stale:
            page.parent.mkdir(exist_ok=True)
            page.write_text(pages[page], "utf-8")
