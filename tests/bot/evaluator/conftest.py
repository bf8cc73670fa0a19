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
def explainer_settings(request: pytest.FixtureRequest) -> ZygoteSettings:
    settings = explainer_pool.explainer_settings(("explaining_jobs",), landlock=request.param)
    return msgspec.structs.replace(settings, python_path=(FOLDER,))


@pytest_asyncio.fixture
async def evaluator(plain_settings: ZygoteSettings) -> AsyncGenerator[Evaluator]:
    evaluator = Evaluator(plain_settings, limits=Limits(wall_seconds=20), at_once=2, queue=2)
    await evaluator.start()
    yield evaluator
    await evaluator.close()
