"""Logs hold neither secrets nor personal data, in both forms."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from ordersaga.bootstrap.logging import REDACTED, configure_logging, redact_text


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def emit_everything() -> None:
    log = structlog.stdlib.get_logger("test")
    log.info("charged", token="tok_secret", order_id="A1", nested={"address": {"city": "Leeds"}})
    logging.getLogger("lib").warning("at %s", "postgresql://shop:hunter2@db/orders")
    try:
        fail("1 High Street".upper())
    except ValueError:
        log.exception("failed")


def fail(_personal: str) -> None:
    raise ValueError("cannot use sk_test_abc123")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_secrets_and_personal_data_are_hidden(
    capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    configure_logging(log_format, "info")
    emit_everything()
    written = capsys.readouterr().err
    for secret in ("tok_secret", "Leeds", "hunter2", "abc123", "HIGH STREET"):
        assert secret not in written
    assert REDACTED in written
    assert "A1" in written


def test_json_logs_are_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json", "info")
    emit_everything()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines][::2] == ["charged", "failed"]
    assert {line["level"] for line in lines} == {"info", "warning", "error"}


def test_lines_below_the_level_are_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json", "error")
    structlog.stdlib.get_logger("test").warning("too quiet")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("postgresql://u:p%40ss@h:5/d", "postgresql://u:[redacted]@h:5/d"),
        ("http://host:8080/path", "http://host:8080/path"),
        ("key rk_live_9aZ.", "key rk_live_[redacted]."),
    ],
)
def test_only_the_secret_part_of_a_text_is_hidden(text: str, hidden: str) -> None:
    assert redact_text(text) == hidden
