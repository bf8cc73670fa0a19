"""The system call filter: a default-deny program for the kernel's classic BPF machine, assembled by hand.

A single-threaded torch needs about 16 calls after the fork; some 60 harmless queries are allowed besides, so that
ordinary Python code works. Nine more are allowed with checked arguments only: `open` for reading, `ioctl` and
`fcntl` requests that ask, signals to oneself, `prlimit64` that reads, `prctl` that names. Everything else is
refused:

- calls that no honest snippet makes (ptrace, mounts, namespaces, io_uring, keys, bpf ...) kill the process with SIGSYS,
- so do calls in a foreign calling convention (32-bit `int 0x80`, x32), which would mean something else by the same
  number,
- the rest fails with an errno that Python shows as a PermissionError, or with ENOSYS where the C library then tries
  another.

Executable memory stays allowed (oneDNN compiles kernels at run time), so native code can always be run: the filter must
hold against it, and no check may live in Python.
"""

import ctypes
import errno
import os
import struct
from dataclasses import dataclass, field
from typing import Final

from bot.evaluator import kernel
from bot.evaluator.syscalls import Architecture, architecture

# instruction codes, <linux/bpf_common.h>
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
# answers of a filter, <linux/seccomp.h>
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_MODE_FILTER: Final = 2

_PERMITTED: Final = """
    read write readv writev pread64 lseek close dup fstat newfstatat stat lstat statx getdents64 getcwd access
    faccessat faccessat2 readlink readlinkat mmap munmap mprotect mremap madvise brk futex membarrier rseq
    set_robust_list rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack restart_syscall poll ppoll select
    pselect6 clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times getrusage sched_yield
    sched_getaffinity getcpu getrandom uname sysinfo getpid getppid gettid getuid geteuid getgid getegid
    getresuid getresgid getgroups getpgid getpgrp getsid exit exit_group
""".split()  # noqa: SIM905 - sixty quoted lines would hide the list

FATAL: Final = """
    ptrace process_vm_readv process_vm_writev process_madvise process_mrelease pidfd_getfd kcmp bpf
    perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key mount
    umount2 pivot_root chroot unshare setns move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr
    swapon swapoff reboot kexec_load kexec_file_load init_module finit_module delete_module open_by_handle_at
    personality quotactl acct syslog iopl ioperm modify_ldt memfd_secret settimeofday clock_settime adjtimex
    clock_adjtime setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid capset
""".split()  # noqa: SIM905 - sixty quoted lines would hide the list

# ENOSYS makes the C library fall back to an older call that the filter can check
_ABSENT: Final = ("clone3", "openat2", "memfd_create")
_REFUSED: Final = ("clone", "fork", "vfork", "execve", "execveat", "socket", "socketpair")

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | (os.O_TMPFILE & ~os.O_DIRECTORY)
_IOCTLS: Final = (0x5401, 0x541B, 0x5451, 0x5450)  # TCGETS, FIONREAD, FIOCLEX, FIONCLEX
_FCNTLS: Final = (0, 1, 2, 3, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC
_PRCTLS: Final = (15, 16, 3)  # PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE
# clone(2): CLONE_VM | CLONE_SIGHAND | CLONE_THREAD make a thread; the namespace flags must all be off
_THREAD: Final = 0x00000100 | 0x00000800 | 0x00010000
_NAMESPACES: Final = 0x7E020000 | 0x00000080

_Instruction = tuple[int, int, int, int]


@dataclass(frozen=True)
class Filter:
    """An assembled program; `process_slots` are the byte offsets where the process writes its own number before
    loading.
    """

    program: bytes
    process_slots: tuple[int, ...]


@dataclass
class _Assembler:
    machine: Architecture
    instructions: list[_Instruction] = field(default_factory=list[_Instruction])
    process_slots: list[int] = field(default_factory=list[int])

    def add(self, *instructions: _Instruction) -> None:
        self.instructions.extend(instructions)

    def answer(self, name: str, action: int) -> None:
        self.block(name, (_RETURN, 0, 0, action))

    def block(self, name: str, *body: _Instruction) -> None:
        """Runs `body`, which must end in a return, when the call is `name`."""
        if name in self.machine.numbers:
            self.add((_EQUAL, 0, len(body), self.machine.numbers[name]), *body)

    def assembled(self) -> Filter:
        code = b"".join(struct.pack("<HBBI", *instruction) for instruction in self.instructions)
        return Filter(code, tuple(slot * 8 + 4 for slot in self.process_slots))


def build_filter(*, opens: bool, threads: bool, machine: Architecture | None = None) -> Filter:
    """The filter of one kind of process.

    `opens`: files may be opened for reading (which ones is Landlock's part); otherwise no file at all.
    `threads`: new threads may be made, still no processes.
    """
    assembler = _Assembler(machine or architecture())
    _refuse_foreign_conventions(assembler)
    for name in _PERMITTED:
        assembler.answer(name, _ALLOW)
    _files(assembler, opens)
    _requests(assembler)
    _own_process_only(assembler)
    if threads:
        _threads(assembler)
    for name in _ABSENT:
        assembler.answer(name, _ERRNO | errno.ENOSYS)
    for name in _REFUSED:
        assembler.answer(name, _ERRNO | errno.EACCES)
    for name in FATAL:
        assembler.answer(name, _KILL)
    assembler.add((_RETURN, 0, 0, _ERRNO | errno.EPERM))
    return assembler.assembled()


def build_coarse_filter(machine: Architecture | None = None) -> Filter:
    """The filter of a zygote: all that nobody of ours needs once it is settled is refused, the rest is allowed."""
    assembler = _Assembler(machine or architecture())
    _refuse_foreign_conventions(assembler)
    for name in ("execve", "execveat", "socket", *FATAL):
        assembler.answer(name, _ERRNO | errno.EPERM)
    assembler.add((_RETURN, 0, 0, _ALLOW))
    return assembler.assembled()


def install(filter_: Filter) -> None:
    """Loads the filter into the calling process, for good. Needs no_new_privs; raises OSError where the kernel
    refuses.
    """
    program = bytearray(filter_.program)
    for slot in filter_.process_slots:
        struct.pack_into("<I", program, slot, os.getpid())
    code = (ctypes.c_char * len(program)).from_buffer(program)
    # struct sock_fprog: unsigned short len; struct sock_filter *filter
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program) // 8, ctypes.addressof(code)))
    kernel.prctl(kernel.PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(header))


