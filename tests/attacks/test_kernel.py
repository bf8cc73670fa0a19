"""Calls that no honest snippet makes end the process; what else the kernel offers answers that it is not allowed."""

import platform
from collections.abc import Awaitable, Callable

import pytest

from bot.evaluator import outcomes
from bot.evaluator.frames import encode, frame
from bot.evaluator.orders import Calling

pytestmark = pytest.mark.asyncio(loop_scope="session")

FATAL = {
    "ptrace": "libc.ptrace(0, 0, 0, 0)",
    "attach to parent": "import os; libc.ptrace(16, os.getppid(), 0, 0)",
    "read parent's memory": "import os; libc.process_vm_readv(os.getppid(), None, 0, None, 0, 0)",
    "write parent's memory": "import os; libc.process_vm_writev(os.getppid(), None, 0, None, 0, 0)",
    "steal a descriptor": "libc.syscall(NR['pidfd_getfd'], 3, 0, 0)",
    "io_uring": "libc.syscall(NR['io_uring_setup'], 8, bytes(120))",
    "bpf": "libc.syscall(NR['bpf'], 0, bytes(64), 64)",
    "perf": "libc.syscall(NR['perf_event_open'], bytes(128), 0, -1, -1, 0)",
    "userfaultfd": "libc.syscall(NR['userfaultfd'], 0)",
    "add a key": "libc.syscall(NR['add_key'], b'user', b'x', b'y', 1, -3)",
    "keys": "libc.syscall(NR['keyctl'], 0, -3, 0)",
    "user namespace": "libc.unshare(0x10000000)",
    "network namespace": "libc.unshare(0x40000000)",
    "enter a namespace": "libc.setns(3, 0)",
    "mount": "libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)",
    "new mount calls": "libc.syscall(NR['fsopen'], b'tmpfs', 0)",
    "chroot": "libc.chroot(b'/tmp')",
    "personality": "libc.personality(0x0040000)",
    "set the clock": "libc.clock_settime(0, bytes(16))",
    "become root": "libc.setuid(0)",
    "groups": "libc.setgroups(0, None)",
    "capabilities": "libc.syscall(NR['capset'], bytes(8), bytes(24))",
    "compare with the parent": "import os; libc.syscall(NR['kcmp'], os.getpid(), os.getppid(), 0, 0, 0)",
    "pages of another": "libc.syscall(NR['process_madvise'], 3, bytes(16), 1, 4, 0)",
    "segments": "libc.syscall(NR['modify_ldt'], 0, bytes(16), 16)"
    if platform.machine() == "x86_64"
    else "libc.setuid(0)",
    "quota": "libc.syscall(NR['quotactl'], 0, None, 0, None)",
    "accounting": "libc.acct(b'/tmp/whyloss-x')",
    "move a mount": "libc.syscall(NR['move_mount'], -100, b'', -100, b'', 0)",
    "adjust the clock": "libc.adjtimex(bytes(208))",
    "secret memory": "libc.syscall(NR['memfd_secret'], 0)",
    "kernel log": "libc.klogctl(10, None, 0)",
    "load a module": "libc.syscall(NR['init_module'], b'', 0, b'')",
    "reboot": "libc.reboot(0)",
    "swap": "libc.swapon(b'/tmp/whyloss-x', 0)",
}

UNLISTED = {  # numbers that no filter of ours names: asm/unistd_64.h, asm-generic/unistd.h
    "x86_64": {"io_setup": 206, "set_mempolicy": 238, "mbind": 237, "move_pages": 279, "migrate_pages": 256},
    "aarch64": {"io_setup": 0, "set_mempolicy": 237, "mbind": 235, "move_pages": 239, "migrate_pages": 238},
}[platform.machine()]

