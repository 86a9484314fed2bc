"""Every environment variable Signalbox reads, declared once.

`config/env.py` takes defaults from here, `.env.example` and docs/settings.md are generated from here.
A default is the text one would write into the environment, so it passes through the same reader as any other value.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable: its default (in production too, unless `production` differs) and its meaning.

    `shown` replaces the default in the documentation where it is computed. `secret` variables may also come from a file
    (`NAME_FILE`) and never appear in a message. `later` ones have no effect yet, `ignored` ones never will.
    """

    name: str
    meaning: str
    default: str = ""
    production: str | None = None
    shown: str = ""
    secret: bool = False
    later: bool = False
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A group of variables that one reader would look for together."""

    title: str
    variables: tuple[Variable, ...]


V = Variable

SERVICE = Section(
    "Service",
    (
        V("SIGNALBOX_ENV", "`development` or `production`; switches the start-up checks", "development"),
        V("SIGNALBOX_DATA", "folder of generated secrets and of the embedded database", ".signalbox"),
        V(
            "SIGNALBOX_PROCESS",
            "name of this process in logs and at the database; `web` and `observer` decide on pooling",
            shown="from the command",
        ),
        V(
            "SECRET_KEY",
            "signing and, with `SECRETS_KEY` unset, the root of stored-secret encryption",
            shown="generated in development, required in production",
            secret=True,
        ),
        V("SECRETS_KEY", "key(s) for secrets at rest, newest first; older ones still decrypt", secret=True),
        V("HOST", "address of the web listener", "127.0.0.1", production="0.0.0.0"),  # noqa: S104
        V("PORT", "port of the web listener", "3001"),
        V("ALLOWED_HOSTS", "accepted Host headers; required in production", "*", production=""),
        V(
            "CORS_ORIGIN",
            "allowed browser origins; may be a list; also the Origin check of WebSockets",
            "http://localhost:3000",
        ),
        V("MAX_BODY_BYTES", "larger bodies are 413", "1048576"),
        V("LOG_LEVEL", "debug, info, warning, error", "info"),
        V("LOG_FORMAT", "text or json (one JSON object a line)", "text", production="json"),
    ),
)

DATABASE = Section(
    "Database and shared state",
    (
        V(
            "DATABASE_URL",
            "`postgres://...` = external PostgreSQL; unset, `file:DIR`, `file:///DIR` or a bare path = embedded "
            "PostgreSQL with its data in DIR; anything else stops the start",
            shown="unset (embedded, `.signalbox/postgres`)",
            secret=True,
        ),
        V(
            "TEST_DATABASE_URL",
            "the only way to point tests at another server; the database must be called `test_*`. "
            "Tests ignore `.env` and DATABASE_URL",
            secret=True,
        ),
        V("PGBIN", "folder of PostgreSQL binaries for the embedded server"),
        V(
            "DB_POOL_MAX",
            "connections per web or observer process; at least 2. The queue process never pools",
            "20",
        ),
        V("DB_POOL_CONNECTION_TIMEOUT", "ms to wait for a connection", "5000"),
        V(
            "DB_STATEMENT_TIMEOUT_MS",
            "a statement that runs longer is cancelled; shorter than the lease: unless set, at most half of it",
            "15000",
        ),
        V(
            "REDIS_URL",
            "`redis://`, `rediss://` or `unix://`: nudges travel by it instead of NOTIFY, for databases behind a "
            "transaction pooler; the same in every process. While it is away streams poll",
            secret=True,
        ),
    ),
)

AUTHENTICATION = Section(
    "Authentication and limits",
    (
        V(
            "AUTH_API_KEYS",
            "list of keys with all scopes; `name=key` gives a key a name for audit and limits. Empty never means open",
            secret=True,
        ),
        V("METRICS_REQUIRE_KEY", "true: `/metrics` needs a key with scope runs:read", "false"),
        V("THROTTLE_TTL_MS", "window in which requests are counted, per caller and route", "60000"),
        V("THROTTLE_LIMIT", "requests per window, caller and route; 0 = off", "1000"),
        V("STREAM_TICKET_TTL_S", "life of a one-time stream ticket", "30"),
        V("STREAM_MAX_PER_CALLER", "open streams per caller", "1000"),
    ),
)

RUNTIMES = Section(
    "Role and runtimes",
    (
        V("SIGNALBOX_SESSION_OPENER", "default of `session.opener`: `control-plane` or `agent`", "control-plane"),
        V(
            "SIGNALBOX_OBSERVER_ONLY",
            "true: never sends; messages, signal, context answer 410; opener is always `agent`",
            "false",
        ),
        V(
            "RUNTIME_KIND",
            "default kind for `/runtime/*`, health and dashboard: `macp` (alias `rust`), `scripted`",
            shown="`macp` if RUNTIME_ADDRESS is set, else `scripted`",
        ),
        V("RUNTIME_ADDRESS", "gRPC address of the MACP runtime"),
        V("RUNTIME_TLS", "use TLS", "false"),
        V("RUNTIME_TLS_CA_FILE", "extra root certificate"),
        V("RUNTIME_ALLOW_INSECURE", "permit plaintext", "true", production="false"),
        V("RUNTIME_REQUEST_TIMEOUT_MS", "deadline of unary calls, session start included", "30000"),
        V("RUNTIME_CHANNELS", "gRPC channels; each carries up to about 100 streams; grows when full", "4"),
        V(
            "RUNTIME_BEARER_TOKEN",
            "Signalbox's own identity (reads, watches, policies, observing)",
            secret=True,
        ),
        V(
            "RUNTIME_SENDER_TOKENS",
            "JSON `{participantId: token}`: credentials to send as a participant",
            "{}",
            secret=True,
        ),
        V("RUNTIME_DEV_SENDERS", "development runtimes: the participant id itself is the bearer token", "false"),
        V("RUNTIME_USE_DEV_HEADER", "also send `x-macp-agent-id` (old runtimes only)", "false"),
        V("RUNTIME_DEV_AGENT_ID", "identity in development without a token", "control-plane"),
        V(
            "MACP_AUTH_SERVICE_URL",
            "mint short-lived tokens by POST `<url>/tokens`; used before the static tokens; cached, renewed 40 s early",
        ),
        V("MACP_AUTH_SERVICE_TIMEOUT_MS", "deadline of one token request", "5000"),
        V("MACP_AUTH_TOKEN_TTL_SECONDS", "life asked for a minted token", "3600"),
        V("MACP_AUTH_TOKEN_SENDER", "sender name of the minted own token", "control-plane"),
        V("MACP_AUTH_TOKEN_CAN_MANAGE_REGISTRY", "ask for the policy-registry scope", "false"),
        V("RUNTIME_CIRCUIT_BREAKER_THRESHOLD", "consecutive transport failures to OPEN", "5"),
        V("RUNTIME_CIRCUIT_BREAKER_RESET_MS", "time to the one HALF_OPEN probe", "30000"),
        V("SESSION_DISCOVERY_ENABLED", "turn unknown sessions of the runtime into runs", "true"),
        V("CANCEL_CALLBACK_TIMEOUT_MS", "deadline of an agent's cancel callback", "5000"),
        V(
            "PROCESS_AGENTS_FILE",
            "the configured agents of the process runtime; `runtime.options.agent` names one",
            shown="agents.toml if present",
            later=True,
        ),
        V("SCENARIO_DIR", "extra scenario files of the scripted runtime", shown="built-in scenarios"),
    ),
)

OBSERVING = Section(
    "Launching, deadlines, observing",
    (
        V(
            "KICKOFF_MAX_RETRIES",
            "retries per message that is sent into a session, same message id; back-off min(250 * 2^n, 5000) ms + up to 20 %",
            "3",
        ),
        V("SESSION_POLL_BASE_MS", "first back-off while waiting for an agent to open the session", "100"),
        V("SESSION_POLL_MAX_MS", "longest back-off while waiting for an agent to open the session", "1000"),
        V("SESSION_POLL_TIMEOUT_MS", "admission deadline once launching has begun", "60000"),
        V("RUN_ADMISSION_TIMEOUT_MS", "admission deadline of a queued run", "120000"),
        V(
            "RUN_PROGRESS_TIMEOUT_MS",
            "end after so long without a real observation; 0 = only the hard deadline. Stands still while suspended",
            "0",
        ),
        V("RUN_HARD_GRACE_MS", "added to the session ttl for the hard deadline", "30000"),
        V(
            "STREAM_IDLE_TIMEOUT_MS",
            "silence after which the session's state is re-read; never ends a run by itself",
            "120000",
        ),
        V(
            "STREAM_MAX_RETRIES",
            "attempts in a row without any answer before `runtime_unreachable`; 0 = no limit by number",
            "0",
        ),
        V(
            "RUNTIME_UNREACHABLE_TIMEOUT_MS",
            "time without any answer of the runtime before `runtime_unreachable`; "
            "refusals by our own breaker are no attempts",
            "300000",
        ),
        V("OBSERVER_LAUNCH_CONCURRENCY", "launches and re-attaches in flight per observer and kind of runtime", "50"),
        V("STREAM_BACKOFF_BASE_MS", "reconnect after min(base * 2^n, max) + up to 20 %", "250"),
        V("STREAM_BACKOFF_MAX_MS", "longest wait between two reconnects", "30000"),
        V("RUN_RECOVERY_ENABLED", "take over runs of dead observers and of earlier starts", "true"),
        V(
            "RUN_RECOVERY_MAX_ATTEMPTS",
            "take-overs from dead observers, without an observation or 60 s attached in between, "
            "before `recovery_exhausted`",
            "5",
        ),
        V("OBSERVER_BEAT_S", "an observer says so often that it lives; at most a third of the lease", "10"),
        V("OBSERVER_LEASE_S", "silence after which an observer is declared lost", "30"),
        V("OBSERVER_SWEEP_S", "every observer looks so often for what is due", "5"),
        V("OBSERVER_BATCH_SIZE", "observations per transaction", "256"),
        V("OBSERVER_BATCH_WAIT_MS", "wait for more after the first observation", "20"),
        V("OBSERVER_MAX_RUNS", "runs per observer process", "2000"),
    ),
)

STREAMS = Section(
    "Streams and replay",
    (
        V("STREAM_SSE_HEARTBEAT_MS", "must stay below 45000, the patience of the UI console", "15000"),
        V("STREAM_SNAPSHOT_INTERVAL_MS", "later snapshots at most this often; 0 = only the first", "2000"),
        V("STREAM_COALESCE_MS", "waits so long to send several frames in one write", "0"),
        V("STREAM_MAX_AGE_S", "a stream is ended, resumable, after this age +- 20 %", "1800"),
        V("STREAM_POLL_MS", "log poll when no nudge comes", "1000"),
        V("STREAM_SEND_TIMEOUT_MS", "a reader slower than this is disconnected, resumable", "10000"),
        V("REPLAY_MAX_DELAY_MS", "longest pause between two replayed events", "2000"),
        V("REPLAY_BATCH_SIZE", "events read at once for a replay", "500"),
    ),
)

WEBHOOKS = Section(
    "Webhooks",
    (
        V("WEBHOOK_TIMEOUT_S", "total per attempt, 5..30; connect 5", "15"),
        V(
            "WEBHOOK_RETRY_SCHEDULE",
            "seconds before each attempt; by chance up to 20 % more",
            "0,5,30,300,1800,7200,21600,43200,86400,108000",
        ),
        V("WEBHOOK_ALLOW_HTTP", "plain http targets", "true", production="false"),
        V(
            "WEBHOOK_ALLOWED_NETWORKS",
            "private networks (CIDR) that may be targets; metadata addresses never",
        ),
        V("WEBHOOK_CONCURRENCY", "attempts at once per endpoint", "4"),
        V("ALERT_EMAILS", "who gets notices of failing, disabled and silent endpoints by mail; a list"),
        V("ALERT_SENDER", "whom that mail is from", "signalbox@localhost"),
        V(
            "EMAIL_URL",
            "the mail server: `smtp://`, `smtp+tls://` (STARTTLS) or `smtps://` with user, password, host and port",
            shown="smtp://localhost:25",
            secret=True,
        ),
    ),
)

OBSERVABILITY = Section(
    "Observability and housekeeping",
    (
        V(
            "OTEL_ENABLED",
            "tracing. Until then `traceId` is that of the caller's `traceparent`, else left out",
            "false",
            later=True,
        ),
        V("OTEL_SERVICE_NAME", "service name in traces", "signalbox", later=True),
        V("OTEL_EXPORTER_OTLP_ENDPOINT", "where traces go", later=True),
        V(
            "MACP_REDACT_PATTERNS",
            "list of regular expressions masked in everything that is shown, beside the built-in ones "
            "(no comma inside a pattern); a bad one stops the start",
        ),
        V(
            "LLM_PRICES",
            "JSON `{modelPrefix: [promptUsd, completionUsd]}` per million tokens, merged over the table",
            "{}",
            shown="built-in table",
        ),
        V("DATA_RETENTION_ENABLED", "prune ended runs, audit entries, deliveries", "false", later=True),
        V("DATA_RETENTION_TTL_DAYS", "age since the end; at least 1", "30", later=True),
        V("DATA_RETENTION_INTERVAL_HOURS", "time between two prunings", "24", later=True),
        V("DATA_RETENTION_BATCH_SIZE", "runs per transaction", "500", later=True),
    ),
)

UNUSED = Section(
    "Names that are not used",
    (
        V("NODE_ENV", "see SIGNALBOX_ENV", ignored=True),
        V("STREAM_HUB_STRATEGY", "streams are served from the log", ignored=True),
        V("DB_POOL_IDLE_TIMEOUT", "the pool decides", ignored=True),
        V(
            "RUNTIME_STREAM_SUBSCRIPTION_MESSAGE_TYPE",
            "passive subscription is part of the protocol",
            ignored=True,
        ),
        V("RUNTIME_STREAM_SUBSCRIBER_ID", "passive subscription is part of the protocol", ignored=True),
    ),
)

SECTIONS = (SERVICE, DATABASE, AUTHENTICATION, RUNTIMES, OBSERVING, STREAMS, WEBHOOKS, OBSERVABILITY, UNUSED)

VARIABLES = {variable.name: variable for section in SECTIONS for variable in section.variables}
