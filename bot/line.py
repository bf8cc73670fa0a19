"""A bounded line of those who wait for a turn, each of whom is told how many are before them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass


class LineFull(RuntimeError):
    """As many wait as may."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} are waiting already")
        self.waiting = waiting


@dataclass(frozen=True)
class _Waiter:
    turn: asyncio.Future[None]
    on_position: Callable[[int], None]


class Line:
    """`at_once` have their turn at a time, `longest` may wait."""

    def __init__(self, at_once: int, longest: int) -> None:
        self._free = at_once
        self._longest = longest
        self._waiters: deque[_Waiter] = deque()

    @asynccontextmanager
    async def turn(self, on_position: Callable[[int], None]) -> AsyncGenerator[None]:
        """Waits for a turn and has it; `on_position` hears how many are before, whenever that changes.

        Raises LineFull.
        """
        await self._wait(on_position)
        try:
            yield
        finally:
            self._free += 1
            self._move_up()

    async def _wait(self, on_position: Callable[[int], None]) -> None:
        if self._free and not self._waiters:
            self._free -= 1
            return
        if len(self._waiters) >= self._longest:
            raise LineFull(len(self._waiters))
        waiter = _Waiter(asyncio.get_running_loop().create_future(), on_position)
        self._waiters.append(waiter)
        on_position(len(self._waiters))
        try:
            await waiter.turn
        except asyncio.CancelledError:
            self._leave(waiter)
            raise

    def _leave(self, waiter: _Waiter) -> None:
        """Cancelled while waiting, or between being given the turn and taking it."""
        if waiter in self._waiters:
            self._waiters.remove(waiter)
            self._tell()
        elif not waiter.turn.cancelled():
            self._free += 1
            self._move_up()

    def _move_up(self) -> None:
        moved = False
        while self._free and self._waiters:
            first = self._waiters.popleft()
            if not first.turn.done():
                self._free -= 1
                first.turn.set_result(None)
            moved = True
        if moved:
            self._tell()

    def _tell(self) -> None:
        for position, waiter in enumerate(self._waiters, start=1):
            waiter.on_position(position)
