"""As little of a service as `manage.py up` can run, for tests of the processes alone: no tables, stand-in workers."""

from config.settings import *  # noqa: F403

INSTALLED_APPS = ["tests.small_service", "config", "django.contrib.contenttypes"]
MIDDLEWARE = []
TEMPLATES = []
ROOT_URLCONF = "tests.small_service.urls"
ASGI_APPLICATION = "tests.small_service.asgi.application"
CSRF_FAILURE_VIEW = "django.views.csrf.csrf_failure"  # ours knows callers, and so tables
# Where the database is away, it is so at once: nobody waits for a pool of connections.
DATABASES = {
    "default": {
        **DATABASES["default"],  # noqa: F405
        "OPTIONS": {name: value for name, value in DATABASES["default"]["OPTIONS"].items() if name != "pool"},  # noqa: F405
    }
}
