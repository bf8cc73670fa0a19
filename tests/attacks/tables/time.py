"""Using up time."""

from bot.evaluator.limits import Limits
from tests.attacks.attack import Attack

IMPATIENT = Limits(wall_seconds=0.5, cpu_seconds=10, memory_mb=256)


def _computing(story: str, source: str) -> Attack:
    return Attack(story, source, ("cpu",))


def _waiting(story: str, source: str) -> Attack:
    return Attack(story, source, ("wall",), IMPATIENT)


TIME = {
    "endless loop": _computing(
        "Holds a core for ever, on purpose or by mistake; the limit on CPU time ends it.",
        "while True: pass",
    ),
    "large power": _computing(
        "Computes one number for years within a single instruction; the kernel's limit needs no instruction's end.",
        "10 ** 10 ** 9",
    ),
    "long digits": _computing(
        "Writes out a huge number after lifting Python's own limit; the kernel's limit can't be lifted.",
        "import sys; sys.set_int_max_str_digits(0); str(1 << 10**8)",
    ),
    "regular expression": _computing(
        "Backtracks for ever in a pattern, deaf to Ctrl-C; the signal of the limit kills.",
        "import re; re.match('(a+)+$', 'a' * 64 + 'b')",
    ),
    "loop in C": _computing(
        "Loops in C, where no trace function is called; time is counted by the kernel.",
        "object() in __import__('itertools').count()",
    ),
    "sum of a range": _computing(
        "Hides the loop in one call of a builtin; it is time that counts, not lines.",
        "sum(range(10**12))",
    ),
    "products": _computing(
        "Multiplies matrices for ever in torch's kernels; they run in the one thread that is counted.",
        "x = torch.ones(300, 300)\nwhile True: x @ x",
    ),
    "ignored signals": _computing(
        "Ignores every signal that can be; SIGKILL can't, and comes a second after the limit.",
        """
import signal
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True: pass
""",
    ),
    "caught warning of the limit": _computing(
        "Catches the signal of the CPU limit and goes on; the hard limit kills.",
        "import signal; signal.signal(signal.SIGXCPU, lambda *a: None)\nwhile True: pass",
    ),
    "caught everything": _computing(
        "Catches every exception, so that none ends it; no exception is what ends it.",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    ),
    "a representation that never ends": _computing(
        "Loops when it is shown, after the code has ended; showing happens in the child and counts.",
        """
class Evil:
    def __repr__(self):
        while True: pass
print([Evil()])
""",
    ),
    "an exception that never ends": _computing(
        "Loops when its error is described; describing happens in the child as well.",
        """
class Evil(Exception):
    def __str__(self):
        while True: pass
raise Evil
""",
    ),
    "sleep": _waiting(
        "Keeps its place without using time; real time is limited too.",
        "import time; time.sleep(60)",
    ),
    "stop itself": _waiting(
        "Stops itself, so that no limit on CPU time is met; the supervisor's clock goes on.",
        "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    ),
    "close everything and wait": _waiting(
        "Closes its pipes and stays, so that it seems to have ended; it counts as there until it is dead.",
        "import os, time; os.close(3); os.close(1); time.sleep(60)",
    ),
    "wait for a lock": _waiting(
        "Waits for itself, in a call that Python does not interrupt; it is killed where it waits.",
        "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()",
    ),
}
