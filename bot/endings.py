"""What is said of a program that was stopped: each way to be stopped in words of its own, and one thing to try."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import Final, assert_never

from bot.evaluator import outcomes
from bot.evaluator.attempts import Attempt
from bot.evaluator.limits import KIB, MIB
from bot.exchange import Outcome
from bot.stopped import Stop
from explainers.messages import Message, said

_LONGEST: Final = 120

_ATTEMPTS: Final[Mapping[Attempt, Message]] = {
    "file": said("a file"),
    "network": said("the network"),
    "program": said("another program"),
    "process": said("another process"),
    "thread": said("a thread"),
}


def of_outcome(outcome: outcomes.Outcome, what: Message) -> Stop:
    """A child that did not finish; `what` says what it worked on."""
    return Stop(*_of_outcome(outcome, what), printed=outcome.stdout)


def _of_outcome(outcome: outcomes.Outcome, what: Message) -> tuple[Outcome, Message]:
    match outcome:
        case outcomes.TimedOut():
            return "timed-out", _timed_out(outcome, what)
        case outcomes.OutOfMemory(limit_mb=limit):
            return "out-of-memory", out_of_memory(what, limit)
        case outcomes.Forbidden(call=call):
            kind = said("a system call")
            return "forbidden", forbidden(what, said("{kind}: {detail}", kind=kind, detail=call) if call else kind)
        case outcomes.TooLarge():
            return "too-large", _too_large(outcome, what)
        case outcomes.Crashed(signal=int(number)):
            return "crashed", said(
                "I ran {what}, and it crashed ({signal}): leave out native code, or ask again with less of the code.",
                what=what,
                signal=_name_of(number),
            )
        case outcomes.Crashed() | outcomes.Finished():
            return "crashed", said(
                "I ran {what}, and its process ended without a result: ask again with less of the code.",
                what=what,
            )
        case _:
            assert_never(outcome)


def _timed_out(outcome: outcomes.TimedOut, what: Message) -> Message:
    seconds = f"{outcome.seconds:g}"
    match outcome.which:
        case "wall":
            return said(
                "I ran {what} and stopped it after {seconds} s: leave out what waits, or try fewer steps.",
                what=what,
                seconds=seconds,
            )
        case "cpu":
            return said(
                "I ran {what} and stopped it after {seconds} s of computing: try fewer steps or smaller tensors.",
                what=what,
                seconds=seconds,
            )
        case _:
            assert_never(outcome.which)


def _too_large(outcome: outcomes.TooLarge, what: Message) -> Message:
    match outcome.what:
        case "stdout":
            limit = outcome.limit // KIB
            return said("I ran {what}, and it printed over {limit} KB: print only the loss.", what=what, limit=limit)
        case "stderr":
            limit = outcome.limit // KIB
            return said(
                "I ran {what}, and it wrote over {limit} KB of warnings and errors: leave out what writes them.",
                what=what,
                limit=limit,
            )
        case "request" | "frame" | "result":
            limit = outcome.limit // MIB
            return said("I ran {what}, and it handed over {limit} MB: try smaller tensors.", what=what, limit=limit)
        case _:
            assert_never(outcome.what)


def out_of_memory(what: Message, limit_mb: int) -> Message:
    return said(
        "I ran {what}, and it needed more than {limit} MB of memory: try smaller tensors.", what=what, limit=limit_mb
    )


def refused(attempt: Attempt | None, error: str) -> Message:
    """What was refused, where that is known, and Python's own words for it."""
    kind = _ATTEMPTS[attempt] if attempt is not None else said("a system call")
    return said("{kind}: {detail}", kind=kind, detail=_one_line(error)) if error else kind


def forbidden(what: Message, attempt: Message) -> Message:
    return said(
        "I ran {what}, and it tried what the sandbox forbids ({attempt}): "
        "leave out files, network, threads and other programs.",
        what=what,
        attempt=attempt,
    )


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _name_of(number: int) -> str:
    """The signal's name, and what it stands for."""
    meaning = signal.strsignal(number) or ""
    return f"{signal.Signals(number).name}, {meaning}" if number in set(signal.Signals) else str(number)
