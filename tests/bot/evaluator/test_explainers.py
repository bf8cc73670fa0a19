"""Explainers over a real typst: locked before their first compile, replaced when they fail."""

import asyncio
import errno
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from bot.evaluator.explainer import Explainer, ExplainerDied, ExplainerRaised, ExplainerTimedOut
from bot.evaluator.explainer_pool import Explainers
from bot.evaluator.frames import FrameTooLarge
from bot.evaluator.limits import ExplainerLimits
from bot.evaluator.orders import ZygoteSettings

ENTRY, WARM_UP = "explaining_jobs:answer", "explaining_jobs:warm_up"
LIMITS = ExplainerLimits(jobs=5, memory_mb=512, frame_bytes=1 << 20)
SECONDS = 60.0
FLOOD_SECONDS = 12.0
"""Time for three explainers to be forked and warmed, one after the other, on a busy machine."""


@asynccontextmanager
async def started(settings: ZygoteSettings) -> AsyncGenerator[Explainers]:
    explainers = Explainers(settings, ENTRY, WARM_UP, limits=LIMITS, count=1)
    await explainers.start()
    yield explainers
    await explainers.close()


@pytest_asyncio.fixture
async def explainers(explainer_settings: ZygoteSettings) -> AsyncGenerator[Explainers]:
    async with started(explainer_settings) as explainers:
        yield explainers


@pytest_asyncio.fixture
async def jailed(each_jail: ZygoteSettings) -> AsyncGenerator[Explainers]:
    async with started(each_jail) as explainers:
        yield explainers


def states_of_threads(process: int) -> list[dict[str, str]]:
    """What the kernel says of each thread."""
    statuses = Path(f"/proc/{process}/task").glob("*/status")
    return [dict(line.split(":", 1) for line in status.read_text().splitlines()) for status in statuses]


def threads_of(process: int) -> list[int]:
    return sorted(int(path.name) for path in Path(f"/proc/{process}/task").iterdir())


