"""The service's log: one JSON object a line on standard error; ids, stages and times, never a word of a message."""

from __future__ import annotations

import logging
import re
import sys
from typing import Final, TypeAlias

import structlog

from bot.evaluator.explainer import ExplainerDied, ExplainerRaised

Log: TypeAlias = structlog.typing.FilteringBoundLogger

_PLACE: Final = re.compile(r'File "[^"]*?([^"/]+/[^"/]+)", line (\d+)')


def logger(level: str) -> Log:
    """A logger that drops what is below `level`."""
    return structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
    )


def reason(error: BaseException) -> str:
    """Why an explainer gave no answer, in our own words only."""
    return str(error) if isinstance(error, ExplainerDied) else type(error).__name__


def places(error: BaseException) -> list[str]:
    """The lines of our own that an explainer's traceback goes through, without its messages, which may quote."""
    match error:
        case ExplainerRaised(traceback=text) | ExplainerDied(stderr=text):
            return [f"{file}:{line}" for file, line in _PLACE.findall(text)]
        case _:
            return []
