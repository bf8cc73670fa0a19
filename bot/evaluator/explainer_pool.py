"""Keeps explainers: long-lived locked processes that answer requests one after another."""

import asyncio
from typing import Final

from bot.evaluator import orders
from bot.evaluator.child import ForkRefused
from bot.evaluator.cores import cores
from bot.evaluator.explainer import Explainer, ExplainerDied, ExplainerTimedOut
from bot.evaluator.limits import ExplainerLimits
from bot.evaluator.preloads import STDLIB
from bot.evaluator.zygote_keeper import Wear, ZygoteKeeper
from bot.evaluator.zygote_process import ZygoteFailed

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 30.0
_ROTATE_AFTER: Final = 200
_MOST_FOR_ONE: Final = 3
"""Processes for each place in the pool: slow ones go on beside their successors."""

_SCIENCE: Final = ("sympy", "sympy.printing", "flint", "typst")


def explainer_settings(
    preload: tuple[str, ...] = (), readable: tuple[str, ...] = (), *, landlock: bool = True
) -> orders.ZygoteSettings:
    """A zygote with sympy, flint and typst imported and not used yet, and the modules that the entry lives in.

    `readable`: folders that explainers read besides libraries, such as fonts. Without Landlock an explainer can read
    what its user can; it still writes nothing, and reaches no network and no other process.
    """
    return orders.ZygoteSettings(preload=(*STDLIB, *_SCIENCE, *preload), readable=readable, landlock=landlock)


class Explainers:
    """A pool of explainers that serve `entry`: `module:function(request: bytes) -> bytes`.

    `settings`: of their zygote, whose preload must start no thread and run nothing that does. `warm_up`:
    `module:function` that an explainer calls once it is locked. `count`: processes; None for one per core.
    """

    def __init__(
        self,
        settings: orders.ZygoteSettings,
        entry: str,
        warm_up: str = "",
        *,
        limits: ExplainerLimits | None = None,
        count: int | None = None,
    ) -> None:
        self._entry = entry
        self._warm_up = warm_up
        self._limits = limits or ExplainerLimits()
        self._count = count or cores()
        self._keeper = ZygoteKeeper(settings, Wear(forks=_ROTATE_AFTER))
        self._idle: asyncio.LifoQueue[Explainer] = asyncio.LifoQueue()  # the one that planned is likely to conclude
        self._all: set[Explainer] = set()
        self._replacing: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Starts the zygote and warms every explainer up (seconds); raises ZygoteFailed, ForkRefused, ExplainerDied."""
        await self._keeper.start()
        try:
            for explainer in await asyncio.gather(*(self._fork() for _ in range(self._count))):
                self._idle.put_nowait(explainer)
        except BaseException:
            await self.close()
            raise

    async def call(self, request: bytes, deadline: float) -> bytes:
        """The entry's answer to the request, within `deadline` seconds from now, waiting for a free explainer included.

        Raises ExplainerTimedOut, ExplainerDied (with what it wrote to stderr), ExplainerRaised (with the traceback),
        FrameTooLarge. An explainer that timed out or died is replaced; the caller need not care. A request whose
        explainer died with its zygote is asked once more.
        """
        until = asyncio.get_running_loop().time() + deadline
        try:
            return await self._ask(request, until, deadline)
        except ExplainerDied as death:
            if not death.of_zygote:
                raise
        return await self._ask(request, until, deadline)

    async def close(self) -> None:
        """Kills every explainer and the zygote."""
        for task in self._replacing:
            task.cancel()
        await asyncio.gather(*self._replacing, return_exceptions=True)
        for explainer in self._all:
            explainer.close()
        await self._keeper.close()

    async def _ask(self, request: bytes, until: float, deadline: float) -> bytes:
        loop = asyncio.get_running_loop()
        explainer = await self._next(until, deadline)
        timer = loop.call_later(self._limits.patience_seconds, self._go_on_without, explainer)
        try:
            return await explainer.ask(request, until - loop.time())
        finally:
            timer.cancel()
            self._put_back(explainer)

    def _go_on_without(self, slow: Explainer) -> None:
        """A request that takes long holds up its own answer only: another explainer takes the slow one's place."""
        if len(self._all) < _MOST_FOR_ONE * self._count:
            slow.step_back()
            self._replace(slow)

    async def _next(self, until: float, deadline: float) -> Explainer:
        try:
            async with asyncio.timeout_at(until):
                while not (explainer := await self._idle.get()).usable:  # died while it was idle
                    self._replace(explainer)
                return explainer
        except TimeoutError:
            raise ExplainerTimedOut(deadline) from None

    def _put_back(self, explainer: Explainer) -> None:
        if not explainer.usable:
            explainer.close()
            self._all.discard(explainer)
            self._replace(explainer)
            return
        self._idle.put_nowait(explainer)
        if explainer.served == self._limits.jobs:  # goes on serving until its successor is warm
            self._replace(explainer)

    def _replace(self, old: Explainer) -> None:
        if old.replaced:
            return
        old.replaced = True
        task = asyncio.create_task(self._fork_successor(old))
        self._replacing.add(task)
        task.add_done_callback(self._replacing.discard)

    async def _fork_successor(self, old: Explainer) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                successor = await self._fork()
                break
            except (ZygoteFailed, ForkRefused, ExplainerDied, ExplainerTimedOut):
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        self._idle.put_nowait(successor)
        old.retire()
        if old.closed:  # else it finishes what it was asked
            self._all.discard(old)

    async def _fork(self) -> Explainer:
        zygote = await self._keeper.current()
        child = await zygote.fork_explainer(self._entry, self._warm_up, self._limits)
        explainer = Explainer(child, self._limits)
        self._all.add(explainer)
        try:
            await explainer.warmed(self._limits.warm_up_seconds)
        except BaseException:
            self._all.discard(explainer)
            explainer.close()
            raise
        explainer.on_end = self._replace
        return explainer
