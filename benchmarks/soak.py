"""Thousands of questions to one service, a third of them hostile: what is left of them afterwards?

    python benchmarks/soak.py [--questions 10000] [--warm-up 1000] [--at-once 4]

Each snippet has 0.3 s. The warm-up's questions fill what a process fills once (translations, caches, free lists, the
allocator's arenas) and are not judged. After every twentieth of the questions that follow, when nothing is under way,
it counts the service's processes and open descriptors, its own memory, and what lies in /tmp and /dev/shm. The other
processes are replaced after some hundred jobs, so that nothing can pile up in them. Exit status 1 where one of these
counts grew, or where an answer was wrong. Memory grew where the straight line through the counts rises by more than
TOLERATED_KB a thousand questions.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from bot.exchange import Answer, Ask
from bot.fleet.connection import Connection

SETTINGS: Final = {
    "WHYLOSS_LIMITS__WALL_SECONDS": "0.3",
    "WHYLOSS_LIMITS__CPU_SECONDS": "1",
    "WHYLOSS_LIMITS__MEMORY_MB": "256",
}
COUNTS: Final = 20
TOLERATED_KB: Final = 128
"""Of growth in a thousand questions: 131 bytes each, less than the least that one could leave behind, which is the task
that answered it (an asyncio.Task with its coroutine and context is above 600) or its text with the answer (kilobytes).
"""

SETTLING_SECONDS: Final = 30
"""Until the zygotes have their stand-ins."""


HONEST: Final = (
    ("F.mse_loss(torch.ones(2), torch.zeros(2))", 1.0),
    ("F.cross_entropy(torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([0]))", 0.5514447),
    ("F.l1_loss(torch.tensor([3.0]), torch.tensor([1.0]))", 2.0),
    ("F.binary_cross_entropy(torch.tensor([0.5]), torch.tensor([1.0]))", 0.6931472),
    ("F.mse_loss(torch.ones(1), torch.full((1,), float('inf')))", "inf"),
    ("good morning everyone, how are you?", None),
)
"""Code with its value, and a message that asks nothing."""

HOSTILE: Final = (
    "while True: pass",
    "import time; time.sleep(60)",
    "kept = []\nwhile True: kept.append(bytearray(10**7))",
    "while True: print('x' * 1000)",
    "import ctypes; ctypes.string_at(0)",
    "import ctypes; ctypes.CDLL(None).ptrace(0, 0, 0, 0)",
    "import os; os._exit(0)",
    "import os; os.write(3, b'\\x04\\x00\\x00\\x00\\xc1\\xc1\\xc1\\xc1')",
    "import os\nwhile True: os.fork()",
    "import threading\nwhile True: threading.Thread(target=print).start()",
    "import socket; socket.socket()",
    "open('/tmp/whyloss-soak', 'w')",
    "import os; os.kill(-1, 9)",
    "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    "import multiprocessing.shared_memory as m; m.SharedMemory(create=True, size=10**6)",
    "F.mse_loss = lambda *a, **k: torch.tensor(0.0)",
)


@dataclass(frozen=True)
class Count:
    """What there is when nothing is under way, in MB: the service's own pages (`unique`), with those that it shares
    (`resident`), and all its processes' together, with what they share counted once (`tree`).
    """

    asked: int
    processes: int
    descriptors: int
    unique: float
    resident: float
    tree: float
    litter: int

    def line(self, rate: float) -> str:
        return (
            f"{self.asked:9} {self.processes:9} {self.descriptors:11} {self.unique:9.2f} {self.resident:11.2f}"
            f" {self.tree:8.0f} {self.litter:6} {rate:5.1f}"
        )


@dataclass
class Tally:
    """How the questions of each kind ended, and which answers were wrong."""

    honest: Counter[str] = field(default_factory=Counter[str])
    hostile: Counter[str] = field(default_factory=Counter[str])
    mistakes: list[str] = field(default_factory=list[str])

    def add(self, ask: Ask, value: float | str | None, answer: Answer) -> None:
        (self.hostile if int(ask.id) % 3 == 2 else self.honest)[answer.outcome] += 1
        if wrong(answer, value):
            self.mistakes.append(f"{answer.outcome} {answer.value!r}, not {value!r}: {ask.text!r}")


def questions(number: int) -> list[tuple[Ask, float | str | None]]:
    """Asks with the value that the answer must have; None where there is none to check."""
    made: list[tuple[Ask, float | str | None]] = []
    for n in range(number):
        if n % 3 == 2:
            source, value = f"{HOSTILE[n // 3 % len(HOSTILE)]}\nF.mse_loss(torch.ones(1), torch.zeros(1))", None
        else:
            source, value = HONEST[(n - n // 3) % len(HONEST)]
        text = f"```py\n{source}\n```\nwhy is my loss that?" if "(" in source or value else source
        made.append((Ask(id=str(n), text=text), value))
    return made


def count(service: int, asked: int) -> Count:
    """Of the service and all that descends from it."""
    tree = descendants(service)
    litter = sum("whyloss" in entry.name for place in ("/tmp", "/dev/shm") for entry in os.scandir(place))
    return Count(
        asked=asked,
        processes=len(tree),
        descriptors=sum(1 for _ in Path(f"/proc/{service}/fd").iterdir()),
        unique=rollup(service, "Private_"),
        resident=rollup(service, "Rss:"),
        tree=sum(rollup(process, "Pss:") for process in tree),
        litter=litter,
    )


def descendants(root: int) -> list[int]:
    """It and its children's children."""
    parents: dict[int, int] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int(Path(entry.path, "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:  # ended meanwhile
                continue
    found = [root]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found


def rollup(process: int, field: str) -> float:
    """Megabytes, by the kernel's sum over all mappings; of all fields that begin so."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(float(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def wrong(answer: Answer, value: float | str | None) -> bool:
    """Whether an honest question got another value than torch's own, or a hostile one a false certificate.

    On a busy machine 0.3 s may not be enough for an honest one either.
    """
    if answer.outcome == "timed-out":  # counted apart
        return False
    if value is None:
        return answer.proof.verdict == "certified" and answer.value not in (0.0, 1.0)
    if isinstance(value, str) or not isinstance(answer.value, float):
        return answer.value != value
    return abs(answer.value - value) > 1e-6


async def ask_all(asks: list[tuple[Ask, float | str | None]], connection: Connection, at_once: int) -> list[Answer]:
    """Their answers, `at_once` at a time."""
    room = asyncio.Semaphore(at_once)

    async def one(ask: Ask) -> Answer:
        async with room:
            return await connection.answer(ask, lambda _progress: None)

    return await asyncio.gather(*(one(ask) for ask, _value in asks))


async def soak(service: int, path: Path, options: argparse.Namespace) -> int:
    """Asks them all; prints a line a count, and the judgement."""
    connection = await Connection.to(path, 60)
    await asyncio.sleep(SETTLING_SECONDS)
    left = iter(questions(options.warm_up + options.questions))
    tally, counts, started = Tally(), list[Count](), time.monotonic()
    print("    asked processes descriptors unique MB resident MB  tree MB litter   1/s")
    for size in (options.warm_up, *[options.questions // COUNTS] * COUNTS):
        asks = list(islice(left, size))
        begun = time.monotonic()
        answers = await ask_all(asks, connection, options.at_once)
        rate = len(asks) / (time.monotonic() - begun)
        for (ask, value), answer in zip(asks, answers, strict=True):
            tally.add(ask, value, answer)
        await asyncio.sleep(3)  # until the waiting children are there again
        counts.append(await asyncio.to_thread(count, service, tally.honest.total() + tally.hostile.total()))
        print(counts[-1].line(rate), flush=True)
    await connection.close()
    print(f"{counts[-1].asked} questions in {time.monotonic() - started:.0f} s, the warm-up included")
    print(f"honest: {dict(tally.honest)}\nhostile: {dict(tally.hostile)}")
    return judge(counts, tally.mistakes)


def judge(counts: list[Count], mistakes: list[str]) -> int:
    """0 where nothing grew and nothing was wrong.

    What is leaked is in every count from then on; what comes and goes, as a zygote's stand-in does, is not. So the
    least of each half is compared. The service's memory is judged by the slope of its line.
    """
    leaks, middle = list[str](), len(counts) // 2
    for name in ("processes", "descriptors", "litter"):
        early, late = (min(getattr(each, name) for each in part) for part in (counts[:middle], counts[middle:]))
        leaks += [f"{name} grew from {early} to {late}"] if late > early else []
    least = [min(each.tree for each in part) for part in (counts[:middle], counts[middle:])]
    print(f"all processes together: {least[0]:.0f} MB at least in the first half, {least[1]:.0f} MB in the second")
    for name in ("unique", "resident"):
        slope = growth([each.asked for each in counts], [getattr(each, name) for each in counts])
        print(f"{name} memory: {slope:+.0f} KB a thousand questions ({TOLERATED_KB} are tolerated)")
        leaks += [f"{name} memory grew"] if slope > TOLERATED_KB else []
    print(*mistakes, sep="\n", end="\n" if mistakes else "")
    leaks += [f"{len(mistakes)} answers were wrong"] if mistakes else []
    print("nothing leaked" if not leaks else f"LEAK: {'; '.join(leaks)}")
    return bool(leaks)


def growth(asked: list[int], megabytes: list[float]) -> float:
    """KB a thousand questions, by least squares."""
    return statistics.linear_regression(asked, megabytes).slope * 1000 * 1024


def main() -> int:
    """Starts the service, soaks it, ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=10_000)
    parser.add_argument("--warm-up", type=int, default=1_000)
    parser.add_argument("--at-once", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        path = Path(folder) / "evaluator.sock"
        command = [sys.executable, "-m", "bot", "evaluator", "--socket", str(path), "--log-level", "error"]
        service = subprocess.Popen(command, env={**os.environ, **SETTINGS})
        try:
            while not path.exists():
                if service.poll() is not None:
                    raise SystemExit("the service did not start")
                time.sleep(0.1)
            return asyncio.run(soak(service.pid, path, options))
        finally:
            service.terminate()
            service.wait(30)


if __name__ == "__main__":
    sys.exit(main())
