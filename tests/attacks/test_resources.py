"""Using up time, memory and output."""

from collections.abc import Awaitable, Callable

import pytest

from bot.evaluator.limits import Limits

pytestmark = pytest.mark.asyncio(loop_scope="session")

IMPATIENT = Limits(wall_seconds=0.5, cpu_seconds=10, memory_mb=256)

CPU = {
    "endless loop": "while True: pass",
    "large power": "10 ** 10 ** 9",
    "long digits": "import sys; sys.set_int_max_str_digits(0); str(1 << 10**8)",
    "regular expression": "import re; re.match('(a+)+$', 'a' * 64 + 'b')",
    "loop in C": "object() in __import__('itertools').count()",
    "products": "x = torch.ones(300, 300)\nwhile True: x @ x",
    "ignored signals": """
import signal
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True: pass
""",
    "caught warning of the limit": "import signal; signal.signal(signal.SIGXCPU, lambda *a: None)\nwhile True: pass",
    "folded constant": "eval('len(' + '+'.join(['(1,) * 10'] * 200) + ')' ) and sum(range(10**12))",
    "a representation that never ends": """
class Evil:
    def __repr__(self):
        while True: pass
print([Evil()])
""",
    "caught everything": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "an exception that never ends": """
class Evil(Exception):
    def __str__(self):
        while True: pass
raise Evil
""",
}

WALL = {
    "sleep": "import time; time.sleep(60)",
    "stop itself": "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    "close everything and wait": "import os, time; os.close(3); os.close(1); time.sleep(60)",
    "wait for a lock": "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()",
}

MEMORY = {
    "one huge tensor": ("torch.empty(10**12)", ("RuntimeError", "memory")),
    "growing tensors": ("kept = []\nwhile True: kept.append(torch.ones(10**6))", ("RuntimeError", "memory")),
    "growing bytes": ("kept = []\nwhile True: kept.append(bytearray(10**6))", ("memory",)),
    "growing dictionary": ("kept = {}\nwhile True: kept[len(kept)] = len(kept)", ("memory", "cpu")),
    "huge string": ("'x' * 10**10", ("memory",)),
    "outer product": ("torch.ones(10**5)[:, None] * torch.ones(10**5)", ("RuntimeError", "memory")),
    "shared pages": (
        "import mmap; kept = [mmap.mmap(-1, 2**28, flags=mmap.MAP_SHARED | 0x8000) for _ in range(8)]",
        ("OSError", "memory"),
    ),
    "shared memory": (
        "import multiprocessing.shared_memory as m; m.SharedMemory(create=True, size=2**20)",
        ("PermissionError",),
    ),
    "shared tensor": ("torch.ones(1000).share_memory_()", ("RuntimeError", "PermissionError")),
    "no elements' size": ("torch.empty(2**40, 2**40)", ("RuntimeError",)),
    "expanded and copied": ("torch.ones(()).expand(10**10).clone()", ("RuntimeError", "memory")),
    "growing tuple of constants": ("x = (1,)\nwhile True: x = x * 2", ("memory",)),
    "numpy": ("np.ones(10**10)", ("memory",)),
    "mapped pages": ("import mmap; kept = [mmap.mmap(-1, 2**28) for _ in range(8)]", ("OSError", "memory")),
}

OUTPUT = {
    "stdout": ("while True: print('x' * 1000)", ("too much stdout",)),
    "stderr": ("import sys\nwhile True: sys.stderr.write('x' * 1000)", ("too much stderr",)),
    "stdout at once": ("import os; os.write(1, b'x' * 10**6)", ("too much stdout",)),
    "many frames": ("while True: emit(bytes(10**6))", ("too much result",)),
    "announced frame": ("import os; os.write(3, b'\\xff\\xff\\xff\\x7f')\nwhile True: pass", ("too much frame",)),
}

CRASHES = {
    "a tensor past the end of its memory": (
        "torch.from_numpy(np.lib.stride_tricks.as_strided(np.ones(1), (10**9,), (8,))).sum()",
        ("signal 11",),
    ),
    "a parser's stack": ("eval('-' * 10**6 + '1')", ("memory", "RecursionError")),
    "nested brackets": ("eval('(' * 10**5 + ')' * 10**5)", ("SyntaxError", "too much stderr")),  # which shows them all
    "segmentation fault": ("import ctypes; ctypes.string_at(0)", ("signal 11",)),
    "abort": ("import os; os.abort()", ("signal 6",)),
    "leave": ("import os; os._exit(0)", ("status 0",)),
    "leave with a number": ("import os; os._exit(42)", ("status 42",)),
    "recursion": ("def f(): f()\nf()", ("RecursionError",)),
    "stack in C": ("x = []\nfor _ in range(10**5): x = [x]\nrepr(x)", ("RecursionError",)),
    "written over": ("import ctypes; ctypes.memset(0x1000, 0, 10**6)", ("signal 11",)),
    "descriptors": ("import os\nwhile True: os.dup(1)", ("OSError",)),
}


@pytest.mark.parametrize("name", CPU)
async def test_processor_time_is_limited(name: str, assault: Callable[..., Awaitable[object]]) -> None:
    await assault(f"{CPU[name]}\nemit(b'PWNED')", "cpu")


@pytest.mark.parametrize("name", WALL)
async def test_real_time_is_limited(name: str, assault: Callable[..., Awaitable[object]]) -> None:
    await assault(f"{WALL[name]}\nemit(b'PWNED')", "wall", limits=IMPATIENT)


@pytest.mark.parametrize("name", MEMORY)
async def test_memory_is_limited(name: str, assault: Callable[..., Awaitable[object]]) -> None:
    source, expected = MEMORY[name]
    await assault(f"{source}\nemit(b'PWNED')", *expected)


@pytest.mark.parametrize("name", OUTPUT)
async def test_output_is_limited(name: str, assault: Callable[..., Awaitable[object]]) -> None:
    source, expected = OUTPUT[name]
    await assault(source, *expected)


@pytest.mark.parametrize("name", CRASHES)
async def test_a_crash_is_said_to_be_one(name: str, assault: Callable[..., Awaitable[object]]) -> None:
    source, expected = CRASHES[name]
    await assault(f"{source}\nemit(b'PWNED')", *expected)