def parent_of(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


async def process_of(explainers: Explainers) -> int:
    return int(await explainers.call(b"process", SECONDS))


async def test_one_process_answers_many_requests(jailed: Explainers) -> None:
    assert await jailed.call(b"echo one", SECONDS) == b"one"
    assert await process_of(jailed) == await process_of(jailed)
    assert (await jailed.call(b"page = Loss", SECONDS)).startswith(b"\x89PNG")


async def test_every_thread_of_the_compiler_is_locked(jailed: Explainers) -> None:
    """Seen from outside, after compiling."""
    await jailed.call(b"page = Loss", SECONDS)
    states = states_of_threads(await process_of(jailed))
    assert len(states) > 1, "the compiler started no thread: this test shows nothing"
    assert {(state["Seccomp"].strip(), state["NoNewPrivs"].strip()) for state in states} == {("2", "1")}


async def test_every_thread_of_the_compiler_is_refused_a_file(jailed: Explainers, each_jail: ZygoteSettings) -> None:
    """Each thread tries itself, also those that the compiler started."""
    await jailed.call(b"page = Loss", SECONDS)
    threads = threads_of(await process_of(jailed))
    assert len(threads) > 1, "the compiler started no thread: this test shows nothing"
    answer = await jailed.call(f"in-every-thread {' '.join(map(str, threads))}".encode(), SECONDS)
    found = {int(thread): int(error) for thread, error in (each.split(":") for each in answer.decode().split())}
    assert found == dict.fromkeys(threads, errno.EACCES if each_jail.landlock else 0)


ATTEMPTS = (
    "open('/tmp/whyloss-x', 'w')",
    "import socket; socket.socket()",
    "import os; os.fork()",
    "import os; os.execv('/bin/true', ['true'])",
    "import os; os.kill(os.getppid(), 9)",
)


async def test_a_thread_in_an_explainer_is_refused(jailed: Explainers) -> None:
    for attempt in ATTEMPTS:
        assert await jailed.call(f"in-thread {attempt}".encode(), SECONDS) == b"PermissionError", attempt


async def test_a_thread_reads_only_libraries_where_there_is_landlock(
    jailed: Explainers, each_jail: ZygoteSettings
) -> None:
    expected = b"PermissionError" if each_jail.landlock else b"done"
    assert await jailed.call(b"in-thread open('/etc/passwd')", SECONDS) == expected


async def test_what_the_entry_raises_is_reported_and_the_process_goes_on(explainers: Explainers) -> None:
    before = await process_of(explainers)
    with pytest.raises(ExplainerRaised, match="no such request: nonsense") as raised:
        await explainers.call(b"nonsense", SECONDS)
    assert "Traceback" in raised.value.traceback
    assert await process_of(explainers) == before


async def test_one_that_dies_is_replaced(explainers: Explainers) -> None:
    before = await process_of(explainers)
    with pytest.raises(ExplainerDied, match="exit status 3"):
        await explainers.call(b"die", SECONDS)
    assert await process_of(explainers) != before


async def test_one_that_is_late_is_killed_and_replaced(explainers: Explainers) -> None:
    before = await process_of(explainers)
    with pytest.raises(ExplainerTimedOut):
        await explainers.call(b"sleep 60", 0.2)
    assert await process_of(explainers) != before
    async with asyncio.timeout(60):
        while states_of_threads(before):
            await explainers.call(b"echo still there?", SECONDS)


async def test_one_that_dies_while_nobody_asks_is_replaced_before_somebody_does(explainers: Explainers) -> None:
    before = await process_of(explainers)
    pool: set[Explainer] = vars(explainers)["_all"]
    dead = set(pool)
    os.kill(before, signal.SIGKILL)
    async with asyncio.timeout(SECONDS):
        while pool & dead or not pool:  # noqa: ASYNC110 - nothing announces it, which is what is tested
            await asyncio.sleep(0.01)
    assert await process_of(explainers) != before


async def test_a_request_whose_zygote_dies_is_asked_once_more(explainers: Explainers) -> None:
    before = await process_of(explainers)
    asked = asyncio.create_task(explainers.call(b"sleep 0.5", SECONDS))
    await asyncio.sleep(0.1)
    os.kill(parent_of(before), signal.SIGKILL)
    assert await asked == b"slept"
    assert await process_of(explainers) != before


async def test_poison_holds_up_nobody_else(explainer_settings: ZygoteSettings) -> None:
    """Every explainer gets a question that never ends; the next question is answered as soon as another is forked."""
    patient = msgspec.structs.replace(LIMITS, patience_seconds=0.2)
    explainers = Explainers(explainer_settings, ENTRY, WARM_UP, limits=patient, count=2)
    await explainers.start()
    try:
        first = await process_of(explainers)
        poison = [asyncio.create_task(explainers.call(b"sleep 60", 4)) for _ in range(2)]
        await asyncio.sleep(0)
        assert await explainers.call(b"echo next", SECONDS) == b"next"
        assert not any(task.done() for task in poison), "it was answered while both were still poisoned"
        assert os.getpriority(os.PRIO_PROCESS, first) == 10, "others go first"
        ends = await asyncio.gather(*poison, return_exceptions=True)
        assert all(isinstance(end, ExplainerTimedOut) for end in ends)
        assert {await process_of(explainers), await process_of(explainers)}.isdisjoint({first})
    finally:
        await explainers.close()


async def test_a_flood_of_poison_forks_a_bounded_number(explainer_settings: ZygoteSettings) -> None:
    """Slow ones are succeeded three deep; then the rest waits, and when the poison has timed out one is left again."""
    patient = msgspec.structs.replace(LIMITS, patience_seconds=0.1)
    explainers = Explainers(explainer_settings, ENTRY, WARM_UP, limits=patient, count=1)
    await explainers.start()
    try:
        pool: set[Explainer] = vars(explainers)["_all"]
        poison = [asyncio.create_task(explainers.call(b"sleep 600", FLOOD_SECONDS)) for _ in range(6)]
        sizes = set[int]()
        while not all(task.done() for task in poison):
            sizes.add(len(pool))
            await asyncio.sleep(0.01)
        assert max(sizes) == 3
        assert all(isinstance(task.exception(), ExplainerTimedOut) for task in poison)
        assert await explainers.call(b"echo after it", SECONDS) == b"after it"
        async with asyncio.timeout(SECONDS):
            while len(pool) > 1:  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.01)
    finally:
        await explainers.close()


async def test_a_slow_answer_is_still_an_answer(explainers: Explainers) -> None:
    assert await explainers.call(f"sleep {LIMITS.patience_seconds + 0.3}".encode(), SECONDS) == b"slept"


async def test_memory_is_limited(explainers: Explainers) -> None:
    with pytest.raises(ExplainerDied, match="out of memory"):
        await explainers.call(b"fill 3000000000", SECONDS)
    assert await explainers.call(b"echo again", SECONDS) == b"again"


async def test_one_is_replaced_after_its_share_of_jobs(explainers: Explainers) -> None:
    before = await process_of(explainers)
    async with asyncio.timeout(60):
        while await process_of(explainers) == before:
            pass


async def test_waiting_counts_against_the_deadline(explainers: Explainers) -> None:
    slow = asyncio.create_task(explainers.call(b"sleep 1", SECONDS))
    await asyncio.sleep(0)
    with pytest.raises(ExplainerTimedOut):
        await explainers.call(b"echo x", 0.1)
    assert await slow == b"slept"


async def test_a_request_over_the_limit_is_refused_and_harms_nobody(explainers: Explainers) -> None:
    before = await process_of(explainers)
    with pytest.raises(FrameTooLarge):
        await explainers.call(bytes(LIMITS.frame_bytes + 1), SECONDS)
    assert await process_of(explainers) == before


async def test_an_entry_that_does_not_exist_fails_at_the_start(explainer_settings: ZygoteSettings) -> None:
    explainers = Explainers(explainer_settings, ENTRY, "explaining_jobs:absent", count=1)
    with pytest.raises(ExplainerDied) as death:
        await explainers.start()
    assert "no entry point" in death.value.stderr
