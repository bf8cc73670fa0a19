"""A real evaluator with all layers on, with Landlock and as on a kernel without it, and one way to attack it."""

import asyncio
import os
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from bot.evaluator import landlock, outcomes
from bot.evaluator.limits import Limits
from bot.evaluator.supervisor import Evaluator, snippet_settings
from tests.attacks.attack import Assault
from tests.attacks.places import attackable, children_of, left

ENTRY = "hostile_jobs:execute"
LIMITS = Limits(wall_seconds=60, cpu_seconds=1, memory_mb=256)
SECRET = f"whyloss-secret-{os.urandom(16).hex()}"
"""Stands for the token: lies in the environment and in the memory of the process that the service runs in."""

CANARY = b"""
x = torch.randn(4, 5, requires_grad=True)
loss = F.cross_entropy(x, torch.tensor([0, 1, 2, 3]))
loss.backward()
emit(loss.item().hex().encode() + x.grad.numpy().tobytes() + np.random.rand(3).tobytes())
import os, random
emit(str(random.random()).encode() + str(len(os.environ)).encode())
"""


@pytest_asyncio.fixture(
    scope="session",
    loop_scope="session",
    params=[
        pytest.param(
            True, id="landlock", marks=pytest.mark.skipif(landlock.abi() == 0, reason="this kernel has no Landlock")
        ),
        pytest.param(False, id="no-landlock"),
    ],
)
async def evaluator(request: pytest.FixtureRequest) -> AsyncGenerator[Evaluator]:
    settings = snippet_settings(("hostile_jobs",), landlock=request.param)
    settings = msgspec.structs.replace(settings, python_path=(str(Path(__file__).parent),))
    evaluator = Evaluator(settings, limits=LIMITS)
    with attackable(), pytest.MonkeyPatch.context() as patched:
        patched.setenv("WHYLOSS_SECRET", SECRET)
        await evaluator.start()
        yield evaluator
        await evaluator.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def healthy(evaluator: Evaluator) -> tuple[bytes, ...]:
    """What the canary emits before any attack."""
    outcome = await evaluator.run(ENTRY, CANARY)
    assert isinstance(outcome, outcomes.Finished)
    return outcome.frames


@pytest_asyncio.fixture(loop_scope="session")
async def assault(evaluator: Evaluator, healthy: tuple[bytes, ...]) -> Assault:
    """Runs an attack, checks how it ended, and then that nothing is left of it.

    `expected` are the endings that count as stopped, in the words of `ending`. The next child must give the same bits.
    """

    async def attack(source: str, *expected: str, limits: Limits | None = None) -> outcomes.Outcome:
        litter = left()
        outcome = await evaluator.run(ENTRY, source.encode(), limits=limits)
        assert b"PWNED" not in outcome.frames, "the attack succeeded"
        assert ending(outcome) in expected, outcome
        canary = await evaluator.run(ENTRY, CANARY)
        assert (ending(canary), canary.frames) == ("finished", healthy)
        assert left() == litter
        await _no_process_is_left(evaluator)
        return outcome

    return attack


def ending(outcome: outcomes.Outcome) -> str:
    """One word for how it ended: the exception's name where the snippet got one."""
    match outcome:
        case outcomes.Finished():
            errors = [frame.split(b": ")[1].decode() for frame in outcome.frames if frame.startswith(b"error: ")]
            return errors[0] if errors else "finished"
        case outcomes.TimedOut():
            return outcome.which
        case outcomes.OutOfMemory():
            return "memory"
        case outcomes.Forbidden():
            return "forbidden"
        case outcomes.TooLarge():
            return f"too much {outcome.what}"
        case outcomes.Crashed():
            return f"signal {outcome.signal}" if outcome.signal else f"status {outcome.status}"


async def _no_process_is_left(evaluator: Evaluator) -> None:
    """The zygote's children are those that wait for a job, as soon as what was killed is reaped."""
    await evaluator.refilled()
    zygote = vars(await vars(evaluator)["_keeper"].current())["_process"].pid
    async with asyncio.timeout(10):
        while len(children_of(zygote)) > len(vars(evaluator)["_spare"]):  # noqa: ASYNC110 - only the zygote is told
            await asyncio.sleep(0.01)
