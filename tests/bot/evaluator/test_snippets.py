"""The Evaluator over a real zygote without torch: queue, frames as they come, cancelling, healing, rotation."""

import asyncio
import os
import signal

import msgspec
import pytest

from bot.evaluator import outcomes
from bot.evaluator.limits import Limits
from bot.evaluator.orders import ZygoteSettings
from bot.evaluator.supervisor import Evaluator, QueueFull
from bot.evaluator.zygote_process import ZygoteFailed

EXECUTE = "plain_jobs:execute"
SLEEP = b"import time; emit(b'asleep'); time.sleep(60)"


async def zygote_of(evaluator: Evaluator) -> int:
    outcome = await evaluator.run("plain_jobs:zygote", b"")
    return int(outcome.frames[0])


async def started(evaluator: Evaluator, limits: Limits | None = None) -> asyncio.Task[outcomes.Outcome]:
    """A job that sleeps, known to be running."""
    asleep = asyncio.Event()
    run = evaluator.run(EXECUTE, SLEEP, limits=limits, on_frame=lambda _frame: asleep.set())
    task = asyncio.create_task(run)
    await asleep.wait()
    return task


async def test_large_requests_and_frames_cross_whole(evaluator: Evaluator) -> None:
    request = os.urandom(2_000_000)
    outcome = await evaluator.run("plain_jobs:echo", request)
    assert outcome == outcomes.Finished(frames=(request,))


async def test_frames_arrive_before_the_end(evaluator: Evaluator) -> None:
    task = await started(evaluator, Limits(wall_seconds=1))
    assert not task.done()
    assert await task == outcomes.TimedOut(seconds=1, which="wall", frames=(b"asleep",))


async def test_a_request_over_the_limit_is_not_sent(evaluator: Evaluator) -> None:
    outcome = await evaluator.run("plain_jobs:echo", b"12345", limits=Limits(request_bytes=4))
    assert outcome == outcomes.TooLarge(what="request", limit=4)


@pytest.mark.parametrize("entry", ["plain_jobs:absent", "absent_module:f", "nonsense", "plain_jobs:__name__"])
async def test_an_entry_that_does_not_exist_is_a_crash_that_says_so(evaluator: Evaluator, entry: str) -> None:
    outcome = await evaluator.run(entry, b"")
    assert isinstance(outcome, outcomes.Crashed)
    assert f"no entry point {entry!r}" in outcome.stderr


async def test_every_child_is_prepared_alike(evaluator: Evaluator) -> None:
    source = b"import random; emit(str(random.random()).encode())"
    waited, another = [await evaluator.run(EXECUTE, source) for _ in range(2)]
    at_once = await evaluator.run(EXECUTE, source, limits=Limits(wall_seconds=19))  # other limits: forked for this job
    assert waited == another == at_once
    assert isinstance(waited, outcomes.Finished)


async def test_a_child_that_waits_rehearses_once(evaluator: Evaluator) -> None:
    await evaluator.refilled()
    assert await evaluator.run("plain_jobs:rehearsals", b"") == outcomes.Finished(frames=(b"1",))


async def test_jobs_wait_in_a_bounded_queue(evaluator: Evaluator) -> None:
    running = [await started(evaluator) for _ in range(2)]
    waiting = [asyncio.create_task(evaluator.run("plain_jobs:echo", b"x")) for _ in range(2)]
    await asyncio.sleep(0)
    assert evaluator.waiting == 2
    with pytest.raises(QueueFull):
        await evaluator.run("plain_jobs:echo", b"one too many")
    for task in running:
        task.cancel()
    assert await asyncio.gather(*waiting) == [outcomes.Finished(frames=(b"x",))] * 2
    assert evaluator.waiting == 0
    assert all(
        isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*running, return_exceptions=True)
    )


async def test_what_on_frame_raises_is_raised_to_the_caller(evaluator: Evaluator) -> None:
    def refuse(_frame: bytes) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await evaluator.run("plain_jobs:echo", b"x", on_frame=refuse)
    assert isinstance(await evaluator.run("plain_jobs:echo", b"x"), outcomes.Finished)


async def test_the_zygote_is_not_root_and_alone(evaluator: Evaluator) -> None:
    source = b"import os; emit(str(os.getuid()).encode())"
    outcome = await evaluator.run(EXECUTE, source)
    assert int(outcome.frames[0]) == (os.getuid() or 65534)


async def test_a_dead_zygote_is_replaced_and_the_job_in_flight_is_said_to_have_crashed(evaluator: Evaluator) -> None:
    before = await zygote_of(evaluator)
    task = await started(evaluator)
    os.kill(before, signal.SIGKILL)
    outcome = await task
    assert isinstance(outcome, outcomes.Crashed)
    assert outcome.frames == (b"asleep",)
    assert await zygote_of(evaluator) != before


async def test_a_zygote_is_replaced_when_it_has_forked_enough(plain_settings: ZygoteSettings) -> None:
    evaluator = Evaluator(plain_settings, at_once=1, rotate_after=5)
    await evaluator.start()
    try:
        first = await zygote_of(evaluator)
        async with asyncio.timeout(60):
            while await zygote_of(evaluator) == first:
                continue
            while os.path.exists(f"/proc/{first}"):  # noqa: ASYNC240, PTH110 - a look into the process table
                await zygote_of(evaluator)
    finally:
        await evaluator.close()


async def test_closing_leaves_no_process(plain_settings: ZygoteSettings) -> None:
    evaluator = Evaluator(plain_settings)
    await evaluator.start()
    zygote = await zygote_of(evaluator)
    await evaluator.close()
    with pytest.raises(ProcessLookupError):
        os.kill(zygote, 0)


async def test_a_zygote_that_cannot_import_says_what_is_missing(plain_settings: ZygoteSettings) -> None:
    evaluator = Evaluator(msgspec.structs.replace(plain_settings, preload=("absent_module",)))
    with pytest.raises(ZygoteFailed, match="No module named 'absent_module'"):
        await evaluator.start()