REFUSED = {
    "asynchronous reading": f"call(libc.syscall, {UNLISTED['io_setup']}, 1, bytes(8))",
    "memory of another node": f"call(libc.syscall, {UNLISTED['set_mempolicy']}, 0, None, 0)",
    "pages bound to a node": f"call(libc.syscall, {UNLISTED['mbind']}, 0, 0, 0, None, 0, 0)",
    "moved pages": f"call(libc.syscall, {UNLISTED['move_pages']}, 0, 0, None, None, None, 0)",
    "migrated pages": f"call(libc.syscall, {UNLISTED['migrate_pages']}, 0, 0, None, None)",
    "shared memory": "call(libc.shmget, 0, 4096, 0o1600)",
    "message queue": "call(libc.msgget, 0, 0o1600)",
    "semaphore": "call(libc.semget, 0, 1, 0o1600)",
    "inotify": "call(libc.inotify_init1, 0)",
    "fanotify": "call(libc.fanotify_init, 0x200, 0)",
    "timer on a descriptor": "call(libc.timerfd_create, 0, 0)",
    "gift of pages": "call(libc.vmsplice, 1, None, 0, 8)",
    "queue of messages": "call(libc.mq_open, b'/whyloss-x', 0o102, 0o600, None)",
    "eventfd": "call(libc.eventfd, 0, 0)",
    "timer": "call(libc.setitimer, 0, bytes(32), None)",
    "splice": "call(libc.splice, 0, None, 1, None, 1, 0)",
    "lock memory": "call(libc.mlockall, 1)",
    "restrict itself again": "call(libc.syscall, NR['landlock_create_ruleset'], None, 0, 1)",
    "seccomp call": "call(libc.syscall, NR['seccomp'], 0, 0, None)",
    "a number that does not exist": "call(libc.syscall, 100000)",
}

NATIVE = """
import ctypes, mmap
page = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=7)
page.write(bytes.fromhex({code!r}))
run = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
if run() > 0:
    emit(b'PWNED')
"""


@pytest.mark.parametrize("name", FATAL)
async def test_such_a_call_ends_the_process(name: str, assault: Callable[..., Awaitable[object]]) -> None:
    await assault(f"{FATAL[name]}\nemit(b'PWNED')", "forbidden")


async def test_the_last_such_call_that_was_looked_up_is_named(assault: Callable[..., Awaitable[object]]) -> None:
    outcome = await assault("libc.chroot; libc.getpid(); libc.ptrace(0, 0, 0, 0)", "forbidden")
    assert isinstance(outcome, outcomes.Forbidden)
    assert outcome.call == "ptrace"


@pytest.mark.parametrize(
    ("source", "call"),
    [
        ("import os; os.setuid(0)", "setuid"),
        ("import os; os.seteuid(0)", "setresuid"),
        ("from os import chroot; chroot('/tmp')", "chroot"),
        ("import time; time.clock_settime(time.CLOCK_REALTIME, 0.0)", "clock_settime"),
        ("libc.klogctl(10, None, 0)", "syslog"),
    ],
)
async def test_a_call_is_named_by_the_function_that_makes_it(
    source: str, call: str, assault: Callable[..., Awaitable[object]]
) -> None:
    outcome = await assault(source, "forbidden")
    assert isinstance(outcome, outcomes.Forbidden)
    assert outcome.call == call


async def test_a_call_by_number_has_no_name(assault: Callable[..., Awaitable[object]]) -> None:
    outcome = await assault("libc.syscall(NR['bpf'], 0, bytes(64), 64)", "forbidden")
    assert isinstance(outcome, outcomes.Forbidden)
    assert outcome.call == ""


async def test_a_name_that_a_snippet_makes_up_is_not_repeated(assault: Callable[..., Awaitable[object]]) -> None:
    told = frame(encode(Calling("@everyone")), 1000)
    outcome = await assault(f"import os; os.write(3, {told!r}); libc.syscall(NR['bpf'], 0, bytes(64), 64)", "forbidden")
    assert isinstance(outcome, outcomes.Forbidden)
    assert outcome.call == ""


@pytest.mark.parametrize("name", REFUSED)
async def test_such_a_call_is_refused(name: str, assault: Callable[..., Awaitable[object]]) -> None:
    await assault(f"{REFUSED[name]}\nemit(b'PWNED')", "PermissionError")


x86_only = pytest.mark.skipif(platform.machine() != "x86_64", reason="the code is for x86-64, which has foreign ABIs")


@x86_only
async def test_native_code_runs_and_is_held_all_the_same(assault: Callable[..., Awaitable[object]]) -> None:
    """mov eax, 41; syscall (socket); ret: gives a negative errno."""
    await assault(NATIVE.format(code="b829000000bf02000000be01000000ba000000000f05c3"), "finished")


@x86_only
async def test_the_32_bit_convention_is_fatal(assault: Callable[..., Awaitable[object]]) -> None:
    """mov eax, 20; int 0x80 (getpid for i386); ret."""
    await assault(NATIVE.format(code="b814000000cd80c3"), "forbidden")


@x86_only
async def test_the_x32_convention_is_fatal(assault: Callable[..., Awaitable[object]]) -> None:
    await assault("libc.syscall(0x40000000 + 39)\nemit(b'PWNED')", "forbidden")
