import signal

import pytest

from bot.evaluator.endings import outcome_of_exit
from bot.evaluator.limits import Limits
from bot.evaluator.orders import EXIT_JAIL, EXIT_MEMORY, EXIT_RAISED, Exited
from bot.evaluator.outcomes import Crashed, Forbidden, Outcome, OutOfMemory, TimedOut

LIMITS = Limits(wall_seconds=5, cpu_seconds=4, memory_mb=512)
KILLED = -signal.SIGKILL


@pytest.mark.parametrize(
    ("code", "cpu", "elapsed", "stderr", "expected"),
    [
        (-signal.SIGSYS, 0.1, 1, "", Forbidden()),
        (-signal.SIGXCPU, 3.1, 9, "", TimedOut(seconds=4, which="cpu")),
        (KILLED, 3.9, 4, "", TimedOut(seconds=4, which="cpu")),
        (KILLED, 0.1, 5.5, "", TimedOut(seconds=5, which="wall")),
        (KILLED, 0.1, 1, "", OutOfMemory(limit_mb=512)),
        (EXIT_MEMORY, 0.1, 1, "", OutOfMemory(limit_mb=512)),
        (-signal.SIGABRT, 0.1, 1, "what(): std::bad_alloc", OutOfMemory(limit_mb=512)),
        (-signal.SIGABRT, 0.1, 1, "", Crashed(signal=6, detail="Aborted")),
        (-signal.SIGSEGV, 0.1, 1, "", Crashed(signal=11, detail="Segmentation fault")),
        (0, 0.1, 1, "", Crashed(status=0, detail="ended without an answer")),
        (EXIT_RAISED, 0.1, 1, "", Crashed(status=EXIT_RAISED, detail="the entry raised")),
        (EXIT_JAIL, 0.1, 1, "", Crashed(status=EXIT_JAIL, detail="the child could not lock itself in")),
    ],
)
def test_each_end_has_its_own_outcome(code: int, cpu: float, elapsed: float, stderr: str, expected: Outcome) -> None:
    assert outcome_of_exit(Exited(1, code, cpu), LIMITS, elapsed, stderr) == expected
