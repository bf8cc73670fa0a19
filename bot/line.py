"""A bounded line of those who wait for a turn, fair to people: each has one turn at a time, and time used counts."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from bot.fairness import Accounts, Allowance, Bucket

_HEAVY_SECONDS: Final = 5.0
"""Who has used so much lately waits behind those who have not; less is not told apart."""

_ENOUGH: Final = 1e-9


@dataclass(frozen=True)
class Who:
    """Opaque keys; empty ones are not counted: somebody at this machine's own terminal."""

    asker: str = ""
    guild: str = ""


@dataclass(frozen=True)
class Rules:
    """`at_once` have their turn at a time, and as many again whose turn took over `patience` seconds go on beside them.
    `waiting` may wait, `waiting_each` of them of one asker. `turns` is what one asker's turns may take in seconds;
    `of_guild` and `of_all` are numbers of questions.
    """

    at_once: int
    patience: float
    waiting: int
    waiting_each: int
    turns: Allowance
    of_guild: Allowance
    of_all: Allowance


class LineFull(RuntimeError):
    """As many wait as may."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} are waiting already")
        self.waiting = waiting


class OwnLineFull(RuntimeError):
    """As many of the asker's own wait as may."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} of their own are waiting already")
        self.waiting = waiting


class Exhausted(RuntimeError):
    """The asker's turns took too long lately; they may ask again in `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"used their time up for {seconds:.0f} s")
        self.seconds = seconds


class TooMany(RuntimeError):
    """The guild, or all together, asked too much lately; there is room again in `seconds`."""

    def __init__(self, seconds: float, *, of_guild: bool) -> None:
        super().__init__(f"no room for {seconds:.0f} s")
        self.seconds = seconds
        self.of_guild = of_guild


TurnedAway: TypeAlias = LineFull | OwnLineFull | Exhausted | TooMany
"""Why somebody may not even wait."""

TURNED_AWAY: Final = (LineFull, OwnLineFull, Exhausted, TooMany)


@dataclass(eq=False)
class _Waiter:
    who: Who
    arrival: int
    on_position: Callable[[int], None]
    turn: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    told: int = 0

    def tell(self, position: int) -> None:
        if position != self.told:
            self.told = position
            self.on_position(position)


@dataclass(eq=False)
class _Turn:
    """Whether it takes up one of the places, or went on beside them."""

    who: Who
    counted: bool = True


class Line:
    """Turns by the rules; `clock` gives seconds."""

    def __init__(self, rules: Rules, clock: Callable[[], float] = time.monotonic) -> None:
        self._rules = rules
        self._clock = clock
        self._free = rules.at_once
        self._beside = 0
        self._waiters: list[_Waiter] = []
        self._running: Counter[str] = Counter()
        self._arrivals = itertools.count()
        self._turns = Accounts(rules.turns, clock)
        self._guilds = Accounts(rules.of_guild, clock)
        self._all = Bucket(rules.of_all, clock)

    @asynccontextmanager
    async def turn(self, on_position: Callable[[int], None], who: Who = Who()) -> AsyncGenerator[None]:
        """Waits for a turn and has it; `on_position` hears how many are before, whenever that changes.

        Raises LineFull, OwnLineFull, Exhausted, TooMany at once, before any waiting.
        """
        self._admit(who)
        await self._wait(who, on_position)
        begun, turn = self._clock(), _Turn(who)
        timer = asyncio.get_running_loop().call_later(self._rules.patience, self._set_aside, turn)
        try:
            yield
        finally:
            timer.cancel()
            if who.asker:
                self._turns.of(who.asker).take(self._clock() - begun)
            self._give_back(turn)

    def _set_aside(self, slow: _Turn) -> None:
        """A turn that takes long holds up its own asker only."""
        if self._beside < self._rules.at_once:
            slow.counted = False
            self._beside += 1
            self._free += 1
            self._move_up()

    def _admit(self, who: Who) -> None:
        if who.asker:
            own = sum(waiter.who.asker == who.asker for waiter in self._waiters)
            if own >= self._rules.waiting_each:
                raise OwnLineFull(own)
            if (seconds := self._turns.of(who.asker).wait(_ENOUGH)) > 0:
                raise Exhausted(seconds)
        if len(self._waiters) >= self._rules.waiting:
            raise LineFull(len(self._waiters))
        counted = [(self._guilds.of(who.guild), True)] if who.guild else []
        counted += [(self._all, False)] if who.asker else []
        for bucket, of_guild in counted:
            if (seconds := bucket.wait(1)) > 0:
                raise TooMany(seconds, of_guild=of_guild)
        for bucket, _of_guild in counted:
            bucket.take(1)

    async def _wait(self, who: Who, on_position: Callable[[int], None]) -> None:
        waiter = _Waiter(who, next(self._arrivals), on_position)
        self._waiters.append(waiter)
        self._move_up()
        try:
            await waiter.turn
        except asyncio.CancelledError:
            self._leave(waiter)
            raise

    def _leave(self, waiter: _Waiter) -> None:
        """Cancelled while waiting, or between being given the turn and taking it."""
        if waiter in self._waiters:
            self._waiters.remove(waiter)
            self._move_up()
        elif not waiter.turn.cancelled():
            self._give_back(_Turn(waiter.who))

    def _give_back(self, turn: _Turn) -> None:
        self._free += turn.counted
        self._beside -= not turn.counted
        self._running[turn.who.asker] -= 1
        self._running += Counter()  # forgets those at 0
        self._move_up()

    def _move_up(self) -> None:
        self._waiters.sort(key=lambda waiter: (self._weight(waiter.who), waiter.arrival))
        while self._free and (first := self._next()):
            self._waiters.remove(first)
            if not first.turn.done():
                self._free -= 1
                self._running[first.who.asker] += 1
                first.turn.set_result(None)
        for position, waiter in enumerate(self._waiters, start=1):
            waiter.tell(position)

    def _next(self) -> _Waiter | None:
        """The first who has no turn yet."""
        return next((each for each in self._waiters if not each.who.asker or not self._running[each.who.asker]), None)

    def _weight(self, who: Who) -> int:
        return int(self._turns.of(who.asker).used // _HEAVY_SECONDS) if who.asker else 0
