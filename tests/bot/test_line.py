"""The line: order, bounds, places that are given up, and that one person's questions do not cost the others."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.fairness import Allowance
from bot.line import Exhausted, Line, LineFull, OwnLineFull, Rules, TooMany, Who

MUCH = Allowance(1e9, 1e9)


def rules(at_once: int, waiting: int) -> Rules:
    """Nobody is turned away but for the length of the line."""
    return Rules(at_once, patience=60, waiting=waiting, waiting_each=waiting, turns=MUCH, of_guild=MUCH, of_all=MUCH)


def ignore(_position: int) -> None:
    return


async def test_turns_are_taken_in_the_order_of_coming() -> None:
    line, order = Line(rules(1, 10)), list[int]()

    async def take(n: int) -> None:
        async with line.turn(ignore):
            order.append(n)
            await asyncio.sleep(0)

    await asyncio.gather(*(take(n) for n in range(8)))
    assert order == list(range(8))


async def test_a_full_line_turns_away() -> None:
    line = Line(rules(1, 1))
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
    line, inside, most, served = Line(rules(at_once, 12)), 0, 0, set[int]()

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


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def until_running(line: Line, who: Who, begun: list[str], hold: Callable[[], Awaitable[object]]) -> None:
    async with line.turn(ignore, who):
        begun.append(who.asker)
        await hold()


@given(askers=st.lists(st.sampled_from("abcd"), min_size=1, max_size=12), at_once=st.integers(1, 3))
def test_a_person_has_one_turn_at_a_time_and_nobody_waits_beside_a_free_one(askers: list[str], at_once: int) -> None:
    async def crowd() -> None:
        line, running = Line(rules(at_once, 12)), list[str]()

        async def ask(asker: str) -> None:
            async with line.turn(ignore, Who(asker)):
                assert asker not in running
                running.append(asker)
                for _tick in range(3):
                    await asyncio.sleep(0)
                running.remove(asker)

        tasks = [asyncio.create_task(ask(asker)) for asker in askers]
        for _tick in range(2):
            await asyncio.sleep(0)
        assert len(running) == min(at_once, len(set(askers)))
        await asyncio.gather(*tasks)

    asyncio.run(crowd())


async def test_those_without_a_name_may_have_many_turns() -> None:
    line = Line(rules(2, 1))
    async with line.turn(ignore), line.turn(ignore):
        pass


async def test_a_person_may_have_so_many_waiting() -> None:
    line = Line(dataclasses.replace(rules(1, 10), waiting_each=2))
    async with line.turn(ignore, Who("a")):
        waiting = [asyncio.create_task(until_running(line, Who("a"), [], _at_once)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(OwnLineFull) as full:
            await until_running(line, Who("a"), [], _at_once)
        assert full.value.waiting == 2
        other = asyncio.create_task(until_running(line, Who("b"), [], _at_once))
        await asyncio.sleep(0)
        assert not other.done()
    await asyncio.gather(*waiting, other)


async def test_who_used_much_time_waits_behind_those_who_came_later() -> None:
    clock = Clock()
    line, begun = Line(dataclasses.replace(rules(1, 10), turns=Allowance(30, 0.25)), clock), list[str]()
    async with line.turn(ignore, Who("hog")):
        clock.now += 6
    positions = dict[str, list[int]](hog=[], light=[])

    async def ask(asker: str) -> None:
        async with line.turn(positions[asker].append, Who(asker)):
            begun.append(asker)

    async with line.turn(ignore, Who("first")):
        tasks = [asyncio.create_task(ask(asker)) for asker in ("hog", "light")]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert begun == ["light", "hog"]
    assert positions == {"hog": [1, 2, 1], "light": [1]}


async def test_who_used_all_their_time_is_told_when_to_come_back() -> None:
    clock = Clock()
    line = Line(dataclasses.replace(rules(1, 10), turns=Allowance(30, 0.25)), clock)
    async with line.turn(ignore, Who("hog")):
        clock.now += 40
    with pytest.raises(Exhausted) as exhausted:
        await until_running(line, Who("hog"), [], _at_once)
    assert exhausted.value.seconds == pytest.approx(40)  # 10 s owed, 0.25 s come back each second
    assert await _once(line), "others go on"
    clock.now += exhausted.value.seconds
    await until_running(line, Who("hog"), [], _at_once)


@pytest.mark.parametrize("of_guild", [True, False])
async def test_a_guild_and_all_together_have_a_rate(of_guild: bool) -> None:
    clock, few = Clock(), Allowance(3, 0.5)
    limited = dataclasses.replace(rules(1, 10), **{"of_guild" if of_guild else "of_all": few})
    line = Line(limited, clock)
    for n in range(3):
        await until_running(line, Who(f"person {n}", "guild"), [], _at_once)
    with pytest.raises(TooMany) as many:
        await until_running(line, Who("person 4", "guild"), [], _at_once)
    assert (many.value.of_guild, many.value.seconds) == (of_guild, pytest.approx(2))
    if of_guild:
        await until_running(line, Who("person 4", "another guild"), [], _at_once)
    clock.now += 2
    await until_running(line, Who("person 4", "guild"), [], _at_once)


async def test_who_is_turned_away_is_not_counted() -> None:
    clock = Clock()
    line = Line(dataclasses.replace(rules(1, 10), waiting_each=1, of_guild=Allowance(2, 1)), clock)
    async with line.turn(ignore, Who("a", "guild")):
        waiting = asyncio.create_task(until_running(line, Who("a", "guild"), [], _at_once))
        await asyncio.sleep(0)
        for _ in range(5):
            with pytest.raises(OwnLineFull):
                await until_running(line, Who("a", "guild"), [], _at_once)
    await waiting
    clock.now += 1
    await until_running(line, Who("b", "guild"), [], _at_once)


async def test_turns_that_take_long_go_on_beside_those_of_others() -> None:
    line, release, begun = Line(dataclasses.replace(rules(2, 10), patience=0.05)), asyncio.Event(), list[str]()
    slow = [asyncio.create_task(until_running(line, Who(f"slow {n}"), begun, release.wait)) for n in range(4)]
    async with asyncio.timeout(5):
        await asyncio.sleep(0.2)
        assert len(begun) == 4
        late = asyncio.create_task(until_running(line, Who("late"), begun, _at_once))
        await asyncio.sleep(0.2)
        assert not late.done(), "as many again, and no more"
        release.set()
        await asyncio.gather(*slow, late)
        assert all(await asyncio.gather(*(_once(line) for _ in range(3))))
    async with line.turn(ignore, Who("a")), line.turn(ignore, Who("b")):
        third = asyncio.create_task(until_running(line, Who("c"), begun, _at_once))
        await asyncio.sleep(0)
        assert not third.done(), "no place was made out of nothing"
    await third


async def _at_once() -> None:
    """A turn that takes no time."""