def _refuse_foreign_conventions(assembler: _Assembler) -> None:
    # struct seccomp_data: nr at 0, arch at 4, arguments from 16, eight bytes each
    assembler.add((_LOAD, 0, 0, 4), (_EQUAL, 1, 0, assembler.machine.audit), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0))
    if assembler.machine.foreign_from is not None:
        assembler.add((_AT_LEAST, 0, 1, assembler.machine.foreign_from), (_RETURN, 0, 0, _KILL))


def _low(argument: int) -> _Instruction:
    return (_LOAD, 0, 0, 16 + 8 * argument)


def _high(argument: int) -> _Instruction:
    return (_LOAD, 0, 0, 20 + 8 * argument)


def _answers(refusal: int) -> tuple[_Instruction, _Instruction]:
    return (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _ERRNO | refusal)


def _one_of(argument: int, values: tuple[int, ...], refusal: int) -> tuple[_Instruction, ...]:
    last = len(values) - 1
    tests = [(_EQUAL, last - place, 1 if place == last else 0, value) for place, value in enumerate(values)]
    return (_low(argument), *tests, *_answers(refusal))


def _files(assembler: _Assembler, opens: bool) -> None:
    for name, flags in (("openat", 2), ("open", 1)):
        if opens:
            allow, refuse = _answers(errno.EACCES)
            assembler.block(name, _low(flags), (_ANY_BIT, 0, 1, _WRITING), refuse, allow)
        else:
            assembler.answer(name, _ERRNO | errno.EACCES)


def _requests(assembler: _Assembler) -> None:
    assembler.block("ioctl", *_one_of(1, _IOCTLS, errno.ENOTTY))
    assembler.block("fcntl", *_one_of(1, _FCNTLS, errno.EPERM))
    assembler.block("prctl", *_one_of(0, _PRCTLS, errno.EPERM))


def _own_process_only(assembler: _Assembler) -> None:
    for name in ("tgkill", "kill"):
        if name in assembler.machine.numbers:
            assembler.process_slots.append(len(assembler.instructions) + 2)
            assembler.block(name, *_one_of(0, (0,), errno.EPERM))
    # prlimit64(0, resource, NULL, old): asking about oneself
    asks = (_low(0), (_EQUAL, 0, 5, 0), _low(2), (_EQUAL, 0, 3, 0), _high(2), (_EQUAL, 0, 1, 0))
    assembler.block("prlimit64", *asks, *_answers(errno.EPERM))


def _threads(assembler: _Assembler) -> None:
    mask = (_AND, 0, 0, _THREAD | _NAMESPACES)
    assembler.block("clone", _low(0), mask, (_EQUAL, 0, 1, _THREAD), *_answers(errno.EACCES))
