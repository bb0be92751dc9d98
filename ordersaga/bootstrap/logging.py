"""Logs to stderr, one line per event, as JSON or for people, without secrets and personal data."""

import io
import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

REDACTED: Final = "[redacted]"

_SECRET_KEYS: Final = frozenset(
    {
        "address",
        "api_key",
        "authorization",
        "city",
        "database_url",
        "dsn",
        "document",
        "email",
        "line1",
        "line2",
        "name_on_parcel",
        "password",
        "payment_token",
        "phone",
        "postal_code",
        "recipient",
        "region",
        "secret",
        "stripe_api_key",
        "token",
    }
)
_URL_PASSWORD: Final = re.compile(r"(?P<start>[a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s@/]+@")
_STRIPE_KEY: Final = re.compile(r"\b(?P<start>[sr]k_(?:test|live)_)[A-Za-z0-9]+")


def configure_logging(log_format: str = "console", log_level: str = "info") -> None:
    """Send structlog and the standard library's loggers through the same processors.

    Args:
        log_format: ``json`` for machines, ``console`` for people.
        log_level: ``debug``, ``info``, ``warning`` or ``error``.
    """
    shared = _shared_processors()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(log_format),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(log_level.upper())


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _renderers(log_format: str) -> list[Processor]:
    """Both show no values of local variables, which may be personal data."""
    if log_format == "json":
        traces = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        return [
            structlog.processors.ExceptionRenderer(traces),
            redact,
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ]
    colors = sys.stderr.isatty()
    console = structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=_plain_traceback)
    return [redact, console]


def _plain_traceback(stream: TextIO, exc_info: ExcInfo) -> None:
    plain = io.StringIO()
    structlog.dev.plain_traceback(plain, exc_info)
    stream.write(redact_text(plain.getvalue()))


def redact(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """A structlog processor that hides values by key, at any depth, and passwords in texts."""
    return {key: _clean(key, value) for key, value in event_dict.items()}


def redact_text(text: str) -> str:
    """`text` without passwords in URLs and without Stripe keys."""
    without_passwords = _URL_PASSWORD.sub(rf"\g<start>:{REDACTED}@", text)
    return _STRIPE_KEY.sub(rf"\g<start>{REDACTED}", without_passwords)


def _clean(key: str, value: Any) -> Any:
    if key.lower() in _SECRET_KEYS:
        return REDACTED
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {inner: _clean(str(inner), item) for inner, item in value.items()}
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return [_clean("", item) for item in value]
    return value
