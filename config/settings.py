"""Every setting of Signalbox: identity, apps, database, http, runtimes, streams, webhooks, observability.

Names, defaults and meanings of the environment variables are declared in config/variables.py (docs/settings.md).
"""

import logging.config
import secrets
import sys
from pathlib import Path

from django.templatetags.static import static

from config import env
from config.database import database_entry, unset_statement_timeout_ms
from config.database_url import django_database, parse_database_url
from config.first_key import development_key
from config.generated_secrets import ensure_secret
from config.logs import log_uncaught, logging_settings
from config.mail import PORTS, mail_server
from config.process import process_name
from runs.version import VERSION

# --- identity ---------------------------------------------------------------------------------------------------------

BASE_DIR = Path(__file__).resolve().parent.parent
SIGNALBOX_PROCESS = process_name(sys.argv)
TESTING = SIGNALBOX_PROCESS == "test"

log_uncaught()
if not TESTING:
    env.load_dotenv(Path.cwd() / ".env")

LOG_LEVEL = env.env_choice("LOG_LEVEL", ("debug", "info", "warning", "error"))
LOG_FORMAT = env.env_choice("LOG_FORMAT", ("text", "json"))
# Now, not in django.setup(): what is wrong further down must be logged as well.
logging.config.dictConfig(logging_settings(process=SIGNALBOX_PROCESS, level=LOG_LEVEL, style=LOG_FORMAT))

SIGNALBOX_ENV = env.env_choice("SIGNALBOX_ENV", ("development", "production"))
PRODUCTION = SIGNALBOX_ENV == "production"
SIGNALBOX_DATA = env.env_path("SIGNALBOX_DATA")
DEBUG = False  # Django's own error pages would break the one shape of errors


def _secret_key() -> str:
    given = env.env_secret("SECRET_KEY")
    if given:
        return given
    if PRODUCTION:
        raise env.InvalidVariable("SECRET_KEY", "is required in production; set it or SECRET_KEY_FILE")
    if SIGNALBOX_PROCESS in {"supervisor", "test"}:  # these sign nothing that outlives them
        return secrets.token_urlsafe(48)
    return ensure_secret(SIGNALBOX_DATA, "SECRET_KEY", lambda: secrets.token_urlsafe(48))[0]


SECRET_KEY = _secret_key()
SECRETS_KEY = env.env_secret("SECRETS_KEY")

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
FORMAT_MODULE_PATH = "config.formats"

UNFOLD = {
    "SITE_TITLE": "Signalbox",
    "SITE_HEADER": "Signalbox",
    "SITE_SYMBOL": "traffic",
    "SIDEBAR": {"navigation": "insights.pages.sidebar.navigation"},
    "STYLES": [lambda request: static("console/admin.css")],
}

# --- apps -------------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "daphne",
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "channels",
    "config.apps.SignalboxConfig",  # before django_q, whose command it goes before
    "django_q",
    "django_prometheus",
    "runs.apps.RunsConfig",
    "webhooks.apps.WebhooksConfig",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- database ---------------------------------------------------------------------------------------------------------

DATABASE_URL = env.env_secret("DATABASE_URL")
TEST_DATABASE_URL = env.env_secret("TEST_DATABASE_URL")
PGBIN = env.env_str("PGBIN")
DB_POOL_MAX = env.env_int("DB_POOL_MAX", at_least=1)
DB_POOL_CONNECTION_TIMEOUT = env.env_int("DB_POOL_CONNECTION_TIMEOUT", at_least=1)
OBSERVER_LEASE_S = env.env_int("OBSERVER_LEASE_S", at_least=1)
DB_STATEMENT_TIMEOUT_MS = env.env_int("DB_STATEMENT_TIMEOUT_MS")
if not env.is_set("DB_STATEMENT_TIMEOUT_MS"):
    DB_STATEMENT_TIMEOUT_MS = unset_statement_timeout_ms(DB_STATEMENT_TIMEOUT_MS, lease_s=OBSERVER_LEASE_S)
