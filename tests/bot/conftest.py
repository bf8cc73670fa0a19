"""The real service, started once: zygotes, jails, explainers and all, behind its socket."""

import os
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.exchange import Answer, Ask
from bot.fleet.connection import Connection

WALL_SECONDS = 3
SETTINGS = {"WHYLOSS_LIMITS__WALL_SECONDS": str(WALL_SECONDS), "WHYLOSS_LIMITS__MEMORY_MB": "256"}
START_SECONDS = 180.0

Asker = Callable[..., Awaitable[Answer]]


@pytest.fixture(scope="session")
def socket_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where `whyloss evaluator` listens."""
    path = tmp_path_factory.mktemp("service") / "evaluator.sock"
    command = [sys.executable, "-m", "bot", "evaluator", "--socket", str(path), "--log-level", "error"]
    service = subprocess.Popen(command, env={**os.environ, **SETTINGS})
    deadline = time.monotonic() + START_SECONDS
    while not path.exists():
        assert service.poll() is None, "the service ended before it listened"
        assert time.monotonic() < deadline, "the service does not listen"
        time.sleep(0.05)
    yield path
    service.terminate()
    assert service.wait(30) == 0
    assert not path.exists(), "the service left its socket behind"


@pytest_asyncio.fixture
async def connection(socket_path: Path) -> AsyncGenerator[Connection]:
    connection = await Connection.to(socket_path, 10)
    yield connection
    await connection.close()


@pytest.fixture
def answer(connection: Connection) -> Asker:
    """Asks one message over the socket."""

    async def ask(text: str, **options: Any) -> Answer:
        return await connection.answer(Ask(id="1", text=text, **options), lambda _news: None)

    return ask
