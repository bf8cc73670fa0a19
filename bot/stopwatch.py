"""How long each stage of a walk took."""

from __future__ import annotations

import time
from collections import defaultdict

from bot.exchange import StageName, Timings


class Stopwatch:
    """Runs from when it is made; stages follow one another."""

    def __init__(self) -> None:
        self._started = self._since = time.perf_counter()
        self._stage: StageName | None = None
        self._ms: defaultdict[StageName, float] = defaultdict(float)

    def enter(self, stage: StageName) -> None:
        """The stage before has ended, this one begins."""
        self._count()
        self._stage = stage

    def timings(self, draw_ms: float = 0.0) -> Timings:
        """All stages until now; of the explainer's time `draw_ms` was for drawing, as it says."""
        self._count()
        explainer_ms = self._ms["explain"] + self._ms["draw"]
        draw = min(draw_ms, explainer_ms)
        total = 1000 * (self._since - self._started)
        return Timings(self._ms["read"], self._ms["evaluate"], explainer_ms - draw, draw, total)

    def _count(self) -> None:
        now = time.perf_counter()
        if self._stage is not None:
            self._ms[self._stage] += 1000 * (now - self._since)
        self._since = now