# Tests name their own, whatever a developer's environment says.
REDIS_URL = "" if TESTING else env.env_secret_url("REDIS_URL", ("redis", "rediss", "unix"))
NUDGE_TRANSPORT = "runs.hub.over_redis.OverRedis" if REDIS_URL else "runs.hub.over_notify.OverNotify"

DATABASES: dict[str, dict[str, object]] = {
    "default": database_entry(
        django_database(parse_database_url(TEST_DATABASE_URL if TESTING else DATABASE_URL, base_dir=SIGNALBOX_DATA)),
        process=SIGNALBOX_PROCESS,
        pool_max=DB_POOL_MAX,
        pool_timeout_ms=DB_POOL_CONNECTION_TIMEOUT,
        statement_timeout_ms=DB_STATEMENT_TIMEOUT_MS,
        lease_s=OBSERVER_LEASE_S,
    )
}

# Threads that touch rows for asynchronous code. A web process waits for reads of many viewers; an observer's threads work
# the interpreter, where more of them only take turns: a run that waits gathers a larger, cheaper batch meanwhile.
BRIDGE_THREADS = 4 if SIGNALBOX_PROCESS == "observer" else 16

# Few, short, idempotent tasks that find their work in the tables; timeout < retry, else a task runs beside itself.
Q_CLUSTER = {
    "name": "signalbox",
    "orm": "default",
    "workers": 2,
    "timeout": 45,
    "retry": 120,
    "max_attempts": 5,
    "ack_failures": False,
    "catch_up": False,
    "poll": 0.2,
    "bulk": 1,
    "queue_limit": 2,
    "save_limit": -1,
}

# --- http -------------------------------------------------------------------------------------------------------------

HOST = env.env_str("HOST")
PORT = env.env_int("PORT", at_most=65535)
ALLOWED_HOSTS = env.env_list("ALLOWED_HOSTS", str)
CORS_ORIGIN = env.env_list("CORS_ORIGIN", env.web_origin)
MAX_BODY_BYTES = env.env_int("MAX_BODY_BYTES", at_least=1)
APPEND_SLASH = False

# Every one runs in the event loop: one that needs a thread would cost every request, and each stream for good.
MIDDLEWARE = [
    "config.http.security_headers.SecurityHeadersMiddleware",
    "config.http.request_id.RequestIdMiddleware",
    "config.http.metered.MeteredMiddleware",
    "config.http.cors.CorsMiddleware",
    "config.http.error_shape.ErrorShapeMiddleware",
    "config.http.static_files.StaticFilesMiddleware",
    "config.http.no_store.NoStoreMiddleware",  # inside of static files, which may be kept
    "config.http.throttled.ThrottleMiddleware",
    "config.http.inline.Sessions",
    "config.http.inline.Common",
    "config.http.inline.Csrf",
    "config.http.inline.Authentication",
    "config.http.inline.Messages",
]

AUTH_API_KEYS = env.env_list("AUTH_API_KEYS", str)
if not PRODUCTION and not TESTING:
    AUTH_API_KEYS += [f"development={key}" for key in (development_key(SIGNALBOX_DATA),) if key]
