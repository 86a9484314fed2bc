"""As little of a service as `manage.py up` can run: for tests of the processes alone."""

import os
from pathlib import Path

from config.postgres import django_database, parse_database_url

SECRET_KEY = "for tests only"
SIGNALBOX_ENV = "development"
SIGNALBOX_DATA = Path(os.environ.get("SIGNALBOX_DATA", ".signalbox"))
DATABASE_URL = os.environ.get("DATABASE_URL", "")
PGBIN = os.environ.get("PGBIN", "")
HOST = os.environ.get("HOST", "127.0.0.1")
PORT = int(os.environ.get("PORT", "3001"))
STREAM_SEND_TIMEOUT_MS = int(os.environ.get("STREAM_SEND_TIMEOUT_MS", "10000"))
AUTH_API_KEYS: list[str] = []
ALLOWED_HOSTS = ["*"]
USE_TZ = True

INSTALLED_APPS = ["django.contrib.contenttypes", "config", "tests.small_service"]
DATABASES = {"default": django_database(parse_database_url(DATABASE_URL, base_dir=SIGNALBOX_DATA))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "tests.small_service.urls"
ASGI_APPLICATION = "tests.small_service.asgi.application"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
}
