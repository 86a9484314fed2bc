"""The web process: REST, SSE, WebSocket and admin."""

from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string

from config.web import WebServer


class Command(BaseCommand):
    """Serves until SIGTERM or SIGINT, then ends its streams politely."""

    help = "Serve HTTP and WebSocket (Daphne)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--host and --port; their defaults are the settings."""
        parser.add_argument("--host", default=settings.HOST, help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=settings.PORT, help="default: %(default)s")

    def handle(self, *, host: str, port: int, **options: object) -> None:
        """The server has ended; raises CommandError when it could not listen."""
        server = WebServer(
            import_string(settings.ASGI_APPLICATION),
            host=host,
            port=port,
            send_timeout_s=settings.STREAM_SEND_TIMEOUT_MS / 1000,
        )
        server.run()
        if server.failure:
            raise CommandError(f"cannot listen on {host} port {port}: {server.failure}")