# Streams are no views of the REST framework and stay open; runs finds here who says who opens one, and who may keep it, for
# it may not import config.
STREAM_AUTHENTICATOR = "config.http.stream_authentication.authenticate_stream"
STREAM_REAUTHENTICATOR = "config.http.stream_authentication.reauthenticate"
# The dashboard shows it; insights may not import config either.
RUNTIME_HEALTH = "config.health.runtime_document"
METRICS_REQUIRE_KEY = env.env_bool("METRICS_REQUIRE_KEY")
THROTTLE_TTL_MS = env.env_int("THROTTLE_TTL_MS", at_least=1)
# Tests name their own: their callers share names and routes.
THROTTLE_LIMIT = 0 if TESTING else env.env_int("THROTTLE_LIMIT")
STREAM_THROTTLE = "config.http.throttled.count_stream"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "config.http.authentication.ApiKeyAuthentication",
        "config.http.authentication.StaffSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["config.http.permissions.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["config.http.parsing.JsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["config.http.rendering.JsonRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "config.http.rendering.AlwaysFirst",
    "DEFAULT_SCHEMA_CLASS": "config.documents.operation.Operation",
    "EXCEPTION_HANDLER": "config.http.errors.exception_handler",
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "TEST_REQUEST_RENDERER_CLASSES": ["config.http.rendering.JsonRenderer"],
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Signalbox",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.0",
    "POSTPROCESSING_HOOKS": ["config.documents.openapi.complete"],
    # What it cannot guess would go to stderr, past the log, at every look; a test finds it.
    "DISABLE_ERRORS_AND_WARNINGS": True,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
SESSION_COOKIE_AGE = 8 * 3600
SESSION_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_SECURE = PRODUCTION
CSRF_TRUSTED_ORIGINS = CORS_ORIGIN
CSRF_FAILURE_VIEW = "config.http.errors.csrf_failure"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if PRODUCTION else 0
# These look for three middlewares of Django by name; ours inherit from them, or do what they do (security_headers.py).
SILENCED_SYSTEM_CHECKS = ["security.W001", "security.W002", "security.W003"]
AUTHENTICATION_BACKENDS = ["config.http.staff_backend.StaffBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [folder for folder in (BASE_DIR / "static",) if folder.is_dir()]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = not PRODUCTION

# --- runtimes ---------------------------------------------------------------------------------------------------------

RUNTIME_ADAPTERS = {
    "macp": "runs.runtimes.macp.client.MacpRuntime",
    "scripted": "runs.runtimes.scripted.ScriptedRuntime",
}
RUNTIME_ALIASES = {"rust": "macp"}

SIGNALBOX_SESSION_OPENER = env.env_choice("SIGNALBOX_SESSION_OPENER", ("control-plane", "agent"))
SIGNALBOX_OBSERVER_ONLY = env.env_bool("SIGNALBOX_OBSERVER_ONLY")
RUNTIME_ADDRESS = env.env_str("RUNTIME_ADDRESS")
if env.is_set("RUNTIME_KIND"):
    RUNTIME_KIND = env.env_choice("RUNTIME_KIND", (*RUNTIME_ADAPTERS, *RUNTIME_ALIASES))
    RUNTIME_KIND = RUNTIME_ALIASES.get(RUNTIME_KIND, RUNTIME_KIND)
else:
    RUNTIME_KIND = "macp" if RUNTIME_ADDRESS else "scripted"
RUNTIME_TLS = env.env_bool("RUNTIME_TLS")
RUNTIME_TLS_CA_FILE = env.env_str("RUNTIME_TLS_CA_FILE")
RUNTIME_ALLOW_INSECURE = env.env_bool("RUNTIME_ALLOW_INSECURE")
RUNTIME_REQUEST_TIMEOUT_MS = env.env_int("RUNTIME_REQUEST_TIMEOUT_MS", at_least=1)
RUNTIME_CHANNELS = env.env_int("RUNTIME_CHANNELS", at_least=1)
RUNTIME_BEARER_TOKEN = env.env_secret("RUNTIME_BEARER_TOKEN")
RUNTIME_SENDER_TOKENS = env.env_json("RUNTIME_SENDER_TOKENS", env.tokens_by_participant)
RUNTIME_DEV_SENDERS = env.env_bool("RUNTIME_DEV_SENDERS")
RUNTIME_USE_DEV_HEADER = env.env_bool("RUNTIME_USE_DEV_HEADER")
RUNTIME_DEV_AGENT_ID = env.env_str("RUNTIME_DEV_AGENT_ID")
MACP_AUTH_SERVICE_URL = env.env_str("MACP_AUTH_SERVICE_URL")
MACP_AUTH_SERVICE_TIMEOUT_MS = env.env_int("MACP_AUTH_SERVICE_TIMEOUT_MS", at_least=1)
MACP_AUTH_TOKEN_TTL_SECONDS = env.env_int("MACP_AUTH_TOKEN_TTL_SECONDS", at_least=1)
MACP_AUTH_TOKEN_SENDER = env.env_str("MACP_AUTH_TOKEN_SENDER")
MACP_AUTH_TOKEN_CAN_MANAGE_REGISTRY = env.env_bool("MACP_AUTH_TOKEN_CAN_MANAGE_REGISTRY")
RUNTIME_CIRCUIT_BREAKER_THRESHOLD = env.env_int("RUNTIME_CIRCUIT_BREAKER_THRESHOLD", at_least=1)
RUNTIME_CIRCUIT_BREAKER_RESET_MS = env.env_int("RUNTIME_CIRCUIT_BREAKER_RESET_MS", at_least=1)
SESSION_DISCOVERY_ENABLED = env.env_bool("SESSION_DISCOVERY_ENABLED")
CANCEL_CALLBACK_TIMEOUT_MS = env.env_int("CANCEL_CALLBACK_TIMEOUT_MS", at_least=1)
PROCESS_AGENTS_FILE = env.env_str("PROCESS_AGENTS_FILE")
SCENARIO_DIR = env.env_str("SCENARIO_DIR")

KICKOFF_MAX_RETRIES = env.env_int("KICKOFF_MAX_RETRIES")
SESSION_POLL_BASE_MS = env.env_int("SESSION_POLL_BASE_MS", at_least=1)
SESSION_POLL_MAX_MS = env.env_int("SESSION_POLL_MAX_MS", at_least=1)
SESSION_POLL_TIMEOUT_MS = env.env_int("SESSION_POLL_TIMEOUT_MS", at_least=1)
RUN_ADMISSION_TIMEOUT_MS = env.env_int("RUN_ADMISSION_TIMEOUT_MS", at_least=1)
RUN_PROGRESS_TIMEOUT_MS = env.env_int("RUN_PROGRESS_TIMEOUT_MS")
RUN_HARD_GRACE_MS = env.env_int("RUN_HARD_GRACE_MS")
STREAM_IDLE_TIMEOUT_MS = env.env_int("STREAM_IDLE_TIMEOUT_MS", at_least=1)
STREAM_MAX_RETRIES = env.env_int("STREAM_MAX_RETRIES")
RUNTIME_UNREACHABLE_TIMEOUT_MS = env.env_int("RUNTIME_UNREACHABLE_TIMEOUT_MS", at_least=1)
OBSERVER_LAUNCH_CONCURRENCY = env.env_int("OBSERVER_LAUNCH_CONCURRENCY", at_least=1)
STREAM_BACKOFF_BASE_MS = env.env_int("STREAM_BACKOFF_BASE_MS", at_least=1)
STREAM_BACKOFF_MAX_MS = env.env_int("STREAM_BACKOFF_MAX_MS", at_least=1)
RUN_RECOVERY_ENABLED = env.env_bool("RUN_RECOVERY_ENABLED")
RUN_RECOVERY_MAX_ATTEMPTS = env.env_int("RUN_RECOVERY_MAX_ATTEMPTS")
OBSERVER_BEAT_S = env.env_int("OBSERVER_BEAT_S", at_least=1)
OBSERVER_SWEEP_S = env.env_int("OBSERVER_SWEEP_S", at_least=1)
OBSERVER_BATCH_SIZE = env.env_int("OBSERVER_BATCH_SIZE", at_least=1)
OBSERVER_BATCH_WAIT_MS = env.env_int("OBSERVER_BATCH_WAIT_MS")
OBSERVER_MAX_RUNS = env.env_int("OBSERVER_MAX_RUNS", at_least=1)

# --- streams ----------------------------------------------------------------------------------------------------------

STREAM_TICKET_TTL_S = env.env_int("STREAM_TICKET_TTL_S", at_least=1)
STREAM_MAX_PER_CALLER = env.env_int("STREAM_MAX_PER_CALLER", at_least=1)
STREAM_SSE_HEARTBEAT_MS = env.env_int("STREAM_SSE_HEARTBEAT_MS", at_least=1)
STREAM_SNAPSHOT_INTERVAL_MS = env.env_int("STREAM_SNAPSHOT_INTERVAL_MS")
STREAM_COALESCE_MS = env.env_int("STREAM_COALESCE_MS")
STREAM_MAX_AGE_S = env.env_int("STREAM_MAX_AGE_S", at_least=1)
STREAM_POLL_MS = env.env_int("STREAM_POLL_MS", at_least=1)
STREAM_SEND_TIMEOUT_MS = env.env_int("STREAM_SEND_TIMEOUT_MS", at_least=1)
REPLAY_MAX_DELAY_MS = env.env_int("REPLAY_MAX_DELAY_MS")
REPLAY_BATCH_SIZE = env.env_int("REPLAY_BATCH_SIZE", at_least=1)

# --- webhooks ---------------------------------------------------------------------------------------------------------

WEBHOOK_TIMEOUT_S = env.env_int("WEBHOOK_TIMEOUT_S", at_least=5, at_most=30)
WEBHOOK_RETRY_SCHEDULE = env.env_list("WEBHOOK_RETRY_SCHEDULE", env.whole_seconds)
WEBHOOK_ALLOW_HTTP = env.env_bool("WEBHOOK_ALLOW_HTTP")
WEBHOOK_ALLOWED_NETWORKS = env.env_list("WEBHOOK_ALLOWED_NETWORKS", env.network)
WEBHOOK_CONCURRENCY = env.env_int("WEBHOOK_CONCURRENCY", at_least=1)
# Who reads the outbox of runs, by name: runs may not import webhooks. The task that a commit calls for, if anybody hears, and
# what makes deliveries of all that is left of a run before it is deleted.
OUTBOX_TASK = "webhooks.tasks.deliver"
OUTBOX_HEARD = "webhooks.fanout.has_listeners"
OUTBOX_FLUSH = "webhooks.fanout.flush"
ALERT_EMAILS = env.env_list("ALERT_EMAILS", env.mail_address)
ALERT_SENDER = env.env_str("ALERT_SENDER")
EMAIL_URL = env.env_secret_url("EMAIL_URL", PORTS)
_MAIL = mail_server(EMAIL_URL)
EMAIL_HOST, EMAIL_PORT = _MAIL.host, _MAIL.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _MAIL.user, _MAIL.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _MAIL.scheme == "smtp+tls", _MAIL.scheme == "smtps"
EMAIL_TIMEOUT = 10
EMAIL_SUBJECT_PREFIX = "[Signalbox] "
ADMINS = [("Signalbox", address) for address in ALERT_EMAILS]
SERVER_EMAIL = ALERT_SENDER

# --- observability ----------------------------------------------------------------------------------------------------

OTEL_ENABLED = env.env_bool("OTEL_ENABLED")
OTEL_SERVICE_NAME = env.env_str("OTEL_SERVICE_NAME")
OTEL_EXPORTER_OTLP_ENDPOINT = env.env_str("OTEL_EXPORTER_OTLP_ENDPOINT")
MACP_REDACT_PATTERNS = env.env_list("MACP_REDACT_PATTERNS", env.pattern)
LLM_PRICES = env.env_json("LLM_PRICES", env.prices_by_model)
DATA_RETENTION_ENABLED = env.env_bool("DATA_RETENTION_ENABLED")
DATA_RETENTION_TTL_DAYS = env.env_int("DATA_RETENTION_TTL_DAYS")
DATA_RETENTION_INTERVAL_HOURS = env.env_int("DATA_RETENTION_INTERVAL_HOURS", at_least=1)
DATA_RETENTION_BATCH_SIZE = env.env_int("DATA_RETENTION_BATCH_SIZE", at_least=1)

PROMETHEUS_EXPORT_MIGRATIONS = False

LOGGING = logging_settings(
    process=SIGNALBOX_PROCESS,
    level=LOG_LEVEL,
    style=LOG_FORMAT,
    secrets=[
        SECRET_KEY,
        *SECRETS_KEY.split(","),
        *(key.partition("=")[2] or key for key in AUTH_API_KEYS),
        RUNTIME_BEARER_TOKEN,
        *RUNTIME_SENDER_TOKENS.values(),
        EMAIL_HOST_PASSWORD,
    ],
)
