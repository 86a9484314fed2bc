"""The entry of web servers: HTTP through Django, WebSockets through consumers."""

import os

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if not settings.configured:
    # Another server than `manage.py serve_web` started us; its command line does not tell that this is a web process.
    os.environ.setdefault("SIGNALBOX_PROCESS", "web")

django.setup(set_prefix=False)

# Only now: these need the apps to be loaded.
from config.checks import refuse_unsound_settings  # noqa: E402
from config.handler import Handler  # noqa: E402
from config.http.body_limit import BodyLimit  # noqa: E402
from config.row_checks import refuse_without_keys  # noqa: E402
from config.service_life import ServiceLife  # noqa: E402
from runs.streaming.routing import websocket_urlpatterns  # noqa: E402

# A server that imports this module runs no management command and so no system checks.
refuse_unsound_settings()
refuse_without_keys()

application = ServiceLife(
    BodyLimit(
        ProtocolTypeRouter({"http": Handler(), "websocket": URLRouter(websocket_urlpatterns)}),
        limit=settings.MAX_BODY_BYTES,
    )
)
