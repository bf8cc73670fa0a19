"""The line: order, bounds, and places that are given up."""

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.line import Line, LineFull


def ignore(_position: int) -> None:
    return


async def test_turns_are_taken_in_the_order_of_coming() -> None:
    line, order = Line(1, 10), list[int]()

    async def take(n: int) -> None:
        async with line.turn(ignore):
            order.append(n)
            await asyncio.sleep(0)

    await asyncio.gather(*(take(n) for n in range(8)))
    assert order == list(range(8))


async def test_a_full_line_turns_away() -> None:
    line = Line(1, 1)
    async with line.turn(ignore):
        waiting = asyncio.create_task(_once(line))
        await asyncio.sleep(0)
        with pytest.raises(LineFull) as full:
            await _once(line)
        assert full.value.waiting == 1
    assert await waiting


@given(
    at_once=st.integers(1, 3),
    leavers=st.sets(st.integers(0, 11)),
    moments=st.lists(st.integers(0, 4), min_size=12, max_size=12),
)
def test_nobody_is_forgotten_and_no_more_than_may_have_their_turn(
    at_once: int, leavers: set[int], moments: list[int]
) -> None:
    """Whoever is cancelled, at whatever moment: all others get their turn, and all places come back."""
    asyncio.run(_crowd(at_once, leavers, moments))


async def _crowd(at_once: int, leavers: set[int], moments: list[int]) -> None:
    line, inside, most, served = Line(at_once, 12), 0, 0, set[int]()

    async def take(n: int) -> None:
        nonlocal inside, most
        async with line.turn(ignore):
            inside += 1
            most = max(most, inside)
            try:
                await asyncio.sleep(0)
            finally:
                inside -= 1
        served.add(n)

    async def leave(task: asyncio.Task[None], after: int) -> None:
        for _tick in range(after):
            await asyncio.sleep(0)
        task.cancel()

    tasks = [asyncio.create_task(take(n)) for n in range(12)]
    leaving = [asyncio.create_task(leave(tasks[n], moments[n])) for n in leavers]
    await asyncio.gather(*tasks, *leaving, return_exceptions=True)
    assert most <= at_once
    assert served >= set(range(12)) - leavers
    async with asyncio.timeout(10):
        assert all(await asyncio.gather(*(_once(line) for _ in range(at_once))))


async def _once(line: Line) -> bool:
    with suppress(asyncio.CancelledError):
        async with line.turn(ignore):
            return True
    return False
