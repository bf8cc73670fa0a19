"""The few Linux calls that Python has no function for, through ctypes, with errors raised as OSError."""

import ctypes
import os
from typing import Final

PR_SET_PDEATHSIG: Final = 1
PR_SET_DUMPABLE: Final = 4
PR_SET_SECCOMP: Final = 22
PR_SET_NO_NEW_PRIVS: Final = 38
MADV_COLLAPSE: Final = 25

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def syscall(number: int, *arguments: int | bytes | None) -> int:
    """Makes the system call; bytes are passed as a pointer to them. Raises OSError with the kernel's errno."""
    return _checked(_libc.syscall(ctypes.c_long(number), *map(_argument, arguments)), f"system call {number}")


def prctl(option: int, *arguments: int) -> int:
    """`prctl(2)`; missing arguments are 0. Raises OSError."""
    padded = [*arguments, 0, 0, 0, 0][:4]
    return _checked(_libc.prctl(option, *map(ctypes.c_ulong, padded)), f"prctl {option}")


def madvise(address: int, length: int, advice: int) -> int:
    """`madvise(2)`; raises OSError."""
    pointer, size = ctypes.c_void_p(address), ctypes.c_size_t(length)
    return _checked(_libc.madvise(pointer, size, advice), f"madvise {advice}")


def _argument(value: int | bytes | None) -> object:
    return ctypes.c_long(value) if isinstance(value, int) else value


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result
