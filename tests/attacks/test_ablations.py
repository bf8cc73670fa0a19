"""The same attack with the whole jail, and with one layer of it left out: what fails before succeeds then.

So no layer is there for show, and an attack that fails is known to fail because of its wall, not because of a mistake
in the attack. The evaluator, its zygote and its children are real; only the named layer is missing.
"""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.evaluator import landlock, selfcheck
from bot.evaluator.limits import Limits
from bot.evaluator.orders import ZygoteSettings
from bot.evaluator.snippet_run import SnippetRun
from bot.evaluator.supervisor import Evaluator
from bot.evaluator.zygote_process import ZygoteProcess

LIMITS = Limits(wall_seconds=60, cpu_seconds=1, memory_mb=64)
HURRIED = Limits(wall_seconds=0.3, cpu_seconds=4, memory_mb=64)
I386 = """
import ctypes, mmap
page = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=7)
page.write(bytes.fromhex('b814000000cd80c3'))  # mov eax, 20; int 0x80 (getpid of i386); ret
assert ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))() > 0
"""


@dataclass(frozen=True)
class Ablation:
    """`story`: what it is after; the layer that stops it. `layer`: a hook of `ablations`. `attack`: goes on to its end
    only where it succeeds. `landlock`: False as on a kernel without it.
    """

    story: str
    layer: str
    attack: str
    landlock: bool = True


ABLATIONS = {
    "session": Ablation(
        "Shares a terminal and a group with its zygote; a session of its own ends that.",
        "own_session",
        "import os; assert os.getsid(0) != os.getpid()",
    ),
    "descriptors": Ablation(
        "Uses what the zygote has open; all but the child's own is closed.",
        "closed_descriptors",
        "import os; os.fstat(16)",
    ),
    "environment": Ablation(
        "Reads the variables that the zygote was started with; they are cleared.",
        "no_environment",
        "import os; assert os.environ['OMP_NUM_THREADS']",
    ),
    "memory": Ablation(
        "Takes half a gigabyte; the limit on address space refuses it.", "memory_limit", "assert len(bytearray(2**29))"
    ),
    "CPU time": Ablation(
        "Computes longer than it may; the kernel's limit ends it.",
        "cpu_limit",
        "import time\nwhile time.process_time() < 2.5: pass",
    ),
    "number of descriptors": Ablation(
        "Collects descriptors; the limit on their number is met.",
        "descriptor_limit",
        "import os; kept = [os.dup(1) for _ in range(100)]",
    ),
    "debuggers": Ablation(
        "Can be read by others of its user; not being dumpable closes it.",
        "not_dumpable",
        "import ctypes; assert ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == 1",
    ),
    "reading": Ablation(
        "Reads a file of the system; Landlock opens libraries alone.", "landlock", "open('/etc/passwd').read()"
    ),
    "reading, no Landlock": Ablation(
        "Reads one where there is no Landlock; the filter and the limit on descriptors open nothing.",
        "system_calls_and_descriptor_limit",
        "open('/etc/passwd').read()",
        landlock=False,
    ),
    "writing": Ablation(
        "Opens a device for writing; Landlock and the filter's look at flags refuse it.",
        "landlock_and_writing_flags",
        "open('/dev/null', 'w').close()",
    ),
    "network": Ablation(
        "Makes a socket; the filter refuses it.",
        "system_calls",
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    ),
    "tracing": Ablation(
        "Asks to be traced; the filter kills.",
        "system_calls",
        "import ctypes; assert ctypes.CDLL(None).ptrace(0, 0, 0, 0) == 0",
    ),
    "i386 calls": Ablation(
        "Calls by the 32-bit convention; the filter kills what is foreign.", "foreign_conventions", I386
    ),
    "unlisted calls": Ablation(
        "Makes a harmless call that nobody listed; the filter denies by default.",
        "default_deny",
        "import ctypes; assert ctypes.CDLL(None).eventfd(0, 0) >= 0",
    ),
    "requests": Ablation(
        "Has the kernel send it signals; the filter looks at the request.",
        "checked_requests",
        "import fcntl, os; fcntl.fcntl(1, fcntl.F_SETOWN, os.getpid())",
    ),
    "own limits": Ablation(
        "Sets a limit anew; the filter lets limits be read only.",
        "checked_limits",
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))",
    ),
    "user": Ablation(
        "Stays root where the service is; the zygote has given that up.",
        "other_user",
        "import os; assert os.getuid() == 0",
    ),
}


@pytest.mark.parametrize("name", ABLATIONS)
async def test_an_attack_succeeds_only_without_its_layer(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ablation = ABLATIONS[name]
    _skip_where_there_is_no_such_layer(ablation)
    assert not await succeeds(ablation.attack, "nothing", ablation.landlock)
    monkeypatch.setattr(Evaluator, "_check", _unchecked)
    assert await succeeds(ablation.attack, ablation.layer, ablation.landlock)


@pytest.mark.parametrize(("name", "layer"), [("reading", "landlock_alone"), ("network", "system_calls_alone")])
async def test_the_zygote_s_own_lock_holds_where_a_child_s_is_missing(
    name: str, layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _skip_where_there_is_no_such_layer(ABLATIONS[name])
    monkeypatch.setattr(Evaluator, "_check", _unchecked)
    assert not await succeeds(ABLATIONS[name].attack, layer)


async def test_real_time_is_kept_by_the_supervisor_and_by_the_zygote(monkeypatch: pytest.MonkeyPatch) -> None:
    attack = "import time; time.sleep(1.5)"
    assert not await succeeds(attack, limits=HURRIED)
    monkeypatch.setattr(SnippetRun, "_too_late", lambda _run: None)
    assert not await succeeds(attack, limits=HURRIED), "the zygote's clock ends it too"
    monkeypatch.setattr(ZygoteProcess, "arm", lambda *_arguments: None)
    assert await succeeds(attack, limits=HURRIED)


async def test_output_is_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    attack = "import os\nfor _ in range(100): os.write(1, bytes(10_000))"
    assert not await succeeds(attack)
    monkeypatch.setattr(SnippetRun, "_take_text", lambda *_arguments: None)
    assert await succeeds(attack)


async def succeeds(attack: str, layer: str = "nothing", landlock: bool = True, limits: Limits = LIMITS) -> bool:
    """Whether the attack went on to its end in a child of a zygote without the layer."""
    settings = ZygoteSettings(
        preload=("ablations", selfcheck.__name__, "fcntl", "resource", "socket", "mmap", "ctypes", "time"),
        warm_up=f"ablations:{layer}",
        python_path=(str(Path(__file__).parent),),
        landlock=landlock,
    )
    evaluator = Evaluator(settings, limits=limits, at_once=1, prefork=0)
    await evaluator.start()
    try:
        outcome = await evaluator.run("ablations:execute", f"{attack}\nemit(b'PWNED')".encode())
    finally:
        await evaluator.close()
    return b"PWNED" in outcome.frames


async def _unchecked(evaluator: Evaluator, _zygote: ZygoteProcess) -> None:
    """Stands for the self-check, which does not let an evaluator start whose jail has a hole."""
    vars(evaluator)["_probes"] = selfcheck.Probes(0, {}, {})


def _skip_where_there_is_no_such_layer(ablation: Ablation) -> None:
    if "landlock" in ablation.layer and landlock.abi() == 0:
        pytest.skip("this kernel has no Landlock to leave out")
    if ablation.layer == "other_user" and os.getuid() != 0:
        pytest.skip("only a service of root has children of another user")
    if ablation.layer == "foreign_conventions" and platform.machine() != "x86_64":
        pytest.skip("only x86-64 has a second convention")
