"""Large pages: what is moved to them stays what it was."""

import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
from pathlib import Path
from bot.evaluator import huge_pages

def large() -> int:
    (line,) = [line for line in Path("/proc/self/smaps_rollup").read_text().splitlines() if "AnonHugePages" in line]
    return int(line.split()[1])

held = [bytes([k]) * 2**20 for k in range(64)]
before = large()
huge_pages.collapse()
assert all(each == bytes([k]) * 2**20 for k, each in enumerate(held))
print(large() - before)
"""
SETTING = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def available() -> bool:
    found = re.match(r"(\d+)\.(\d+)", platform.release())
    return found is not None and tuple(map(int, found.groups())) >= (6, 1) and SETTING.exists()


@pytest.mark.skipif(not available(), reason="this kernel moves no memory to large pages (Linux 6.1 and later do)")
def test_most_of_what_a_process_holds_moves_and_keeps_its_bytes() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stdout) >= 32 * 1024
