"""The C library's heap in a process that lives for months and passes large frames on."""

import ctypes
import platform
from typing import Final

_M_MMAP_THRESHOLD: Final = -3
_LARGE: Final = 128 * 1024


def keep_compact() -> None:
    """Maps blocks of 128 KiB and more by themselves, for good, so that freeing one gives its pages back.

    glibc begins so, but moves that bound up to the largest block that was freed (mallopt(3)): from then on frames and
    pictures lie in the heap, and what is small and stays behind them keeps them from being given back. A plus alone:
    another C library has no such function.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)
