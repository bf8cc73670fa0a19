"""A service below its floor: who connects is told at once, and nothing is evaluated."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
import structlog
from structlog.testing import CapturingLogger

from bot.exchange import Ask
from bot.fleet.connection import Connection
from bot.fleet.nearest import nearest
from bot.fleet.port import FleetUnfit
from bot.fleet.supervised import supervised
from bot.listening import Refusal, SocketTaken, listening
from bot.settings import BELOW_FLOOR, EvaluatorSettings, Settings
from tests.bot.chat.test_process import WITHOUT_LANDLOCK

REASON = "the jail's level is C, and sandbox_floor asks for A"
START_SECONDS = 120.0


async def test_who_connects_is_told_why(tmp_path: Path) -> None:
    path = tmp_path / "evaluator.sock"
    async with listening(Refusal(REASON), path):
        for _ in range(2):
            with pytest.raises(FleetUnfit, match=REASON):
                await Connection.to(path, 5)


async def test_an_ask_does_not_wait_for_it(tmp_path: Path) -> None:
    path = tmp_path / "evaluator.sock"
    log = structlog.wrap_logger(CapturingLogger())
    async with listening(Refusal(REASON), path), supervised(lambda: Connection.to(path, 5), log) as fleet:
        async with asyncio.timeout(5):
            with pytest.raises(FleetUnfit, match=REASON):
                await fleet.answer(Ask(id="x", text="x", deadline=60.0), lambda _news: None)


async def test_no_second_service_is_started_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "evaluator.sock"
    settings = Settings(evaluator=EvaluatorSettings(socket=path))
    async with listening(Refusal(REASON), path):
        with pytest.raises(FleetUnfit, match=REASON):
            async with nearest(settings, lambda: pytest.fail("it was about to start one")):
                pass


async def test_a_place_that_is_taken_stays_so(tmp_path: Path) -> None:
    path = tmp_path / "evaluator.sock"
    async with listening(Refusal(REASON), path):
        with pytest.raises(SocketTaken, match="listens at"):
            async with listening(Refusal("another"), path):
                pass
        with pytest.raises(FleetUnfit, match=REASON):
            await Connection.to(path, 5)
    assert not path.exists()


async def test_an_evaluator_below_its_floor_says_so_before_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "evaluator.sock"
    program = f"{WITHOUT_LANDLOCK}\nimport sys\nfrom bot.cli import main\nsys.exit(main(sys.argv[1:]))"
    environment = {"PATH": os.environ["PATH"], "WHYLOSS_EVALUATOR__SANDBOX_FLOOR": "B"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, "evaluator", "--socket", str(path)),
        env=environment,
        cwd=Path(__file__).parents[2],
        stderr=subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            while not path.exists():  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.05)
        with pytest.raises(FleetUnfit, match="level is C, and sandbox_floor asks for B"):
            await Connection.to(path, 5)
        _out, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == BELOW_FLOOR
    assert b"no code is evaluated here" in said
