"""Frameworks log what they pass to a tool and what it returns, so their loggers redact while a call runs."""

from __future__ import annotations

import logging
from contextvars import ContextVar

from .redaction import Redaction

_running: ContextVar[tuple[Redaction, ...]] = ContextVar("toolvault_running", default=())


class _Redacting(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        for redaction in _running.get():
            text = record.getMessage()
            if redaction.shows(text):
                record.msg, record.args = redaction.text(text), ()
            if record.exc_info and record.exc_info[1] is not None:
                error = record.exc_info[1]
                error = redaction.failure(error) or error
                record.exc_info = (type(error), error, error.__traceback__)
        return True


_redacting = _Redacting()


def watch(*names: str) -> None:
    """Lets these loggers redact. A second time does nothing."""
    for name in names:
        logging.getLogger(name).addFilter(_redacting)


def begin(redaction: Redaction) -> tuple[Redaction, ...]:
    """Redacts the records of this context, until `end` gets what this returns."""
    before = _running.get()
    _running.set((*before, redaction))
    return before


def end(before: tuple[Redaction, ...]) -> None:
    """Redacts what was redacted before."""
    _running.set(before)
