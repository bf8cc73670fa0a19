"""What the jail costs: the same work locked in, in a bare fork, and with neither, side by side in one run.

    python benchmarks/jail.py [--rounds 200]

The work is a cross entropy with its gradient. Each round does all of them once, so that a busy machine is busy for
all; the medians are compared. Also measured: how long a dead zygote is missed, and how long two questions that never
end hold up the next one.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import torch

from bot.evaluator import outcomes
from bot.evaluator.explainer import ExplainerTimedOut
from bot.evaluator.explainer_pool import Explainers, explainer_settings
from bot.evaluator.limits import ExplainerLimits
from bot.evaluator.orders import ZygoteSettings
from bot.evaluator.supervisor import Evaluator, snippet_settings
from bot.evaluator.zygote_keeper import Wear

HERE: Final = str(Path(__file__).parent)
ENTRY: Final = "jail:in_child"
POISONED_SECONDS: Final = 5.0


def loss_and_gradient() -> bytes:
    """The work."""
    logits = torch.tensor([[1.0, 0.0, 0.0]], requires_grad=True)
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor([0]))
    loss.backward()
    return f"{loss.item()} {logits.grad}".encode()


def in_child(_request: bytes, emit: Callable[[bytes], None]) -> None:
    """The entry of the jailed child."""
    emit(loss_and_gradient())


def explain(request: bytes) -> bytes:
    """The entry of the explainers: a question that never ends, or one that does at once."""
    if request == b"poison":
        time.sleep(3600)
    return request


def in_bare_fork() -> bytes:
    """The work in a forked child without any layer, its answer through a pipe."""
    read_end, write_end = os.pipe()
    process = os.fork()
    if process == 0:
        os.write(write_end, loss_and_gradient())
        os._exit(0)
    os.close(write_end)
    answer = os.read(read_end, 65536)
    os.close(read_end)
    os.waitpid(process, 0)
    return answer


def taken(work: Callable[[], object]) -> float:
    """Milliseconds of a call."""
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


async def jailed(evaluator: Evaluator) -> float:
    """Milliseconds of the work in a locked child."""
    start = time.perf_counter()
    outcome = await evaluator.run(ENTRY, b"")
    assert isinstance(outcome, outcomes.Finished), outcome
    return 1000 * (time.perf_counter() - start)


def settings() -> ZygoteSettings:
    """Torch's zygote, with this module in it."""
    return msgspec.structs.replace(snippet_settings(("jail",)), python_path=(HERE,))


async def latencies(rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each way, round by round."""
    cold, warm = Evaluator(settings(), at_once=1, prefork=0), Evaluator(settings(), at_once=1)
    await asyncio.gather(cold.start(), warm.start())
    ways: dict[str, list[float]] = {"no jail": [], "bare fork": [], "jail, forked then": [], "jail, waiting": []}
    try:
        for n in range(rounds + 10):
            await warm.refilled()
            found = (taken(loss_and_gradient), taken(in_bare_fork), await jailed(cold), await jailed(warm))
            for way, milliseconds in zip(ways.values(), found, strict=True):
                way.extend([milliseconds] if n >= 10 else [])
    finally:
        await asyncio.gather(cold.close(), warm.close())
    return ways


async def healing() -> float:
    """Seconds from a zygote's death to the answer of the job that ran in it."""
    evaluator = Evaluator(settings(), at_once=1, prefork=0, wear=Wear(forks=500, standby=0))
    await evaluator.start()
    try:
        keeper = vars(evaluator)["_keeper"]
        await keeper.stood_by()
        zygote = vars(await keeper.current())["_process"].pid
        start = time.perf_counter()
        os.kill(zygote, signal.SIGKILL)
        await jailed(evaluator)
        return time.perf_counter() - start
    finally:
        await evaluator.close()


async def poisoned() -> float:
    """Seconds that two questions that never end hold up the next, with two explainers."""
    zygote = msgspec.structs.replace(explainer_settings(("jail",)), python_path=(HERE,))
    explainers = Explainers(zygote, "jail:explain", limits=ExplainerLimits(), count=2)
    await explainers.start()
    poison = [asyncio.create_task(explainers.call(b"poison", POISONED_SECONDS)) for _ in range(2)]
    try:
        await asyncio.sleep(0)
        start = time.perf_counter()
        await explainers.call(b"next", 60)
        held_up = time.perf_counter() - start
        ends = await asyncio.gather(*poison, return_exceptions=True)
        assert all(isinstance(end, ExplainerTimedOut) for end in ends)
        return held_up
    finally:
        await explainers.close()


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    torch.set_num_threads(1)
    sys.path.insert(0, HERE)
    ways = asyncio.run(latencies(parser.parse_args().rounds))
    nothing, bare = (statistics.median(ways[name]) for name in ("no jail", "bare fork"))
    for name, way in ways.items():
        p50, p99 = statistics.median(way), sorted(way)[int(0.99 * len(way))]
        print(
            f"{name:18} p50 {p50:6.2f} ms  p99 {p99:6.2f} ms  {p50 / bare:5.2f} bare forks  {p50 / nothing:6.1f} x none"
        )
    print(f"a zygote's death costs the job in it {asyncio.run(healing()):.2f} s (goal: under 2)")
    print(f"two questions that never end hold up the next for {asyncio.run(poisoned()):.2f} s")


if __name__ == "__main__":
    main()
