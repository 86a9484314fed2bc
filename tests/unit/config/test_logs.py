import json
import logging
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import logs
from config.logs import JsonLines, PlainText, logging_settings, masked
from runs.log_context import log_context

CANARY = "canary-5f2c9a"


def record(message: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    exc_info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("runs.observer", logging.WARNING, "f.py", 1, message, args, exc_info)


def test_a_json_line_says_who_what_when_and_for_which_run_and_request() -> None:
    with log_context(run_id="run-1", request_id="req-1"):
        line = json.loads(JsonLines("observer").format(record("took %s over", 3)))

    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "runs.observer",
        "process": "observer",
        "message": "took 3 over",
        "runId": "run-1",
        "requestId": "req-1",
    }


def test_a_text_line_names_the_run_only_if_there_is_one() -> None:
    assert PlainText("web").format(record("hello")).endswith("warning  web runs.observer: hello")
    with log_context(run_id="run-1"):
        assert PlainText("web").format(record("hello")).endswith("hello runId=run-1")


def test_a_json_record_stays_one_line_with_its_traceback_and_odd_characters() -> None:
    try:
        raise ValueError("two\nlines \ud800")
    except ValueError as error:
        line = JsonLines("web").format(record("failed\nbadly", error=error))
    assert "\n" not in line
    assert "ValueError: two\nlines" in json.loads(line)["exception"]


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {CANARY}",
        f"authorization: {CANARY}",
        f"bearer {CANARY}",
        f'{{"api_key": "{CANARY}"}}',
        f"password={CANARY}",
        f"GET /runs/1/stream?ticket={CANARY}&x=1",
        f"postgres://signalbox:{CANARY}@db.example/signalbox",
        f"sb_dev_{CANARY}",
        f"whsec_{CANARY}",
        f"RUNTIME_BEARER_TOKEN={CANARY}",
        f"eyJhbGciOiJIUzI1NiJ9.{CANARY}.sig",
    ],
)
def test_what_has_the_form_of_a_secret_is_masked(text: str) -> None:
    assert CANARY not in masked(text)
    assert "***" in masked(text)


def test_masking_leaves_ordinary_text_alone() -> None:
    text = "run 7 moved from seq 3 to 9 after 2 tokens; see https://example.com/a:b?x=1 or mail a@b.example"
    assert masked(text) == text


def test_configured_secrets_are_masked_in_messages_and_tracebacks_of_both_formats() -> None:
    try:
        raise ValueError(f"cannot use {CANARY}")
    except ValueError as error:
        failed = record("sent %s", CANARY, error=error)
    for line in (JsonLines("web", [CANARY]).format(failed), PlainText("web", [CANARY]).format(failed)):
        assert CANARY not in line


def test_a_secret_that_begins_like_another_is_masked_whole() -> None:
    assert "tail" not in PlainText("web", [CANARY, f"{CANARY}-tail"]).format(record(f"{CANARY}-tail"))


@pytest.mark.parametrize(("style", "formatter"), [("json", JsonLines), ("text", PlainText)])
def test_everything_goes_through_one_handler(style: str, formatter: type) -> None:
    configured = logging_settings(process="web", level="info", style=style, secrets=[])
    assert configured["formatters"]["line"]["()"] is formatter  # type: ignore[index]
    assert configured["root"] == {"handlers": ["stderr"], "level": "INFO"}
    assert not any(logger.get("handlers") for logger in configured["loggers"].values())  # type: ignore[attr-defined]


def test_a_start_that_fails_is_logged_with_a_traceback_only_if_it_is_a_surprise(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    logs.log_uncaught()
    for error in (ImproperlyConfigured("PORT: must be a whole number"), RuntimeError("surprise")):
        sys.excepthook(type(error), error, None)

    assert [(r.levelname, r.getMessage(), bool(r.exc_info)) for r in caplog.records] == [
        ("CRITICAL", "cannot start: PORT: must be a whole number", False),
        ("CRITICAL", "ended by RuntimeError", True),
    ]
