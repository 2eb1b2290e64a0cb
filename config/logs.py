"""Logs: one JSON object per line on standard error. They name domains, counts and errors, and no personal data."""

import logging
import re
from typing import Any

import structlog

_SECRET_ADDRESS = re.compile(r"(/voxology/)[^/]+")


class WithoutSecrets(logging.Filter):
    """Removes the secret from the address of a webhook: Django logs the addresses of requests that it refused."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                _SECRET_ADDRESS.sub(r"\1...", value) if isinstance(value, str) else value for value in record.args
            )
        return True


_SHARED: list[Any] = [
    # The id of the request: see core/request_ids.py.
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    # The traceback as text: a structured one would hold the values of local variables.
    structlog.processors.format_exc_info,
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _SHARED,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        },
    },
    "filters": {"without secrets": {"()": WithoutSecrets}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["without secrets"]},
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"django": {"handlers": [], "level": "INFO"}},
}

structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_SHARED,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
)
