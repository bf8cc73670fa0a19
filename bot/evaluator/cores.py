"""How many cores there are for this process, its container's quota counted in."""

import math
import os
from pathlib import Path
from typing import Final

_ROOT: Final = Path("/sys/fs/cgroup")


def cores(groups: Path = _ROOT) -> int:
    """Cores that it may run on, at most as many as the control group's quota keeps busy; at least 1."""
    allowed, quota = len(os.sched_getaffinity(0)), _quota(groups)
    return max(1, math.ceil(quota)) if quota < allowed else allowed


def _quota(groups: Path) -> float:
    """Cores' worth of time: `cpu.max` of version 2 holds quota and period, version 1 has a file for each."""
    words = _words(groups / "cpu.max")
    if not words:
        words = _words(groups / "cpu" / "cpu.cfs_quota_us") + _words(groups / "cpu" / "cpu.cfs_period_us")
    try:
        quota, period = map(float, words)
    except ValueError:  # no such files, or "max"
        return math.inf
    return quota / period if quota > 0 else math.inf


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
