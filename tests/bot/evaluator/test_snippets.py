"""The Evaluator over a real zygote without torch: queue, frames as they come, cancelling, healing, rotation."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from bot.evaluator import outcomes
from bot.evaluator.frames import encode
from bot.evaluator.limits import Limits
from bot.evaluator.orders import ForkSnippet, ZygoteSettings
from bot.evaluator.supervisor import Evaluator, QueueFull, snippet_settings
from bot.evaluator.zygote_keeper import Wear
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
    await asyncio.sleep(1)
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


async def test_a_job_whose_zygote_dies_runs_once_more_and_is_told_to_forget(evaluator: Evaluator) -> None:
    begun, frames, lost = asyncio.Event(), list[bytes](), list[int]()

    def take(frame: bytes) -> None:
        frames.append(frame)
        begun.set()

    source = b"import os, time; emit(str(os.getppid()).encode()); time.sleep(0.3); emit(b'end')"
    run = evaluator.run(EXECUTE, source, on_frame=take, on_lost=lambda: lost.append(len(frames)))
    task = asyncio.create_task(run)
    await begun.wait()
    before = int(frames[0])
    os.kill(before, signal.SIGKILL)
    outcome = await task
    assert isinstance(outcome, outcomes.Finished)
    assert lost == [1]
    assert outcome.frames == tuple(frames[1:])
    assert int(outcome.frames[0]) != before


async def test_a_job_is_not_run_a_third_time(evaluator: Evaluator) -> None:
    """Whatever kills zygotes, it kills two at most."""
    seen: list[int] = []

    def kill(frame: bytes) -> None:
        seen.append(int(frame))
        os.kill(seen[-1], signal.SIGKILL)

    source = b"import os, time; emit(str(os.getppid()).encode()); time.sleep(60)"
    outcome = await evaluator.run(EXECUTE, source, on_frame=kill)
    assert isinstance(outcome, outcomes.Crashed)
    assert len(set(seen)) == 2
    assert await zygote_of(evaluator) not in seen


async def test_all_waiting_jobs_survive_their_zygote(evaluator: Evaluator) -> None:
    before = await zygote_of(evaluator)
    asleep = b"import time; time.sleep(0.3); emit(b'done')"
    jobs = [asyncio.create_task(evaluator.run(EXECUTE, asleep)) for _ in range(4)]
    await asyncio.sleep(0.1)
    os.kill(before, signal.SIGKILL)
    assert [each.frames for each in await asyncio.gather(*jobs)] == [(b"done",)] * 4


def torch_settings() -> ZygoteSettings:
    return msgspec.structs.replace(snippet_settings(("plain_jobs",)), python_path=(str(Path(__file__).parent),))


@asynccontextmanager
async def evaluating(settings: ZygoteSettings, wear: Wear) -> AsyncGenerator[Evaluator]:
    evaluator = Evaluator(settings, at_once=1, wear=wear)
    await evaluator.start()
    try:
        yield evaluator
    finally:
        await evaluator.close()


@pytest.mark.parametrize("wear", [Wear(forks=5), Wear(forks=10**6, seconds=0.5)], ids=["by forks", "by age"])
async def test_a_zygote_is_replaced_when_it_is_worn(wear: Wear, plain_settings: ZygoteSettings) -> None:
    async with evaluating(plain_settings, wear) as evaluator:
        first = await zygote_of(evaluator)
        async with asyncio.timeout(60):
            while await zygote_of(evaluator) == first:
                continue
            while os.path.exists(f"/proc/{first}"):  # noqa: ASYNC240, PTH110 - a look into the process table
                await zygote_of(evaluator)


@pytest.mark.parametrize("message", [b"\xc1", b""], ids=["nonsense", "a child that nobody ordered"])
async def test_a_zygote_is_replaced_after_any_fault(message: bytes, evaluator: Evaluator) -> None:
    """It reports what it cannot read and goes on, or says what it should not: either way another takes its place."""
    first = await zygote_of(evaluator)
    control = vars(await vars(evaluator)["_keeper"].current())["_control"]
    if message:
        control.send(message)
    else:
        null = os.open(os.devnull, os.O_RDWR)
        socket.send_fds(control, [encode(ForkSnippet(10**6, Limits()))], [null] * 4)
        os.close(null)
    async with asyncio.timeout(60):
        while await zygote_of(evaluator) == first:
            continue


async def test_a_dead_zygote_of_torch_is_healed_in_under_two_seconds() -> None:
    """Its stand-in has imported torch already."""
    async with evaluating(torch_settings(), Wear(forks=500, standby=0)) as evaluator:
        await vars(evaluator)["_keeper"].stood_by()
        before = await zygote_of(evaluator)
        os.kill(before, signal.SIGKILL)
        killed = time.monotonic()
        while await zygote_of(evaluator) == before:  # a child of it that was quicker than its death
            continue
        assert time.monotonic() - killed < 2


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
