"""Which of the sketches of a question shows what it asks about."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.evaluation import Evaluated
from bot.exchange import Error
from bot.reading.question import Question, ReportedError

_SAME_SHARE = 0.6
_WORD = re.compile(r"[A-Za-z_]{3,}")


def fitting(question: Question, found: Sequence[Evaluated]) -> Evaluated | None:
    """The first that gives a value; where an exception is asked about, one that raises it."""
    if not question.fails:
        return next((each for each in found if each.ran.ended == "returned"), None)
    reported, raised = question.traceback, _raised(found)
    if reported is None:
        return furthest(found)
    return next((each for each in raised if each.ran.error and is_same(each.ran.error, reported)), None)


def furthest(found: Sequence[Evaluated]) -> Evaluated | None:
    """The one that came furthest: another version of torch may say an exception in other words, or not raise it.

    What raises before another one gets through had the wrong shapes.
    """
    return max(found, key=lambda each: (each.ran.calls, each.ran.ended == "raised"), default=None)


def _raised(found: Sequence[Evaluated]) -> list[Evaluated]:
    return [each for each in found if each.ran.ended == "raised"]


def is_same(error: Error, reported: ReportedError) -> bool:
    """Whether an error is the reported one: most of its words are there, whatever its numbers and its version."""
    ours, theirs = (set(_WORD.findall(text.lower())) for text in (error.message, reported.message))
    shared = len(ours & theirs)
    return bool(theirs) and shared >= _SAME_SHARE * min(len(ours), len(theirs)) and shared > 0
