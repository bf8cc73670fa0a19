"""A message, and the files with it → a Question, or why it is none."""

from bot.reading.question import (
    Claim,
    Completion,
    File,
    Kind,
    NeedsInput,
    NotAQuestion,
    Origin,
    Question,
    Reading,
    ReportedError,
    Snippet,
    Span,
    Stated,
    TooLong,
)
from bot.reading.reader import read, warm

__all__ = [
    "Claim",
    "Completion",
    "File",
    "Kind",
    "NeedsInput",
    "NotAQuestion",
    "Origin",
    "Question",
    "Reading",
    "ReportedError",
    "Snippet",
    "Span",
    "Stated",
    "TooLong",
    "read",
    "warm",
]
