"""The filter's decisions, worked out by interpreting its program: also for the architecture we do not run on."""

import errno
import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.evaluator.seccomp import Filter, build_coarse_filter, build_filter
from bot.evaluator.syscalls import UnsupportedMachine, architecture

ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
MACHINES = ("x86_64", "aarch64")


def decide(filter_: Filter, machine: str, number: int, *arguments: int, audit: int | None = None) -> int:
    """What the kernel would do, by the semantics of classic BPF (Documentation/networking/filter.rst)."""
    values = [value & (2**64 - 1) for value in (*arguments, 0, 0, 0, 0, 0, 0)[:6]]
    data = struct.pack("<IIQ6Q", number, architecture(machine).audit if audit is None else audit, 0, *values)
    program = list(struct.iter_unpack("<HBBI", filter_.program))
    accumulator, place = 0, 0
    while True:
        code, if_true, if_false, constant = program[place]
        place += 1
        match code:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, constant)
            case 0x15:
                place += if_true if accumulator == constant else if_false
            case 0x35:
                place += if_true if accumulator >= constant else if_false
            case 0x45:
                place += if_true if accumulator & constant else if_false
            case 0x54:
                accumulator &= constant
            case 0x06:
                return constant
            case other:
                raise AssertionError(f"unknown instruction {other:#x}")


def numbers(machine: str) -> dict[str, int]:
    return dict(architecture(machine).numbers)


def built(machine: str, *, opens: bool = True, threads: bool = False) -> Filter:
    return build_filter(opens=opens, threads=threads, machine=architecture(machine))


@pytest.mark.parametrize("machine", MACHINES)
@given(number=st.integers(0, 600))
def test_a_number_that_is_not_listed_is_refused(machine: str, number: int) -> None:
    if number not in numbers(machine).values():
        assert decide(built(machine), machine, number) == ERRNO | errno.EPERM


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("read", ALLOW),
        ("write", ALLOW),
        ("mmap", ALLOW),
        ("ptrace", KILL),
        ("io_uring_setup", KILL),
        ("mount", KILL),
        ("clone", ERRNO | errno.EACCES),
        ("clone3", ERRNO | errno.ENOSYS),
        ("execve", ERRNO | errno.EACCES),
        ("socket", ERRNO | errno.EACCES),
        ("landlock_create_ruleset", ERRNO | errno.EPERM),
    ],
)
def test_calls_by_name(machine: str, name: str, action: int) -> None:
    assert decide(built(machine), machine, numbers(machine)[name]) == action


@pytest.mark.parametrize("machine", MACHINES)
@given(flags=st.integers(0, 2**32 - 1))
def test_files_are_opened_for_reading_or_not_at_all(machine: str, flags: int) -> None:
    harmless = os.O_CLOEXEC | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK
    opened = decide(built(machine), machine, numbers(machine)["openat"], 0, 0, flags)
    assert decide(built(machine), machine, numbers(machine)["openat"], 0, 0, flags & harmless) == ALLOW
    if flags & (os.O_ACCMODE | os.O_CREAT | os.O_TRUNC):
        assert opened == ERRNO | errno.EACCES
    closed = built(machine, opens=False)
    assert decide(closed, machine, numbers(machine)["openat"], 0, 0, flags) == ERRNO | errno.EACCES


@pytest.mark.parametrize("machine", MACHINES)
def test_threads_are_threads_only(machine: str) -> None:
    clone, filter_ = numbers(machine)["clone"], built(machine, threads=True)
    glibc_thread = 0x3D0F00
    assert decide(filter_, machine, clone, glibc_thread) == ALLOW
    for flags in (17, 0x4111, glibc_thread | 0x10000000, glibc_thread & ~0x10000, glibc_thread | 0x20000):
        assert decide(filter_, machine, clone, flags) == ERRNO | errno.EACCES
    assert decide(built(machine), machine, clone, glibc_thread) == ERRNO | errno.EACCES


@pytest.mark.parametrize("machine", MACHINES)
def test_asking_for_limits_is_allowed_and_setting_them_not(machine: str) -> None:
    call, filter_ = numbers(machine)["prlimit64"], built(machine)
    assert decide(filter_, machine, call, 0, 7, 0, 0x7FFF00000000) == ALLOW
    for arguments in ((1, 7, 0), (0, 7, 8), (0, 7, 1 << 32)):
        assert decide(filter_, machine, call, *arguments) == ERRNO | errno.EPERM


@pytest.mark.parametrize("machine", MACHINES)
def test_requests_on_descriptors(machine: str) -> None:
    filter_, known = built(machine), numbers(machine)
    assert decide(filter_, machine, known["ioctl"], 0, 0x5401) == ALLOW  # TCGETS
    assert decide(filter_, machine, known["ioctl"], 0, 0x5412) == ERRNO | errno.ENOTTY  # TIOCSTI
    assert decide(filter_, machine, known["fcntl"], 0, 1030) == ALLOW  # F_DUPFD_CLOEXEC
    assert decide(filter_, machine, known["fcntl"], 0, 8) == ERRNO | errno.EPERM  # F_SETOWN
    assert decide(filter_, machine, known["prctl"], 15) == ALLOW  # PR_SET_NAME
    assert decide(filter_, machine, known["prctl"], 4) == ERRNO | errno.EPERM  # PR_SET_DUMPABLE


@pytest.mark.parametrize("machine", MACHINES)
@given(number=st.integers(0, 2**32 - 1), audit=st.integers(0, 2**32 - 1))
def test_another_architecture_is_fatal(machine: str, number: int, audit: int) -> None:
    if audit != architecture(machine).audit:
        assert decide(built(machine), machine, number, audit=audit) == KILL


@given(number=st.integers(0x40000000, 2**32 - 1))
def test_x32_is_fatal(number: int) -> None:
    assert decide(built("x86_64"), "x86_64", number) == KILL


@pytest.mark.parametrize("machine", MACHINES)
def test_signals_go_to_the_process_that_is_written_in(machine: str) -> None:
    template = built(machine)
    program = bytearray(template.program)
    for slot in template.process_slots:
        struct.pack_into("<I", program, slot, 4321)
    filled = Filter(bytes(program), template.process_slots)
    for name in ("kill", "tgkill"):
        assert decide(filled, machine, numbers(machine)[name], 4321) == ALLOW
        assert decide(filled, machine, numbers(machine)[name], 1) == ERRNO | errno.EPERM
        assert decide(filled, machine, numbers(machine)[name], -1) == ERRNO | errno.EPERM


def test_no_filter_for_an_unknown_machine() -> None:
    with pytest.raises(UnsupportedMachine, match="riscv64"):
        architecture("riscv64")


@pytest.mark.parametrize("machine", MACHINES)
def test_a_zygote_may_fork_and_lock_its_children_but_not_run_another_program(machine: str) -> None:
    filter_, known = build_coarse_filter(architecture(machine)), numbers(machine)
    for name in ("clone", "read", "prctl", "landlock_restrict_self", "prlimit64", "kill"):
        assert decide(filter_, machine, known[name]) == ALLOW
    for name in ("execve", "execveat", "socket", "ptrace", "mount", "unshare", "setuid", "bpf"):
        assert decide(filter_, machine, known[name]) == ERRNO | errno.EPERM
    assert decide(filter_, machine, known["read"], audit=0x40000003) == KILL
