"""What the kernel's report of a child's end means."""

import signal
from typing import Final

from bot.evaluator import orders
from bot.evaluator.limits import Limits
from bot.evaluator.outcomes import Crashed, Forbidden, Outcome, OutOfMemory, TimedOut

_CPU_SHARE: Final = 0.85
"""The limit counts clock ticks and the report counts run time, which on a busy machine is less; the kill comes a second
after the limit, which leaves room."""

_CPP_OUT_OF_MEMORY: Final = "std::bad_alloc"


def outcome_of_exit(report: orders.Exited, limits: Limits, elapsed: float, stderr: str) -> Outcome:
    """The outcome of a child that ended without announcing it.

    SIGKILL that was not ours comes from the CPU limit (where the snippet caught SIGXCPU), from the zygote's own clock,
    or from the kernel when the machine or the container is out of memory. `elapsed` is in seconds since the job was
    handed over.
    """
    match -report.code:
        case signal.SIGSYS:
            return Forbidden()
        case signal.SIGXCPU:
            return TimedOut(seconds=limits.cpu_seconds, which="cpu")
        case signal.SIGKILL if report.cpu_seconds >= _CPU_SHARE * limits.cpu_seconds:
            return TimedOut(seconds=limits.cpu_seconds, which="cpu")
        case signal.SIGKILL if elapsed >= limits.wall_seconds:
            return TimedOut(seconds=limits.wall_seconds, which="wall")
        case signal.SIGKILL:
            return OutOfMemory(limit_mb=limits.memory_mb)
        case signal.SIGABRT if _CPP_OUT_OF_MEMORY in stderr:
            return OutOfMemory(limit_mb=limits.memory_mb)
        case number if number > 0:
            return Crashed(signal=number, detail=signal.strsignal(number) or "")
        case _:
            return _outcome_of_status(report.code, limits)


def _outcome_of_status(status: int, limits: Limits) -> Outcome:
    match status:
        case orders.EXIT_MEMORY:
            return OutOfMemory(limit_mb=limits.memory_mb)
        case orders.EXIT_JAIL:
            return Crashed(status=status, detail="the child could not lock itself in")
        case orders.EXIT_RAISED:
            return Crashed(status=status, detail="the entry raised")
        case _:
            return Crashed(status=status, detail="ended without an answer")
