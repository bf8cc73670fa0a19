"""Large blocks of a long-lived process: each is given back when it is freed."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import ctypes
import sys
from bot.evaluator import heap

class Info(ctypes.Structure):  # struct mallinfo2, malloc.h
    _fields_ = [(name, ctypes.c_size_t) for name in
                "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Info
if sys.argv[1] == "compact":
    heap.keep_compact()
bytes(2**20)  # mapped and freed: by itself glibc keeps the next ones of up to this size in its heap
before = libc.mallinfo2().hblks
held = bytes(2**19)
print(libc.mallinfo2().hblks - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has other rules")
@pytest.mark.parametrize(("how", "mapped"), [("compact", 1), ("as it begins", 0)])
def test_a_large_block_is_mapped_by_itself(how: str, mapped: int) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stdout) == mapped
