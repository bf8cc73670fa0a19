"""Buckets that fill again with time: what somebody has used lately, and how long until they may use more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_MOST_ACCOUNTS: Final = 1024


@dataclass(frozen=True)
class Allowance:
    """At most `burst` units at once, and `per_second` of them again each second."""

    burst: float
    per_second: float


class Bucket:
    """One account. What is taken beyond the allowance is owed: the level goes below 0."""

    def __init__(self, allowance: Allowance, clock: Callable[[], float]) -> None:
        self._allowance = allowance
        self._clock = clock
        self._level = allowance.burst
        self._at = clock()

    @property
    def used(self) -> float:
        """Units taken and not there again."""
        return self._allowance.burst - self._now()

    def take(self, units: float) -> None:
        self._level = self._now() - units

    def wait(self, units: float) -> float:
        """Seconds until so many units are there; 0 where they are."""
        return max(0.0, (units - self._now()) / self._allowance.per_second)

    def _now(self) -> float:
        now = self._clock()
        gained = (now - self._at) * self._allowance.per_second
        self._level, self._at = min(self._allowance.burst, self._level + gained), now
        return self._level


class Accounts:
    """A bucket for each key. Full ones are forgotten, so that strangers who come once take no memory."""

    def __init__(self, allowance: Allowance, clock: Callable[[], float]) -> None:
        self._allowance = allowance
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}

    def of(self, key: str) -> Bucket:
        if key not in self._buckets and len(self._buckets) >= _MOST_ACCOUNTS:
            self._buckets = {name: bucket for name, bucket in self._buckets.items() if bucket.used > 0}
        return self._buckets.setdefault(key, Bucket(self._allowance, self._clock))
