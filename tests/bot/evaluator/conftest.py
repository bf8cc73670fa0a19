"""Zygotes that start at once, because they import no torch."""

from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from bot.evaluator import explainer_pool, landlock, selfcheck
from bot.evaluator.limits import Limits
from bot.evaluator.orders import ZygoteSettings
from bot.evaluator.supervisor import Evaluator

FOLDER = str(Path(__file__).parent)


@pytest.fixture
def plain_settings() -> ZygoteSettings:
    return ZygoteSettings(
        preload=(selfcheck.__name__, "plain_jobs", "time"),
        prepare="plain_jobs:prepare",
        rehearse="plain_jobs:rehearse",
        python_path=(FOLDER,),
    )


@pytest.fixture(
    params=[
        pytest.param(True, marks=pytest.mark.skipif(landlock.abi() == 0, reason="this kernel has no Landlock")),
        False,
    ],
    ids=["landlock", "no-landlock"],
)
def each_jail(request: pytest.FixtureRequest) -> ZygoteSettings:
    """For explainers with Landlock and as on a kernel without it: what the jail allows depends on that."""
    return _explaining(landlocked=request.param)


@pytest.fixture
def explainer_settings() -> ZygoteSettings:
    """For explainers in the jail that this kernel gives: how they are kept depends on nothing in it."""
    return _explaining(landlocked=landlock.abi() > 0)


def _explaining(*, landlocked: bool) -> ZygoteSettings:
    settings = explainer_pool.explainer_settings(("explaining_jobs",), landlock=landlocked)
    return msgspec.structs.replace(settings, python_path=(FOLDER,))


@pytest_asyncio.fixture
async def evaluator(plain_settings: ZygoteSettings) -> AsyncGenerator[Evaluator]:
    evaluator = Evaluator(plain_settings, limits=Limits(wall_seconds=20), at_once=2, queue=2)
    await evaluator.start()
    yield evaluator
    await evaluator.close()
